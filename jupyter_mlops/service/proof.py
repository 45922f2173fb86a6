"""Proofs of exports: the export runs on its engine, and every cell is compared with Run All's."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from subprocess import DEVNULL
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import InvalidInputError, StoreError

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from jupyter_mlops.export.plan import ExportPlan
    from jupyter_mlops.export.provers.comparison import Comparison, ReferenceCell
    from jupyter_mlops.jobs.workspace import Workspace

PROOF = "PROOF.json"
LEFT_OUT = "not-in-run-all"


def prove(space: Workspace, job: str, target: str, folder: Path | None = None, *, engine: str = "") -> dict[str, Any]:
    """Run an export on its engine, in local mode, and compare each cell's outputs with those of Run All.

    :param job: `JOB`, `JOB@v3` or `JOB@production`.
    :param folder: where `PROOF.json` is written, beside the files of the export.
    :param engine: path of the engine's program; else it is looked for on PATH.
    :raises InvalidInputError: the engine is not on this machine, or Run All itself fails.
    """
    from jupyter_mlops.jobs.secrets import reveal
    from jupyter_mlops.service.export import plan_of

    plan = plan_of(space, job)
    secrets = reveal(plan.secrets, space.home)
    proof = proved(plan, target, secrets=secrets, engine=engine)
    if folder is not None:
        _write(proof, folder)
    return proof


def proved(
    plan: ExportPlan, target: str, *, secrets: Mapping[str, str] | None = None, engine: str = ""
) -> dict[str, Any]:
    """The proof of a plan's export; see `prove`. The same outcome gives the same object: it has no date."""
    from jupyter_mlops.export.folder import write
    from jupyter_mlops.export.provers.comparison import compare
    from jupyter_mlops.export.provers.prover import ProofRequest, prover
    from jupyter_mlops.service.export import files_of

    chosen = prover(target)
    with TemporaryDirectory(prefix="mlops-proof-") as temp_dir:
        root = Path(temp_dir)
        environment = _environment(root, secrets or {})
        request = ProofRequest(plan, root / "export", environment, engine)
        write(files_of(plan, target), request.folder, {})
        local_engine = chosen.find(request)
        reference, times = _reference(plan, root, environment)
        began = _now()
        run = chosen.run(request, local_engine)
        times["engine"] = {"start_time": began, "end_time": _now()}
        comparisons = compare(reference, run, times)
    differs = bool(run.problem) or any(c.verdict == "different" for c in comparisons)
    return {
        "target": target,
        "engine": local_engine.name,
        "engine_version": local_engine.version,
        "job": plan.job,
        "version": plan.version,
        "digest": plan.digest,
        "verdict": "different" if differs else "equal",
        "compared": "texts" if run.text_only else "all outputs",
        "problem": run.problem.replace(temp_dir, "FOLDER"),
        "counts": _counts(comparisons),
        "cells": [c.to_dict() for c in comparisons],
    }


def _counts(comparisons: list[Comparison]) -> dict[str, int]:
    verdicts = [c.verdict for c in comparisons]
    return {verdict: verdicts.count(verdict) for verdict in ("equal", "different", "not compared")}


def _environment(root: Path, secrets: Mapping[str, str]) -> dict[str, str]:
    """Variables of a process that runs this installation, with a separate home: no earlier result is reused."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER_MLOPS_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{variables.get('PATH', os.defpath)}"
    home = root / "home"
    return {**variables, **secrets, "PATH": path, "JUPYTER_MLOPS_HOME": str(home), "PYTHONHASHSEED": "0"}


def _reference(
    plan: ExportPlan, root: Path, environment: Mapping[str, str]
) -> tuple[list[ReferenceCell], dict[str, dict[str, str]]]:
    """What Run All shows, twice, each time in a new folder with the files of the version."""
    from jupyter_mlops.export.provers.comparison import ReferenceCell
    from jupyter_mlops.export.provers.process import cell_outputs
    from jupyter_mlops.notebook.reader import parse_notebook
    from jupyter_mlops.pipeline.build import build

    nb = parse_notebook(plan.source.encode("utf-8", "surrogatepass"), plan.notebook)
    pipeline = build(nb, Path(plan.notebook).stem)
    owners = {i: block.owner if block.role == "step" else "" for block in pipeline.blocks for i in block.cells}
    for index, cell in enumerate(nb.cells):
        if index not in owners and cell.cell_type == "code":
            cell.metadata.setdefault("tags", []).append(LEFT_OUT)
    outputs, times = [], {}
    for name in ("run_all", "repeated"):
        began = _now()
        executed = _run_all(deepcopy(nb), _checked_out(plan, root / name), plan.kernel, environment)
        times[name] = {"start_time": began, "end_time": _now()}
        outputs.append(list(cell_outputs(executed)))
    positions = [index for index, cell in enumerate(nb.cells) if cell.cell_type == "code"]
    return [
        ReferenceCell(index, owners.get(index, ""), first, second)
        for index, first, second in zip(positions, *outputs, strict=True)
    ], times


def _checked_out(plan: ExportPlan, folder: Path) -> Path:
    """The folder of the notebook in a new check-out of the version."""
    from jupyter_mlops.storage.local import ObjectStore
    from jupyter_mlops.versions.bundle import read_bundle
    from jupyter_mlops.versions.checkout import check_out

    folder.mkdir()
    bundle = folder / plan.bundle_file
    bundle.write_bytes(plan.bundle)
    store = ObjectStore(folder / "store")
    manifest, _ = read_bundle(bundle, store)
    return check_out(manifest, store, folder / "work").parent


def _run_all(nb: NotebookNode, folder: Path, kernel: str, environment: Mapping[str, str]) -> NotebookNode:
    """The notebook after all its cells ran in one new kernel. Raises InvalidInputError if one fails."""
    from jupyter_client.kernelspec import NoSuchKernel
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    client = NotebookClient(
        nb, timeout=None, kernel_name=kernel or "python3", resources={"metadata": {"path": str(folder)}},
        skip_cells_with_tag=LEFT_OUT, shutdown_kernel="immediate",
    )  # fmt: skip
    try:
        client.execute(env=dict(environment), stdout=DEVNULL, stderr=DEVNULL)
    except (CellExecutionError, DeadKernelError, NoSuchKernel) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise InvalidInputError(
            f"Run All itself fails, so there is nothing to compare with: {lines[-1]}", where="--prove",
            remedy="Correct the notebook, publish it and export it again.",
        ) from None  # fmt: skip
    return nb


def _write(proof: Mapping[str, Any], folder: Path) -> None:
    from jupyter_mlops.storage.local import atomic_write

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with atomic_write(folder / PROOF) as stream:
            stream.write((json.dumps(proof, indent=1, ensure_ascii=False) + "\n").encode())
    except OSError as error:
        raise StoreError(f"the proof can't be written: {error.strerror}", where=str(folder / PROOF)) from None


def _now() -> str:
    return datetime.now(UTC).isoformat()
