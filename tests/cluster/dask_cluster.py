"""A real scheduler and real workers, each a process of its own, on addresses of this machine."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

START_S = 90.0


@dataclass
class DaskCluster:
    """Processes of a cluster. The cluster's files are in `folder`."""

    folder: Path
    address: str = ""
    scheduler: subprocess.Popen[bytes] | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start_scheduler(self) -> DaskCluster:
        file = self.folder / "scheduler.json"
        file.unlink(missing_ok=True)
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard",
                                     "--scheduler-file", str(file))  # fmt: skip
        import json

        def address() -> str:
            with contextlib.suppress(OSError, ValueError):
                return str(json.loads(file.read_text())["address"])
            return ""

        self.address = str(wait_for(address))
        return self

    def start_worker(
        self, *options: str, threads: int = 1, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a worker; it is not waited for."""
        worker = self._start(
            "worker", self.address, "--nthreads", str(threads), "--no-nanny", "--no-dashboard",
            "--local-directory", str(self.folder / f"worker-{len(self.workers)}"), *options, env=env,
        )  # fmt: skip
        self.workers.append(worker)
        return worker

    def wait_for_workers(self, number: int) -> DaskCluster:
        from distributed import Client

        with Client(self.address, timeout=START_S, set_as_default=False) as client:
            client.wait_for_workers(number, timeout=START_S)
        return self

    def _start(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        module = f"distributed.cli.dask_{arguments[0]}"
        with (self.folder / f"{arguments[0]}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", module, *arguments[1:]], stdout=log, stderr=log, cwd=self.folder,
                env={**os.environ, **(env or {})},
            )  # fmt: skip

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            if process is not None and process.poll() is None:
                with contextlib.suppress(OSError):
                    process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()


def wait_for(condition: object, seconds: float = START_S) -> object:
    """What a condition returns as soon as it is true; fails after a time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if result := condition():  # type: ignore[operator]
            return result
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds:g} s")


def is_alive(pid: int) -> bool:
    """Whether a process is there, and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
