"""The command as a person or a batch system starts it."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

COMMAND = [sys.executable, "-m", "jupyter_mlops.cli"]


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def record(self) -> dict[str, Any]:
        """What `--json` printed: one object, alone."""
        found: dict[str, Any] = json.loads(self.out)
        return found


def command(*arguments: object, cwd: Path | None = None, timeout: float = 120) -> Done:
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)], cwd=cwd, capture_output=True, text=True, timeout=timeout, check=False
    )
    return Done(done.returncode, done.stdout, done.stderr)


def write(path: Path, *cells: tuple[str, str], **metadata: Any) -> Path:
    """A notebook of `(tags, source)` code cells on disk."""
    made = [nbformat.v4.new_code_cell(s, metadata={"tags": t.split()} if t else {}) for t, s in cells]  # type: ignore[no-untyped-call]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nb = nbformat.v4.new_notebook(cells=made, metadata={**kernel, **metadata})  # type: ignore[no-untyped-call]
    nbformat.write(nb, path)  # type: ignore[no-untyped-call]
    return path


def read(path: Path | str) -> NotebookNode:
    """A notebook as nbformat reads it, valid."""
    nb = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(nb)  # type: ignore[no-untyped-call]
    assert isinstance(nb, NotebookNode)
    return nb


def texts(nb: NotebookNode) -> list[str]:
    """What each code cell printed."""
    code = [c for c in nb.cells if c.cell_type == "code"]
    return ["".join(o.text for o in c.outputs if o.output_type == "stream" and o.name == "stdout") for c in code]


def states(record: dict[str, Any]) -> dict[str, str]:
    return {s["name"]: s["state"] for s in record["steps"]}
