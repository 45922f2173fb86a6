"""Models in a registry without a notebook, and a real server process for them."""

from __future__ import annotations

import http.client
import json
import os
import pickle
import platform
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from jupyter_mlops.jobs.models import canonical_json, document_of
from jupyter_mlops.jobs.new_run import NewRun
from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.service import aliases
from tests.jobs.workspace import CLI

COLUMNS = ("age", "income", "country")


@dataclass(frozen=True)
class Level:
    """A model that answers one number for each row."""

    level: float

    def predict(self, rows: Any) -> Any:
        import numpy as np

        return np.full(len(rows), self.level)


def signature(**types: str) -> dict[str, Any]:
    """The signature of a frame with these columns and types."""
    return {"kind": "columns", "inputs": [{"name": n, "type": t} for n, t in types.items()], "outputs": []}


def tensor(width: int, kind: str = "float64") -> dict[str, Any]:
    entry = {"name": "input", "type": kind, "shape": [-1, width]}
    return {"kind": "tensor", "inputs": [entry], "outputs": []}


def facts(space: Workspace, value: Any, name: str = "clf", data: bytes | None = None, **changes: Any) -> dict[str, Any]:
    """The facts of a model as a run records them, with its artifact in the store."""
    data = pickle.dumps(value) if data is None else data
    methods = [m for m in ("predict", "predict_proba") if hasattr(value, m)]
    found = {
        "name": name, "step": "train", "artifact": space.store.put(data), "bytes": len(data), "format": "pickle",
        "class": f"{type(value).__module__}.{type(value).__qualname__}", "framework": None,
        "python": platform.python_version(), "packages": {"numpy": metadata.version("numpy")}, "methods": methods,
        "signature": tensor(2),
    }  # fmt: skip
    return {**found, **changes}


def record(space: Workspace, models: Sequence[Mapping[str, Any]], job: str = "churn", number: int = 0) -> str:
    """A completed run of a new version of a job that left these models; `number` for an existing version. Returns the
    version's name."""
    job_record = space.catalog.ensure_job(job)
    count = len(space.catalog.versions(job_record))
    version = (
        space.catalog.version(job_record, f"v{number}")
        if number
        else space.catalog.add_version(job_record, f"{count + 1:040x}")[0]
    )
    space.queue.add(NewRun("manual", job_record.id, version.id))
    run = space.queue.claim("tests")
    assert run is not None
    documents = [
        document_of(model, job=job, run_id=run.id, version=version.digest, metrics={"auc": 0.5}) for model in models
    ]
    space.models.put(run, [(space.store.put(canonical_json(d)), m) for d, m in zip(documents, models, strict=True)])
    assert space.queue.finish(run, "completed", metrics={"auc": 0.5}) == "completed"
    return version.name


def promote(space: Workspace, version: str, alias: str = "production", job: str = "churn") -> None:
    aliases.set_alias(space, job, alias, version)


@dataclass
class Response:
    status: int
    body: bytes
    headers: http.client.HTTPMessage

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Serving:
    """A server process."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process, self.port = process, port
        self.lines: list[str] = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        self.lines.extend(self.process.stderr)

    def connect(self, timeout: float = 60.0) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def ask(
        self, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None, method: str = ""
    ) -> Response:  # fmt: skip
        connection = self.connect()
        try:
            return exchange(connection, path, body, headers, method)
        finally:
            connection.close()

    def invoke(self, document: Any, **headers: str) -> Response:
        return self.ask("/invocations", json.dumps(document).encode(), {"Content-Type": "application/json", **headers})


def exchange(
    connection: http.client.HTTPConnection, path: str, body: bytes | None = None,
    headers: Mapping[str, str] | None = None, method: str = "",
) -> Response:  # fmt: skip
    """One request on a connection that stays open."""
    connection.request(method or ("GET" if body is None else "POST"), path, body, dict(headers or {}))
    response = connection.getresponse()
    return Response(response.status, response.read(), response.headers)


@contextmanager
def serving(home: Path, *arguments: str, env: Mapping[str, str] | None = None) -> Iterator[Serving]:
    """A server, from its being ready to its end."""
    process = begin_serving(home, *arguments, env=env)
    assert process.stderr is not None
    first: list[str] = []
    for line in process.stderr:
        first.append(line)
        if line.startswith("ready:"):
            break
    assert first and first[-1].startswith("ready:"), "".join(first)
    server = Serving(process, int(first[-1].rpartition(":")[2]))
    try:
        yield server
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
        server.reader.join(10)
        process.stderr.close()


def begin_serving(home: Path, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """The process of `jupyter mlops serve` on a free port."""
    variables = {**os.environ, "JUPYTER_MLOPS_HOME": str(home), **(env or {})}
    root = str(Path(__file__).parent.parent.parent)
    variables["PYTHONPATH"] = os.pathsep.join([root, variables.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [*CLI, "serve", *arguments, "--port", "0"], env=variables, stderr=subprocess.PIPE, text=True
    )
