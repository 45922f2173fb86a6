"""Use a kernel that another process started and owns as the main kernel of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import zmq
from jupyter_client.manager import AsyncKernelManager

from jupyter_mlops.errors import KernelDiedError
from jupyter_mlops.execution.kernel_session import KernelSession
from jupyter_mlops.execution.kernels import KernelProvider
from jupyter_mlops.execution.launch import KernelProcess


class ExternalKernelManager(AsyncKernelManager):
    """Knows how to reach a kernel; its process is another's to start and end."""

    async def _async_is_alive(self) -> bool:
        return True  # what becomes of it is seen by who waits for its answers

    is_alive = _async_is_alive


@dataclass
class AttachedKernel(KernelProcess):
    """A kernel that is not ours to end."""

    async def end(self) -> None:
        self.detach()

    def detach(self) -> None:
        self.manager.context.destroy(linger=0)


class AttachedKernelProvider(KernelProvider):
    """Gives the main line a kernel that is there, once, and no other.

    :param connection_file: of the kernel.
    """

    one_of_many = True
    hears_signals = False

    def __init__(self, connection_file: Path) -> None:
        super().__init__()
        self.connection_file = connection_file
        self.given = False

    @property
    def room(self) -> bool:
        return False

    async def start(self, session: KernelSession) -> None:
        if self.given:
            raise KernelDiedError("the kernel that was to be used is gone")
        self.given = True
        manager = ExternalKernelManager(connection_file=str(self.connection_file))
        manager.context.setsockopt(zmq.RCVHWM, 0)
        manager.load_connection_file()
        await session.start(AttachedKernel(manager, str(self.connection_file.parent)))
