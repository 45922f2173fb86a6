"""A cell and what comes back for it, from a real kernel."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.session import Session as WireSession
from nbclient.exceptions import CellExecutionError

from jupyter_mlops.errors import KernelDiedError, TimeoutExceededError
from jupyter_mlops.execution import agent_loader
from jupyter_mlops.execution.cell_execution import CellExecution, read
from jupyter_mlops.execution.kernel_session import KernelSession
from jupyter_mlops.execution.launch import KernelRequest

pytestmark = [pytest.mark.kernel, pytest.mark.skipif(sys.platform == "win32", reason="signals")]
TIMES = {"iopub.status.busy", "iopub.execute_input", "shell.execute_reply", "iopub.status.idle"}


@asynccontextmanager
async def session(folder: Path, *cells: str | tuple[str, str]) -> AsyncIterator[KernelSession]:
    made = []
    for cell in cells:
        source, tag = (cell, "") if isinstance(cell, str) else cell
        made.append(nbformat.v4.new_code_cell(source, metadata={"tags": [tag] if tag else []}))
    found = KernelSession(nbformat.v4.new_notebook(cells=made), KernelRequest("python3", str(folder)))
    await found.start()
    try:
        yield found
    finally:
        await found.kill()


def run(what: Callable[[], Any]) -> None:
    asyncio.run(what())


def test_outputs_times_and_counts(tmp_path: Path) -> None:
    async def go() -> None:
        cells = ("import sys; print(1); print('e', file=sys.stderr)", " \n", ("1/0", "skip-execution"), "2", "None")
        async with session(tmp_path, *cells) as one:
            for index in range(5):
                await one.run_cell(index, None)
            first, *blank, second, last = one.nb.cells
            assert {o.name: o.text for o in first.outputs} == {"stdout": "1\n", "stderr": "e\n"}
            assert [c.execution_count for c in one.nb.cells] == [1, None, None, 2, 3]
            assert second.outputs[0].data["text/plain"] == "2" and second.outputs[0].execution_count == 2
            assert not last.outputs and not any(c.outputs or c.metadata.get("execution") for c in blank)
            assert set(first.metadata.execution) == TIMES
            told = [datetime.fromisoformat(first.metadata.execution[name]) for name in sorted(TIMES)]
            assert all(abs((datetime.now(UTC) - at).total_seconds()) < 60 for at in told)
            assert one.count == 4

    run(go)


def test_a_failing_cell_is_told_as_nbclient_tells_it_and_the_kernel_goes_on(tmp_path: Path) -> None:
    async def go() -> None:
        async with session(tmp_path, "print('before'); 1/0", ("1/0", "raises-exception"), "print('after')") as one:
            with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
                await one.run_cell(0, None)
            assert [o.output_type for o in one.nb.cells[0].outputs] == ["stream", "error"]
            await one.run_cell(1, None)
            assert one.nb.cells[1].outputs[0].ename == "ZeroDivisionError"
            await one.run_cell(2, None)
            assert one.nb.cells[2].outputs[0].text == "after\n"

    run(go)


def test_what_a_thread_says_later_stands_where_the_kernel_says(tmp_path: Path) -> None:
    async def go() -> None:
        late = "import threading, time\nthreading.Thread(target=lambda: (time.sleep(0.3), print('late'))).start()"
        async with session(tmp_path, late, "time.sleep(1); print('now')") as one:
            await one.run_cell(0, None)
            await one.run_cell(1, None)
            assert ["".join(o.text for o in c.outputs) for c in one.nb.cells] == ["", "late\nnow\n"]

    run(go)


def test_a_cell_that_takes_too_long(tmp_path: Path) -> None:
    async def go() -> None:
        async with session(tmp_path, "import time; print('begun', flush=True); time.sleep(60)") as one:
            began = time.monotonic()
            with pytest.raises(TimeoutExceededError, match=r"the cell took longer than 2 s"):
                await one.run_cell(0, 2)
            assert time.monotonic() - began < 30
            assert one.nb.cells[0].outputs[0].text == "begun\n"

    run(go)


def test_a_cancelled_cell_leaves_a_kernel_that_can_be_talked_to(tmp_path: Path) -> None:
    async def go() -> None:
        async with session(tmp_path, "import time; time.sleep(60)", "print('again')") as one:
            work = asyncio.ensure_future(one.run_cell(0, None))
            await asyncio.sleep(1)
            work.cancel()
            with pytest.raises(asyncio.CancelledError):
                await work
            await one.interrupt()
            await one.run_cell(1, None)
            assert one.nb.cells[1].outputs[0].text == "again\n"

    run(go)


def test_a_kernel_that_dies_in_a_cell(tmp_path: Path) -> None:
    async def go() -> None:
        async with session(tmp_path, f"import os; os.kill(os.getpid(), {signal.SIGKILL:d})") as one:
            with pytest.raises(KernelDiedError, match="SIGKILL"):
                await one.run_cell(0, None)

    run(go)


@pytest.mark.parametrize("stopped", [False, True], ids=["busy", "stopped"])
def test_no_output_is_lost_however_slow_we_are(tmp_path: Path, stopped: bool) -> None:
    """Busy: Python does something else. Stopped: the whole process does nothing, not even what ZeroMQ does apart."""

    async def go() -> None:
        async with session(tmp_path, "from IPython.display import display\nfor n in range(8000): display(n)") as one:
            work = asyncio.ensure_future(one.run_cell(0, None))
            await asyncio.sleep(0.05)
            if stopped:
                subprocess.run(["sh", "-c", f"kill -STOP {os.getpid()}; sleep 3; kill -CONT {os.getpid()}"], check=True)
            for _ in range(20):
                await asyncio.sleep(0.01)
                time.sleep(0.2)
            await work
            assert [int(o.data["text/plain"]) for o in one.nb.cells[0].outputs] == list(range(8000))

    run(go)


def test_a_kernel_that_does_not_have_our_files_is_sent_the_agent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = agent_loader.agent_source()
    elsewhere = replace(told, paths={part: str(tmp_path / f"{part}.py") for part in agent_loader.PARTS})

    async def go() -> None:
        for other in (None, "x = 1\n"):  # none are there, and others are
            if other is not None:
                for path in elsewhere.paths.values():
                    Path(path).write_text(other, encoding="utf-8")
            async with session(tmp_path, "print(1)") as one:
                assert (await one.ask("hello"))["pid"]
                await one.run_cell(0, None)
                assert one.nb.cells[0].outputs[0].text == "1\n"

    monkeypatch.setattr(agent_loader, "agent_source", lambda: elsewhere)
    run(go)


def test_who_is_cancelled_as_a_cell_ends_is_cancelled() -> None:
    async def go() -> None:
        one = object.__new__(CellExecution)
        one.over, one.problem = asyncio.Event(), None
        waiting = asyncio.ensure_future(one._until_over(None))
        await asyncio.sleep(0)
        one.over.set()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    run(go)


def test_messages_are_read_as_jupyter_reads_them() -> None:
    wire = WireSession(key=b"key")
    content = {"text": "ü\u2028", "n": 1.5, "at": "2026-01-01T00:00:00Z", "deep": {"a": [1, None, True]}}
    message = wire.msg("stream", content, parent=wire.msg("execute_request"))
    frames = [b"identity", *wire.serialize(message), b"buffer"]
    known = wire.deserialize(wire.feed_identities(frames)[1])
    wire.digest_history.clear()
    ours = read(wire, frames)
    assert ours["header"]["date"] == known["header"]["date"]
    assert ours["content"] == content
    assert {k: v for k, v in ours.items() if k in ("msg_id", "msg_type", "metadata", "buffers")} == {
        "msg_id": known["msg_id"], "msg_type": "stream", "metadata": {}, "buffers": [b"buffer"]
    }  # fmt: skip
    frames[-2] = frames[-2].replace(b"1.5", b"NaN")
    frames[2] = wire.sign(frames[3:7])
    assert str(read(wire, frames)["content"]["n"]) == "nan"
    frames[-2] = frames[-2].replace(b"true", b"null")
    with pytest.raises(ValueError, match="signature"):
        read(wire, frames)
