"""Waiting for runs that a worker or this process executes."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import ConflictError

if TYPE_CHECKING:
    from jupyter_mlops.jobs.workspace import Workspace


WORKER_POLL_S = 1.0  # seconds between checks for a running worker
EventCallback = Callable[[dict[str, Any]], None]


def wait_until_finished(
    space: Workspace, poll: Callable[[], bool], execute: Callable[[], Coroutine[Any, Any, bool]] | None,
    stop: Callable[[], object],
) -> None:  # fmt: skip
    """Wait until `poll` or `execute` returns a result. `execute` runs it here, and is called whenever no worker is
    running.

    The first SIGINT or SIGTERM calls `stop`.
    """
    import asyncio

    last_check, stopping = -WORKER_POLL_S, False
    with _sigterm_as_interrupt():
        while True:
            try:
                if execute is not None and not stopping and time.monotonic() >= last_check + WORKER_POLL_S:
                    if not space.workers.active_since(space.config.lease) and asyncio.run(execute()):
                        return
                    last_check = time.monotonic()
                if poll():
                    return
                time.sleep(0.1)
            except KeyboardInterrupt:
                if stopping:
                    raise
                stopping = True
                with contextlib.suppress(ConflictError):  # it has finished
                    stop()


@contextlib.contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    """Handle SIGTERM like SIGINT within this context."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    previous_handler = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous_handler)


def notify_worker(space: Workspace) -> None:
    """Notify a worker on this machine that the queue changed; other workers poll."""
    from jupyter_mlops.worker.client import ask

    if hasattr(os, "getuid"):
        ask(space.home, {"poke": True})
