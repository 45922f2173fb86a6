"""Handing a run to a worker that is running: its kernels are ready, and its imports are done."""

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
from jupyter_mlops.jobs.door import here, read_address, to_wire
from jupyter_mlops.run.request import RunRequest

PATIENCE = 2.0  # seconds that a worker may take to accept a connection
ANSWER = 5.0  # and to answer a question


def hand_over(
    request: RunRequest,
    home: Path,
    tell: Callable[[dict[str, Any]], None] = lambda event: None,
    environ: Mapping[str, str] = os.environ,
) -> dict[str, Any] | None:
    """Let a worker run it, and return the record; None if there is none that would run it as this process does.

    SIGINT and SIGTERM stop the run, and the record of what was done is returned. If the worker ends before anything
    was begun, that is as if there were none; RunStopped if it ends later: cells may have done their work already.

    :param environ: environment variables of who asks.
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
        with contextlib.suppress(OSError):  # it is gone, and says no more
            connection.sendall(json.dumps({"run": plain, "here": here(environ)}).encode() + b"\n")
        for said in _lines(connection):
            if "event" in said:
                begun = begun or said["event"] != "waiting"
                tell(said)
            elif "record" in said:
                record: dict[str, Any] = said["record"]
                return record
            elif "error" in said:
                raise _error(said["error"])
            elif "refused" in said:
                return None
    if not begun:
        return None  # no cell has run
    raise errors.RunStopped(
        "the worker that ran this is gone",
        where=f"process {address.get('pid')}",
        remedy="Run it again: what was completed is kept.",
    )


def ask(home: Path, question: dict[str, Any]) -> dict[str, Any] | None:
    """A worker's answer to one question, or None if no worker is running, or none that answers."""
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


def absence(home: Path) -> str:
    """Why nothing was answered, in words."""
    address = read_address(home)
    try:
        if address is not None:
            _connect(address["socket"]).close()
            return f"the worker does not answer; process {address.get('pid')} may be stopped (kill -CONT lets it go on)"
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
    """What it says, until it is gone, be it within a line."""
    with connection.makefile("rb") as stream, contextlib.suppress(ConnectionError):
        while (line := stream.readline()).endswith(b"\n"):
            yield json.loads(line)


@contextlib.contextmanager
def _stops(connection: socket.socket) -> Iterator[None]:
    """While this lasts, a signal to stop is passed on to the worker; the second one is for this process."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(number: int, frame: object) -> None:
        for each, handler in before.items():
            signal.signal(each, handler)
        with contextlib.suppress(OSError):
            connection.sendall(json.dumps({"stop": signal.Signals(number).name}).encode() + b"\n")

    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _error(told: dict[str, Any]) -> errors.MlopsError:
    kind = getattr(errors, told["kind"], errors.MlopsError)
    made: errors.MlopsError = kind(told["message"], where=told["where"], remedy=told["remedy"])
    return made
