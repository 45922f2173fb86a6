"""A real Jupyter server with the extension, in a process and folders of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
BUILT = ROOT / "jupyter_mlops" / "labextension"
TOKEN = "secret-of-the-tests"
# What jupyter-collaboration installs, which is at work in all of JupyterLab unless it is told not to.
COLLABORATION_SERVER = ("jupyter_server_ydoc", "jupyter_server_fileid")
COLLABORATION_LAB = ("@jupyter/docprovider-extension", "@jupyter/collaboration-extension")


@dataclass
class Answer:
    """What the server answered."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Server:
    """A server that runs."""

    url: str
    root: Path
    home: Path
    process: subprocess.Popen[bytes]
    log: Path

    def ask(
        self, method: str, path: str, body: Any = None, *, token: str = TOKEN, raw: bytes | None = None
    ) -> Answer:  # fmt: skip
        """One request below /mlops."""
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"token {token}"} if token else {}
        request = urllib.request.Request(f"{self.url}/mlops/{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return Answer(answer.status, answer.read(), dict(answer.headers))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read(), dict(error.headers))

    def get(self, path: str, **query: Any) -> Any:
        """The answer to a GET that has to work."""
        found = self.ask("GET", f"{path}?{urllib.parse.urlencode(query, doseq=True)}" if query else path)
        assert found.status == 200, found.body
        return found.json

    def post(self, path: str, body: Any, status: int = 0) -> Any:
        """The answer to a POST that has to work."""
        found = self.ask("POST", path, body)
        assert found.status == status if status else found.status in (200, 201), found.body
        return found.json

    def over(self, run_id: str, seconds: float = 90.0) -> dict[str, Any]:
        """The run when it is over."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            run: dict[str, Any] = self.get(f"runs/{run_id}")
            if run["state"] not in ("queued", "running"):
                return run
            time.sleep(0.05)
        raise AssertionError(f"the run is not over: {run}")

    def write(self, name: str, *cells: tuple[str, str] | str) -> str:
        """A notebook in the server's root: each cell its source, and its tags with spaces between."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(notebook(*cells)), encoding="utf-8")
        return name


def notebook(*cells: tuple[str, str] | str) -> dict[str, Any]:
    """A notebook as JSON."""
    made = []
    for at, cell in enumerate(cells):
        source, tags = (cell, "") if isinstance(cell, str) else cell
        made.append(
            {"cell_type": "code", "id": f"cell-{at}", "source": source, "outputs": [], "execution_count": None,
             "metadata": {"tags": tags.split()} if tags else {}}
        )  # fmt: skip
    spec = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": spec}, "cells": made}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def server(
    folder: Path, *options: str, app: str = "server", config: str = "", extension: bool = True,
    collaboration: bool = False,
) -> Iterator[Server]:  # fmt: skip
    """Start one, and end it and its worker.

    :param extension: whether JupyterLab has ours.
    :param collaboration: whether notebooks are shared between browsers, by jupyter-collaboration.
    """
    root, home, data = folder / "root", folder / "home", folder / "data"
    for each in (root, home, data, data / "labextensions"):
        each.mkdir(parents=True, exist_ok=True)
    if app == "lab" and extension:
        assert (BUILT / "package.json").is_file(), (
            "the JupyterLab extension is not built: jlpm build:prod in labextension/"
        )
        (data / "labextensions" / "jupyter-mlops").symlink_to(BUILT)
    extensions = {"jupyter_mlops": True, **dict.fromkeys(COLLABORATION_SERVER, collaboration)}
    (data / "labconfig").mkdir(exist_ok=True)
    disabled = {} if collaboration else dict.fromkeys(COLLABORATION_LAB, True)
    (data / "labconfig" / "page_config.json").write_text(json.dumps({"disabledExtensions": disabled}), encoding="utf-8")
    settings = data / "jupyter_server_config.py"
    settings.write_text(config, encoding="utf-8")
    env = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "JPY"))}
    env |= {
        "JUPYTER_MLOPS_HOME": str(home), "JUPYTER_CONFIG_DIR": str(data), "JUPYTER_DATA_DIR": str(data),
        "JUPYTER_RUNTIME_DIR": str(data / "runtime"), "JUPYTERLAB_SETTINGS_DIR": str(data / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(data / "workspaces"), "JUPYTER_PREFER_ENV_PATH": "1",
        "PYTHONWARNINGS": "default",
    }  # fmt: skip
    port = free_port()
    command = [
        sys.executable, "-m", "jupyter", app, "--allow-root", "--no-browser", f"--port={port}", "--ip=127.0.0.1",
        f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={root}", "--ServerApp.port_retries=0",
        f"--ServerApp.jpserver_extensions={extensions}", "--LabApp.news_url=None", *options,
    ]  # fmt: skip
    log = folder / "server.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(command, cwd=root, env=env, stdout=stream, stderr=stream, stdin=subprocess.DEVNULL)
    made = Server(f"http://127.0.0.1:{port}", root, home, process, log)
    try:
        _wait(made)
        yield made
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(made: Server) -> None:
    until = time.monotonic() + 180
    while time.monotonic() < until:
        assert made.process.poll() is None, made.log.read_text(encoding="utf-8", errors="replace")[-4000:]
        try:
            if made.ask("GET", "openapi.json").status == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise AssertionError(made.log.read_text(encoding="utf-8", errors="replace")[-4000:])
