"""A kernel to try things in, cold or forked."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from jupyter_client.manager import AsyncKernelManager

PRELOAD = ("numpy", "pandas", "matplotlib.pyplot", "json", "seaborn")


class Kernel:
    """A running kernel and a client of it."""

    def __init__(self, manager: AsyncKernelManager, client: Any) -> None:
        self.manager, self.client = manager, client

    @property
    def process(self) -> Any:
        return self.manager.provisioner.process  # type: ignore[union-attr]

    async def run(self, code: str, timeout: float = 30.0) -> str:
        """What the code prints, or the error it ends with."""
        said: list[str] = []

        def hear(message: dict[str, Any]) -> None:
            content = message["content"]
            if message["msg_type"] == "stream":
                said.append(content["text"])
            elif message["msg_type"] == "error":
                said.append(f"{content['ename']}: {content['evalue']}")

        await self.client.execute_interactive(
            code, store_history=False, allow_stdin=False, output_hook=hear, timeout=timeout
        )
        return "".join(said)

    async def status(self, within: float = 5.0) -> int | None:
        """The exit status, once there is one."""
        for _ in range(int(within / 0.01)):
            if (found := self.process.poll()) is not None:
                return int(found)
            await asyncio.sleep(0.01)
        return None


@asynccontextmanager
async def kernel(
    folder: Path, *, forked: bool, preload: Sequence[str] = PRELOAD, env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> AsyncIterator[Kernel]:  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    manager = AsyncKernelManager(kernel_name="python3", connection_file=str(folder / "kernel.json"))
    manager.transport, manager.ip = "ipc", str(folder / "k")
    if forked:
        wanted = {"provisioner_name": "forked-provisioner", "config": {"preload": list(preload)}}
        manager.kernel_spec.metadata = {"kernel_provisioner": wanted}  # type: ignore[union-attr]
    with (folder / "log").open("wb") as log:
        await manager.start_kernel(cwd=str(cwd or folder), env={**os.environ, **(env or {})}, stdout=log, stderr=log)
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=60)
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)
