"""Starts a kernel's process: it starts while this process imports what it needs to communicate with it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, Literal

import zmq
import zmq.asyncio
from jupyter_client.kernelspec import NoSuchKernel
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory

from jupyter_mlops.errors import KernelNotFoundError
from jupyter_mlops.execution.environment import kernel_spec, site_folders
from jupyter_mlops.kernels import reaper
from jupyter_mlops.kernels.forkserver.fingerprints import stamp
from jupyter_mlops.kernels.forkserver_client import key_of
from jupyter_mlops.kernels.launch import forkable
from jupyter_mlops.kernels.specs import spec_manager

LOG = "kernel.log"
# Registered by its entry point where the package is installed; a source tree on the path has none.
PROVISIONER = EntryPoint(
    "forked-provisioner",
    "jupyter_mlops.kernels.provisioner:ForkedProvisioner",
    KernelProvisionerFactory.GROUP_NAME,
)
Fork = Literal["", "running", "start"]
SOCKETS = 16384  # at most: a kernel needs four


@dataclass(frozen=True)
class KernelRequest:
    """A requested kernel, and how to start it.

    :param hash_seed: PYTHONHASHSEED of the kernel, so that sets have the same order in all kernels of a run.
    :param python: whether it is an IPython kernel, which can be forked and can load the agent.
    :param fork: whether to fork it: "running" requires a running fork server, "start" starts one.
    :param preload: modules that the fork server imports ahead.
    :param env: the environment; None: this process's.
    """

    kernel_name: str
    cwd: str
    hash_seed: str = ""
    python: bool = True
    fork: Fork = ""
    preload: tuple[str, ...] = ()
    env: Mapping[str, str] | None = None

    def is_process_of(self, other: KernelRequest) -> bool:
        """Whether a process that was started for `other`, and not forked, is suitable."""

        def told(request: KernelRequest) -> tuple[object, ...]:
            return request.kernel_name, request.cwd, request.hash_seed, request.env

        return self.fork != "start" and told(self) == told(other)

    def environment(self) -> dict[str, str]:
        """The initial environment of the kernel."""
        env = dict(os.environ if self.env is None else self.env)
        if self.hash_seed and "PYTHONHASHSEED" not in env:
            env.update(PYTHONHASHSEED=self.hash_seed, JUPYTER_MLOPS_HASHSEED="1")
        if "PYDEVD_DISABLE_FILE_VALIDATION" not in env:
            env.update(PYDEVD_DISABLE_FILE_VALIDATION="1", JUPYTER_MLOPS_PYDEVD="1")
        return env


@cache
def sockets() -> zmq.asyncio.Context:
    """The ZeroMQ context of the sockets to all kernels. Separate contexts would have two more threads each."""
    context = zmq.asyncio.Context()
    context.set(zmq.MAX_SOCKETS, min(SOCKETS, context.get(zmq.SOCKET_LIMIT)))
    context.setsockopt(zmq.RCVHWM, 0)  # outputs are never dropped because we are slow
    return context


def _unpaused(method: Any) -> Any:
    """The same without the 10 ms that jupyter_client sleeps afterwards."""
    return getattr(method, "__wrapped__", method)


class PatientKernelManager(AsyncKernelManager):
    """Starts and ends a kernel without waiting for jupyter_client's future `ready`."""

    start_kernel = _unpaused(AsyncKernelManager.start_kernel)
    shutdown_kernel = _unpaused(AsyncKernelManager.shutdown_kernel)

    async def _async_wait(self, pollinterval: float = 0.1) -> None:
        """Wait until the process has ended; a killed one ends soon."""
        pause = 0.001
        while await self._async_is_alive():
            await asyncio.sleep(pause)
            pause = min(pollinterval, pause * 2)


@dataclass
class KernelProcess:
    """A kernel's process, and the private folder of its sockets and its log."""

    manager: AsyncKernelManager
    folder: str
    began_with: object = None

    def is_as_now(self) -> bool:
        """Whether the kernelspec, the interpreter and its packages are unchanged since it was started."""
        provisioner: Any = self.manager.provisioner
        suits = getattr(provisioner, "suits", lambda: True)
        return self.began_with == made_of(self.manager.kernel_name) and bool(suits())

    async def end(self) -> None:
        """Kill the process and every process that it started in its session, and remove the folder."""
        with contextlib.suppress(Exception):
            await self.manager.shutdown_kernel(now=True)
        with contextlib.suppress(Exception):
            await self.manager.cleanup_resources()
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)

    def detach(self) -> None:
        """Close the connection; the process continues."""
        self.manager._close_control_socket()


async def launch(request: KernelRequest) -> KernelProcess:
    """Start the process. Raises KernelNotFoundError; other failures are detected on connecting."""
    folder = str(reaper.make_folder())
    manager = PatientKernelManager(
        kernel_name=request.kernel_name,
        connection_file=os.path.join(folder, "kernel.json"),
        kernel_spec_manager=spec_manager(),
        context=sockets(),
    )
    launched = KernelProcess(manager, folder, made_of(request.kernel_name))
    if os.name == "posix":
        manager.transport = "ipc"
        manager.ip = os.path.join(folder, "k")
    try:
        if request.python and request.fork:
            _let_fork(manager, request.fork, request.preload)
        with open(os.path.join(folder, LOG), "wb") as log:
            await manager.start_kernel(cwd=request.cwd, env=request.environment(), stdout=log, stderr=log)
        if pid := getattr(manager.provisioner, "pid", None):
            reaper.register_kernel(Path(folder), pid)
    except NoSuchKernel:
        shutil.rmtree(folder, ignore_errors=True)
        raise no_kernel(request.kernel_name) from None
    except BaseException:
        await launched.end()
        raise
    return launched


def made_of(kernel_name: str) -> object:
    """A value that identifies the kernelspec of a name, for comparison; None if there is none."""
    spec = kernel_spec(kernel_name)
    if spec is None:
        return None
    return key_of(spec.argv, {"argv": spec.argv, "env": spec.env}), [stamp(f) for f in site_folders(spec.argv[0])]


def _let_fork(manager: AsyncKernelManager, fork: Fork, preload: Sequence[str]) -> None:
    """Set our provisioner in this manager's copy of the kernelspec, unless the spec has its own."""
    provisioners = KernelProvisionerFactory.instance(parent=manager.parent).provisioners
    provisioners.setdefault(PROVISIONER.name, PROVISIONER)
    spec: Any = manager.kernel_spec
    if "kernel_provisioner" not in spec.metadata and forkable(spec.argv) is not None:
        config = {"preload": list(preload), "start_server": fork == "start"}
        spec.metadata = {
            **spec.metadata,
            "kernel_provisioner": {"provisioner_name": PROVISIONER.name, "config": config},
        }


def no_kernel(name: str) -> KernelNotFoundError:
    installed = ", ".join(sorted(spec_manager().find_kernel_specs())) or "none"
    return KernelNotFoundError(
        f"no kernel named {name!r} is installed", remedy=f"Installed: {installed}. Choose one with --kernel NAME."
    )
