"""A local run with a step on a Dask worker: the main line stays here, and the result is committed as Run All's."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_mlops import service
from jupyter_mlops.config import RunConfig
from jupyter_mlops.execution.request import RunRequest
from tests.cli.command import COMMAND, read, states, texts, write
from tests.cluster.dask_cluster import DaskCluster, is_alive, wait_for
from tests.cluster.test_faults import HOSTILE, busy_worker, in_background, pid_in

pytest.importorskip("distributed")
pytestmark = [pytest.mark.kernel, pytest.mark.slow, pytest.mark.timeout(300)]
WHICH = "import os\nwho = os.environ.get('WORKER_NAME', 'here')\n"
# A module of the notebook: a step whose text asks for its process must run on the main line.
PROCESS = "import os\n\ndef note():\n    open('pid', 'w').write(str(os.getpid()))\n"


@pytest.fixture(scope="module")
def gpu_cluster(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A worker without a GPU, and one that has one."""
    cluster = DaskCluster(tmp_path_factory.mktemp("dask")).start_scheduler()
    try:
        cluster.start_worker()
        cluster.start_worker("--resources", "gpu=1", env={"WORKER_NAME": "gpu box"})
        yield cluster.wait_for_workers(2)
    finally:
        cluster.close()


def with_settings(notebook: Path, **steps: dict[str, Any]) -> Path:
    """Give the first cells of steps settings; by default they run on the cluster and need a GPU."""
    nb = nbformat.read(notebook, 4)
    for step, settings in steps.items():
        cell = next(c for c in nb.cells if f"step:{step}" in c.metadata.get("tags", ()))
        cell.metadata["jupyter_mlops"] = {"executor": "dask", "limits": {"gpu": "1"}, **settings}
    nbformat.write(nb, notebook)
    return notebook


def run(notebook: Path, cluster: DaskCluster, events: list[dict[str, Any]] | None = None, **options: Any) -> Any:
    config = RunConfig(lease=options.pop("lease", 30.0), cluster_timeout=options.pop("cluster_timeout", 60.0))
    artifacts = options.pop("artifacts", str(notebook.parent / "artifacts"))
    request = RunRequest(notebook, scheduler=cluster.address, artifacts=artifacts, **options)
    return service.run(request, config, (events if events is not None else []).append, in_place=True)


def step_of(record: dict[str, Any], name: str) -> dict[str, Any]:
    return next(step for step in record["steps"] if step["name"] == name)


def everything(tmp_path: Path) -> Path:
    """Parameters, imports, functions, random state, a file, an object with two names, a display that changes, and
    metrics."""
    notebook = write(
        tmp_path / "nb.ipynb",
        ("parameters", "n: int = 3\ntext: str = ''"),
        ("imports", "import os, random, warnings\nfrom IPython.display import display"),
        ("functions", "def scaled(values, by=2):\n    return [value * by for value in values]"),
        ("step:load", "random.seed(7)\nx = list(range(n))\nalias = x\nopen('in.txt', 'w').write(text)"),
        ("step:load", "h = display('a', display_id=True)"),
        ("step:train", "y = scaled(x)\ny.append(random.random())\nprint(open('in.txt').read(), y)"),
        ("step:train metrics", "alias.append(99)\nscore = sum(y)\nopen('out.txt', 'w').write(repr(score))\nscore"),
        ("step:show", "h.update('b')\nprint(x, alias, random.random(), open('out.txt').read(), score)"),
    )  # fmt: skip
    return with_settings(notebook, train={})


def test_the_outputs_are_those_of_a_local_run(gpu_cluster: DaskCluster, tmp_path: Path) -> None:
    notebook = everything(tmp_path)
    given = {"n": 4, "text": HOSTILE}
    events: list[dict[str, Any]] = []
    record = run(notebook, gpu_cluster, events, given=given, use_cache=False)
    assert record["error"] is None, record["error"]["evalue"]
    assert states(record) == {"load": "completed", "train": "completed", "show": "completed"}
    [why] = [sentence for sentence in step_of(record, "train")["why"] if "ran on a cluster" in sentence]
    assert "tcp://" in why and os.uname().nodename in why
    assert [e["step"] for e in events if e["event"] == "placed"] == ["train"]
    remote, out = texts(read(record["output"])), (tmp_path / "out.txt").read_text()
    with_settings(notebook, train={"executor": "local"})
    local = service.run(RunRequest(notebook, given=given, use_cache=False), in_place=True)
    assert local["error"] is None
    assert remote == texts(read(local["output"]))
    assert out == (tmp_path / "out.txt").read_text()
    assert record["metrics"] == local["metrics"] and "score" in record["metrics"]
    assert not (tmp_path / "pwned").exists()


