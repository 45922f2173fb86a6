"""A run that a worker does is, for who asked, the run that would have been done in place."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.execution.request import RunRequest
from jupyter_mlops.kernels import reaper
from jupyter_mlops.worker import client
from jupyter_mlops.worker.client import ask, submit
from jupyter_mlops.worker.protocol import process_context_of_client
from tests.jobs.workspace import working

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a worker's kernels are forked on Linux")
CLI = [sys.executable, "-m", "jupyter_mlops.cli"]


def write(path: Path, *cells: str | tuple[str, str]) -> Path:
    made = [cell if isinstance(cell, tuple) else ("", cell) for cell in cells]
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(c, metadata={"tags": t.split()}, id=f"c{i}") for i, (t, c) in enumerate(made)]
    )
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(book, path)
    return path


@dataclass
class Case:
    """A notebook and how it is run."""

    cells: tuple[str | tuple[str, str], ...]
    args: tuple[str, ...] = ("--json",)
    code: int = 0


STEPS = (
    ("parameters", "alpha = 1\nname = 'x'"), ("step:load", "rows = [alpha] * 3\nprint(rows)"),
    ("step:fit", "total = sum(rows)\nprint(total, name)"), ("step:show metrics", "score = total / 3\nprint(score)"),
)  # fmt: skip
SAID = "import os, time; time.sleep(0.5); "  # what a kernel says before its end is out by then
AT_ITS_END = """
import atexit, time
@atexit.register
def last():
    time.sleep(0.5)
    open("last.txt", "w").write("done")
