"""Stopped, killed, timed out, out of disk: told as it is, with what was done so far, and nothing left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.command import COMMAND, command, read, states, texts, write

if not hasattr(os, "killpg") or not Path("/proc").is_dir():
    pytest.skip("needs /proc", allow_module_level=True)

CELLS = [
    ("step:a", "print('done before')"),
    (
        "step:b",
        "import os, time\nprint('begun', flush=True)\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(300)",
    ),
    ("step:c", "print('after')"),
]


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


def wait_for(path: Path, seconds: float = 60) -> str:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if path.is_file() and path.read_text():
            return path.read_text()
        time.sleep(0.05)
    raise AssertionError(f"{path} did not come")


def children(pid: int) -> set[int]:
    """All processes below one."""
    found, waiting = set(), [pid]
    while waiting:
        parent = waiting.pop()
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            new = {int(p) for p in task.read_text().split()} - found
            found |= new
            waiting += new
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_by_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    path = write(tmp_path / "a.ipynb", *CELLS)
    run = subprocess.Popen(
        [*COMMAND, "run", str(path), "-o", str(tmp_path / "o.ipynb"), "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    kernel = int(wait_for(tmp_path / "pid"))
    time.sleep(1)  # what it has printed travels on its own
    below = children(run.pid)
    assert kernel in below
    run.send_signal(number)
    out, err = run.communicate(timeout=30)
    assert run.returncode == 1 and "Traceback" not in err
    assert '"state": "stopped"' in out
    assert not [p for p in below if alive(p)]
    nb = read(tmp_path / "o.ipynb")
    assert texts(nb) == ["done before\n", "begun\n", ""]
    assert nb.metadata.jupyter_mlops_run.state == "stopped"
    assert {s.name: s.state for s in nb.metadata.jupyter_mlops_run.steps} == {
        "a": "completed",
        "b": "stopped",
        "c": "skipped",
    }


def test_the_kernel_dies_with_its_owner(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", *CELLS)
    run = subprocess.Popen([*COMMAND, "run", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    kernel = int(wait_for(tmp_path / "pid"))
    run.kill()
    run.wait()
    until = time.monotonic() + 20
    while alive(kernel) and time.monotonic() < until:
        time.sleep(0.1)
    assert not alive(kernel)


def test_a_kernel_killed_for_memory(tmp_path: Path) -> None:
    cells = [
        ("step:a", "x = 1"),
        ("step:b", "import os, signal\nprint('last words', flush=True)\nos.kill(os.getpid(), signal.SIGKILL)"),
        ("step:c", "print('independent')"),
    ]
    done = command("run", write(tmp_path / "a.ipynb", *cells), "-o", tmp_path / "o.ipynb", "--json")
    assert done.code == 1
    error = done.record["error"]
    assert (error["step"], error["cell"], error["ename"]) == ("b", 1, "KernelDied")
    assert "SIGKILL" in error["evalue"] and "memory" in error["evalue"]
    assert states(done.record) == {"a": "completed", "b": "failed", "c": "completed"}
    nb = read(tmp_path / "o.ipynb")
    assert "independent\n" in texts(nb)
    marked = [c for c in nb.cells if c.metadata.get("papermill", {}).get("status") == "failed"]
    assert ["SIGKILL" in c.source for c in marked] == [True]


def test_an_exit_status_of_its_own(tmp_path: Path) -> None:
    done = command("run", write(tmp_path / "a.ipynb", ("step:a", "import os\nos._exit(3)")), "--json")
    assert done.code == 1 and "status 3" in done.record["error"]["evalue"]


TIMEOUTS = {"cell": (["--timeout", "1"], "1 s"), "run": (["--run-timeout", "4"], "4 s")}


@pytest.mark.parametrize(("options", "said"), TIMEOUTS.values(), ids=TIMEOUTS.keys())
def test_timeouts_of_cell_and_run(tmp_path: Path, options: list[str], said: str) -> None:
    path = write(tmp_path / "a.ipynb", *CELLS)
    done = command("run", path, *options, "-o", tmp_path / "o.ipynb", "--json")
    assert done.code == 1
    error = done.record["error"]
    assert (error["step"], error["cell"], error["ename"]) == ("b", 1, "TimedOut") and said in error["evalue"]
    assert texts(read(tmp_path / "o.ipynb"))[:2] == ["done before\n", "begun\n"]
    assert not alive(int((tmp_path / "pid").read_text()))


def test_timeout_of_a_step(tmp_path: Path) -> None:
    import json

    path = write(
        tmp_path / "a.ipynb", ("step:a", "import time\nfor i in range(300):\n    time.sleep(0.1)"), ("step:a", "1")
    )
    nb = json.loads(path.read_text())
    nb["cells"][0]["metadata"]["jupyter_mlops"] = {"timeout": 1}
    path.write_text(json.dumps(nb))
    error = command("run", path, "--json").record["error"]
    assert (error["step"], error["cell"], error["ename"]) == ("a", 0, "TimedOut") and "1 s" in error["evalue"]


@pytest.mark.skipif(os.geteuid() != 0 or sys.platform != "linux", reason="mounts a small file system")
def test_a_disk_that_is_full(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(small)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("can't mount")
    try:
        (small / "o.ipynb").write_text("old")
        path = write(tmp_path / "a.ipynb", ("step:a", "print('x' * 200_000)"))
        done = command("run", path, "-o", small / "o.ipynb")
        assert done.code == 1
        assert "no space left on device" in done.err and "Traceback" not in done.err
        assert (small / "o.ipynb").read_text() == "old"
        assert [p.name for p in small.iterdir()] == ["o.ipynb"]
    finally:
        subprocess.run(["umount", str(small)], check=True)