def test_the_step_runs_where_its_limits_say(gpu_cluster: DaskCluster, tmp_path: Path) -> None:
    notebook = write(tmp_path / "nb.ipynb", *((f"step:{name}", WHICH + "print(who)") for name in "abc"))
    record = run(with_settings(notebook, b={}), gpu_cluster)
    assert record["error"] is None, record["error"]["evalue"]
    assert [text.strip() for text in texts(read(record["output"]))] == ["here", "gpu box", "here"]


def test_a_result_of_a_cluster_is_cached(gpu_cluster: DaskCluster, tmp_path: Path) -> None:
    notebook = with_settings(
        write(tmp_path / "nb.ipynb", ("step:a", "x = 20"), ("step:b", "y = x + 1\ny"), ("step:c", "print(y)")), b={}
    )
    assert states(run(notebook, gpu_cluster))["b"] == "completed"
    again = run(notebook, gpu_cluster)
    assert set(states(again).values()) == {"cached"}
    assert texts(read(again["output"]))[2] == "21\n"


def test_a_step_in_two_places_runs_in_notebook_order(gpu_cluster: DaskCluster, tmp_path: Path) -> None:
    notebook = write(
        tmp_path / "nb.ipynb",
        ("step:b", "x = [1]\nprint(x)"), ("step:a", "x.append(2)\nprint(x)"), ("step:b", "x.append(3)\nprint(x)"),
    )  # fmt: skip
    record = run(with_settings(notebook, b={}), gpu_cluster, use_cache=False)
    assert record["error"] is None, record["error"]["evalue"]
    assert texts(read(record["output"])) == ["[1]\n", "[1, 2]\n", "[1, 2, 3]\n"]


