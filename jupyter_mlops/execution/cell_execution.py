"""Executes one cell in a kernel: sends the request and processes the messages for it."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson
import zmq
from nbclient.client import timestamp
from nbclient.exceptions import CellExecutionComplete

from jupyter_mlops.errors import KernelDiedError, TimeoutExceededError

if TYPE_CHECKING:
    from jupyter_mlops.execution.kernel_session import CellClient

LOOKS = 0.05  # seconds between looks whether the kernel still lives
LATE = 60.0  # seconds that the outputs of a cell may come after its reply
TRIES = 5  # times that a cell is sent to a kernel that still drops what came before it was interrupted
DELIMITER = b"<IDS|MSG>"


class CellExecution:
    """Runs a cell as nbclient does, with less waiting: one listener per channel, and messages without conversion.

    :param dead: the error to raise if the kernel's process has ended.
    """

    def __init__(
        self, client: CellClient, index: int, alive: Callable[[], Awaitable[bool]], dead: Callable[[], KernelDiedError]
    ) -> None:  # fmt: skip
        self.client, self.index, self.alive, self.dead = client, index, alive, dead
        self.kc: Any = client.kc
        self.cell = client.nb.cells[index]
        self.msg_id = ""
        self.reply: dict[str, Any] | None = None
        self.idle = False
        self.over = asyncio.Event()
        self.problem: BaseException | None = None

    async def run(self, timeout: float | None) -> None:
        """Run the cell in place. Raises nbclient's CellExecutionError, KernelDiedError or TimeoutExceededError."""
        tags = self.cell.metadata.get("tags", [])
        if not self.cell.source.strip() or self.client.skip_cells_with_tag in tags:
            return
        self.cell.metadata["execution"] = {}
        self.cell.outputs = []
        self.client.clear_before_next_output = False
        for _ in range(TRIES):
            await self._ask(timeout, stop_on_error="raises-exception" not in tags)
            assert self.reply is not None
            if self.reply["content"]["status"] != "aborted":
                break
        else:
            raise KernelDiedError("the kernel does not accept the cell", remedy="Run again.")
        self.cell.metadata["execution"]["shell.execute_reply"] = timestamp(self.reply)
        await self.client._check_raise_for_error(self.cell, self.index, self.reply)

    async def _ask(self, timeout: float | None, *, stop_on_error: bool) -> None:
        self.reply, self.idle = None, False
        self.over.clear()
        self.msg_id = self.kc.execute(self.cell.source, allow_stdin=False, stop_on_error=stop_on_error)
        hearing = [
            asyncio.ensure_future(self._hear(self.kc.iopub_channel.socket, self._output)),
            asyncio.ensure_future(self._hear(self.kc.shell_channel.socket, self._reply)),
        ]
        try:
            await self._until_over(timeout)
        finally:
            for task in hearing:
                task.cancel()
            await asyncio.gather(*hearing, return_exceptions=True)

    async def _until_over(self, timeout: float | None) -> None:
        began = time.monotonic()
        replied: float | None = None
        while not self.over.is_set():
            remaining = LOOKS if timeout is None else min(LOOKS, began + timeout - time.monotonic())
            try:
                async with asyncio.timeout(max(0.001, remaining)):  # unlike wait_for, it never forgets a cancellation
                    await self.over.wait()
            except TimeoutError:
                now = time.monotonic()
                if timeout is not None and now >= began + timeout:
                    where = f"cell {self.index + 1}"
                    raise TimeoutExceededError(f"the cell took longer than {timeout:g} s", where=where) from None
                # What was sent past this asyncio socket, as widgets do, may have hidden from it what came in.
                self.kc.shell_channel.socket.get(zmq.EVENTS)
                if not await self.alive():
                    await asyncio.sleep(LOOKS)  # what it said before its end may be on its way
                    raise self.dead() from None
                replied = replied or (now if self.reply is not None else None)
                if replied is not None and now - replied > LATE:
                    raise KernelDiedError(f"outputs are missing {LATE:g} s after the cell's reply") from None
        if self.problem is not None:
            raise self.problem

    async def _hear(self, socket: Any, take: Callable[[dict[str, Any]], None]) -> None:
        try:
            while True:
                message = read(self.kc.session, await socket.recv_multipart())
                if message["parent_header"].get("msg_id") == self.msg_id:
                    take(message)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # reported to the coroutine that waits for the cell
            self.problem = error
            self.over.set()

    def _reply(self, message: dict[str, Any]) -> None:
        if message["msg_type"] == "execute_reply":
            self.reply = message
            self._look()

    def _output(self, message: dict[str, Any]) -> None:
        try:
            self.client.process_message(message, self.cell, self.index)
        except CellExecutionComplete:
            self.idle = True
            self._look()

    def _look(self) -> None:
        if self.idle and self.reply is not None:
            self.over.set()


def read(session: Any, frames: Sequence[bytes]) -> dict[str, Any]:
    """A message of Jupyter's wire protocol (5.x) as from `Session.deserialize`, except that only its own date is parsed
    as a time. Raises ValueError if it is not signed with the session's key.
    """
    at = frames.index(DELIMITER)
    signature, *parts = frames[at + 1 : at + 6]
    if session.auth is not None and not hmac.compare_digest(session.sign(parts), signature):
        raise ValueError("a message has a wrong signature")
    header, parent, metadata, content = (_loads(part) for part in parts)
    if isinstance(header.get("date"), str):
        header["date"] = datetime.fromisoformat(header["date"])
    return {
        "header": header, "msg_id": header["msg_id"], "msg_type": header["msg_type"], "parent_header": parent,
        "metadata": metadata, "content": content, "buffers": list(frames[at + 6 :]),
    }  # fmt: skip


def _loads(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:  # NaN and lone surrogates, which json takes
        import json

        return json.loads(data.decode("utf-8", "surrogatepass"))
