"""A home with notebooks to publish, and a real worker for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat

from jupyter_mlops.config import RunConfig
from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.service import jobs

CLI = [sys.executable, "-m", "jupyter_mlops.cli"]


def write_notebook(path: Path, *cells: str) -> Path:
    """A notebook; a cell's first line may be its tags: `# tags: step:a metrics`."""
    made = []
    for source in cells:
        first, _, rest = source.partition("\n")
        tags = first.removeprefix("# tags: ").split() if first.startswith("# tags: ") else []
        made.append(nbformat.v4.new_code_cell(rest if tags else source, metadata={"tags": tags} if tags else {}))
    book = nbformat.v4.new_notebook(cells=made)
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(book, path)
    return path


@contextmanager
def opened(home: Path, **settings: Any) -> Iterator[Workspace]:
    """The workspace of a home."""
    space = jobs.open_workspace(RunConfig(home=str(home), **settings))
    try:
        yield space
    finally:
        space.close()


@contextmanager
def working(home: Path, *options: str, **env: str) -> Iterator[subprocess.Popen[str]]:
    """A worker of that home, from its being ready to its end."""
    process = begin_worker(home, *options, **env)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(90)
        assert process.stderr is not None
        process.stderr.close()


def begin_worker(home: Path, *options: str, **env: str) -> subprocess.Popen[str]:
    told = {**os.environ, "JUPYTER_MLOPS_HOME": str(home), **env}
    process = subprocess.Popen([*CLI, "worker", *options], env=told, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    line = process.stderr.readline()
    assert "ready" in line, line + process.stderr.read()
    return process


def wait_until(what: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Until it is so; fails after that many seconds."""
    until = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < until, f"not so after {seconds} s"
        time.sleep(0.05)
    return found
