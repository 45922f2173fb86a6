"""The Python script in the plain interpreter: the texts of Run All, for the demo and for rows of the equivalence table.

SCRIPT_ROWS=3 pytest tests/export/engines/test_script_engine.py     three rows of each theme instead of one
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export.script.layout import script_blocks
from jupyter_mlops.export.script.runtime import runtime
from jupyter_mlops.pipeline.build import build
from jupyter_mlops.service.notebook_exporters import draft_files
from jupyter_mlops.versions.compare import mask_volatile
from tests.acceptance.outputs import CellResult, failure
from tests.acceptance.rotation import number_of
from tests.acceptance.row import INJECTED_TAG, Row, to_notebook, write_files
from tests.acceptance.run_all import missing, reference
from tests.acceptance.table import THEMES, all_rows
from tests.export.engines import version

ROOT = Path(__file__).parents[3]
MARK = "--- cell "
ROWS_OF_A_THEME = int(os.environ.get("SCRIPT_ROWS", "1"))
ROWS = [row for theme in THEMES for row in sorted(theme.ROWS, key=lambda row: number_of(row.name))[:ROWS_OF_A_THEME]]
FOLDER = re.compile(r"<cwd>|<temporary>")


def write_script(nb: nbformat.NotebookNode, source: Path, folder: Path) -> None:
    for path, content in draft_files(nb, "made", source, "script").items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def run_script(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "made.py", *arguments], cwd=folder, capture_output=True, text=True, timeout=200, check=False,
        env={**os.environ, "PYTHONHASHSEED": "0", **variables}, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def shown(outputs: list[dict[str, Any]]) -> str:
    """What a plain interpreter can show of a cell's outputs."""
    texts = []
    for output in outputs:
        if output["output_type"] == "stream" and output["name"] == "stdout":
            texts.append(output["text"])
        elif "data" in output and output["data"].get("text/plain"):
            texts.append(output["data"]["text/plain"] + "\n")
    return "".join(texts)


def comparable(text: str, folder: Path) -> str:
    return FOLDER.sub("<folder>", mask_volatile(text.replace(str(folder), "<cwd>")))


def differences(expected: list[CellResult], finished: subprocess.CompletedProcess[str], row: Row, folder: Path) -> str:
    """Each cell, up to one that fails, that does not print what Run All shows."""
    failed = failure(expected)
    if (finished.returncode != 0) is not (failed is not None):
        return f"exit code {finished.returncode}, Run All: {failed}\n{finished.stderr[-2000:]}"
    parts = re.split(MARK + r"(\d+)\n", finished.stdout)
    printed = dict(zip(map(int, parts[1::2]), parts[2::2], strict=True))
    positions = [i for i, cell in enumerate(to_notebook(row).cells) if cell.cell_type == "code"]
    own = [result for result in expected if INJECTED_TAG not in result.tags]
    lines = []
    for result, position in zip(own, positions, strict=True):
        if failed is not None and result.cell > failed.cell:
            break
        old, new = shown(result.outputs), printed.get(position + 1, "")
        if comparable(old, Path("<cwd>")) != comparable(new, folder):
            lines.append(f"cell {position + 1}:\n- {old}\n+ {new}")
    return "\n".join(lines)


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_shows_what_run_all_shows_or_is_refused(row: Row, tmp_path: Path) -> None:
    if missing(row):
        pytest.skip(f"needs {', '.join(missing(row))}")
    source, folder = tmp_path / "source", tmp_path / "script"
    for path in (source, folder):
        path.mkdir()
        write_files(row, path)
    refusal = None
    try:
        write_script(to_notebook(row), source, folder)
    except InvalidInputError as error:
        refusal = error
    if refusal is not None:
        assert refusal.where.startswith("cell ") and refusal.remedy
        pytest.skip(f"refused: {refusal.message}")
    values = [f"--{n}={v if isinstance(v, str) else json.dumps(v)}" for n, v in row.params.items()]
    finished = run_script(folder, *values, JUPYTER_MLOPS_CELL_MARK=MARK)
    assert differences(reference(row), finished, row, folder) == ""


def test_most_rows_can_be_written() -> None:
    refused = []
    for row in all_rows():
        nb = to_notebook(row)
        try:
            pipeline = build(nb, "made")
            script_blocks(nb, pipeline, runtime(cell.source for cell in nb.cells))
        except InvalidInputError:
            refused.append(row.name)
    assert len(refused) / len(all_rows()) < 0.2, refused


@pytest.mark.slow
def test_the_demo(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    demo = ROOT / "binder" / "demo"
    nb = nbformat.read(demo / "demo.ipynb", as_version=4)
    write_script(nb, demo, tmp_path)
    finished = run_script(tmp_path, "--n_estimators=20", "--minimum_auc=0.1")
    assert finished.returncode == 0, finished.stderr
    source = "\n\n".join(
        cell.source.replace("%matplotlib inline", "") for cell in nb.cells if cell.cell_type == "code"
    ).replace("n_estimators: int = 200", "n_estimators: int = 20")
    (tmp_path / "plain.py").write_text(source)
    plain = subprocess.run(
        [sys.executable, "plain.py"], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=200,
        env={**os.environ, "MPLBACKEND": "agg"},
    )  # fmt: skip
    numbers = [line for line in plain.stdout.splitlines() if line]
    assert len(numbers) > 10
    assert [line for line in finished.stdout.splitlines() if line in numbers] == numbers
    assert len(list((tmp_path / "figures").glob("*.png"))) == 4


@pytest.mark.slow
def test_a_published_version_with_hostile_values(tmp_path: Path) -> None:
    folder = version.exported(tmp_path, "script")
    text = 'it\'s "$(touch pwned)" `id` ${HOME} 50% ✓\nline'
    finished = subprocess.run(
        [sys.executable, "numbers.py", f"--text={text}", "--n=5"], cwd=folder, capture_output=True, text=True,
        check=True, timeout=60,
    )  # fmt: skip
    assert finished.stdout == version.run_all(text=text, n=5)
    assert not list(tmp_path.rglob("pwned"))
