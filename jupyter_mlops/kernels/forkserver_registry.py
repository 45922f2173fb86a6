"""The fork servers of this process: found, started when necessary, and ended when idle."""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from jupyter_mlops.kernels.forkserver_client import ForkError, ForkServer

IDLE = 600.0  # seconds after which a server without kernels may go, and one that failed is tried again


class ForkServers:
    """The fork servers of this process: for each key, one per environment that matters to imports."""

    def __init__(self) -> None:
        self.servers: dict[str, list[ForkServer]] = {}
        self.failed: dict[tuple[str, Sequence[str]], tuple[float, str]] = {}
        self.lock = threading.Lock()

    def running(self, key: str, env: Mapping[str, str], preload: Sequence[str] = ()) -> ForkServer | None:
        """A server for kernels with this environment, preferably one that has these modules."""
        with self.lock:
            return self._find(key, env, preload)

    def _find(self, key: str, env: Mapping[str, str], preload: Sequence[str]) -> ForkServer | None:
        fit = [s for s in self.servers.get(key, ()) if s.alive and not s.silent and s.suits(env)]
        return max(fit, key=lambda s: (s.has(preload), s.ready, s.used_at), default=None)

    def start(
        self, key: str, env: Mapping[str, str], preload: Sequence[str], make: Callable[[Sequence[str]], ForkServer]
    ) -> ForkServer:
        """A server for kernels with this environment, started if necessary; servers that have been idle for long are
        ended.

        A server that lacks some of the modules serves while another one with all modules starts. Raises ForkError,
        without a new attempt, if the start failed recently.

        :param make: creates a server that imports these modules ahead.
        """
        with self.lock:
            if not self.servers:
                atexit.register(self.close)
            server = self._find(key, env, preload)
            if server is None or not server.has(preload):
                preloaded = server.preload if server is not None else ()
                modules = tuple(dict.fromkeys((*preloaded, *preload)))
                at, why = self.failed.get((key, modules), (-IDLE, ""))
                if server is not None and time.monotonic() - at < IDLE:
                    return server
                if time.monotonic() - at < IDLE:
                    raise ForkError(why)
                new_server = make(modules)
                new_server.started.add_done_callback(lambda future: self._note_failed(key, new_server))
                self.servers.setdefault(key, []).append(new_server)
                server = server if server is not None and server.ready else new_server
            old = self._leaving(IDLE, keep=server)
        for other in old:
            other.close()
        return server

    def give_up(self, server: ForkServer, why: str) -> None:
        """End a server that does not get ready, and do not try it again soon."""
        if not server.started.done():
            server.started.set_exception(ForkError(why))
        server.process.kill()

    def _note_failed(self, key: str, server: ForkServer) -> None:
        error = server.started.exception()
        if error is not None and server in self.servers.get(key, ()):  # nobody has closed it
            self.failed[key, server.preload] = time.monotonic(), str(error)

    def stop_idle(self, idle: float) -> None:
        """End servers that have had no kernel for `idle` seconds, and remove those that have ended."""
        with self.lock:
            old = self._leaving(idle)
        for other in old:
            other.close()

    def _leaving(self, idle: float, keep: ForkServer | None = None) -> list[ForkServer]:
        old = [s for s in self._all() if s is not keep and (s.idle_for() > idle or not s.alive)]
        for servers in self.servers.values():
            servers[:] = [s for s in servers if s not in old]
        return old

    def _all(self) -> list[ForkServer]:
        return [s for servers in self.servers.values() for s in servers]

    def close(self) -> None:
        with self.lock:
            servers = self._all()
            self.servers.clear()
        for server in servers:
            server.close()


SERVERS = ForkServers()
