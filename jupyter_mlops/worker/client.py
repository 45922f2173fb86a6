"""Client of a running worker: submits runs to a process with pooled kernels and loaded imports."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from jupyter_mlops import errors
from jupyter_mlops.execution.request import RunRequest
from jupyter_mlops.worker.protocol import process_context_of_client, read_address, to_wire

PATIENCE = 2.0  # seconds that a worker may take to accept a connection
ANSWER = 5.0  # seconds that it may take to answer a request


def submit(
    request: RunRequest,
    home: Path,
    tell: Callable[[dict[str, Any]], None] = lambda event: None,
    environ: Mapping[str, str] = os.environ,
) -> dict[str, Any] | None:
    """Submit a run to the worker and return its record, or None if no worker would run it as this process does.

    SIGINT and SIGTERM stop the run; the record of what was executed is returned. Returns None if the worker ends before
    the run begins, and raises RunStoppedError if it ends later, because cells may already have taken effect.

    :param environ: environment variables of the client.
    """
    address = read_address(home)
    plain = to_wire(request, environ) if address is not None else None
    if address is None or plain is None or ask(home, {"there": True}) is None:
        return None
    try:
        connection = _connect(address["socket"])
    except OSError:
        return None
    begun = False
    with connection, _stops(connection):
        with contextlib.suppress(OSError):  # the worker has ended and sends nothing more
            connection.sendall(json.dumps({"run": plain, "here": process_context_of_client(environ)}).encode() + b"\n")
        for message in _lines(connection):
            if "event" in message:
                begun = begun or message["event"] != "waiting"
                tell(message)
            elif "record" in message:
                record: dict[str, Any] = message["record"]
                return record
            elif "error" in message:
                raise errors.from_dict(message["error"])
            elif "refused" in message:
                return None
    if not begun:
        return None  # no cell has run
    raise errors.RunStoppedError(
        "the worker ended during the run",
        where=f"process {address.get('pid')}",
        remedy="Run it again: completed steps are reused.",
    )


def ask(home: Path, question: dict[str, Any]) -> dict[str, Any] | None:
    """Send one request to the worker and return its answer, or None if no worker is running or it does not answer."""
    address = read_address(home)
    if address is None:
        return None
    try:
        with _connect(address["socket"]) as connection:
            connection.settimeout(ANSWER)
            connection.sendall(json.dumps(question).encode() + b"\n")
            return next(_lines(connection), None)
    except OSError:
        return None


def why_no_worker(home: Path) -> str:
    """The reason why no worker answered, as text for people."""
    address = read_address(home)
    try:
        if address is not None:
            _connect(address["socket"]).close()
            return f"the worker does not answer; process {address.get('pid')} may be suspended (kill -CONT resumes it)"
    except OSError:
        pass
    return "no worker is running"


def _connect(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(PATIENCE)
        connection.connect(path)
        connection.settimeout(None)
    except OSError:
        connection.close()
        raise
    return connection


def _lines(connection: socket.socket) -> Iterator[dict[str, Any]]:
    """Messages from a connection, until it closes; an incomplete last line is dropped."""
    with connection.makefile("rb") as stream, contextlib.suppress(ConnectionError):
        while (line := stream.readline()).endswith(b"\n"):
            yield json.loads(line)


@contextlib.contextmanager
def _stops(connection: socket.socket) -> Iterator[None]:
    """Forward the first SIGINT or SIGTERM to the worker within this context; the second one reaches this process."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(number: int, frame: object) -> None:
        for signal_number, handler in before.items():
            signal.signal(signal_number, handler)
        with contextlib.suppress(OSError):
            connection.sendall(json.dumps({"stop": signal.Signals(number).name}).encode() + b"\n")

    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
