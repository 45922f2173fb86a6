"""A process that serves a model, alone or as one of several that share a port."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_mlops.config import RunConfig
from jupyter_mlops.errors import InvalidInputError, MlopsError
from jupyter_mlops.import_guard import unblock
from jupyter_mlops.serving.metrics import Metrics
from jupyter_mlops.serving.model_slot import ModelSlot
from jupyter_mlops.serving.prediction_log import PredictionLog
from jupyter_mlops.serving.server import ModelServer
from jupyter_mlops.serving.settings import ServeSettings
from jupyter_mlops.serving.sources import FolderSource, RegistrySource, Source

BACKLOG = 512  # connections that wait to be accepted
READY = "ready"  # the line by which a process says that it answers
log = logging.getLogger("jupyter_mlops.serving")


def bind(settings: ServeSettings, *, listening: bool = True) -> list[socket.socket]:
    """Sockets of the address, one for each kind of IP. Raises InvalidInputError if it can't be used.

    :param listening: False to hold the port for processes that share it: connections go to those that listen.
    """
    sockets: list[socket.socket] = []
    try:
        host, port = settings.host.strip("[]"), settings.port
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, address in dict.fromkeys((entry[0], entry[4]) for entry in addresses):
            bound = socket.socket(family, socket.SOCK_STREAM)
            sockets.append(bound)
            bound.setblocking(False)
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if settings.workers > 1:
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            bound.bind((address[0], port or address[1], *address[2:]))
            port = bound.getsockname()[1]
            if listening:
                bound.listen(BACKLOG)
    except (OSError, UnicodeError, AttributeError) as error:
        for bound in sockets:
            bound.close()
        raise InvalidInputError(
            f"the address can't be used: {getattr(error, 'strerror', None) or error}",
            where=f"{settings.host}:{settings.port}",
            remedy="Choose another one with --host and --port.",
        ) from None
    return sockets


def source_of(settings: ServeSettings, config: RunConfig) -> Source:
    if settings.folder:
        return FolderSource(Path(settings.folder), settings)
    from jupyter_mlops.jobs.workspace import Workspace

    return RegistrySource(Workspace(config), settings)


def log_folder(config: RunConfig, settings: ServeSettings) -> Path:
    """The folder of the prediction log."""
    return Path(config.home) / "predictions" / (settings.job or "folder")


async def serve(
    settings: ServeSettings, config: RunConfig, on_ready: Callable[[ModelServer, int], None],
    metrics: Metrics | None = None, stop: asyncio.Event | None = None,
) -> None:  # fmt: skip
    """Serve until SIGTERM, SIGINT or `stop`; requests in progress are finished.

    :param on_ready: is called with the server and its port.
    :raises MlopsError: there is no model, it can't be loaded, or the address can't be used.
    """
    unblock()  # models, and what they import, see the libraries that are installed
    metrics, stop = metrics or Metrics(), stop or asyncio.Event()
    sockets = bind(settings)
    try:
        slot = ModelSlot(source_of(settings, config), metrics.add)
        await asyncio.to_thread(slot.start)
        predictions = PredictionLog(log_folder(config, settings), settings.log_share, settings.log_limit, metrics.add)
        server = ModelServer(settings, slot, metrics, predictions)
    except BaseException:
        for bound in sockets:
            bound.close()
        raise
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, stop.set)
    server.listen(sockets)
    on_ready(server, sockets[0].getsockname()[1])
    try:
        await stop.wait()
    finally:
        await server.close()


def main() -> int:
    """One of several processes: the settings come from stdin, whose end ends it."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    request: dict[str, Any] = json.loads(sys.stdin.readline())
    settings = ServeSettings.of(request["settings"])
    config = RunConfig(**request["config"])
    metrics = Metrics(Path(request["metrics"]), request["row"], request["rows"])

    async def run() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()

        def watch_parent() -> None:
            sys.stdin.read()
            loop.call_soon_threadsafe(stop.set)

        threading.Thread(target=watch_parent, daemon=True).start()
        await serve(settings, config, lambda server, port: print(READY, flush=True), metrics, stop)

    try:
        asyncio.run(run())
    except MlopsError as error:
        print(json.dumps(error.to_dict()), flush=True)
        return error.exit_code
    os._exit(0)  # a prediction that never ends must not keep the process


if __name__ == "__main__":
    sys.exit(main())