def test_a_job_runs_a_step_on_a_machine_with_another_home(cluster: DaskCluster, tmp_path: Path) -> None:
    """The worker has its own home, and so the version in another folder than the main line."""
    cluster.start_worker(
        "--resources", "gpu=1", env={"JUPYTER_MLOPS_HOME": str(tmp_path / "other"), "WORKER_NAME": "far"}
    )
    cluster.wait_for_workers(1)
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "in.csv").write_text("1,2,3")
    (folder / "rules.py").write_text("def total(text):\n    return sum(map(int, text.split(',')))\n")
    notebook = write(
        folder / "nb.ipynb",
        ("imports", "import rules\nfrom pathlib import Path"),
        ("step:a", "rows = Path('in.csv').read_text()\nPath('mid.csv').write_text(rows + ',4')"),
        ("step:b", WHICH + "n = rules.total(Path('mid.csv').read_text())\nprint(who)"),
        ("step:b", "Path('out.txt').write_text(str(n))"),
        ("step:c", "print(n, Path('out.txt').read_text(), rows)"),
    )  # fmt: skip
    with_settings(notebook, b={})
    home = {**os.environ, "JUPYTER_MLOPS_HOME": str(tmp_path / "home")}

    def mlops(*arguments: str) -> str:
        done = subprocess.run(
            [*COMMAND, *arguments], env=home, cwd=folder, capture_output=True, text=True, timeout=200, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    mlops("publish", "nb.ipynb", "--job", "churn")
    options = ("--scheduler", cluster.address, "--artifacts", str(tmp_path / "artifacts"), "--json")
    record = json.loads(mlops("run", "churn", *options))
    assert states(record) == {"a": "completed", "b": "completed", "c": "completed"}
    assert texts(read(record["output"]))[2:] == ["far\n", "", "10 10 1,2,3\n"]
    assert "ran on a cluster: tcp://" in " ".join(step_of(record, "b")["why"])
    log = mlops("logs", record["id"])
    assert "step b runs on tcp://" in log


def test_a_failure_is_that_of_a_local_run(gpu_cluster: DaskCluster, tmp_path: Path) -> None:
    cells = (
        ("parameters", "n: int = 0"), ("step:a", "x = 1"),
        ("step:b", "print('so far')\ny = x / n"), ("step:c", "y"), ("step:d", "print(x)"),
    )  # fmt: skip
    notebook = with_settings(write(tmp_path / "nb.ipynb", *cells), b={"retries": 1, "backoff": 0.1})
    events: list[dict[str, Any]] = []
    record = run(notebook, gpu_cluster, events, given={"n": 0})
    local = service.run(RunRequest(write(tmp_path / "local.ipynb", *cells), given={"n": 0}, use_cache=False))
    assert states(record) == {"a": "completed", "b": "failed", "c": "skipped", "d": "completed"}
    compared = ("step", "cell", "ename", "evalue")
    assert {k: record["error"][k] for k in compared} == {k: local["error"][k] for k in compared}
    assert [e["attempt"] for e in events if e["event"] == "retry"] == [1]
    assert step_of(record, "b")["attempts"] == 2
    assert "so far\n" in texts(read(record["output"]))


def test_nobody_has_what_the_step_needs(gpu_cluster: DaskCluster, tmp_path: Path) -> None:
    notebook = write(tmp_path / "nb.ipynb", ("step:a", "x = 1"), ("step:b", "open('done', 'w')"))
    record = run(with_settings(notebook, b={"limits": {"gpu": "8"}}), gpu_cluster)
    assert states(record) == {"a": "completed", "b": "failed"}
    assert "no worker of the cluster has gpu=8" in record["error"]["evalue"]
    assert not (tmp_path / "done").exists()


@pytest.mark.parametrize(
    ("before", "source", "after", "words"),
    [
        ("f = open('in.txt', 'w')", "f.write('x')", "1", "`f` can't be transferred"),
        ("x = 1", "g = (i for i in range(3))", "next(g)", "`g` can't be transferred"),
        ("x = 1", "y = x", "print(globals()['y'])", "may look at everything before it"),
    ],
)
def test_what_can_not_be_committed_says_why(
    gpu_cluster: DaskCluster, tmp_path: Path, before: str, source: str, after: str, words: str
) -> None:
    notebook = write(tmp_path / "nb.ipynb", ("step:a", before), ("step:b", source), ("step:c", after))
    record = run(with_settings(notebook, b={}), gpu_cluster, use_cache=False)
    assert states(record) == {"a": "completed", "b": "failed", "c": "skipped"}
    assert record["error"]["ename"] == "NotEqual" or record["error"]["step"] == "b"
    assert words in record["error"]["evalue"]


def test_a_lost_worker_costs_an_attempt(cluster: DaskCluster, tmp_path: Path) -> None:
    source = (
        "import time, pathlib, process\nfirst = not pathlib.Path('pid').exists()\n"
        "if first:\n    process.note()\n    time.sleep(1000)\nvalue = x + 41\nvalue"
    )
    (tmp_path / "process.py").write_text(PROCESS)
    cluster.start_worker("--resources", "gpu=1")
    cluster.start_worker("--resources", "gpu=1")
    cluster.wait_for_workers(2)
    notebook = write(tmp_path / "nb.ipynb", ("step:a", "x = 1"), ("step:b", source), ("step:c", "print(value)"))
    with_settings(notebook, b={"retries": 1, "backoff": 0.1})
    thread, results = in_background(run, notebook, cluster, use_cache=False)
    kernel = pid_in(tmp_path / "pid")
    busy_worker(cluster, kernel).kill()
    thread.join(120)
    [record] = results
    assert record["error"] is None, record
    assert step_of(record, "b")["attempts"] == 2
    assert texts(read(record["output"]))[2] == "42\n"
    assert any("was lost" in note for note in record["notes"])
    wait_for(lambda: not is_alive(kernel), 20.0)


def test_no_scheduler_fails_the_step_only(tmp_path: Path) -> None:
    notebook = write(tmp_path / "nb.ipynb", ("step:a", "x = 1"), ("step:b", "y = x"), ("step:c", "print(x)"))
    with_settings(notebook, b={})
    record = run(notebook, DaskCluster(tmp_path, "tcp://127.0.0.1:1"), cluster_timeout=2.0)
    assert states(record) == {"a": "completed", "b": "failed", "c": "completed"}
    assert "can't be reached" in record["error"]["evalue"]


def test_stopping_the_run_ends_the_step(gpu_cluster: DaskCluster, tmp_path: Path) -> None:
    source = "import time, process\nprocess.note()\ntime.sleep(1000)"
    (tmp_path / "process.py").write_text(PROCESS)
    notebook = with_settings(write(tmp_path / "nb.ipynb", ("step:a", "x = 1"), ("step:b", source)), b={})
    arguments = ["run", str(notebook), "--scheduler", gpu_cluster.address, "--artifacts", str(tmp_path / "artifacts")]
    process = subprocess.Popen([*COMMAND, *arguments, "--json"], stdout=subprocess.PIPE, text=True)
    kernel = pid_in(tmp_path / "pid")
    process.terminate()
    out, _ = process.communicate(timeout=60)
    record = json.loads(out)
    assert (record["state"], states(record)["b"]) == ("stopped", "stopped")
    wait_for(lambda: not is_alive(kernel), 20.0)


def test_the_scheduler_is_refused_if_no_step_needs_it(tmp_path: Path) -> None:
    from jupyter_mlops.errors import InvalidInputError

    notebook = write(tmp_path / "nb.ipynb", ("step:a", "x = 1"))
    with pytest.raises(InvalidInputError, match="no step runs on one"):
        service.run(RunRequest(notebook, scheduler="tcp://127.0.0.1:1"))
