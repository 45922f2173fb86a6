"""The heartbeat of a worker, in a separate thread: a busy event loop must not lose leases."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from jupyter_mlops.errors import DatabaseError
from jupyter_mlops.worker.problems import Problems
from jupyter_mlops.worker.run_consumer import RunConsumer

BEATS = 4  # heartbeats per lease time
log = logging.getLogger("jupyter_mlops.worker")


class Heartbeat:
    """Renews the leases of a worker's runs.

    :param register: called once per lease time, to show that the worker is alive.
    """

    def __init__(self, consumer: RunConsumer, register: Callable[[], None], problems: Problems) -> None:
        self.consumer, self.register, self.problems = consumer, register, problems
        self.thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)
        self.woken, self.over = threading.Event(), False

    def start(self) -> None:
        self.thread.start()

    def wake(self) -> None:
        """Beat at once: a run may have to stop."""
        self.woken.set()

    def end(self, timeout: float) -> None:
        """End the thread, and wait for it for `timeout` seconds."""
        self.over = True
        self.woken.set()
        self.thread.join(timeout)

    def _run(self) -> None:
        rounds = 0
        while True:
            self.woken.wait(self.consumer.queue.lease / BEATS)
            self.woken.clear()
            if self.over:
                return
            rounds += 1
            try:
                self.consumer.beat()
                self.problems.resolve("leases")
                if rounds % BEATS == 0:
                    self.register()
            except DatabaseError as error:
                self.problems.report("leases", error)
                self._release_expired()
            except Exception:
                log.exception("heartbeat")

    def _release_expired(self) -> None:
        """Stop the runs whose leases have ended: a worker that still reaches the database may claim them."""
        consumer = self.consumer
        if not consumer.db.is_sqlite and time.monotonic() - consumer.renewed_at > consumer.queue.lease:
            consumer.end_all(None)
