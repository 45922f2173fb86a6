"""Where a worker is reached by processes of the same person on the same machine, and what both sides say there.

A worker listens on a socket in a private folder and tells its address in a file of its home. What is said are lines of
JSON. A client offers a run: `{"run": {…}, "here": {…}}`; the worker answers with events as they happen, and at last
with one of

    {"record": {…}}                                        what `jupyter mlops run --json` prints
    {"refused": "why"}                                     it would not run it as the client would: nothing happened
    {"error": {"kind", "message", "where", "remedy"}}      an error of errors.py

and stops the run at `{"stop": "reason"}`, or when the client is gone. `{"there": true}` is answered at once,
`{"status": true}` with what the worker is doing, `{"watch": true}` with the events of all runs of the queue, until
the client is gone. A server that ends says `{"leave": true}` there: a worker that is kept by servers ends with the
last of them.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_mlops import __version__
from jupyter_mlops.kernels.circumstances import circumstances
from jupyter_mlops.run.request import RunRequest

ADDRESS = "worker.json"
LINE = 1 << 26  # bytes of a line, at most
GOODBYE = b'{"leave": true}\n'
PATHS = ("notebook", "output", "report", "cwd")
# Variables that decide where kernels and their settings are found, before a kernel has any environment of its own.
FINDS_KERNELS = ("JUPYTER_PATH", "JUPYTER_DATA_DIR", "JUPYTER_PREFER_ENV_PATH", "XDG_DATA_HOME", "HOME", "PATH")


def read_address(home: Path) -> dict[str, Any] | None:
    """What a worker says of itself: its socket, its process, its version; None if none did."""
    try:
        found = json.loads((home / ADDRESS).read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("socket"), str) else None


def here(environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What a run started in this process depends on that a kernel's environment variables don't say."""
    env = os.environ if environ is None else environ
    return {
        "version": __version__,
        "executable": sys.executable,
        **circumstances(),
        "finds": {name: env.get(name) for name in FINDS_KERNELS},
    }


def to_wire(request: RunRequest, environ: Mapping[str, str]) -> dict[str, Any] | None:
    """A request as plain JSON with absolute paths and an environment; None if its values can't be told in JSON."""
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
    """The request that was told. Raises TypeError for what is none."""
    paths = {name: None if plain.get(name) is None else Path(plain[name]) for name in PATHS}
    return RunRequest(**{**plain, **paths})
