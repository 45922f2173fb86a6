"""The reference: what Run All in one kernel gives."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import importlib.metadata
import importlib.util
import json
import os
import signal
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from tests.acceptance.outputs import CellResult, comparable
from tests.acceptance.row import Row, to_notebook, with_parameters, write_files

HASH_SEED = "0"
CELL_TIMEOUT = 120
SKIP = "left-out-of-the-reference"
SPECIAL = frozenset(
    {"skip", "imports", "functions", "parameters", "pipeline-parameters", "metrics", "pipeline-metrics"}
)
CACHE = Path(tempfile.gettempdir()) / "jupyter_mlops-reference"
VISIBLE = ("ipython", "ipykernel", "nbclient", "numpy", "pandas", "scipy", "scikit-learn", "matplotlib", "pillow")


def run_all(nb: NotebookNode, cwd: str | Path) -> NotebookNode:
    """A copy of the notebook after Run All in one fresh kernel, in the given folder.

    Stops at the first error unless the cell is tagged `raises-exception`. Cells tagged `skip` are left as they are.
    """
    return asyncio.run(run_all_async(nb, cwd))


async def run_all_async(nb: NotebookNode, cwd: str | Path) -> NotebookNode:
    """`run_all` for a running event loop."""
    nb = copy.deepcopy(nb)
    for cell in nb.cells:
        if never_runs(cell):
            cell.metadata.tags.append(SKIP)
    with tempfile.TemporaryDirectory(prefix="runall-") as sockets:
        manager = AsyncKernelManager(kernel_name="python3", connection_file=os.path.join(sockets, "kernel.json"))
        if os.name == "posix":
            manager.transport = "ipc"
            manager.ip = os.path.join(sockets, "k")
        client = NotebookClient(
            nb,
            km=manager,
            timeout=CELL_TIMEOUT,
            resources={"metadata": {"path": str(cwd)}},
            skip_cells_with_tag=SKIP,
            shutdown_kernel="immediate",
        )
        env = {**os.environ, "PYTHONHASHSEED": HASH_SEED}
        with contextlib.suppress(CellExecutionError):
            await client.async_execute(env=env, cleanup_kc=True)
    for cell in nb.cells:
        if never_runs(cell):
            cell.metadata.tags.remove(SKIP)
    return nb


def never_runs(cell: NotebookNode) -> bool:
    """Whether a pipeline leaves the cell out: the first of its special tags is `skip`, or it has nbclient's tag."""
    tags = cell.metadata.get("tags", ())
    special = [tag for tag in tags if tag in SPECIAL]
    return special[:1] == ["skip"] or "skip-execution" in tags


def missing(row: Row) -> list[str]:
    """The modules the row needs that this environment lacks."""
    return [name for name in row.needs if importlib.util.find_spec(name) is None]


def reference(row: Row) -> list[CellResult]:
    """What Run All gives for one row: from the cache on disk, or run now."""
    path = _cached(row)
    if path.exists():
        return [CellResult(**result) for result in json.loads(path.read_text(encoding="utf-8"))]
    results = asyncio.run(run_row(row))
    _store(path, results)
    return results


async def run_row(row: Row) -> list[CellResult]:
    """Run All on one row in a new folder, uncached."""
    with tempfile.TemporaryDirectory(prefix="row-") as folder:
        write_files(row, Path(folder))
        nb = await run_all_async(with_parameters(to_notebook(row), row.params), folder)
        return comparable(nb, folder)


def _cached(row: Row) -> Path:
    versions = [f"{name} {_version(name)}" for name in VISIBLE]
    runner = [path.read_text(encoding="utf-8") for path in (Path(__file__), Path(__file__).with_name("outputs.py"))]
    parts = [row.key(), sys.version, sys.prefix, *versions, *runner, str(nbformat.version_info), _inherited()]
    return CACHE / f"{sha256(chr(0).join(parts).encode()).hexdigest()}.json"


def _inherited() -> str:
    """What a kernel takes over from this process, and a cell can see: variables, and signals that are ignored."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    ignored = [number for number in signal.valid_signals() if signal.getsignal(number) is signal.SIG_IGN]
    return f"{sorted(variables.items())} {sorted(ignored)}"


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "none"


def _store(path: Path, results: list[CellResult]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump([vars(result) for result in results], file)
    os.replace(name, path)
