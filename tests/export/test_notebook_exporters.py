"""Export targets in nbconvert."""

from __future__ import annotations

import tomllib
from pathlib import Path

import nbformat
import pytest
from nbconvert.writers.files import FilesWriter

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export.exporter import BUILT_IN
from jupyter_mlops.service import notebook_exporters

ROOT = Path(__file__).parent.parent.parent


def notebook(*cells: tuple[str, str]) -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source, metadata={"tags": tags.split()}) for tags, source in cells]
    )


def test_each_target_is_an_exporter_of_nbconvert() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    points = project["entry-points"]["nbconvert.exporters"]
    assert points == {f"mlops-{t}": f"jupyter_mlops.service.notebook_exporters:{t}" for t in BUILT_IN}
    for target in BUILT_IN:
        chosen = getattr(notebook_exporters, target)
        assert chosen.target == target
        assert chosen.export_from_notebook.endswith("(MLOps)")


@pytest.mark.parametrize("target", BUILT_IN)
def test_a_notebook_leaves_with_what_it_needs(tmp_path: Path, target: str) -> None:
    (tmp_path / "tools.py").write_text("def double(x):\n    return 2 * x\n")
    nb = notebook(("imports", "import tools"), ("step:a", "x = tools.double(2)"), ("step:b", "print(x)"))
    resources = {"metadata": {"name": "made", "path": str(tmp_path)}}
    text, written = getattr(notebook_exporters, target)().from_notebook_node(nb, resources)
    assert text.endswith("\n")
    assert written["output_extension"].startswith(".")
    for path, content in written["outputs"].items():
        assert path.startswith("./")
        assert isinstance(content, bytes)
    files = {**written["outputs"], "main": text.encode()}
    assert any(b"step" in content for content in files.values())
    assert not any(str(tmp_path).encode() in content for name, content in files.items() if not name.endswith(".zip"))


def test_a_notebook_without_steps_says_what_to_do(tmp_path: Path) -> None:
    resources = {"metadata": {"name": "made", "path": str(tmp_path)}}
    with pytest.raises(InvalidInputError, match="no steps"):
        notebook_exporters.airflow().from_notebook_node(notebook(("imports", "import os")), resources)


@pytest.mark.parametrize(
    ("target", "main"),
    [("airflow", "made.py"), ("kubernetes", "made.yaml"), ("docker", "made.txt"), ("terraform", "made.tf")],
)
def test_nbconvert_writes_the_files_beside_the_notebook(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str, main: str
) -> None:
    monkeypatch.chdir(tmp_path)
    nbformat.write(notebook(("step:a", "x = 1"), ("step:b", "print(x)")), "made.ipynb")
    text, resources = getattr(notebook_exporters, target)().from_filename("made.ipynb")
    FilesWriter(build_directory="").write(text, resources, notebook_name="made")
    names = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    files = notebook_exporters.draft_files(nbformat.read("made.ipynb", 4), "made", tmp_path, target)
    assert names == {*files, main, "made.ipynb"}
    assert files[notebook_exporters.main_file(files, "made")].decode() == text
