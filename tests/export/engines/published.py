"""A notebook that is published for the tests of engines, and the values that Run All gives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat

from jupyter_mlops.export.plan import ExportPlan, ExportSchedule
from jupyter_mlops.service.export import files_of, plan_of
from jupyter_mlops.service.jobs import open_workspace, publish

ROOT = Path(__file__).parents[3]
CELLS = (
    ("parameters", 'alpha: float = 0.5\ntext: str = "plain"\nmarker: str = ""\nwrong: bool = False'),
    ("step:load", "rows = [1, 2, 3]"),
    (
        "step:train",
        """import pathlib
if marker and not (mark := pathlib.Path(marker)).exists():
    mark.write_text('tried')
    raise ValueError('the first attempt fails')
total = sum(rows) * alpha""",
    ),
    (
        "step:report",
        "if wrong:\n    raise ValueError('the report fails')\nprint('RESULT', total, repr(text))",
    ),
)


def published(folder: Path, retries: Mapping[str, int] | None = None, **changes: Any) -> ExportPlan:
    """The plan of a published notebook, with the numbers of attempts and changes that a test asks for."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "sample.ipynb"
    cells = [nbformat.v4.new_code_cell(source, metadata={"tags": [tag]}) for tag, source in CELLS]
    nb = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}})
    nbformat.write(nb, path)
    space = open_workspace()
    try:
        publish(space, path)
        exported = plan_of(space, "sample")
    finally:
        space.close()
    tasks = tuple(
        replace(task, retries=(retries or {}).get(task.name, 0), backoff=1.0) for task in exported.tasks
    )  # fmt: skip
    return replace(exported, **{"tasks": tasks, **changes})


def with_parameters(exported: ExportPlan, **values: object) -> ExportPlan:
    """A plan whose only schedule sets parameters."""
    return replace(exported, schedules=(ExportSchedule("0 6 * * *", "Europe/Paris", parameters=values),))


def write_export(exported: ExportPlan, target: str, folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name, content in files_of(exported, target).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def run_all(folder: Path, **values: object) -> str:
    """The line that the last cell prints when all cells run in one process, without pipeline."""
    source = "\n".join([CELLS[0][1], *(f"{name} = {value!r}" for name, value in values.items())])
    source += "\n" + "\n".join(cell for _, cell in CELLS[1:])
    finished = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True, cwd=folder)
    return finished.stdout.strip()


def environment(**variables: str) -> dict[str, str]:
    """This process's variables and others; processes import this checkout."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **variables}


def collected(artifacts: Path) -> dict[str, Any]:
    """What the collection of the only run in a folder of artifacts recorded."""
    (record,) = artifacts.rglob("result.json")
    result: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
    return result


def printed(artifacts: Path) -> str:
    """What the last cell of the executed notebook of the only run printed."""
    (path,) = (p for p in artifacts.rglob("sample.ipynb") if p.parent.parent.name == "runs")
    cell = nbformat.read(path, as_version=4).cells[-1]
    return "".join(output.get("text", "") for output in cell.outputs).strip()
