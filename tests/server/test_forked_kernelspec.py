"""The kernel "Python 3 (forked)" as JupyterLab uses it: in a real Jupyter server, with cells that a person runs."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from tests.servers import TOKEN, Server, server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux")


def api(made: Server, method: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"token {TOKEN}"}
    request = urllib.request.Request(f"{made.url}/api/{path}", data, headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        text = answer.read()
    return json.loads(text) if text else None


async def connected(made: Server, kernel: str) -> WebSocketClientConnection:
    url = f"{made.url}/api/kernels/{kernel}/channels?token={TOKEN}".replace("http:", "ws:")
    return await websocket_connect(url)


async def closed(connection: WebSocketClientConnection) -> None:
    """End it, and wait until it has ended."""
    connection.close()
    while await connection.read_message() is not None:
        pass


async def run(connection: WebSocketClientConnection, code: str, *, on_begin: Callable[[], None] | None = None) -> str:
    """What the code shows, until the kernel is idle again."""
    header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "username": "", "session": "s",
              "version": "5.3", "date": "2026-01-01T00:00:00Z"}  # fmt: skip
    content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell",
               "buffers": []}  # fmt: skip
    await connection.write_message(json.dumps(message))
    said = ""
    while True:
        told = await asyncio.wait_for(connection.read_message(), 60)
        assert told is not None
        found = json.loads(told)
        if found["parent_header"].get("msg_id") != header["msg_id"]:
            continue
        kind, content = found["msg_type"], found["content"]
        if kind == "stream":
            said += content["text"]
            if on_begin is not None and "begun" in said:
                on_begin()
                on_begin = None
        elif kind == "error":
            said += content["ename"]
        elif kind == "status" and content["execution_state"] == "idle":
            return said


def below(pid: int) -> list[int]:
    """A process and all it has started that still run."""
    listed = subprocess.check_output(["ps", "-eo", "pid=,ppid=,stat="], text=True).split("\n")
    rows = [line.split() for line in listed if line.strip()]
    found = [pid]
    for one in found:
        found += [int(p) for p, parent, state in rows if int(parent) == one and "Z" not in state]
    return found


FACTS = "import os; print(os.getpid(), os.getppid(), os.getcwd(), get_ipython().separate_in)"


def test_a_forked_kernel_in_a_jupyter_server(tmp_path: Path) -> None:
    data = tmp_path / "data"
    env = {**os.environ, "JUPYTER_DATA_DIR": str(data), "JUPYTER_PLATFORM_DIRS": "0"}
    install = [sys.executable, "-m", "jupyter_mlops.cli", "kernelspec", "install", "--preload", "numpy"]
    assert "python3-forked" in subprocess.check_output(install, env=env, text=True)
    with server(tmp_path) as made:
        asyncio.run(used(made))
        pids = below(made.process.pid)
    until = time.monotonic() + 10
    while (left := [pid for pid in pids if running(pid)]) and time.monotonic() < until:
        time.sleep(0.05)
    assert not left
    assert not list((data / "runtime").glob("kernel-*.json"))


async def used(made: Server) -> None:
    assert "python3-forked" in api(made, "GET", "kernelspecs")["kernelspecs"]
    (made.root / "folder").mkdir()
    (made.root / "folder" / "ipython_config.py").write_text("c.InteractiveShell.separate_in = 'mine'\n")
    body = {"kernel": {"name": "python3-forked"}, "name": "n", "type": "notebook"}
    session, other, plain = (
        api(made, "POST", "sessions", {**body, "path": path, "kernel": {"name": name}})
        for path, name in (
            ("folder/a.ipynb", "python3-forked"), ("b.ipynb", "python3-forked"), ("folder/c.ipynb", "python3")
        )
    )  # fmt: skip
    first, second, cold = (s["kernel"]["id"] for s in (session, other, plain))
    talk, talk_other, talk_cold = [await connected(made, each) for each in (first, second, cold)]

    pid, parent, *rest = (await run(talk, FACTS)).split(" ", 3)
    assert rest == (await run(talk_cold, FACTS)).split(" ", 3)[2:]
    assert rest[0] == str(made.root / "folder")
    assert (await run(talk_other, FACTS)).split(" ")[1:3] == [parent, str(made.root)]  # one server for both
    assert Path(f"/proc/{pid}").exists()
    assert int(parent) in below(made.process.pid)
    assert await run(talk, "import numpy; print(numpy.arange(3).sum())") == "3\n"

    def interrupt() -> None:
        api(made, "POST", f"kernels/{first}/interrupt")

    loop = asyncio.get_running_loop()
    busy = "print('begun', flush=True)\nwhile True: pass"
    assert await run(talk, busy, on_begin=lambda: loop.run_in_executor(None, interrupt)) == "begun\nKeyboardInterrupt"
    assert await run(talk, "x = 1; print(x)") == "1\n"

    file = "import ipykernel; print(ipykernel.get_connection_file())"
    before = await run(talk, file)
    await asyncio.to_thread(api, made, "POST", f"kernels/{first}/restart")
    await closed(talk)
    talk = await connected(made, first)
    assert await run(talk, file) == before  # a console or another window that is connected goes on
    assert (await run(talk, FACTS)).split(" ")[0] != pid
    assert await run(talk, "x") == "NameError"
    assert await run(talk_other, "print('still there')") == "still there\n"

    dead = await run(talk, "import os; print(os.getpid())")
    await closed(talk)
    await asyncio.to_thread(api, made, "DELETE", f"kernels/{first}")
    assert not running(int(dead))
    assert await run(talk_other, "print('still there')") == "still there\n"
    for each in (talk_other, talk_cold):
        await closed(each)


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
