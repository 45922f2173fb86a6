"""What can't be had for less: a kernel that is ready, cells sent one after the other without waiting, and one write."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from queue import Empty
from typing import Any, ClassVar

from jupyter_client.manager import KernelManager

from tests.benchmarks.cases import FIRST, Case
from tests.benchmarks.measure import Sample
from tests.benchmarks.runners import Runner


class Floor(Runner):
    """jupyter_client and json alone, with a kernel that is up and has imported what the cells import."""

    name: ClassVar[str] = "floor: send, run, write"

    def __init__(self, jupyter: Path) -> None:
        super().__init__(jupyter)
        self.manager: KernelManager | None = None
        self.client: Any = None
        self.told = ""

    def takes(self, case: Case) -> bool:
        return case.phases == (FIRST,) and case.copies == 1

    def command(self, folder: Path) -> list[str]:
        return []

    def begin(self, case: Case, base: Path) -> None:
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel()
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(60)
        imports = [line for part in case.parts(0) for line in part.code if line.startswith(("import ", "from "))]
        self.client.execute_interactive("\n".join(imports), silent=True)

    def end(self) -> None:
        if self.manager is not None:
            self.client.stop_channels()
            self.manager.shutdown_kernel(now=True)
            self.manager = None

    def sample(self, folders: Sequence[Path]) -> Sample:
        folder = folders[0]
        began = time.perf_counter()
        nb = json.loads((folder / "in.ipynb").read_text(encoding="utf-8"))
        cells = {self.client.execute(cell["source"]): cell for cell in nb["cells"]}
        sent = time.perf_counter()
        waiting = set(cells)
        while waiting:
            try:
                message = self.client.get_iopub_msg(timeout=60)
            except Empty:
                break
            parent, content = message["parent_header"].get("msg_id"), message["content"]
            if message["msg_type"] == "stream":
                cells[parent]["outputs"].append({"output_type": "stream", **content})
            elif content.get("execution_state") == "idle":
                waiting.discard(parent)
        ran = time.perf_counter()
        (folder / "out.ipynb").write_text(json.dumps(nb), encoding="utf-8")
        end = time.perf_counter()
        self.told = f"send {_ms(sent - began)}, run {_ms(ran - sent)}, write {_ms(end - ran)}"
        return Sample(end - began)

    def note(self, folder: Path) -> str:
        return self.told


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"