"""
CASES = {
    "prints": Case(("print(1)", "2 + 3")),
    "for people": Case(("print(1)",), ()),
    "steps": Case(STEPS),
    "steps for people": Case(STEPS, ()),
    "parameters": Case(STEPS, ("--json", "-p", "alpha", "7", "-r", "name", "7")),
    "parameters in YAML": Case(STEPS, ("--json", "-y", "{alpha: 2, name: y}")),
    "a parameter nobody knows": Case(STEPS, ("--json", "-p", "beta", "7"), 2),
    "from": Case(STEPS, ("--json", "--from", "fit")),
    "only": Case(STEPS, ("--json", "--only", "fit")),
    "only nothing": Case(STEPS, ("--json", "--only", "fitt"), 2),
    "isolated": Case(STEPS, ("--json", "--isolate")),
    "report": Case(STEPS, ("--json", "--report", "report.html")),
    "report without code": Case(STEPS, ("--json", "--report", "report.html", "--no-code")),
    "fails": Case(("print(1)", "1 / 0", "print(2)"), code=1),
    "fails for people": Case(("print(1)", "1 / 0"), (), 1),
    "steps that fail": Case((("step:a", "1 / 0"), ("step:b", "print(2)")), code=1),
    "takes too long": Case(("import time; time.sleep(60)",), ("--json", "--timeout", "1"), 1),
    "exits": Case((f"{SAID}os._exit(3)",), code=1),
    "killed": Case((f"{SAID}os.kill(os.getpid(), 9)",), code=1),
    "not Python": Case(("print(",), code=2),
    "another folder": Case(("import os; print(os.getcwd(), sorted(os.listdir()))",), ("--json", "--cwd", "..")),
    "a folder that isn't there": Case(("print(1)",), ("--json", "--cwd", "nowhere"), 2),
    "a kernel that isn't there": Case(("print(1)",), ("--json", "-k", "python33"), 2),
    "an output that can't be": Case(("print(1)",), ("--json", "-o", "nowhere/out.ipynb"), 2),
    "shows": Case(("from IPython.display import HTML, display\ndisplay(HTML('<b>x</b>'))\nHTML('y')",)),
    "draws": Case(("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",)),
    "warns": Case(("import warnings, sys\nwarnings.warn('old')\nprint('e', file=sys.stderr)",)),
    "asks": Case(("input()",), code=1),
    "does something at its end": Case((AT_ITS_END,)),
    # At once: what is printed line by line arrives in pieces, cut where a kernel that is busy sends it.
    "many lines": Case(("import sys\n_ = sys.stdout.write(''.join(f'{i}\\n' for i in range(3000)))",)),
}
TIMES = re.compile(
    r'"(start_time|end_time|duration|seconds|started|finished|iopub\.\w+|shell\.\w+|version)": ("[^"]*"|[\d.e-]+)'
    r'|"id": "[0-9a-f]{8}"'
    r'|"why": \[[^\]]*\]'  # which kernel ran a step first is a matter of time
    r"|\d+\.\d+ s\b|\d{8}-\d{6}-\w{6}|ipykernel_\d+|0x[0-9a-f]+|\d{4}-\d\d-\d\d[T ][\d:.+Z]+|\x1b\[[\d;]*m"
)


def without_times(text: str, home: Path) -> str:
    return TIMES.sub("…", text.replace(str(home), "HOME"))


def ran(case: Case, folder: Path, home: Path) -> dict[str, Any]:
    """All that a person, a machine or a disk is left with."""
    env = {**os.environ, "JUPYTER_MLOPS_HOME": str(home)}
    command = [*CLI, "run", "nb.ipynb", *(() if "-o" in case.args else ("-o", "out.ipynb")), *case.args]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False)
    found = {"code": str(done.returncode), "out": done.stdout, "err": done.stderr}
    for name in ("out.ipynb", "report.html", "last.txt"):
        path = folder / name
        found[name] = path.read_text() if path.exists() else ""
        path.unlink(missing_ok=True)
    found["beside"] = str(sorted(p.name for p in folder.iterdir()))
    return {name: without_times(text, home) for name, text in found.items()}


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """One without a worker, one with."""
    alone, served = tmp_path_factory.mktemp("alone"), tmp_path_factory.mktemp("served")
    with working(served, "-j", "2"):
        yield alone, served


@pytest.mark.parametrize("name", CASES)
def test_what_is_left_is_the_same_with_a_worker_and_without(
    name: str, homes: tuple[Path, Path], tmp_path: Path
) -> None:
    case, (alone, served) = CASES[name], homes
    folder = tmp_path / "work"
    write(folder / "nb.ipynb", *case.cells)
    before = (ask(served, {"status": True}) or {})["done"]
    here_, there = ran(case, folder, alone), ran(case, folder, served)
    if name != "a folder that isn't there":  # nobody is asked
        assert (ask(served, {"status": True}) or {})["done"] == before + 1
    assert here_["code"] == str(case.code), here_["err"]
    for what, told in here_.items():
        assert there[what] == told, what


# -- when one of both ends


def events(home: Path, notebook: Path, on: Callable[[dict[str, Any]], None], env: Mapping[str, str]) -> Any:
    request = RunRequest(notebook, output=notebook.with_name("out.ipynb"), use_cache=False)
    return submit(request, home, on, env)


def test_a_worker_that_is_killed_in_the_middle_is_told_and_cells_don_t_run_twice(tmp_path: Path) -> None:
    home = tmp_path / "home"
    path = write(tmp_path / "nb.ipynb", "with open('ran', 'a') as f: _ = f.write('x')", "import time; time.sleep(60)")
    env = {**os.environ, "JUPYTER_MLOPS_HOME": str(home)}
    with working(home) as process:
        client = subprocess.Popen(
            [*CLI, "run", str(path), "--json"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        wait_for((tmp_path / "ran").exists)
        process.kill()
        out, err = client.communicate(timeout=30)
    assert client.returncode == 1
    assert "the worker ended during the run" in out + err
    assert "Traceback" not in err
    time.sleep(1.0)
    assert (tmp_path / "ran").read_text() == "x"
    again = subprocess.run([*CLI, "run", str(write(tmp_path / "b.ipynb", "print(1)"))], env=env, check=False)
    assert again.returncode == 0  # its address is still there, and nobody listens


def test_a_worker_that_ends_before_anything_was_begun_is_as_none(tmp_path: Path) -> None:
    """Its two places are taken; whoever waits for one is told so, and does the run itself when it is killed."""
    home = tmp_path / "home"
    slow = write(tmp_path / "slow.ipynb", "import time; time.sleep(60)")
    path = write(tmp_path / "nb.ipynb", "with open('ran', 'a') as f: _ = f.write('x')")
    env = {**os.environ, "JUPYTER_MLOPS_HOME": str(home)}
    with working(home, "-j", "1") as process:
        first = subprocess.Popen([*CLI, "run", str(slow)], env=env, stderr=subprocess.DEVNULL)
        wait_for(lambda: (ask(home, {"status": True}) or {})["running"] == 1)
        second = subprocess.Popen([*CLI, "run", str(path)], env=env, stderr=subprocess.DEVNULL)
        wait_for(lambda: (ask(home, {"status": True}) or {})["queued"] == 1)
        process.kill()
        assert second.wait(60) == 0
        assert first.wait(60) == 1
    assert (tmp_path / "ran").read_text() == "x"


def test_who_waits_for_a_place_is_told_so(tmp_path: Path) -> None:
    home, told = tmp_path / "home", []
    slow = write(tmp_path / "slow.ipynb", "import time; time.sleep(3)")
    path = write(tmp_path / "nb.ipynb", "print(1)")
    env = {**os.environ, "JUPYTER_MLOPS_HOME": str(home)}
    with working(home, "-j", "1"):
        first = subprocess.Popen([*CLI, "run", str(slow)], env=env, stderr=subprocess.DEVNULL)
        wait_for(lambda: (ask(home, {"status": True}) or {})["running"] == 1)
        record = events(home, path, told.append, env)
        assert record["state"] == "completed"
        assert first.wait(60) == 0
    assert told[0] == {"event": "waiting", "running": 1, "queued": 0}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_client_that_is_stopped_stops_its_run(tmp_path: Path, number: signal.Signals) -> None:
    home = tmp_path / "home"
    code = "import time\nopen('ran', 'w').close()\ntry: time.sleep(60)\nfinally: open('stopped', 'w').close()"
    path = write(tmp_path / "nb.ipynb", code)
    env = {**os.environ, "JUPYTER_MLOPS_HOME": str(home)}
    with working(home):
        command = [*CLI, "run", str(path), "-o", str(tmp_path / "out.ipynb"), "--json"]
        client = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
        wait_for((tmp_path / "ran").exists)
        client.send_signal(number)
        out, _ = client.communicate(timeout=30)
        wait_for(lambda: (ask(home, {"status": True}) or {})["running"] == 0)
        assert (tmp_path / "stopped").exists()
    if number != signal.SIGKILL:
        assert client.returncode not in (0, -number)
        assert json.loads(out)["state"] == "stopped"


def test_outputs_of_50_mb_and_thousands_of_them(tmp_path: Path) -> None:
    home, told = tmp_path / "home", []
    code = "from IPython.display import display\nfor i in range(3000): display(i)\nprint('x' * 80_000_000)"
    path = write(tmp_path / "nb.ipynb", code)
    with working(home):
        record = events(home, path, told.append, {**os.environ, "JUPYTER_MLOPS_HOME": str(home)})
    assert record["state"] == "completed"
    outputs = json.loads((tmp_path / "out.ipynb").read_text())["cells"][0]["outputs"]
    assert len(outputs) == 3001
    assert len("".join(outputs[-1]["text"])) == 80_000_001


# -- who is no worker for this client


@pytest.mark.parametrize(
    "address",
    ["", "[]", "{}", '{"socket": 3}', '{"socket": "/nowhere/door", "pid": 1}', '{"socket": "SELF", "pid": 1}'],
)
def test_an_address_of_nobody(tmp_path: Path, address: str) -> None:
    (tmp_path / "worker.json").write_text(address.replace("SELF", str(tmp_path / "worker.json")))
    assert ask(tmp_path, {"status": True}) is None
    assert events(tmp_path, write(tmp_path / "nb.ipynb", "1"), print, os.environ) is None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda: os.umask(0o057), "umask"),
        (lambda: os.setpriority(os.PRIO_PROCESS, 0, 5), "priority"),
        (lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}), "processors"),
        (lambda: signal.signal(signal.SIGUSR2, signal.SIG_IGN), "ignored signals"),
        (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10**9, 10**9)), "limits"),
        (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)), "limits"),
        (lambda: resource.setrlimit(resource.RLIMIT_NPROC, (5000, 5000)), "limits"),
        (lambda: os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0)), "scheduling"),
    ],
)
def test_what_a_client_hands_on_is_looked_at(change: Callable[[], object], why: str) -> None:
    """As under nohup, nice, taskset or ulimit: the worker's kernels would not be so."""
    code = (
        "import json; from jupyter_mlops.worker import protocol as p; print(json.dumps(p.process_context_of_client()))"
    )
    plain, changed = (
        json.loads(subprocess.check_output([sys.executable, "-c", code], preexec_fn=before))
        for before in (None, change)
    )
    assert plain == process_context_of_client()
    different = {name for name in plain if plain[name] != changed[name]}
    assert why in different or (why == "processors" and len(os.sched_getaffinity(0)) == 1)
    assert different <= {why}


