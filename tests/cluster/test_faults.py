"""Runs on a cluster where something goes wrong: steps, workers, the scheduler, the request."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops import service
from jupyter_mlops.config import RunConfig
from jupyter_mlops.errors import ClusterError, InvalidInputError
from jupyter_mlops.execution.request import RunRequest
from tests.cli.command import COMMAND, read, states, texts, write
from tests.cluster.dask_cluster import DaskCluster, is_alive, wait_for

pytest.importorskip("distributed")
pytestmark = [pytest.mark.kernel, pytest.mark.slow, pytest.mark.timeout(300)]
HOSTILE = "a\"b'c\n$(touch pwned) {{ run_id }} `id` ünï ☃ -rf %s"


def run(
    notebook: Path,
    cluster: DaskCluster,
    events: list[dict[str, Any]] | None = None,
    lease: float = 30.0,
    **options: Any,
) -> dict[str, Any]:
    """The record of a run on a cluster."""
    artifacts = options.pop("artifacts", str(notebook.parent / "artifacts"))
    timeout = options.pop("cluster_timeout", 60.0)
    request = RunRequest(notebook, executor="dask", scheduler=cluster.address, artifacts=artifacts, **options)
    config = RunConfig(lease=lease, cluster_timeout=timeout)
    return service.run(request, config, (events if events is not None else []).append)


def in_background(target: Any, *arguments: Any, **options: Any) -> tuple[threading.Thread, list[Any]]:
    """A call in a thread, and the list that will have its result or its error."""
    results: list[Any] = []

    def call() -> None:
        try:
            results.append(target(*arguments, **options))
        except Exception as error:
            results.append(error)

    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread, results


def pid_in(path: Path) -> int:
    """The process number that a step wrote."""

    def number() -> int:
        return int(path.read_text()) if path.is_file() and path.read_text().strip() else 0

    return int(str(wait_for(number)))


# -- steps


def test_a_run_is_as_a_local_one(shared_cluster: DaskCluster, tmp_path: Path) -> None:
    notebook = write(
        tmp_path / "nb.ipynb",
        ("parameters", "n: int = 3\ntext: str = ''"),
        ("imports", "import random"),
        ("step:a", "x = list(range(n))\nprint('hello', text)"),
        ("step:b", "random.seed(1)\ny = random.random()\ny"),
        ("step:c metrics", "total = sum(x)\nopen('out.txt', 'w').write(text)\nprint(total, y)"),
    )
    events: list[dict[str, Any]] = []
    record = run(notebook, shared_cluster, events, given={"n": 5, "text": HOSTILE})
    assert record["error"] is None
    local = service.run(RunRequest(notebook, given={"n": 5, "text": HOSTILE}, use_cache=False))
    assert states(record) == states(local)
    assert record["metrics"] == local["metrics"]
    assert record["metrics"]["total"] == 10
    assert record["parameters"] == local["parameters"]
    assert texts(read(record["output"])) == texts(read(local["output"]))
    assert (tmp_path / "out.txt").read_text() == HOSTILE
    assert not (tmp_path / "pwned").exists()
    assert set(local) == set(record)
    kinds = [event["event"] for event in events]
    assert kinds[0] == "run" and {"step", "cell"} <= set(kinds)
    ended = [e["step"] for e in events if e["event"] == "step" and e["state"] == "completed"]
    assert sorted(ended) == ["a", "b", "c"]
    again = run(notebook, shared_cluster, given={"n": 5, "text": HOSTILE})
    assert again["error"] is None
    assert states(again)["a"] == "cached"


def test_a_failing_step_fails_as_locally(shared_cluster: DaskCluster, tmp_path: Path) -> None:
    notebook = write(
        tmp_path / "nb.ipynb",
        ("step:a", "x = 1"), ("step:b", "y = x / 0"), ("step:c", "z = y"), ("step:d", "w = x + 1"),
    )  # fmt: skip
    events: list[dict[str, Any]] = []
    record = run(notebook, shared_cluster, events)
    assert record["state"] == "failed"
    assert states(record) == {"a": "completed", "b": "failed", "c": "skipped", "d": "completed"}
    local = service.run(RunRequest(notebook, use_cache=False))
    assert {k: record["error"][k] for k in ("step", "cell", "ename", "evalue")} == {
        k: local["error"][k] for k in ("step", "cell", "ename", "evalue")
    }
    skipped = next(e for e in events if e["event"] == "step" and e["state"] == "skipped")
    assert "b" in skipped["why"]


def test_a_step_is_repeated_and_its_attempts_count(shared_cluster: DaskCluster, tmp_path: Path) -> None:
    source = (
        "import pathlib\np = pathlib.Path('tries.txt')\np.write_text(p.read_text() + 'x' if p.exists() else 'x')\n"
        "assert len(p.read_text()) > 1, 'too early'"
    )
    notebook = write(tmp_path / "nb.ipynb", ("step:a", source), ("step:b", "y = 1"))
    retrying(notebook, "a", retries=2, backoff=0.1)
    events: list[dict[str, Any]] = []
    record = run(notebook, shared_cluster, events)
    assert states(record) == {"a": "completed", "b": "completed"}
    assert next(s for s in record["steps"] if s["name"] == "a")["attempts"] == 2
    [repeated] = [e for e in events if e["event"] == "retry"]
    assert (repeated["step"], repeated["attempt"], repeated["of"]) == ("a", 1, 3)
    assert any("attempt 1 of 3 failed" in note for note in record["notes"])


def test_a_step_that_takes_too_long_fails(shared_cluster: DaskCluster, tmp_path: Path) -> None:
    notebook = write(tmp_path / "nb.ipynb", ("step:a", "import time\ntime.sleep(100)"))
    retrying(notebook, "a", timeout=1.0)
    record = run(notebook, shared_cluster)
    assert record["error"]["ename"] == "TimedOut"
    assert states(record) == {"a": "failed"}


def test_a_run_that_takes_too_long_fails(shared_cluster: DaskCluster, tmp_path: Path) -> None:
    source = "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(100)"
    notebook = write(tmp_path / "nb.ipynb", ("step:a", source))
    record = run(notebook, shared_cluster, run_timeout=20.0)
    assert record["error"]["ename"] == "TimedOut"
    wait_for(lambda: not is_alive(pid_in(tmp_path / "pid")), 20.0)


def test_a_kernel_that_dies_costs_an_attempt(shared_cluster: DaskCluster, tmp_path: Path) -> None:
    source = (
        "import os, pathlib\nif not pathlib.Path('once').exists():\n"
        "    open('once', 'w').close()\n    os.kill(os.getpid(), 9)"
    )
    notebook = write(tmp_path / "nb.ipynb", ("step:a", source))
    retrying(notebook, "a", retries=1, backoff=0.1)
    record = run(notebook, shared_cluster)
    assert states(record) == {"a": "completed"}
    assert record["steps"][0]["attempts"] == 2


def test_only_and_from(shared_cluster: DaskCluster, tmp_path: Path) -> None:
    notebook = write(tmp_path / "nb.ipynb", ("step:a", "x = 1"), ("step:b", "y = x + 1"), ("step:c", "z = 5"))
    record = run(notebook, shared_cluster, only_step="b")
    assert (record["state"], states(record)["c"]) == ("completed", "skipped")
    record = run(notebook, shared_cluster, from_step="b")
    assert states(record) == {"a": "cached", "b": "completed", "c": "completed"}
    with pytest.raises(InvalidInputError, match="no step 'nobody'"):
        run(notebook, shared_cluster, only_step="nobody")


def retrying(notebook: Path, step: str, **settings: Any) -> None:
    """Give the first cell of a step settings."""
    import nbformat

    nb = nbformat.read(notebook, 4)
    cell = next(c for c in nb.cells if f"step:{step}" in c.metadata.get("tags", ()))
    cell.metadata["jupyter_mlops"] = settings
    nbformat.write(nb, notebook)


# -- workers


def slow_then_quick(tmp_path: Path, retries: int) -> Path:
    """A notebook whose step waits for ever the first time."""
    source = (
        "import os, time, pathlib\nfirst = not pathlib.Path('pid').exists()\n"
        "if first:\n    open('pid', 'w').write(str(os.getpid()))\n    time.sleep(1000)\nvalue = 42\nvalue"
    )
    notebook = write(tmp_path / "nb.ipynb", ("step:a", "x = 1"), ("step:slow", source), ("step:last", "value + x"))
    retrying(notebook, "slow", retries=retries, backoff=0.1)
    return notebook


def busy_worker(cluster: DaskCluster, kernel: int) -> subprocess.Popen[bytes]:
    """The worker below which a kernel runs."""
    workers = {worker.pid: worker for worker in cluster.workers}
    pid = kernel
    while pid > 1:
        if pid in workers:
            return workers[pid]
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    raise AssertionError("no worker has this kernel")


@pytest.mark.parametrize("retries", [0, 1])
def test_a_killed_worker_costs_the_attempt(cluster: DaskCluster, tmp_path: Path, retries: int) -> None:
    cluster.start_worker()
    cluster.start_worker()
    cluster.wait_for_workers(2)
    thread, results = in_background(run, slow_then_quick(tmp_path, retries), cluster)
    kernel = pid_in(tmp_path / "pid")
    busy_worker(cluster, kernel).kill()
    thread.join(120)
    [record] = results
    assert not isinstance(record, Exception), record
    slow = next(s for s in record["steps"] if s["name"] == "slow")
    if retries:
        assert (record["state"], slow["state"], slow["attempts"]) == ("completed", "completed", 2)
        assert any("was lost" in note for note in record["notes"])
    else:
        assert (record["state"], slow["state"]) == ("failed", "failed")
        assert record["error"]["ename"] == "KernelDied"
        assert "was lost while the step ran" in record["error"]["evalue"]
        assert states(record)["last"] == "skipped"
    wait_for(lambda: not is_alive(kernel), 30.0)


def test_a_worker_that_is_cut_off_costs_the_attempt(cluster: DaskCluster, tmp_path: Path) -> None:
    """A stopped worker answers nothing, and its connections stay open, as behind a broken network."""
    cluster.start_worker()
    cluster.start_worker()
    cluster.wait_for_workers(2)
    thread, results = in_background(run, slow_then_quick(tmp_path, 1), cluster, lease=8.0)
    kernel = pid_in(tmp_path / "pid")
    worker = busy_worker(cluster, kernel)
    worker.send_signal(signal.SIGSTOP)
    thread.join(150)
    [record] = results
    assert not isinstance(record, Exception), record
    assert record["state"] == "completed"
    assert next(s for s in record["steps"] if s["name"] == "slow")["attempts"] == 2
    assert any("was silent" in note for note in record["notes"])
    wait_for(lambda: not is_alive(kernel), 30.0)


def test_a_step_that_no_worker_can_run_fails_at_once(shared_cluster: DaskCluster, tmp_path: Path) -> None:
    notebook = write(tmp_path / "nb.ipynb", ("step:a", "open('ran', 'w')"), ("step:b limit:gpu:1", "y = 1"))
    with pytest.raises(InvalidInputError, match="no worker of the cluster has GPU=1"):
        run(notebook, shared_cluster)
    assert not (tmp_path / "ran").exists()


def test_a_limit_chooses_the_worker(shared_cluster: DaskCluster, tmp_path: Path) -> None:
    notebook = write(tmp_path / "nb.ipynb", ("step:a limit:disk:2", "x = 1"), ("step:b limit:disk:1", "y = 1"))
    assert states(run(notebook, shared_cluster)) == {"a": "completed", "b": "completed"}


# -- stopping


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_leaves_nothing_on_the_worker(
    shared_cluster: DaskCluster, tmp_path: Path, number: signal.Signals
) -> None:
    source = (
        "import os, subprocess\nchild = subprocess.Popen(['sleep', '1000'])\n"
        "open('child', 'w').write(str(child.pid))\nopen('pid', 'w').write(str(os.getpid()))\nchild.wait()"
    )
    notebook = write(tmp_path / "nb.ipynb", ("step:a", "x = 1"), ("step:b", f"x\n{source}"), ("step:c", "z = 1"))
    options = ["--executor", "dask", "--scheduler", shared_cluster.address, "--artifacts", str(tmp_path / "artifacts")]
    process = subprocess.Popen(
        [*COMMAND, "run", str(notebook), *options, "--json"], stdout=subprocess.PIPE, cwd=tmp_path
    )
    kernel, child = pid_in(tmp_path / "pid"), pid_in(tmp_path / "child")
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b'"state": "stopped"' in out
    wait_for(lambda: not is_alive(kernel) and not is_alive(child), 10.0)


def test_a_driver_that_is_killed_leaves_nothing_on_the_worker(shared_cluster: DaskCluster, tmp_path: Path) -> None:
    source = "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(1000)"
    notebook = write(tmp_path / "nb.ipynb", ("step:a", source))
    options = ["--executor", "dask", "--scheduler", shared_cluster.address, "--artifacts", str(tmp_path / "artifacts")]
    process = subprocess.Popen([*COMMAND, "run", str(notebook), *options], stdout=subprocess.DEVNULL, cwd=tmp_path)
    kernel = pid_in(tmp_path / "pid")
    process.kill()
    process.wait()
    wait_for(lambda: not is_alive(kernel), 30.0)


# -- the scheduler


def test_a_lost_scheduler_fails_the_run_and_the_next_one_resumes(cluster: DaskCluster, tmp_path: Path) -> None:
    cluster.start_worker()
    cluster.wait_for_workers(1)
    notebook = slow_then_quick(tmp_path, 0)
    thread, results = in_background(run, notebook, cluster)
    kernel = pid_in(tmp_path / "pid")
    assert cluster.scheduler is not None
    cluster.scheduler.kill()
    thread.join(120)
    [record] = results
    assert not isinstance(record, Exception), record
    assert record["state"] == "failed"
    assert record["error"]["ename"] == "ClusterError"
    assert "the connection to the Dask scheduler was lost" in record["error"]["evalue"]
    assert cluster.address in record["error"]["evalue"]
    wait_for(lambda: not is_alive(kernel), 60.0)
    cluster.close()
    cluster.start_scheduler()
    cluster.start_worker()
    cluster.wait_for_workers(1)
    again = run(notebook, cluster)
    assert states(again) == {"a": "cached", "slow": "completed", "last": "completed"}


# -- bad input


def test_dask_that_is_not_installed_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "distributed.py").write_text("raise ImportError('not here')")
    notebook = write(tmp_path / "nb.ipynb", ("step:a", "x = 1"))
    env = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    ended = subprocess.run(
        [*COMMAND, "run", str(notebook), "--executor", "dask"], env=env, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert "Dask is not installed" in ended.stderr and "jupyter_mlops[dask]" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--executor", "dask", "--scheduler", "tcp://127.0.0.1:1"], 1, "the Dask scheduler can't be reached"),
        pytest.param(
            ["--executor", "dask", "--scheduler", "tcp://no-such-host.invalid:8786"],
            1,
            "can't be reached",
            marks=pytest.mark.exhaustive,
        ),
        (["--executor", "dask", "--scheduler", "$(id)\n"], 2, "neither an address nor a scheduler file"),
        (["--executor", "dask", "--scheduler", "gopher://x:1"], 1, "can't be reached"),
        (["--scheduler", "tcp://127.0.0.1:1"], 2, "Add --executor dask"),
        (["--artifacts", "/tmp/x"], 2, "Add --executor dask"),
        (["--executor", "ray"], 2, "invalid choice"),
    ],
)
def test_bad_options(tmp_path: Path, options: list[str], code: int, words: str) -> None:
    notebook = write(tmp_path / "nb.ipynb", ("step:a", "x = 1"))
    (tmp_path / "jupyter_mlops_config.py").write_text("c.RunConfig.cluster_timeout = 5.0\n")
    ended = subprocess.run(
        [*COMMAND, "run", str(notebook), *options], capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "3s", "JUPYTER_CONFIG_DIR": str(tmp_path)},
    )  # fmt: skip
    assert (ended.returncode, words in ended.stderr) == (code, True), ended.stderr
    assert "Traceback" not in ended.stderr


def test_artifacts_that_workers_do_not_see(shared_cluster: DaskCluster, tmp_path: Path) -> None:
    notebook = write(tmp_path / "nb.ipynb", ("step:a", "x = 1"))
    with pytest.raises(ClusterError, match=r"worker tcp://127\.0\.0\.1:\d+: it does not see the artifacts") as caught:
        run(notebook, shared_cluster, artifacts="memory://artifacts")
    assert "--artifacts" in caught.value.remedy


def test_artifacts_that_are_a_file(shared_cluster: DaskCluster, tmp_path: Path) -> None:
    notebook = write(tmp_path / "nb.ipynb", ("step:a", "x = 1"))
    with pytest.raises(Exception, match="can't be"):
        run(notebook, shared_cluster, artifacts=str(notebook))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("__version__ = '0.0.1'", "it has jupyter_mlops 0.0.1, and this is"),
        ("raise ImportError", "it has no jupyter_mlops"),
    ],
)
def test_a_worker_with_another_release(cluster: DaskCluster, tmp_path: Path, source: str, words: str) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "jupyter_mlops.py").write_text(source)
    cluster.start_worker(env={"PYTHONPATH": str(other)})
    cluster.wait_for_workers(1)
    notebook = write(tmp_path / "nb.ipynb", ("step:a", "x = 1"))
    with pytest.raises(ClusterError, match="not all workers can execute the run: worker tcp://") as caught:
        run(notebook, cluster)
    assert words in str(caught.value)


def test_a_cluster_without_workers(cluster: DaskCluster, tmp_path: Path) -> None:
    notebook = write(tmp_path / "nb.ipynb", ("step:a", "x = 1"))
    with pytest.raises(ClusterError, match="had no worker within 3 s"):
        run(notebook, cluster, cluster_timeout=3.0)


def test_a_secret_that_a_worker_lacks(shared_cluster: DaskCluster, tmp_path: Path) -> None:
    notebook = write(tmp_path / "nb.ipynb", ("step:a secret:NOBODY_HAS_IT", "x = 1"))
    with pytest.raises(ClusterError, match="the secret NOBODY_HAS_IT was not found"):
        run(notebook, shared_cluster)
