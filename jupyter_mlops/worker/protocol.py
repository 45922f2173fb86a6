"""Address and wire protocol of a worker's socket, for processes of the same user on the same machine.

A worker listens on a socket in a private folder and writes its address to a file in its home folder. Messages are lines
of JSON. A client submits a run: `{"run": {…}, "here": {…}}`; the worker answers with events as they happen, and finally
with one of

    {"record": {…}}                                        what `jupyter mlops run --json` prints
    {"refused": "why"}                                     it would not run as in the client: nothing happened
    {"error": {"kind", "message", "where", "remedy"}}      an error of errors.py

The worker stops the run on `{"stop": "reason"}`, or when the client disconnects. `{"there": true}` is answered at once,
`{"status": true}` with the state of the worker, `{"watch": true}` with the events of all runs of the queue until the
client disconnects. A server that ends sends `{"leave": true}` on that connection: a supervised worker ends with its
last server.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_mlops import __version__
from jupyter_mlops.execution.request import RunRequest
from jupyter_mlops.kernels.process_context import process_context

ADDRESS = "worker.json"
LINE = 1 << 26  # maximum bytes of a line
GOODBYE = b'{"leave": true}\n'
PATHS = ("notebook", "output", "report", "cwd", "published_from")
# Variables that decide where kernelspecs and their settings are found, before a kernel has its own environment.
FINDS_KERNELS = ("JUPYTER_PATH", "JUPYTER_DATA_DIR", "JUPYTER_PREFER_ENV_PATH", "XDG_DATA_HOME", "HOME", "PATH")


def read_address(home: Path) -> dict[str, Any] | None:
    """The published address of a worker: socket, process and version; None if there is none."""
    try:
        address = json.loads((home / ADDRESS).read_bytes())
    except (OSError, ValueError):
        return None
    return address if isinstance(address, dict) and isinstance(address.get("socket"), str) else None


def process_context_of_client(environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What a run started in this process depends on besides the environment variables of its kernel."""
    env = os.environ if environ is None else environ
    return {
        "version": __version__,
        "executable": sys.executable,
        **process_context(),
        "finds": {name: env.get(name) for name in FINDS_KERNELS},
    }


def to_wire(request: RunRequest, environ: Mapping[str, str]) -> dict[str, Any] | None:
    """A request as plain JSON with absolute paths and an environment; None if its values cannot be expressed in
    JSON."""
    plain = {name: getattr(request, name) for name in request.__dataclass_fields__}
    plain["given"], plain["texts"] = dict(request.given), dict(request.texts)
    plain["env"] = dict(environ if request.env is None else request.env)
    for name in PATHS:
        plain[name] = None if plain[name] is None else os.path.abspath(plain[name])
    try:
        same = json.loads(json.dumps(plain["given"], allow_nan=False)) == plain["given"]
    except (TypeError, ValueError):
        return None
    return plain if same else None


def from_wire(plain: Mapping[str, Any]) -> RunRequest:
    """The request from its wire form. Raises TypeError if it is not valid."""
    paths = {name: None if plain.get(name) is None else Path(plain[name]) for name in PATHS}
    return RunRequest(**{**plain, **paths})
