"""A kernel that executes blocks of cells, and the agent in it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import time
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from queue import Empty
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from jupyter_mlops.errors import KernelDiedError, MlopsError
from jupyter_mlops.execution import agent_loader
from jupyter_mlops.execution.cell_execution import CellExecution
from jupyter_mlops.execution.launch import LOG, KernelProcess, KernelRequest, launch


class CellClient(NotebookClient):
    """Collects the outputs of a notebook's cells as nbclient does."""

    def __init__(self, nb: NotebookNode, km: Any, on_output: Any, **options: Any) -> None:
        super().__init__(nb, km=km, **options)
        self.on_output = on_output
        self.begin_block()

    def begin_block(self) -> None:
        """Forget the display updates and widgets of the previous block."""
        self.updates: list[dict[str, Any]] = []
        self.comms = False
        self.opened: set[str] = set()

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        if msg["msg_type"].startswith("comm_"):
            self._note_comm(msg["msg_type"], msg["content"])
        output: NotebookNode | None = super().process_message(msg, cell, cell_index)
        if output is not None:
            self.on_output(output)
        return output

    def _note_comm(self, kind: str, content: Mapping[str, Any]) -> None:
        """A widget that a block opens is part of its result; messages to other widgets and front ends are not."""
        if kind == "comm_open" and content.get("target_name") == "jupyter.widget":
            self.opened.add(content["comm_id"])
        elif content["comm_id"] not in self.opened:
            self.comms = True

    def widgets(self) -> dict[str, dict[str, Any]]:
        """The widgets that the block opened: id -> state, and the buffers that belong to it."""
        return {
            key: {"state": deepcopy(self.widget_state[key]), "buffers": list(self.widget_buffers.get(key, {}).values())}
            for key in sorted(self.opened & set(self.widget_state))
        }

    def take_widgets(self, widgets: Mapping[str, Mapping[str, Any]]) -> None:
        """Register widgets of other kernels as if they had been opened here."""
        for key, facts in widgets.items():
            self.widget_state.setdefault(key, dict(facts["state"]))
            buffers: dict[tuple[str, ...], dict[str, str]] = {
                (str(at),): buffer for at, buffer in enumerate(facts["buffers"])
            }
            if buffers:
                self.widget_buffers.setdefault(key, buffers)

    def _update_display_id(self, display_id: str, msg: dict[str, Any]) -> None:
        content = msg["content"]
        self.updates.append({"id": display_id, "data": content["data"], "metadata": content.get("metadata", {})})
        super()._update_display_id(display_id, msg)

    def displays(self, cells: tuple[int, ...]) -> dict[str, dict[str, list[int]]]:
        """The positions of each display id in these cells: id -> cell -> positions of its outputs."""
        positions: dict[str, dict[str, list[int]]] = {}
        for display_id, places in self._display_id_map.items():
            inside = {str(cell): list(at) for cell, at in places.items() if cell in cells}
            if inside:
                positions[display_id] = inside
        return positions


