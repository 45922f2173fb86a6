"""A kernel that somebody else started and keeps, as the main kernel of a run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import zmq
from jupyter_client.manager import AsyncKernelManager

from jupyter_mlops.errors import KernelDied
from jupyter_mlops.run.kernels import Kernels
from jupyter_mlops.run.launch import Launched
from jupyter_mlops.run.session import Session


class Elsewhere(AsyncKernelManager):
    """Knows how to reach a kernel; its process is another's to start and end."""

    async def _async_is_alive(self) -> bool:
        return True  # what becomes of it is seen by who waits for its answers

    is_alive = _async_is_alive


@dataclass
class Attached(Launched):
    """A kernel that is not ours to end."""

    async def end(self) -> None:
        self.let_go()

    def let_go(self) -> None:
        self.manager.context.destroy(linger=0)


class Guest(Kernels):
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

    async def start(self, session: Session) -> None:
        if self.given:
            raise KernelDied("the kernel that was to be used is gone")
        self.given = True
        manager = Elsewhere(connection_file=str(self.connection_file))
        manager.context.setsockopt(zmq.RCVHWM, 0)
        manager.load_connection_file()
        await session.start(Attached(manager, str(self.connection_file.parent)))
