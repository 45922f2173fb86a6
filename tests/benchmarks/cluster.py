"""What a Dask cluster costs: `python -m tests.benchmarks.cluster [--steps 200] [--workers 4] [--gigabyte]`.

Independent steps that only sleep, on workers of this machine: how much of the workers' time is spent in steps, and how
long a step occupies its worker beyond its own work. `--gigabyte` hands 1 GB from one step to another.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat

from jupyter_mlops.config import RunConfig
from jupyter_mlops.execution.request import RunRequest
from jupyter_mlops.service.cluster.executor import DaskExecutor
from jupyter_mlops.worker.executor import ClusterRequest
from tests.benchmarks.runners import code_cell, document

SECONDS = 1.0
GIGABYTE = "import numpy as np\nframe = np.random.default_rng(1).random((125_000_000,))"


def sleeping(steps: int, path: Path) -> Path:
    cells = [code_cell("import time", "imports")]
    cells += [code_cell(f"time.sleep({SECONDS})\nx{i} = {i}", f"step:s{i}") for i in range(steps)]
    return written(cells, path)


def gigabyte(path: Path) -> Path:
    cells = [code_cell(GIGABYTE, "step:make"), code_cell("total = float(frame.sum())\ntotal", "step:use")]
    return written(cells, path)


def written(cells: list[Any], path: Path) -> Path:
    path.write_text(nbformat.writes(nbformat.from_dict(document(cells))), encoding="utf-8")
    return path


async def measure(notebook: Path, home: Path, workers: int) -> dict[str, Any]:
    """Run once to warm up, and once with a clock."""
    config, executor = RunConfig(home=str(home)), DaskExecutor()
    results: dict[str, Any] = {}
    try:
        for name in ("first", "second"):
            events: list[tuple[float, dict[str, Any]]] = []
            request = RunRequest(notebook, jobs=workers, use_cache=False, output=home / "executed.ipynb")
            began = time.perf_counter()
            record = await executor.execute(
                ClusterRequest(request, f"{name}-{os.getpid()}"), config,
                lambda event, events=events: events.append((time.perf_counter(), event)),
            )  # fmt: skip
            results[name] = {"seconds": time.perf_counter() - began, "state": record["state"], "error": record["error"]}
            results[name].update(busy(events, record["steps"], workers))
    finally:
        await executor.close()
    return results


def busy(events: list[tuple[float, dict[str, Any]]], steps: list[dict[str, Any]], workers: int) -> dict[str, float]:
    """Shares of the time from the first event of a step to the last."""
    times = [at for at, event in events if event["event"] in ("step", "cell")]
    if not times:
        return {}
    window, work = max(times) - min(times), sum(step["seconds"] for step in steps)
    return {
        "window": window, "work": work, "busy": work / (window * workers),
        "beyond_s": (window * workers - work) / max(1, len(steps)),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--gigabyte", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cluster-") as folder:
        home = Path(folder) / "home"
        home.mkdir()
        path = Path(folder) / "notebook.ipynb"
        notebook = gigabyte(path) if arguments.gigabyte else sleeping(arguments.steps, path)
        results = asyncio.run(measure(notebook, home, arguments.workers))
    print(json.dumps({"load": os.getloadavg()[0], **results}, indent=1))


if __name__ == "__main__":
    main()
