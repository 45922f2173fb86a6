"""Rows of the equivalence table on a Dask cluster of this machine show what Run All shows, or refuse as they may."""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import nbformat
import pytest

from jupyter_mlops.config import RunConfig
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.execution.outcome import Outcome
from jupyter_mlops.execution.request import RunRequest
from jupyter_mlops.notebook.writer import write_notebook
from jupyter_mlops.service.cluster.executor import DaskExecutor
from jupyter_mlops.worker.executor import ClusterRequest
from tests.acceptance.outputs import comparable
from tests.acceptance.pipeline_run import MODES, NOT_AS_TASKS, Ran, leftovers, remove_all, run_pipeline
from tests.acceptance.refusals import MODE, REFUSAL
from tests.acceptance.rotation import number_of, takes_all, turn
from tests.acceptance.row import Row, to_notebook, with_parameters, write_files
from tests.acceptance.run_all import missing, reference
from tests.acceptance.table import all_rows
from tests.acceptance.test_equivalence import compared, judged, refusal

pytest.importorskip("distributed")
[TASKS] = [mode for mode in MODES if mode.tasks]
A_PASS = 12  # rows of a normal pass; `DASK_ROWS` and EQUIVALENCE=all take more


def rows() -> list[Row]:
    """The rows of this pass: others with each commit."""
    ordered = sorted((row for row in all_rows() if row.name not in NOT_AS_TASKS), key=lambda row: number_of(row.name))
    if takes_all():
        return ordered
    number = int(os.environ.get("DASK_ROWS", A_PASS))
    begin = turn() * A_PASS % len(ordered)
    return (ordered + ordered)[begin : begin + number]


class Driver:
    """An executor with its own event loop, whose cluster all rows share."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.executor = DaskExecutor()

    def run(self, run: ClusterRequest, config: RunConfig) -> dict[str, object]:
        work = self.executor.execute(run, config, lambda event: None)
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self.executor.close(), self.loop).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    driver = Driver()
    yield driver
    driver.close()


@pytest.mark.kernel
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in rows()])
def test_dask_equals_run_all(
    row: Row, driver: Driver, tmp_path_factory: pytest.TempPathFactory, record_property: pytest.RecordProperty
) -> None:
    if lacking := missing(row):
        pytest.skip(f"needs {', '.join(lacking)}")
    expected = reference(row)
    home = tmp_path_factory.getbasetemp() / "dask-home"  # one for all: step servers belong to a home
    home.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="row-") as folder:
        ran = run_on_dask(row, Path(folder), home, driver)
    record_property(MODE, "Dask")
    refused = refusal(ran, expected)
    if refused:
        record_property(REFUSAL, f"{row.name} [Dask]")
    problems = judged(row, TASKS.name, refused) if refused else compared(ran, expected)
    assert not problems, "\n".join(problems)


def run_on_dask(row: Row, folder: Path, home: Path, driver: Driver) -> Ran:
    """Run a row once here, so that the tasks know what that run showed, and then on the cluster."""
    write_files(row, folder)
    notebook = home / "row.ipynb"
    write_notebook(to_notebook(row), notebook)
    request = RunRequest(
        notebook, given=row.params, cwd=folder, published_from=folder / "row", use_cache=False, timeout=60.0,
        output=home / "executed.ipynb", executor="dask",
    )  # fmt: skip
    try:
        run_pipeline(deepcopy(with_parameters(to_notebook(row), row.params)), TASKS, folder, home)
        remove_all(folder)
        write_files(row, folder)
        run = ClusterRequest(request, f"{row.name}-{os.getpid()}")
        record = driver.run(run, RunConfig(home=str(home)))
    except MlopsError as error:
        return Ran(TASKS, [], None, error, left=leftovers(row, folder))
    executed = nbformat.read(home / "executed.ipynb", 4)
    outcome = Outcome(state=str(record["state"]), error=record["error"], metrics=record["metrics"])  # type: ignore[arg-type]
    return Ran(TASKS, comparable(executed, folder), outcome, left=leftovers(row, folder))
