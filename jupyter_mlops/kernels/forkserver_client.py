"""The owner's side of a fork server: starts it, asks it for kernels, hears of their ends."""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).with_name("forkserver.py")
MESSAGE = 1 << 20
# What a kernel's own environment may differ in without anything being imported otherwise.
EVERY_KERNEL_ITS_OWN = frozenset(
    {"JPY_SESSION_NAME", "JPY_PARENT_PID", "PWD", "OLDPWD", "SHLVL", "_", "COLUMNS", "LINES"}
)


IDLE = 600.0  # seconds after which a server without kernels may go


class CantFork(Exception):
    """A fork server can't give this kernel: start it cold."""


class ForkedProcess:
    """A kernel that is a child of a fork server, with what subprocess.Popen has and jupyter_client asks for."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int, args: Sequence[str]) -> None:
        self.pid = pid
        self.args = list(args)
        self.returncode: int | None = None
        self.ended = threading.Event()

    def end(self, status: int) -> None:
        self.returncode = status
        self.ended.set()

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        if not self.ended.wait(timeout):
            raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class ForkServer:
    """One fork server: an interpreter, an environment, and what it imported ahead."""

    def __init__(self, interpreter: Sequence[str], env: Mapping[str, str], preload: Sequence[str]) -> None:
        self.interpreter, self.preload = tuple(interpreter), tuple(preload)
        self.lock = threading.Lock()
        self.waiting: dict[int, Future[int]] = {}
        self.kernels: dict[int, ForkedProcess] = {}
        self.early: dict[int, int] = {}
        self.asked = 0
        self.used_at = time.monotonic()
        self.started: Future[dict[str, Any]] = Future()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.connection = ours
        with theirs:
            self.process = subprocess.Popen(
                [*interpreter, str(SOURCE), str(theirs.fileno()), json.dumps(list(preload))],
                env=dict(env),
                cwd="/",
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        threading.Thread(target=self._listen, name="fork server", daemon=True).start()

    @property
    def alive(self) -> bool:
        return self.process.poll() is None and not self.connection._closed  # type: ignore[attr-defined]

    def fork(
        self, cmd: Sequence[str], cwd: str, env: Mapping[str, str], streams: Sequence[int], ready: int
    ) -> tuple[ForkedProcess, Future[int]]:
        """Ask for a kernel. The future is done when it was forked, with its pid.

        :param streams: descriptors for stdin, stdout and stderr.
        :param ready: a byte is written to it when the kernel's sockets are bound.
        """
        made = ForkedProcess(0, cmd)
        forked: Future[int] = Future()
        with self.lock:
            self.used_at = time.monotonic()
            self.asked += 1
            number = self.asked
            self.waiting[number] = forked
            request = json.dumps({"id": number, "cmd": list(cmd), "cwd": cwd, "env": dict(env)}).encode()
            try:
                socket.send_fds(self.connection, [request], [*streams, ready])
            except OSError as error:
                del self.waiting[number]
                raise CantFork(f"the fork server can't be reached: {error}") from None

        def born(done: Future[int]) -> None:
            if done.exception() is None:
                made.pid = done.result()

        forked.add_done_callback(born)
        return made, forked

    def idle_for(self) -> float:
        """Seconds since a kernel was asked for; 0 while one runs."""
        with self.lock:
            return 0.0 if self.kernels or self.waiting else time.monotonic() - self.used_at

    def adopt(self, process: ForkedProcess) -> None:
        """Hear of this kernel's end."""
        with self.lock:
            status = self.early.pop(process.pid, None)
            if status is None:
                self.kernels[process.pid] = process
                if not self.alive:
                    status = -signal.SIGKILL
        if status is not None:
            process.end(status)

    def _listen(self) -> None:
        while True:
            try:
                data = self.connection.recv(MESSAGE)
            except OSError:
                data = b""
            if not data:
                self._gone()
                return
            message = json.loads(data)
            if "started" in message:
                self.started.set_result(message)
            elif "status" in message:
                with self.lock:
                    kernel = self.kernels.pop(message["pid"], None)
                    if kernel is None:
                        self.early[message["pid"]] = message["status"]
                if kernel is not None:
                    kernel.end(message["status"])
            else:
                with self.lock:
                    forked = self.waiting.pop(message["id"])
                if "error" in message:
                    forked.set_exception(CantFork(message["error"]))
                else:
                    forked.set_result(message["pid"])

    def _gone(self) -> None:
        """The server is gone, and its kernels go with it."""
        with self.lock:
            waiting, kernels = list(self.waiting.values()), list(self.kernels.values())
            self.waiting.clear()
            self.kernels.clear()
        if not self.started.done():
            self.started.set_exception(CantFork("the fork server ended before it was ready"))
        for forked in waiting:
            forked.set_exception(CantFork("the fork server ended"))
        for kernel in kernels:
            with contextlib.suppress(OSError):
                os.killpg(kernel.pid, signal.SIGKILL)
            kernel.end(-signal.SIGKILL)

    def close(self) -> None:
        """End the server. Kernels that still run notice, and end."""
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(2.0)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.connection.close()


def key_of(interpreter: Sequence[str], env: Mapping[str, str], spec: Mapping[str, Any], preload: Sequence[str]) -> str:
    """What tells fork servers apart: interpreter, kernelspec, environment variables, installed packages, imports."""
    import shutil

    facts = {
        "interpreter": list(interpreter),
        "env": {k: v for k, v in sorted(env.items()) if k not in EVERY_KERNEL_ITS_OWN},
        "spec": dict(spec),
        "preload": list(preload),
        "installed": _installed(shutil.which(interpreter[0]) or interpreter[0]),
    }
    return hashlib.blake2b(json.dumps(facts, sort_keys=True, default=str).encode(), digest_size=16).hexdigest()


def _installed(interpreter: str) -> list[tuple[str, int]]:
    """The state of an interpreter's packages: its own file and the folders that packages are installed in."""
    prefix = Path(interpreter).parent.parent
    folders = [*prefix.glob("lib/python*/site-packages"), *prefix.glob("lib/python*/dist-packages"), prefix]
    found = []
    for path in sorted({Path(interpreter), prefix / "pyvenv.cfg", *folders}):
        with contextlib.suppress(OSError):
            found.append((str(path), path.stat().st_mtime_ns))
    return found


class ForkServers:
    """The fork servers of this process, one a key."""

    def __init__(self) -> None:
        self.servers: dict[str, ForkServer] = {}
        self.lock = threading.Lock()

    def running(self, key: str) -> ForkServer | None:
        with self.lock:
            server = self.servers.get(key)
            return server if server is not None and server.alive else None

    def start(self, key: str, make: Callable[[], ForkServer]) -> ForkServer:
        """The server for a key, started if need be; those that stood idle for long go."""
        with self.lock:
            if not self.servers:
                atexit.register(self.close)
            for other in [k for k, s in self.servers.items() if k != key and s.idle_for() > IDLE]:
                self.servers.pop(other).close()
            server = self.servers.get(key)
            if server is None or not server.alive:
                server = self.servers[key] = make()
            return server

    def close(self) -> None:
        with self.lock:
            servers = list(self.servers.values())
            self.servers.clear()
        for server in servers:
            server.close()


SERVERS = ForkServers()
