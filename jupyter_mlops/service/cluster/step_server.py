"""A process beside a Dask worker that executes tasks, one after the other, each in a kernel of its own.

`python -m jupyter_mlops.service.cluster.step_server HOME SETTINGS`. Standard input and output carry lines of JSON:

    -> {"task": base64 of a pickled TaskSpec}, {"ping": true}, {"stop": true}
    <- {"event": {…}}, and at the end {"outcome": "record", "record": {…}}, {"outcome": "error", "error": {…}} or
       {"outcome": "stopped"}

It stops its task and ends when its input ends, or when its worker has been silent for too long: another worker may have
the task by then.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import pickle
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.config import RunConfig
from jupyter_mlops.errors import MlopsError, RunStoppedError
from jupyter_mlops.import_guard import block_unused
from jupyter_mlops.notebook.output import text_of

if TYPE_CHECKING:
    from jupyter_mlops.execution.kernels import SharedKernelPool
    from jupyter_mlops.service.cluster.task_spec import TaskSpec
    from jupyter_mlops.service.step import TaskProcess

LINE = 1 << 26  # bytes of a line
LONGEST_TEXT = 20_000  # characters of one output in an event: the executed notebook has all of them
IDLE_KERNELS = 1


class StepServer:
    """Executes the tasks of one Dask worker slot."""

    def __init__(self, config: RunConfig, output: Any) -> None:
        from jupyter_mlops.execution.kernels import SharedKernelPool
        from jupyter_mlops.kernels.pool import KernelPool

        self.config, self.output = config, output
        self.kernels: SharedKernelPool = SharedKernelPool(KernelPool(IDLE_KERNELS, config.pool_memory), 2)
        self.process: tuple[object, TaskProcess] | None = None
        self.task: asyncio.Task[None] | None = None
        self.last_word = time.monotonic()
        self.silence = float("inf")

    async def serve(self, reader: asyncio.StreamReader) -> None:
        """Execute tasks until the input ends."""
        watch = asyncio.ensure_future(self._watch())
        try:
            while line := await self._line(reader):
                self.last_word = time.monotonic()
                message = json.loads(line)
                if "task" in message:
                    spec: TaskSpec = pickle.loads(base64.b64decode(message["task"]))
                    self.silence = spec.silence
                    self.task = asyncio.ensure_future(self._execute(spec))
                elif "stop" in message:
                    self._stop()
        finally:
            watch.cancel()
            self._stop()
            if self.task is not None:
                await asyncio.wait({self.task}, timeout=5.0)
            await self.kernels.close()

    async def _line(self, reader: asyncio.StreamReader) -> bytes:
        """The next line; empty if the input ended, or there was no work for long."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.config.kernels_idle):
                return await reader.readline()
        return b"" if self.task is None or self.task.done() else b"{}"

    async def _watch(self) -> None:
        """Stop the task when the worker has been silent for too long."""
        while True:
            await asyncio.sleep(1.0)
            if self._is_alone():
                self._stop()

    def _is_alone(self) -> bool:
        return time.monotonic() - self.last_word > self.silence

    def _stop(self) -> None:
        if self.task is not None:
            self.task.cancel()

    async def _execute(self, spec: TaskSpec) -> None:
        kernels = self.kernels.of_run()
        try:
            process = self._process_of(spec)
            record = await process.execute(lambda event: self._tell(spec, event), kernels)
            if record["state"] == "stopped":
                self._send({"outcome": "stopped"})
            else:
                record.pop("decisions", None)
                self._send({"outcome": "record", "record": record})
        except MlopsError as error:
            self._send({"outcome": "error", "error": error.to_dict()})
        except asyncio.CancelledError:
            self._send({"outcome": "stopped"})
        except Exception as error:  # a defect of ours: the run must say so, not hang
            text = f"{type(error).__name__}: {error}"
            self._send({"outcome": "error", "error": MlopsError(text).to_dict()})

    def _process_of(self, spec: TaskSpec) -> TaskProcess:
        """What executes the task. What tasks of one run share is read once."""
        from jupyter_mlops.service.cluster.claim import Claim
        from jupyter_mlops.service.step import TaskProcess

        key = (spec.place, spec.token, spec.request.run_id)
        if self.process is None or self.process[0] != key:
            bundle = Path(self.config.home) / "runs-of-tasks" / "bundles" / f"{spec.place.bundle}.zip"
            folder = Path(spec.place.folder) if spec.place.folder else None
            request = replace(spec.request, bundle=bundle)
            self.process = key, TaskProcess(request, self.config, folder)
        shared = self.process[1]
        claim = Claim(shared.artifacts.documents, shared.artifacts.folder, spec.task, spec.request.attempt)

        def fence() -> None:
            if self._is_alone():
                raise RunStoppedError("the Dask worker is silent")
            claim.require()

        return shared.of_task(replace(spec.request, bundle=shared.request.bundle), fence)

    def _tell(self, spec: TaskSpec, event: dict[str, Any]) -> None:
        """Pass on the events of this task's steps that a person follows."""
        kind = event["event"]
        if kind == "output":
            text = text_of(event["output"])[:LONGEST_TEXT]
            if text:
                output = {"output_type": "stream", "name": "stdout", "text": text}
                self._send({"event": {"event": "output", "output": output}})
        elif event.get("step") in spec.request.steps and (
            kind == "cell" or (kind == "step" and event["state"] == "running")
        ):
            self._send({"event": event})

    def _send(self, message: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):
            self.output.write(json.dumps(message, default=str).encode() + b"\n")
            self.output.flush()


async def main(home: str, settings: str) -> None:
    """Serve standard input."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not get between the messages
    chosen = json.loads(settings)
    config = RunConfig(**({"home": home} if home else {}), **chosen)
    Path(config.home).mkdir(parents=True, exist_ok=True)
    reader = asyncio.StreamReader(limit=LINE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await StepServer(config, output).serve(reader)


if __name__ == "__main__":
    from jupyter_mlops.kernels.forkserver_registry import SERVERS

    block_unused()
    try:
        asyncio.run(main(sys.argv[1], sys.argv[2]))
    finally:
        SERVERS.close()
