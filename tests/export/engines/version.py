"""A version to run on engines: four steps, one of which fails as often as a parameter says."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

ROOT = Path(__file__).parents[3]
CELLS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("parameters", 'text: str = "plain"\nn: int = 3\nbroken: int = 0\nfolder: str = ""', {}),
    ("step:load", "numbers = list(range(n))", {}),
    ("step:double", "doubled = [2 * number for number in numbers]", {}),
    (
        "step:flaky",
        (
            "from pathlib import Path\n\n"
            "if folder:\n"
            "    counter = Path(folder) / 'attempts'\n"
            "    with counter.open('a') as stream:\n"
            "        stream.write('x')\n"
            "    if len(counter.read_text()) <= broken:\n"
            "        raise RuntimeError('not yet')\n"
            "total = sum(numbers)"
        ),
        {"retries": 2, "backoff": 1, "timeout": 120},
    ),
    ("step:summary", 'summary = {"text": text, "doubled": doubled, "total": total}\nprint(repr(summary))', {}),
)
COMMAND = [sys.executable, "-m", "jupyter_mlops.cli"]


def environment(home: Path) -> dict[str, str]:
    """Variables with which `jupyter mlops` is this repository's."""
    return {
        **os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT),
        "JUPYTER_MLOPS_HOME": str(home),
    }  # fmt: skip


def exported(folder: Path, target: str) -> Path:
    """A folder with the export of the version."""
    notebook = new_notebook(
        cells=[
            new_code_cell(source, metadata={"tags": [tag], **({"jupyter_mlops": settings} if settings else {})})
            for tag, source, settings in CELLS
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )  # fmt: skip
    source = folder / "source"
    source.mkdir()
    nbformat.write(notebook, source / "numbers.ipynb")
    variables = environment(folder / "home")
    call = [*COMMAND, "publish", str(source / "numbers.ipynb")]
    subprocess.run(call, env=variables, check=True, capture_output=True, timeout=200)
    call = [*COMMAND, "export", "numbers", "--to", target, "-o", str(folder / "export")]
    subprocess.run(call, env=variables, check=True, capture_output=True, timeout=100)
    return folder / "export"


def encoded(**parameters: object) -> str:
    return base64.b64encode(json.dumps(parameters).encode()).decode()


def run_all(**parameters: object) -> str:
    """What the last cell prints when the cells run in order."""
    namespace: dict[str, Any] = {}
    exec(CELLS[0][1], namespace)
    namespace |= parameters
    for _, source, _ in CELLS[1:]:
        exec(source.replace("print(repr(summary))", ""), namespace)
    return repr(namespace["summary"]) + "\n"


def output(path: Path) -> str:
    """What the last cell printed, in an executed notebook."""
    notebook = nbformat.read(path, as_version=4)
    return "".join(o["text"] for o in notebook.cells[-1].outputs if o.output_type == "stream")
