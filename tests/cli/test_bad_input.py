"""What can't be run is told in a sentence or two, with exit code 2, and nothing was started or written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.command import Done, command, write

Cells = list[tuple[str, str]]


def refused(done: Done, *said: str) -> None:
    assert done.code == 2, done
    assert "Traceback" not in done.err and done.out == ""
    assert all(part in done.err for part in said), done.err
    assert len(done.err.splitlines()) <= 3


FILES: dict[str, tuple[bytes, list[str]]] = {
    "not json": (b"print(1)", ["not JSON"]),
    "nbformat 3": (b'{"worksheets": [], "nbformat": 3}', ["old format 3", "nbconvert"]),
    "empty": (b"", ["empty"]),
}


@pytest.mark.parametrize("verb", ["show", "check", "suggest", "run"])
@pytest.mark.parametrize(("data", "said"), FILES.values(), ids=FILES.keys())
def test_files_that_are_no_notebooks(tmp_path: Path, verb: str, data: bytes, said: list[str]) -> None:
    path = tmp_path / "a.ipynb"
    path.write_bytes(data)
    refused(command(verb, path), "a.ipynb", *said)
    assert [p.name for p in tmp_path.iterdir()] in (["a.ipynb"], ["a.ipynb", "mlops-home"])


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    write(tmp_path / "churn.ipynb")
    refused(command("run", tmp_path / "chrun.ipynb"), "no such file", "Did you mean churn.ipynb?")


def test_a_link_that_leads_nowhere_is_not_proposed_for_itself(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").symlink_to("gone.ipynb")
    done = command("run", tmp_path / "a.ipynb")
    refused(done, "no such file")
    assert "Did you mean" not in done.err


CELLS: dict[str, tuple[Cells, list[str]]] = {
    "broken": ([("", "x = 1"), ("", "def f(:\n  pass")], ["cell 2, line 1", "not valid Python"]),
    "two steps": ([("step:a step:b", "x = 1")], ["cell 1", "`a`, `b`"]),
    "step with spaces": ([("step:a", "x = 1"), ("step:load", "y = 1")], ["cell 2", "spaces", "`step:load_it`"]),
    "cycle": ([("step:a prev:b", "x = 1"), ("step:b prev:a", "y = 1")], ["cell 1", "`prev:b`"]),
    "unknown prev": ([("step:a", "x = 1"), ("step:b prev:c", "y = 1")], ["cell 2", "`prev:c`", "Steps: a, b"]),
}


@pytest.mark.parametrize("verb", ["show", "run"])
@pytest.mark.parametrize(("cells", "said"), CELLS.values(), ids=CELLS.keys())
def test_cells_that_make_no_pipeline(tmp_path: Path, verb: str, cells: Cells, said: list[str]) -> None:
    path = write(tmp_path / "a.ipynb", *cells)
    nb = json.loads(path.read_text())
    for cell in nb["cells"]:
        tags = cell["metadata"].get("tags", [])
        cell["metadata"]["tags"] = ["step:load it" if t == "step:load" else t for t in tags]
    path.write_text(json.dumps(nb))
    refused(command(verb, path), *said)


RUNS: dict[str, tuple[list[str], list[str]]] = {
    "no such parameter": (["-p", "alhpa", "1"], ["`alhpa`", "alpha"]),
    "a text for an int": (["-p", "n", "abc"], ["`n`", "abc", "int"]),
    "a float for an int": (["-y", "n: 1.5"], ["`n`", "int"]),
    "yaml of no mapping": (["-y", "[1]"], ["-y", "mapping"]),
    "no yaml": (["-y", "{"], ["-y", "not YAML"]),
    "a parameter file that is not there": (["-f", "none.yaml"], ["none.yaml"]),
    "no base64": (["-b", "%"], ["base64"]),
    "no such step": (["--from", "lod"], ["'lod'", "load"]),
    "no such only": (["--only", "x"], ["'x'", "Steps: load"]),
    "no such kernel": (["-k", "pyhton3"], ["pyhton3", "python3"]),
    "jobs": (["--jobs", "0"], ["--jobs", "whole number"]),
    "timeout": (["--timeout", "-1"], ["--timeout", "above 0"]),
    "timeout that never comes": (["--timeout", "nan"], ["--timeout", "above 0"]),
    "output folder": (["-o", "none/b.ipynb"], ["none", "does not exist"]),
    "output over input": (["-o", "a.ipynb"], ["overwrite"]),
    "report over input": (["--report", "a.ipynb"], ["report", "overwrite"]),
    "report over output": (["-o", "b.ipynb", "--report", "b.ipynb"], ["report", "overwrite"]),
    "report folder": (["--report", "none/b.html"], ["none", "does not exist"]),
    "report is a folder": (["--report", "."], ["folder"]),
    "working folder": (["--cwd", "none"], ["--cwd none", "does not exist"]),
}


@pytest.mark.parametrize(("options", "said"), RUNS.values(), ids=RUNS.keys())
def test_options_that_can_not_be(tmp_path: Path, options: list[str], said: list[str]) -> None:
    write(tmp_path / "a.ipynb", ("parameters", "alpha: float = 0.5\nn: int = 1"), ("step:load", "x = 1"))
    done = command("run", "a.ipynb", *options, cwd=tmp_path)
    assert done.code == 2, done
    assert "Traceback" not in done.err
    assert all(part in done.err for part in said), done.err


def test_a_kernel_that_is_not_installed(tmp_path: Path) -> None:
    spec = {"name": "julia-1.9", "display_name": "Julia", "language": "julia"}
    path = write(tmp_path / "a.ipynb", ("", "1"), kernelspec=spec)
    refused(command("run", path), "julia-1.9", "--kernel")


def test_a_required_parameter(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", ("parameters", "n: int"), ("step:a", "print(n)"))
    refused(command("run", path), "`n`", "-p n")
    assert command("run", path, "-p", "n", "3").code == 0