class KernelSession:
    """One kernel, from its start to its end.

    :param nb: the notebook whose cells are executed in place.
    :param facts: facts about the pipeline that the agent needs.
    """

    def __init__(
        self,
        nb: NotebookNode,
        request: KernelRequest,
        *,
        startup_timeout: float = 60.0,
        facts: Mapping[str, Any] | None = None,
        on_output: Callable[[Any], None] = lambda output: None,
    ) -> None:
        self.nb, self.wanted = nb, request
        self.startup_timeout = startup_timeout
        self.facts = dict(facts or {})
        self.on_output = on_output
        self.on_end: Callable[[], None] = lambda: None
        self.client: CellClient | None = None
        self.launched: KernelProcess | None = None
        self.versions: dict[str, str] = {}
        self.state: dict[str, str] = {}
        self.imports: set[str] = set()
        self.count = 1
        self.dirty = False
        self.greeting: dict[str, Any] | None = None
        self.language_info: dict[str, Any] = {}

    async def start(self, launched: KernelProcess | None = None) -> None:
        """Start the kernel, unless its process was launched already, and load the agent."""
        await self.connect(launched or await launch(self.wanted))
        if self.wanted.python:
            self.greeting = self.facts

    async def connect(self, launched: KernelProcess) -> None:
        """Connect to a kernel's process as soon as it responds, and load the agent."""
        self.launched = launched
        self._make_client(launched.manager)
        assert self.client is not None
        try:
            client = launched.manager.client(context=launched.manager.context)
            client.start_channels(stdin=False, hb=False)
            self.client.kc = client
            client.allow_stdin = False
            async with asyncio.timeout(self.startup_timeout):
                await self._ready()
        except (TimeoutError, KernelDiedError):
            status, words = self.exit_status(), self.last_log_line()
            await self.kill()
            end = "It did not respond in time." if status is None else f"It ended with status {status}."
            raise KernelDiedError(
                f"the kernel {self.wanted.kernel_name!r} did not start", remedy=f"{end} {words}".rstrip()
            ) from None
        if self.wanted.python:
            await self._install()

    async def take_over(self, ready: KernelSession) -> None:
        """Use the kernel of a session that was connected ahead and has executed nothing."""
        assert ready.client is not None and ready.launched is not None
        self.launched, self.language_info = ready.launched, ready.language_info
        began_with = ready.wanted.environment()
        self._make_client(ready.launched.manager)
        assert self.client is not None
        self.client.kc = ready.client.kc
        ready.client = ready.launched = None
        place = {"cwd": self.wanted.cwd, "began_with": began_with, "environ": self.wanted.environment()}
        self.greeting = {**place, **self.facts}

    def _make_client(self, manager: Any) -> None:
        self.client = CellClient(
            self.nb,
            manager,
            self.on_output,
            startup_timeout=self.startup_timeout,
            raise_on_iopub_timeout=True,
            iopub_timeout=60,
        )
        self.client.reset_execution_trackers()

    async def _ready(self) -> None:
        """Wait until the kernel responds and its outputs arrive, without jupyter_client's fixed delays."""
        assert self.client is not None and self.client.kc is not None
        kc: Any = self.client.kc
        while True:
            reply = await self._reply(kc.kernel_info())
            self.language_info = reply["content"].get("language_info", {})
            waiting = asyncio.ensure_future(kc.get_iopub_msg(timeout=None))
            finished, _ = await asyncio.wait({waiting}, timeout=0.05)
            if finished:
                break
            waiting.cancel()
        parent = reply["parent_header"]["msg_id"]
        message = waiting.result()
        while message["parent_header"].get("msg_id") != parent or message["content"].get("execution_state") != "idle":
            try:
                message = await kc.get_iopub_msg(timeout=0.05)
            except Empty:
                return

    async def _install(self) -> None:
        reply = await self._silent(agent_loader.agent_source().code())
        if reply["content"]["status"] != "ok":
            reply = await self._silent(agent_loader.agent_source().code(as_text=True))
        if reply["content"]["status"] != "ok":
            raise MlopsError("the kernel can't load the agent", remedy=_last_line(reply["content"]))

    async def ask(self, verb: str, **fields: Any) -> dict[str, Any]:
        """One request to the agent. The first request includes the facts about the run."""
        if self.greeting is not None and verb != "hello":
            fields["hello"], self.greeting = self.greeting, None
        request = json.dumps({"verb": verb, **fields})
        reply = await self._silent(agent_loader.request_code(request))
        content = reply["content"]
        for payload in content.get("payload", ()):
            if payload.get("source") == agent_loader.MODULE:
                answer: dict[str, Any] = payload["answer"]
                if "error" in answer:
                    raise MlopsError(f"{verb} failed in the kernel: {answer['error']}", remedy=answer["traceback"])
                return answer
        raise MlopsError(f"{verb} was not answered by the kernel", remedy=_last_line(content))

    async def send_hello(self) -> None:
        """Send the facts about the run to the agent, if no request has included them."""
        if self.greeting is not None:
            greeting, self.greeting = self.greeting, None
            await self.ask("hello", **greeting)

    async def _silent(self, code: str) -> dict[str, Any]:
        assert self.client is not None and self.client.kc is not None
        kc: Any = self.client.kc
        return await self._reply(kc.execute(code, silent=True, store_history=False, allow_stdin=False))

    async def _reply(self, msg_id: str) -> dict[str, Any]:
        assert self.client is not None and self.client.kc is not None
        kc: Any = self.client.kc
        while True:
            waiting = asyncio.ensure_future(kc.get_shell_msg(timeout=None))
            try:
                while not (await asyncio.wait({waiting}, timeout=0.1))[0]:
                    if not await self.alive():
                        raise self.death()
            finally:
                waiting.cancel()
            reply: dict[str, Any] = waiting.result()
            if reply["parent_header"].get("msg_id") == msg_id:
                return reply

    async def run_cell(self, index: int, timeout: float | None) -> None:
        """Run one cell in place. Raises nbclient's CellExecutionError, KernelDiedError or TimeoutExceededError."""
        assert self.client is not None
        self.dirty = True
        await self.send_hello()
        cell = self.nb.cells[index]
        try:
            await CellExecution(self.client, index, self.alive, self.death).run(timeout)
        finally:
            if cell.get("execution_count"):
                self.count = cell["execution_count"] + 1

    async def alive(self) -> bool:
        manager: Any = self.client.km if self.client is not None else None
        return manager is not None and bool(await manager.is_alive())

    def exit_status(self) -> int | None:
        """The exit status of the kernel's process: negative for a signal, None while it runs or if unknown."""
        manager = self.client.km if self.client is not None else None
        process = getattr(getattr(manager, "provisioner", None), "process", None)
        return None if process is None else process.poll()

    def death(self) -> KernelDiedError:
        status = self.exit_status()
        self.dirty = True
        if status is not None and status < 0:
            name = signal.Signals(-status).name
            cause = " (usually: out of memory)" if -status == signal.SIGKILL else ""
            return KernelDiedError(f"the kernel was killed by {name}{cause}", remedy=self.last_log_line())
        message = f"the kernel ended with status {status}" if status is not None else "the kernel died"
        return KernelDiedError(message, remedy=self.last_log_line())

    def last_log_line(self) -> str:
        """The last line that the kernel's process itself wrote, apart from the outputs of its cells."""
        try:
            assert self.launched is not None
            lines = Path(self.launched.folder, LOG).read_bytes()[-4096:].decode(errors="replace").split("\n")
        except OSError:
            return ""
        messages = [line.strip() for line in lines if line.strip()]
        return f"Its last message: {messages[-1]}" if messages else ""

    async def interrupt(self) -> None:
        manager: Any = self.client.km if self.client is not None else None
        if manager is not None:
            with contextlib.suppress(RuntimeError, ProcessLookupError):
                await manager.interrupt_kernel()

    async def close(self, patience: float = 5.0) -> None:
        """Ask the kernel to end, so that files are closed and exit handlers run; kill it if it does not."""
        if self.client is None:
            return
        manager: Any = self.client.km
        kc: Any = self.client.kc
        try:
            if kc is not None and await manager.is_alive():
                kc.shutdown()
                until, wait = time.monotonic() + patience, 0.001
                while time.monotonic() < until and await manager.is_alive():
                    await asyncio.sleep(wait)
                    wait = min(0.01, wait * 1.25)
        finally:
            await self.kill()

    def detach(self) -> None:
        """Detach from a kernel that continues to run."""
        if self.client is not None:
            kc: Any = self.client.kc
            self.client = None
            if kc is not None:
                kc.stop_channels()
            if self.launched is not None:
                self.launched.detach()
            self.on_end()

    async def kill(self) -> None:
        """End the kernel's process and every process that it started in its session."""
        if self.client is None or self.launched is None:
            return
        kc: Any = self.client.kc
        launched, self.client = self.launched, None
        try:
            await launched.end()
        finally:
            if kc is not None:
                kc.stop_channels()
            self.on_end()


def _last_line(content: dict[str, Any]) -> str:
    return f"{content.get('ename', '')}: {content.get('evalue', '')}"


def blank_copy(nb: NotebookNode) -> NotebookNode:
    """A notebook with the same cells for a helper: sources are shared, outputs are not."""
    copied: NotebookNode = nbformat.v4.new_notebook(metadata=nbformat.from_dict({}))
    copied.cells = [
        nbformat.from_dict(
            {
                **{k: v for k, v in cell.items() if k not in ("outputs", "execution_count", "metadata")},
                "metadata": {"tags": list(cell.metadata.get("tags", []))},
                **({"outputs": [], "execution_count": None} if cell.cell_type == "code" else {}),
            }
        )
        for cell in nb.cells
    ]
    return copied


__all__ = ["CellExecutionError", "KernelRequest", "KernelSession", "blank_copy"]
