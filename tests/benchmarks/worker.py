"""A worker of ours that is running: runs from their request to the record on disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from jupyter_mlops.execution.request import RunRequest
from jupyter_mlops.worker.client import ask, submit
from tests.benchmarks.cases import WORKER, Case
from tests.benchmarks.measure import Failed, Sample
from tests.benchmarks.runners import ROOT, Mlops, code_cell, document

PATIENCE = 60.0  # seconds


class Worker(Mlops):
    """The client's own start is not measured: a server or a scheduler that asks is up already.

    Before it is measured, one run of another notebook with the same imports has told the worker what is wanted.
    """

    name = WORKER

    def __init__(self, jupyter: Path) -> None:
        super().__init__(jupyter)
        self.home: Path | None = None
        self.process: subprocess.Popen[bytes] | None = None

    def environment(self, folder: Path) -> dict[str, str]:
        """The same for all: a person's variables don't change from run to run."""
        return {**super().environment(folder), "JUPYTER_MLOPS_HOME": str(self.home or folder / "home")}

    def begin(self, case: Case, base: Path) -> None:
        self.home = base / "home"
        env = {**self.environment(base), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "jupyter_mlops.cli", "worker"]
        base.mkdir(parents=True, exist_ok=True)
        with (base / "worker.txt").open("wb") as log:
            self.process = subprocess.Popen(command, env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        wait_for(lambda: self.status() is not None)
        imports = [line for part in case.parts(0) for line in part.code if line.startswith(("import ", "from "))]
        warm = base / "warm.ipynb"
        warm.write_text(
            json.dumps(document([code_cell("\n".join([case.imports, *imports]) + "\n1")])), encoding="utf-8"
        )
        for _ in range(2):  # the second kernel comes from a fork server that has the imports
            self.run(warm, base / "warm-out.ipynb")
            wait_for(lambda: self.status_of("kernels_ready") >= 2)

    def end(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(PATIENCE)
            self.process = None

    def sample(self, folders: Sequence[Path]) -> Sample:
        wait_for(lambda: self.status_of("kernels_ready") >= 2)
        with ThreadPoolExecutor(len(folders)) as threads:
            began = time.perf_counter()
            list(threads.map(lambda f: self.run(f / "in.ipynb", f / "out.ipynb"), folders))
            return Sample(time.perf_counter() - began)

    def run(self, notebook: Path, output: Path) -> dict[str, Any]:
        assert self.home is not None
        env = self.environment(notebook.parent)
        record = submit(RunRequest(notebook, output=output, cwd=notebook.parent), self.home, environ=env)
        if record is None or record["state"] != "completed":
            raise Failed("the worker did not take it" if record is None else f"it {record['state']}: {record['error']}")
        return record

    def status(self) -> dict[str, Any] | None:
        assert self.home is not None
        return ask(self.home, {"status": True})

    def status_of(self, name: str) -> Any:
        return (self.status() or {}).get(name, 0)


def wait_for(what: Any, every: float = 0.02) -> None:
    """Until it is so. Raises Failed after a minute."""
    until = time.monotonic() + PATIENCE
    while not what():
        if time.monotonic() > until:
            raise Failed("the worker was not ready in time")
        time.sleep(every)


def open_files(pid: int) -> int:
    """Descriptors that a process has."""
    return len(os.listdir(f"/proc/{pid}/fd"))
