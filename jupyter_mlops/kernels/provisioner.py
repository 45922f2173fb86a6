"""A kernel provisioner that forks kernels from a process that has loaded their imports."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Bool, Float, List, Unicode

from jupyter_mlops.kernels.forkserver_client import ANSWER, ForkError, ForkServer, key_of
from jupyter_mlops.kernels.forkserver_registry import SERVERS
from jupyter_mlops.kernels.launch import forkable

T = TypeVar("T")
SYSTEM = sys.platform
STREAMS = ("stdin", "stdout", "stderr")
warned: set[str] = set()


class ForkedProvisioner(LocalProvisioner):
    """Starts IPython kernels by forking. Everything else, and kernels that can't be forked, start as with
    LocalProvisioner.
    """

    preload = List(Unicode(), config=True, help="Modules that the fork server imports ahead.")
    start_server = Bool(
        True, config=True, help="Start a fork server if none is running; if off, start the kernel cold."
    )
    ready_timeout = Float(60.0, config=True, help="Maximum seconds until the sockets of a forked kernel are bound.")

    forked_from: tuple[ForkServer, dict[str, str]] | None = None  # and the environment of the kernel

    def suits(self) -> bool:
        """Whether the fork server of a forked kernel would be used for it now; true for all other kernels."""
        return self.forked_from is None or self.forked_from[0].suits(self.forked_from[1])

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork a kernel equal to the one that `cmd` would start; returns when its sockets are bound."""
        try:
            return await self._fork(cmd, **kwargs)
        except ForkError as error:
            if str(error) not in warned:
                warned.add(str(error))
                self.log.warning("Kernels are started cold: %s", error)
        except _Cold:
            pass
        return await super().launch_kernel(cmd, **kwargs)

    async def _fork(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        interpreter = forkable(cmd)
        if interpreter is None or SYSTEM != "linux" or kwargs.get("independent"):
            raise _Cold
        env = {k: str(v) for k, v in (kwargs.get("env") or os.environ).items()}
        spec = {"argv": self.kernel_spec.argv, "env": self.kernel_spec.env}
        key = key_of(interpreter, spec)
        if self.start_server:
            server = SERVERS.start(key, env, self.preload, lambda modules: ForkServer(interpreter, env, modules))
        elif (running := SERVERS.running(key, env, self.preload)) is not None:
            server = running
        else:
            raise _Cold
        try:
            async with asyncio.timeout(self.ready_timeout):
                started = await wrap_future(server.started)
        except TimeoutError:
            SERVERS.give_up(server, why := f"a fork server was not ready in {self.ready_timeout:g} s")
            raise ForkError(why) from None
        if started["threads"]:
            raise ForkError(f"an import started threads: {', '.join(started['threads'])}")
        cwd = os.path.abspath(kwargs.get("cwd") or os.getcwd())
        if not Path(cwd).is_dir():
            raise _Cold  # Popen tells what is wrong
        with contextlib.ExitStack() as opened:
            streams = [_descriptor(kwargs.get(name), name, opened) for name in STREAMS]
            reading, writing = os.pipe()
            opened.callback(os.close, reading)
            try:
                env["JPY_PARENT_PID"] = str(server.process.pid)
                process, forked = server.fork(cmd, cwd, env, streams, writing)
            finally:
                os.close(writing)
            forked.add_done_callback(_on_fork(lambda: server.adopt(process)))
            try:
                try:
                    async with asyncio.timeout(min(ANSWER, self.ready_timeout)):
                        await wrap_future(forked)
                except TimeoutError:
                    server.silent = True
                    raise ForkError("a fork server did not respond") from None
                self.forked_from = server, env
                self.process = process  # type: ignore[assignment]
                await self._bound(reading, process)
            except BaseException:
                forked.add_done_callback(_on_fork(process.kill))
                raise
        self.pid = self.pgid = process.pid
        self.cwd = cwd
        return self.connection_info

    async def shutdown_requested(self, restart: bool = False) -> None:
        """Discard a request that a dead kernel never received, so that the next kernel does not receive it."""
        asking = getattr(self.parent, "_control_socket", None)
        if restart and asking is not None:
            asking.linger = 0

    async def _bound(self, reading: int, process: Any) -> None:
        """Wait until the kernel's sockets are bound, or it has ended."""
        loop = asyncio.get_running_loop()
        signal: asyncio.Future[bytes] = loop.create_future()

        def hear() -> None:
            if not signal.done():
                signal.set_result(os.read(reading, 1))

        loop.add_reader(reading, hear)
        try:
            async with asyncio.timeout(self.ready_timeout):
                received = await signal
        except TimeoutError:
            process.kill()
            raise ForkError("a forked kernel did not respond") from None
        finally:
            loop.remove_reader(reading)
        if not received:
            raise ForkError("a forked kernel ended before its sockets were bound")


def _on_fork(do: Callable[[], None]) -> Callable[[Future[int]], None]:
    def check(forked: Future[int]) -> None:
        if forked.exception() is None:
            do()

    return check


async def wrap_future(future: Future[T]) -> T:
    """Wait for a future of another thread. Cancelling the wait does not cancel the future, which others may wait
    for.
    """
    loop = asyncio.get_running_loop()
    finished = asyncio.Event()

    def tell(source: Future[T]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(finished.set)

    future.add_done_callback(tell)
    await finished.wait()
    return future.result()


class _Cold(Exception):
    """Start this kernel cold, without a message."""


def _descriptor(stream: Any, name: str, opened: contextlib.ExitStack) -> int:
    """The descriptor that Popen would give the kernel for one of its streams."""
    if stream is None and name != "stdin":
        return 1 if name == "stdout" else 2
    if isinstance(stream, int) and stream >= 0:
        return stream
    if hasattr(stream, "fileno"):
        return int(stream.fileno())
    if stream is None:  # the reading end of a pipe that nobody writes to
        reading, writing = os.pipe()
        os.close(writing)
        opened.callback(os.close, reading)
        return reading
    if stream == subprocess.DEVNULL:
        number = os.open(os.devnull, os.O_RDWR)
        opened.callback(os.close, number)
        return number
    return opened.enter_context(tempfile.TemporaryFile()).fileno()
