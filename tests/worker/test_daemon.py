"""A real worker, and runs that are handed to it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_mlops.config import RunConfig
from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.execution.request import RunRequest
from jupyter_mlops.worker.daemon import WorkerDaemon
from jupyter_mlops.worker.protocol import from_wire, to_wire

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a worker's kernels are forked on Linux")
CLI = [sys.executable, "-m", "jupyter_mlops.cli"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def worker(home: Path) -> Iterator[subprocess.Popen[str]]:
    env = {**os.environ, "JUPYTER_MLOPS_HOME": str(home)}
    process = subprocess.Popen([*CLI, "worker", "--jobs", "2"], env=env, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    assert "ready" in process.stderr.readline()
    yield process
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    process.stderr.close()
    assert not (home / "worker.json").exists()


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(home: Path, worker: subprocess.Popen[str], tmp_path: Path) -> Run:
    def go(*cells: str, args: tuple[str, ...] = (), **env: str) -> subprocess.CompletedProcess[str]:
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
        book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        path = tmp_path / "nb.ipynb"
        nbformat.write(book, path)
        told = {**os.environ, "JUPYTER_MLOPS_HOME": str(home), **env}
        command = [*CLI, "run", str(path), "-o", str(tmp_path / "out.ipynb"), "--json", *args]
        return subprocess.run(command, env=told, capture_output=True, text=True, check=False, timeout=120)

    return go


def done_by(home: Path) -> int:
    env = {**os.environ, "JUPYTER_MLOPS_HOME": str(home)}
    told = subprocess.run([*CLI, "worker", "--status", "--json"], env=env, capture_output=True, text=True, check=True)
    return int(json.loads(told.stdout)["done"])


def printed(path: Path) -> str:
    cells = json.loads(path.read_text())["cells"]
    return "".join("".join(o.get("text", "")) for c in cells for o in c["outputs"])


def test_a_run_is_handed_over_and_is_as_it_would_be_here(run: Run, home: Path, tmp_path: Path) -> None:
    code = "import os, sys; print(os.getcwd(), os.environ['ORDER'], os.environ.get('PYTHONHASHSEED'), sys.path[:2])"
    more = "print(_dh, get_ipython().starting_dir)"
    before = done_by(home)
    first = run(code, more, args=("--no-cache",), ORDER="one")
    assert first.returncode == 0, first.stderr
    assert done_by(home) == before + 1
    there = printed(tmp_path / "out.ipynb")
    assert run(code, more, args=("--no-cache", "-j", "1"), ORDER="one").returncode == 0
    assert printed(tmp_path / "out.ipynb") == there
    env = {**os.environ, "ORDER": "one", "JUPYTER_MLOPS_HOME": str(tmp_path / "elsewhere")}
    alone = [*CLI, "run", str(tmp_path / "nb.ipynb"), "-o", str(tmp_path / "alone.ipynb"), "--no-cache"]
    subprocess.run(alone, env=env, capture_output=True, check=True)
    assert printed(tmp_path / "alone.ipynb") == there


def test_a_failing_cell_is_told_as_ever(run: Run) -> None:
    ran = run("1/0")
    assert ran.returncode == 1
    assert json.loads(ran.stdout)["error"]["ename"] == "ZeroDivisionError"


def test_bad_input_is_told_as_ever(run: Run) -> None:
    ran = run("print(1)", args=("--from", "nowhere"))
    assert ran.returncode == 2
    assert "there is no step 'nowhere'" in ran.stderr


def test_a_second_worker_is_refused(worker: subprocess.Popen[str], home: Path) -> None:
    env = {**os.environ, "JUPYTER_MLOPS_HOME": str(home)}
    second = subprocess.run([*CLI, "worker"], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert second.returncode == 2
    assert "already running" in second.stderr


def test_two_that_begin_at_once_are_one(tmp_path: Path) -> None:
    first, second = (WorkerDaemon(RunConfig(home=str(tmp_path))) for _ in range(2))
    first.claim()
    with pytest.raises(InvalidInputError, match="already running"):
        second.claim()
    first.withdraw()
    second.claim()
    second.withdraw()


def test_one_that_servers_keep_ends_when_none_is_there(tmp_path: Path) -> None:
    worker = WorkerDaemon(RunConfig(home=str(tmp_path), unwatched=0.2), supervised=True)

    async def mind() -> None:
        await asyncio.wait_for(worker.supervise(), 10.0)

    asyncio.run(mind())
    assert worker.stopping.is_set()


def test_another_umask_is_run_in_place(run: Run, home: Path) -> None:
    before = done_by(home)
    mask = os.umask(0o077)
    try:
        os.umask(mask ^ 0o070)
        assert run("print(1)", args=("--no-cache",)).returncode == 0
    finally:
        os.umask(mask)
    assert done_by(home) == before


def test_requests_travel_whole(tmp_path: Path) -> None:
    request = RunRequest(tmp_path / "a.ipynb", given={"x": [1, {"y": None}]}, texts={"z": "1.10"}, env={"A": "b"})
    plain = to_wire(request, {})
    assert plain is not None
    assert from_wire(json.loads(json.dumps(plain))) == request


@pytest.mark.parametrize("value", [{1: "a"}, float("nan"), {1, 2}, b"x"])
def test_values_that_json_would_change_are_not_handed_over(value: Any, tmp_path: Path) -> None:
    assert to_wire(RunRequest(tmp_path / "a.ipynb", given={"x": value}), {}) is None
