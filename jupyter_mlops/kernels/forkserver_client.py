"""The client of a fork server: starts it, requests kernels, and is notified when they end."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from jupyter_mlops.kernels.forkserver.fingerprints import Stamp, stamp
from jupyter_mlops.kernels.process_context import process_context

PROGRAM = Path(__file__).with_name("forkserver") / "__main__.py"
MESSAGE = 1 << 20
# What a kernel's own environment may differ in although imports look at it: terminals, and what Jupyter itself sets.
EVERY_KERNEL_ITS_OWN = frozenset("JPY_SESSION_NAME JPY_PARENT_PID PWD OLDPWD SHLVL _ COLUMNS LINES TERM".split())
# What the interpreter and libraries in C look at, unseen by us.
READ_IN_C = (
    "PYTHON", "LD_", "LC_", "LANG", "TZ", "PATH", "HOME", "TMPDIR", "VIRTUAL_ENV", "CONDA", "OMP_", "KMP_", "GOMP_",
    "MKL_", "OPENBLAS_", "GOTO_", "BLIS_", "VECLIB_", "NUMEXPR_", "MALLOC_", "GLIBC_", "CUDA_", "NPY_", "FONTCONFIG_",
    "COVERAGE_",
)  # fmt: skip
ANSWER = 10.0  # seconds that a server may take to fork a kernel, which takes it milliseconds


class ForkError(Exception):
    """A fork server can't give this kernel: start it cold."""


class ForkedProcess:
    """A kernel that is a child of a fork server, with the interface of subprocess.Popen that jupyter_client uses."""

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
    """One fork server: an interpreter, an environment, and the modules that it has imported."""

    def __init__(self, interpreter: Sequence[str], env: Mapping[str, str], preload: Sequence[str]) -> None:
        self.interpreter, self.env, self.preload = tuple(interpreter), dict(env), tuple(preload)
        self.lock = threading.Lock()
        self.waiting: dict[int, Future[int]] = {}
        self.kernels: dict[int, ForkedProcess] = {}
        self.early: dict[int, int] = {}
        self.asked = 0
        self.silent = False  # an answer is overdue: kernels come from another server until it says something
        self.used_at = time.monotonic()
        self.started: Future[dict[str, Any]] = Future()
        self.circumstances = process_context()
        self.words = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the server
        parent_socket, child_socket = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.connection = parent_socket
        with child_socket:
            self.process = subprocess.Popen(
                [*interpreter, str(PROGRAM), str(child_socket.fileno()), json.dumps(list(preload)), "{}"],
                env=dict(env),
                cwd="/",
                pass_fds=[child_socket.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self.words,
                start_new_session=True,
            )
        threading.Thread(target=self._listen, name="fork server", daemon=True).start()

    @property
    def ready(self) -> bool:
        """Whether all imports are done, so that kernels can be forked immediately."""
        return self.started.done() and self.started.exception() is None

    @property
    def alive(self) -> bool:
        return self.process.poll() is None and not self.connection._closed  # type: ignore[attr-defined]

    def suits(self, env: Mapping[str, str]) -> bool:
        """Whether a kernel with this environment would have imported the same modules in the same way."""
        if self.circumstances != process_context():
            return False
        reads = {"*"}
        if self.ready:
            started = self.started.result()
            if any(tuple(entry) != stamp(entry[0]) for entry in started["installed"]):
                return False
            reads = set(started["reads"])
        names = self.env.keys() | env.keys()
        looked_at = {n for n in names if "*" in reads or n in reads or n.startswith(READ_IN_C)}
        return all(self.env.get(n) == env.get(n) for n in looked_at - EVERY_KERNEL_ITS_OWN)

    def has(self, preload: Sequence[str]) -> bool:
        return set(preload) <= set(self.preload)

    def fork(
        self, cmd: Sequence[str], cwd: str, env: Mapping[str, str], streams: Sequence[int], ready: int
    ) -> tuple[ForkedProcess, Future[int]]:
        """Request a kernel. The future resolves to its pid when it is forked.

        :param streams: descriptors for stdin, stdout and stderr.
        :param ready: a byte is written to it when the kernel's sockets are bound.
        """
        process = ForkedProcess(0, cmd)
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
                raise ForkError(f"the fork server can't be reached: {error}") from None

        def born(future: Future[int]) -> None:
            if future.exception() is None:
                process.pid = future.result()

        forked.add_done_callback(born)
        return process, forked

    def idle_for(self) -> float:
        """Seconds since the last request for a kernel; 0 while a kernel runs."""
        with self.lock:
            return 0.0 if self.kernels or self.waiting else time.monotonic() - self.used_at

    def adopt(self, process: ForkedProcess) -> None:
        """Handle the end of a kernel."""
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
            self.silent = False
            if "started" in message:
                if not self.started.done():
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
                    forked.set_exception(ForkError(message["error"]))
                else:
                    forked.set_result(message["pid"])

    def _gone(self) -> None:
        """Handle the end of the server, which ends its kernels too."""
        with self.lock:
            waiting, kernels = list(self.waiting.values()), list(self.kernels.values())
            self.waiting.clear()
            self.kernels.clear()
        if not self.started.done():
            last_line = self.last_log_line()
            why = f": {last_line}" if last_line else ""
            self.started.set_exception(ForkError(f"the fork server ended before it was ready{why}"))
        for forked in waiting:
            forked.set_exception(ForkError("the fork server ended"))
        for kernel in kernels:
            with contextlib.suppress(OSError):
                os.killpg(kernel.pid, signal.SIGKILL)
            kernel.end(-signal.SIGKILL)

    def last_log_line(self) -> str:
        """The last line that the server itself wrote."""
        try:
            at = max(0, os.fstat(self.words.fileno()).st_size - 4096)
            lines = os.pread(self.words.fileno(), 4096, at).decode(errors="replace").split("\n")
        except (OSError, ValueError):
            return ""
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def close(self) -> None:
        """End the server. Kernels that still run notice, and end. One that is not ready is not waited for."""
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
        if not self.ready:
            self.process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(2.0)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.connection.close()
        self.words.close()


def key_of(interpreter: Sequence[str], spec: Mapping[str, Any]) -> str:
    """The key of a fork server, apart from its environment: interpreter, kernelspec, installed packages."""
    facts = {
        "interpreter": list(interpreter),
        "spec": dict(spec),
        "installed": _installed(shutil.which(interpreter[0]) or interpreter[0]),
    }
    return hashlib.blake2b(json.dumps(facts, sort_keys=True, default=str).encode(), digest_size=16).hexdigest()


def _installed(interpreter: str) -> list[Stamp]:
    """The interpreter and the file that identifies its environment. The server reports the folders of its packages."""
    environment = Path(interpreter).parent.parent / "pyvenv.cfg"
    return [stamp(interpreter), stamp(os.path.realpath(interpreter)), stamp(str(environment))]
