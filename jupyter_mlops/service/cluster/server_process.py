"""Step servers of a Dask worker: processes that execute tasks, kept for the next task.

The worker's own process never runs a notebook's code: a task that ends its process or its memory ends no worker, and
all that a task started can be killed.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import pickle
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

from jupyter_mlops.service.cluster.task_spec import TaskSpec

MODULE = "jupyter_mlops.service.cluster.step_server"
PATIENCE = 3.0  # seconds in which a server that is stopped ends its kernels itself
PRIVATE = ("DASK_INTERNAL", "__DASK")  # variables that tell processes of Dask apart, and no results


class ServerProcess:
    """One step server, as the Dask worker sees it."""

    def __init__(self, home: str, settings: Mapping[str, Any]) -> None:
        env = {name: value for name, value in os.environ.items() if not name.startswith(PRIVATE)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", MODULE, home, json.dumps(dict(settings))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env, start_new_session=True,
        )  # fmt: skip
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._input, self._output = self.process.stdin, self.process.stdout
        os.set_blocking(self._output.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._output, selectors.EVENT_READ)
        self._rest = b""
        self.has_ended = False

    def begin(self, spec: TaskSpec) -> None:
        """Let the server execute a task."""
        self._send({"task": base64.b64encode(pickle.dumps(spec)).decode("ascii")})

    def ping(self) -> None:
        """Say that the worker is alive: a server without its worker stops."""
        self._send({"ping": True})

    def stop(self) -> None:
        """Ask the server to stop its task."""
        self._send({"stop": True})

    def messages(self, timeout: float) -> list[dict[str, Any]]:
        """What the server says within a time; sets `has_ended` when it has ended."""
        if not self._selector.select(timeout):
            return []
        data = self._output.read()
        if not data:
            self.has_ended = data is not None
            return []
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [json.loads(line) for line in lines if line]

    def end(self) -> None:
        """Kill the server and everything that it started."""
        from jupyter_mlops.kernels import reaper

        with contextlib.suppress(OSError):
            self._input.close()
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._selector.close()
        self._output.close()
        reaper.reap_orphans()

    def end_gently(self) -> None:
        """Let the server end its kernels, and kill what is left."""
        self.stop()
        until = time.monotonic() + PATIENCE
        while not self.has_ended and time.monotonic() < until:
            if any("outcome" in message for message in self.messages(0.1)):
                break
        self.end()

    def _send(self, message: Mapping[str, Any]) -> None:
        with contextlib.suppress(OSError):
            self._input.write(json.dumps(message).encode() + b"\n")
            self._input.flush()


class ServerPool:
    """Idle servers of this process, by home and settings."""

    def __init__(self) -> None:
        self._idle: dict[str, list[ServerProcess]] = {}
        self._lock = threading.Lock()

    def take(self, home: str, settings: Mapping[str, Any]) -> ServerProcess:
        """An idle server, or a new one."""
        with self._lock:
            idle = self._idle.get(self._key(home, settings), [])
            while idle:
                server = idle.pop()
                if server.process.poll() is None:
                    return server
                server.end()
        return ServerProcess(home, settings)

    def give_back(self, server: ServerProcess, home: str, settings: Mapping[str, Any]) -> None:
        """Keep a server for the next task."""
        with self._lock:
            self._idle.setdefault(self._key(home, settings), []).append(server)

    def _key(self, home: str, settings: Mapping[str, Any]) -> str:
        return json.dumps([home, dict(settings)], sort_keys=True)


SERVERS = ServerPool()
