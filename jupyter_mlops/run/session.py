"""A kernel that runs blocks of cells, and the agent in it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from queue import Empty
from typing import Any, Literal

import nbformat
from jupyter_client.kernelspec import NoSuchKernel
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbformat import NotebookNode

from jupyter_mlops.errors import KernelDied, MlopsError, NoKernel, TimedOut
from jupyter_mlops.kernels.launch import forkable

AGENT_MODULE = "_jupyter_mlops_agent"
LOG = "kernel.log"
# Registered by its entry point where the package is installed; a source tree on the path has none.
PROVISIONER = EntryPoint(
    "forked-provisioner",
    "jupyter_mlops.kernels.provisioner:ForkedProvisioner",
    KernelProvisionerFactory.GROUP_NAME,
)
AGENT_SOURCE = Path(__file__).with_name("agent.py")
INSTALL = """
def _install(source):
    import sys, types
    module = types.ModuleType({module!r})
    sys.modules[module.__name__] = module
    exec(compile(source, '<jupyter_mlops agent>', 'exec'), module.__dict__)
    module.install(get_ipython())
_install({source!r})
del _install
"""
ASK = "__import__('sys').modules[{module!r}].serve({request!r})"


class CellClient(NotebookClient):
    """Runs cells of a notebook and collects their outputs; told at once when the kernel dies."""

    def __init__(self, nb: NotebookNode, km: Any, on_output: Any, **options: Any) -> None:
        super().__init__(nb, km=km, **options)
        self.updates: list[dict[str, Any]] = []
        self.comms = False
        self.on_output = on_output

    async def _async_poll_kernel_alive(self) -> None:
        while True:
            await asyncio.sleep(0.1)
            try:
                await self._async_check_alive()
            except DeadKernelError:
                if self.task_poll_for_reply is not None:
                    self.task_poll_for_reply.cancel()
                return

    def process_message(self, msg: dict[str, Any], cell: NotebookNode, cell_index: int) -> NotebookNode | None:
        if msg["msg_type"] == "comm_open":
            self.comms = True
        output: NotebookNode | None = super().process_message(msg, cell, cell_index)
        if output is not None:
            self.on_output(output)
        return output

    def _update_display_id(self, display_id: str, msg: dict[str, Any]) -> None:
        content = msg["content"]
        self.updates.append({"id": display_id, "data": content["data"], "metadata": content.get("metadata", {})})
        super()._update_display_id(display_id, msg)

    def displays(self, cells: tuple[int, ...]) -> dict[str, dict[str, list[int]]]:
        """Where each display id of these cells stands: id -> cell -> positions of its outputs."""
        found: dict[str, dict[str, list[int]]] = {}
        for display_id, places in self._display_id_map.items():
            here = {str(cell): list(at) for cell, at in places.items() if cell in cells}
            if here:
                found[display_id] = here
        return found


class Session:
    """One kernel, from its start to its end.

    :param nb: the notebook whose cells are run in place.
    :param hash_seed: PYTHONHASHSEED for the kernel, so that sets have one order in all kernels of a run.
    :param fork: whether to fork the kernel: only from a fork server that is "running", or "start" one.
    :param preload: modules that the fork server imports ahead.
    :param python: whether the kernel is IPython's, so that the agent can live in it.
    """

    def __init__(
        self,
        nb: NotebookNode,
        kernel_name: str,
        cwd: str,
        *,
        hash_seed: str = "",
        startup_timeout: float = 60.0,
        python: bool = True,
        facts: Mapping[str, Any] | None = None,
        fork: Literal["", "running", "start"] = "",
        preload: Sequence[str] = (),
        on_output: Any = lambda output: None,
    ) -> None:
        self.nb = nb
        self.kernel_name = kernel_name
        self.cwd = cwd
        self.hash_seed = hash_seed
        self.startup_timeout = startup_timeout
        self.python = python
        self.facts = dict(facts or {})
        self.fork, self.preload = fork, list(preload)
        self.on_output = on_output
        self.client: CellClient | None = None
        self.folder: str | None = None
        self.versions: dict[str, str] = {}
        self.state: dict[str, str] = {}
        self.imports: set[str] = set()
        self.count = 1
        self.dirty = False
        self.language_info: dict[str, Any] = {}

    async def start(self) -> None:
        """Start the kernel and put the agent into it."""
        self.folder = tempfile.mkdtemp(prefix="mlops-")
        manager = AsyncKernelManager(
            kernel_name=self.kernel_name, connection_file=os.path.join(self.folder, "kernel.json")
        )
        if os.name == "posix":
            manager.transport = "ipc"
            manager.ip = os.path.join(self.folder, "k")
        env = dict(os.environ)
        if self.hash_seed and "PYTHONHASHSEED" not in env:
            env.update(PYTHONHASHSEED=self.hash_seed, JUPYTER_MLOPS_HASHSEED="1")
        env["PYDEVD_DISABLE_FILE_VALIDATION"] = env.get("PYDEVD_DISABLE_FILE_VALIDATION", "1")
        self.client = CellClient(
            self.nb,
            manager,
            self.on_output,
            startup_timeout=self.startup_timeout,
            raise_on_iopub_timeout=True,
            iopub_timeout=60,
        )
        self.client.reset_execution_trackers()
        try:
            if self.python and self.fork:
                self._let_fork(manager)
            with open(os.path.join(self.folder, LOG), "wb") as log:
                await manager.start_kernel(cwd=self.cwd, env=env, stdout=log, stderr=log)
        except NoSuchKernel:
            raise _no_kernel(self.kernel_name) from None
        try:
            client = manager.client()
            client.start_channels()
            self.client.kc = client
            client.allow_stdin = False
            await asyncio.wait_for(self._ready(), self.startup_timeout)
        except (TimeoutError, KernelDied):
            status, words = self.exit_status(), self.last_words()
            await self.kill()
            end = "It gave no answer in time." if status is None else f"It ended with status {status}."
            raise KernelDied(
                f"the kernel {self.kernel_name!r} did not start", remedy=f"{end} {words}".rstrip()
            ) from None
        if self.python:
            await self._install()

    def _let_fork(self, manager: AsyncKernelManager) -> None:
        """Name our provisioner in this manager's copy of the kernelspec, unless the spec names one itself."""
        known = KernelProvisionerFactory.instance(parent=manager.parent).provisioners
        known.setdefault(PROVISIONER.name, PROVISIONER)
        spec: Any = manager.kernel_spec
        if "kernel_provisioner" not in spec.metadata and forkable(spec.argv) is not None:
            config = {"preload": self.preload, "start_server": self.fork == "start"}
            provisioner = {"provisioner_name": PROVISIONER.name, "config": config}
            spec.metadata = {**spec.metadata, "kernel_provisioner": provisioner}

    async def _ready(self) -> None:
        """Wait until the kernel answers and its outputs reach us, without jupyter_client's fixed waits."""
        assert self.client is not None and self.client.kc is not None
        kc: Any = self.client.kc
        while True:
            reply = await self._reply(kc.kernel_info())
            self.language_info = reply["content"].get("language_info", {})
            waiting = asyncio.ensure_future(kc.get_iopub_msg(timeout=None))
            done, _ = await asyncio.wait({waiting}, timeout=0.05)
            if done:
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
        source = AGENT_SOURCE.read_text(encoding="utf-8")
        reply = await self._silent(INSTALL.format(module=AGENT_MODULE, source=source))
        if reply["content"]["status"] != "ok":
            raise MlopsError("the kernel can't take the agent", remedy=_last_line(reply["content"]))
        await self.ask("hello", **self.facts)

    async def ask(self, verb: str, **fields: Any) -> dict[str, Any]:
        """One request to the agent."""
        request = json.dumps({"verb": verb, **fields})
        reply = await self._silent(ASK.format(module=AGENT_MODULE, request=request))
        content = reply["content"]
        for payload in content.get("payload", ()):
            if payload.get("source") == AGENT_MODULE:
                answer: dict[str, Any] = payload["answer"]
                if "error" in answer:
                    raise MlopsError(f"{verb} failed in the kernel: {answer['error']}", remedy=answer["traceback"])
                return answer
        raise MlopsError(f"{verb} was not answered by the kernel", remedy=_last_line(content))

    async def _silent(self, code: str) -> dict[str, Any]:
        assert self.client is not None and self.client.kc is not None
        kc: Any = self.client.kc
        return await self._reply(kc.execute(code, silent=True, store_history=False, allow_stdin=False))

    async def _reply(self, msg_id: str) -> dict[str, Any]:
        assert self.client is not None and self.client.kc is not None
        kc: Any = self.client.kc
        while True:
            waiting = asyncio.ensure_future(kc.get_shell_msg(timeout=None))
            while not (await asyncio.wait({waiting}, timeout=0.1))[0]:
                if not await self.alive():
                    waiting.cancel()
                    raise self.death()
            reply: dict[str, Any] = waiting.result()
            if reply["parent_header"].get("msg_id") == msg_id:
                return reply

    async def run_cell(self, index: int, timeout: float | None) -> None:
        """Run one cell in place. Raises CellExecutionError as nbclient does, KernelDied or TimedOut."""
        assert self.client is not None
        self.client.timeout = None
        self.dirty = True
        cell = self.nb.cells[index]
        work = asyncio.ensure_future(self.client.async_execute_cell(cell, index))
        started = time.monotonic()
        try:
            done, _ = await asyncio.wait({work}, timeout=timeout)
            if done:
                work.result()
                return
            raise TimedOut(
                f"ran longer than {timeout:g} s (stopped after {time.monotonic() - started:.1f} s)",
                where=f"cell {index + 1}",
            )
        except DeadKernelError:
            raise self.death() from None
        finally:
            if not work.done():  # nbclient takes a cancelled cell for a dead kernel
                work.cancel()
                with contextlib.suppress(asyncio.CancelledError, DeadKernelError):
                    await work
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

    def death(self) -> KernelDied:
        status = self.exit_status()
        self.dirty = True
        if status is not None and status < 0:
            name = signal.Signals(-status).name
            cause = " (most often: out of memory)" if -status == signal.SIGKILL else ""
            return KernelDied(f"the kernel was killed by {name}{cause}", remedy=self.last_words())
        told = f"the kernel ended with status {status}" if status is not None else "the kernel died"
        return KernelDied(told, remedy=self.last_words())

    def last_words(self) -> str:
        """The last line that the kernel's process itself wrote, past its cells' outputs."""
        try:
            lines = Path(self.folder or "", LOG).read_bytes()[-4096:].decode(errors="replace").split("\n")
        except OSError:
            return ""
        said = [line.strip() for line in lines if line.strip()]
        return f"It last said: {said[-1]}" if said else ""

    async def interrupt(self) -> None:
        manager: Any = self.client.km if self.client is not None else None
        if manager is not None:
            with contextlib.suppress(RuntimeError, ProcessLookupError):
                await manager.interrupt_kernel()

    async def close(self, patience: float = 5.0) -> None:
        """Ask the kernel to end, so that files are closed and exit handlers run; kill it if it doesn't."""
        if self.client is None:
            return
        manager: Any = self.client.km
        kc: Any = self.client.kc
        try:
            if kc is not None and await manager.is_alive():
                kc.shutdown()
                until = time.monotonic() + patience
                while time.monotonic() < until and await manager.is_alive():
                    await asyncio.sleep(0.01)
        finally:
            await self.kill()

    async def kill(self) -> None:
        """End the kernel's process and every process that it started in its session."""
        if self.client is None:
            return
        manager: Any = self.client.km
        kc: Any = self.client.kc
        self.client = None
        with contextlib.suppress(Exception):
            await manager.shutdown_kernel(now=True)
        if kc is not None:
            kc.stop_channels()
        with contextlib.suppress(Exception):
            await manager.cleanup_resources()
        if self.folder:
            import shutil

            shutil.rmtree(self.folder, ignore_errors=True)


def _no_kernel(name: str) -> NoKernel:
    from jupyter_client.kernelspec import KernelSpecManager

    known = ", ".join(sorted(KernelSpecManager().find_kernel_specs())) or "none"
    return NoKernel(
        f"no kernel named {name!r} is installed", remedy=f"Installed: {known}. Choose one with --kernel NAME."
    )


def _last_line(content: dict[str, Any]) -> str:
    return f"{content.get('ename', '')}: {content.get('evalue', '')}"


def blank_copy(nb: NotebookNode) -> NotebookNode:
    """A notebook with the same cells, for a helper to run in: sources are shared, outputs are not."""
    made: NotebookNode = nbformat.v4.new_notebook(metadata=nbformat.from_dict({}))
    made.cells = [
        nbformat.from_dict(
            {
                **{k: v for k, v in cell.items() if k not in ("outputs", "execution_count", "metadata")},
                "metadata": {"tags": list(cell.metadata.get("tags", []))},
                **({"outputs": [], "execution_count": None} if cell.cell_type == "code" else {}),
            }
        )
        for cell in nb.cells
    ]
    return made


__all__ = ["CellExecutionError", "Session", "blank_copy"]
