"""When the kernels of runs that share them end, and when the next run gets room."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_mlops.execution import kernels as module
from jupyter_mlops.execution.kernels import IdleKernel, KernelProvider, PooledKernelProvider, SharedKernelPool
from jupyter_mlops.execution.launch import KernelRequest
from jupyter_mlops.kernels import provisioner
from jupyter_mlops.kernels.forkserver_registry import SERVERS
from jupyter_mlops.kernels.pool import KernelPool

MB = 1_000_000


class Runs:
    """Runs that take kernels of 10 MB from the pool; what each holds when it ends is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, ahead: int) -> None:
        self.sizes: dict[int, int] = {}
        self.ended: list[int] = []
        self.written: list[int] = []
        monkeypatch.setattr(module, "resident_memory", lambda pid: self.sizes.get(pid, 0))
        pool: KernelPool[IdleKernel] = KernelPool(0, 0, ahead)
        pool.needs["kind"] = 10 * MB
        self.shared = SharedKernelPool(pool, 1)

    async def begin(self, pid: int) -> PooledKernelProvider:
        run = self.shared.of_run()
        run.kind = "kind"
        taken = SimpleNamespace(pid=pid, session=None)

        async def take(key: str, make: Any) -> Any:
            return taken

        async def take_over(session: Any) -> None: ...

        self.shared.pool.take = take  # type: ignore[method-assign]
        session: Any = SimpleNamespace(wanted=KernelRequest("python3", "/", fork="start"), take_over=take_over)
        async with asyncio.timeout(5):
            await run.start(session)
        run.kind = "kind"
        return run

    async def over(self, run: PooledKernelProvider, grown: int = 0) -> None:
        self.sizes[run.pid] = grown

        async def end() -> None:
            self.ended.append(run.pid)

        await run.finish(lambda: self.written.append(run.pid), end)
        await asyncio.sleep(0)


def test_a_kernel_ends_before_its_room_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> None:
        runs = Runs(monkeypatch, 100 * MB)
        first = await runs.begin(1)
        await runs.over(first)
        await runs.begin(2)
        assert runs.ended == [1]

    asyncio.run(go())


def test_in_a_rush_others_begin_first_within_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> None:
        runs = Runs(monkeypatch, 35 * MB)
        runs.shared.begin_burst()
        for pid in (1, 2, 3):
            await runs.over(await runs.begin(pid))
        assert (runs.ended, runs.shared.staying, runs.written) == ([], [10 * MB] * 3, [1, 2, 3])
        await runs.over(await runs.begin(4))  # there is no memory for a fourth
        await runs.begin(5)
        assert runs.ended == [4]
        runs.shared.calm.set()
        await asyncio.gather(*runs.shared.endings)
        assert (runs.ended, runs.shared.staying) == ([4, 1, 2, 3], [])
        assert runs.shared.free._value == 0  # the fifth's: nobody gave back what was not theirs

    asyncio.run(go())


def test_a_kernel_that_grew_does_not_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> None:
        runs = Runs(monkeypatch, 100 * MB)
        runs.shared.begin_burst()
        await runs.over(await runs.begin(1), grown=95 * MB)
        await runs.begin(2)
        assert runs.ended == [1]

    asyncio.run(go())


def test_a_rush_without_end_keeps_no_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> None:
        monkeypatch.setattr(module, "PUT_OFF", 0.05)
        runs = Runs(monkeypatch, 100 * MB)
        runs.shared.begin_burst()
        await runs.over(await runs.begin(1))
        async with asyncio.timeout(5):
            await asyncio.gather(*runs.shared.endings)
        assert runs.ended == [1]

    asyncio.run(go())


def test_a_kernel_that_waits_is_given_only_while_it_is_what_would_be_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not after the kernelspec has changed, nor its interpreter's packages."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "env")], check=True)
    packages = next((tmp_path / "env").glob("lib/python*/site-packages"))
    (packages / "ours.pth").write_text("\n".join(p for p in sys.path if p.endswith("site-packages")) + "\n")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    spec = tmp_path / "kernels" / "mine" / "kernel.json"
    spec.parent.mkdir(parents=True)
    argv = [str(tmp_path / "env" / "bin" / "python"), "-m", "ipykernel_launcher", "-f", "{connection_file}"]

    def told(**env: str) -> None:
        spec.write_text(json.dumps({"argv": argv, "display_name": "mine", "language": "python", "env": env}))

    def installed() -> None:
        (packages / "tiny-1.dist-info").mkdir()

    async def seen(*changes: Callable[[], None]) -> list[bool]:
        told(WHICH="one")
        waiting = await module._maker(KernelRequest("mine", str(tmp_path), fork="start"))()
        found = []
        try:
            for change in (lambda: None, *changes):
                change()
                found.append(await waiting.alive())
        finally:
            await waiting.kill()
        return found

    try:
        assert asyncio.run(seen(lambda: told(WHICH="two"), lambda: told(WHICH="one"))) == [True, False, True]
        assert asyncio.run(seen(installed)) == [True, False]
        monkeypatch.setattr(provisioner, "SYSTEM", "darwin")  # where kernels that wait were started cold
        assert asyncio.run(seen((packages / "tiny-1.dist-info").rmdir)) == [True, False]
    finally:
        SERVERS.close()


@pytest.mark.parametrize("pooled", [True, False])
def test_kernels_end_though_the_record_can_not_be_written(monkeypatch: pytest.MonkeyPatch, pooled: bool) -> None:
    def write() -> None:
        raise OSError("no room")

    async def go() -> None:
        runs = Runs(monkeypatch, 100 * MB)
        kernels = await runs.begin(1) if pooled else KernelProvider()

        async def end() -> None:
            runs.ended.append(1)

        with pytest.raises(OSError, match="no room"):
            await kernels.finish(write, end)
        await asyncio.gather(*runs.shared.endings)
        assert runs.ended == [1]

    asyncio.run(go())