def test_a_limit_of_files_that_a_server_raises_is_no_difference() -> None:
    """A worker that Jupyter's server started has more than a terminal, and so have the kernels of that server."""
    code = (
        "import resource, sys; from jupyter_mlops.kernels.process_context import process_context as now\n"
        "hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard)); low = now()\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard)); print(low == now())"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "True\n"


def test_a_worker_that_does_not_answer_is_no_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that was stopped: what is offered to it is not done twice when it goes on."""
    monkeypatch.setattr(client, "ANSWER", 0.5)
    path = write(tmp_path / "nb.ipynb", "open('ran', 'a').write('.')")
    with working(tmp_path / "home", "--pool", "0") as worker:
        os.kill(worker.pid, signal.SIGSTOP)
        try:
            assert ask(tmp_path / "home", {"poke": True}) is None
            assert events(tmp_path / "home", path, print, os.environ) is None
            assert f"process {worker.pid} may be suspended" in client.why_no_worker(tmp_path / "home")
        finally:
            os.kill(worker.pid, signal.SIGCONT)
        assert ask(tmp_path / "home", {"status": True})["done"] == 0  # type: ignore[index]
    assert client.why_no_worker(tmp_path / "home") == "no worker is running"
    assert not (tmp_path / "ran").exists()


def test_another_version_is_not_asked_twice(homes: tuple[Path, Path], tmp_path: Path) -> None:
    from jupyter_mlops.worker import protocol

    path = write(tmp_path / "nb.ipynb", "print(1)")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            client,
            "process_context_of_client",
            lambda environ: {**protocol.process_context_of_client(environ), "version": "0.0.0"},
        )
        assert events(homes[1], path, print, os.environ) is None


def test_bad_input_keeps_its_kind(homes: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "nb.ipynb").write_text("no notebook")
    with pytest.raises(InvalidInputError):
        events(homes[1], tmp_path / "nb.ipynb", print, os.environ)


def test_the_door_is_nobody_else_s(homes: tuple[Path, Path]) -> None:
    address = json.loads((homes[1] / "worker.json").read_text())
    assert (homes[1] / "worker.json").stat().st_mode & 0o777 == 0o600
    assert Path(address["socket"]).parent.stat().st_mode & 0o777 == 0o700


def test_a_folder_of_sockets_has_a_short_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    folder = reaper.make_folder()
    try:
        assert len(str(folder / "k-65535")) <= 107
        assert folder.stat().st_mode & 0o777 == 0o700
    finally:
        folder.rmdir()


def wait_for(what: Callable[[], object], seconds: float = 60.0) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until
        time.sleep(0.02)
