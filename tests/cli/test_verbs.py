"""`show`, `check`, `suggest`, `demo` and help, as a person meets them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import command, read, states, texts, write

CELLS = [("parameters", "n: int = 3  # how many"), ("step:a", "x = [n]"), ("step:b", "print(x)")]


def test_show(tmp_path: Path) -> None:
    path = write(tmp_path / "nice.ipynb", *CELLS)
    assert json.loads(command("show", path, "--json").out) == {
        "name": "nice",
        "parameters": [{"name": "n", "type": "int", "default": 3, "help": "how many"}],
        "steps": [
            {"name": "a", "cells": [1], "inputs": ["n"], "outputs": ["x"], "after": []},
            {"name": "b", "cells": [2], "inputs": ["x"], "outputs": [], "after": ["a"]},
        ],
        "edges": [{"from": "a", "to": "b", "variables": ["x"], "kind": "data"}],
    }
    assert "← a: x" in command("show", path).out
    assert '"a" -> "b"' in command("show", path, "--dot").out


def test_show_has_learned_from_a_run(tmp_path: Path) -> None:
    cells = [("step:a", "d = {}"), ("step:b", "[].append(d.setdefault('k', 1))"), ("step:c", "print(d)")]
    path = write(tmp_path / "a.ipynb", *cells)
    before = json.loads(command("show", path, "--json").out)["edges"]
    assert command("run", path).code == 0
    after = json.loads(command("show", path, "--json").out)["edges"]
    assert [e for e in after if e not in before] == [{"from": "b", "to": "c", "variables": ["d"], "kind": "learned"}]


def test_check(tmp_path: Path) -> None:
    good = command("check", write(tmp_path / "a.ipynb", *CELLS), "--json")
    assert (good.code, json.loads(good.out)) == (0, {"ok": True, "findings": []})
    path = write(tmp_path / "b.ipynb", ("step:a", "print(nowhere)\nimport not_installed_anywhere\ninput()"))
    bad = command("check", path, "--json")
    found = json.loads(bad.out)
    assert bad.code == 1 and found["ok"] is False
    rules = {f["rule"]: f for f in found["findings"]}
    assert {"undefined_names", "missing_imports", "interactive"} <= rules.keys()
    assert all({"rule", "severity", "cell", "message", "fix", "data"} == f.keys() for f in found["findings"])
    assert "cell 1" in command("check", path).out


def test_check_tells_of_a_broken_cell(tmp_path: Path) -> None:
    done = command("check", write(tmp_path / "a.ipynb", ("", "x ="), ("", "print(y)")), "--json")
    assert done.code == 1
    assert "syntax" in {f["rule"] for f in json.loads(done.out)["findings"]}


def test_modules_beside_the_notebook_are_found(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("x = 1\n")
    path = write(tmp_path / "a.ipynb", ("step:a", "import mine\nprint(mine.x)"))
    assert command("check", path).code == 0
    record = command("run", path, "-o", tmp_path / "o.ipynb", "--json").record
    assert record["state"] == "completed"
    (tmp_path / "mine.py").write_text("x = 2\n")
    again = command("run", path, "-o", tmp_path / "o.ipynb", "--json").record
    assert states(again) == {"a": "completed"} and texts(read(tmp_path / "o.ipynb")) == ["2\n"]


def test_suggest(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", ("", "import os"), ("", "n = 3"), ("", "x = [n] * 2"), ("", "print(x)"))
    before = path.read_bytes()
    told = command("suggest", path)
    assert told.code == 0 and "nothing was written" in told.err
    assert command("suggest", path, "-o", tmp_path / "b.ipynb").code == 0
    assert path.read_bytes() == before
    tagged = read(tmp_path / "b.ipynb")
    assert any(t.startswith("step:") for c in tagged.cells for t in c.metadata.get("tags", ()))
    assert command("run", tmp_path / "b.ipynb").code == 0


@pytest.mark.slow
def test_demo(tmp_path: Path) -> None:
    done = command("demo", "--json", cwd=tmp_path, timeout=280)
    assert done.code == 0, done.err
    assert 8 <= len(done.record["steps"]) <= 10 and done.record["metrics"]
    assert (tmp_path / "mlops-demo" / "demo.ipynb").is_file()
    again = command("demo", "--json", cwd=tmp_path)
    assert set(states(again.record).values()) == {"cached"}


def test_papermill_runs_it_with_our_engine(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", *CELLS)
    done = subprocess.run(
        [sys.executable, "-m", "papermill", str(path), str(tmp_path / "o.ipynb"), "--engine", "mlops", "-p", "n", "4"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    nb = read(tmp_path / "o.ipynb")
    assert texts(nb)[-1] == "[4]\n"
    assert nb.metadata.papermill.parameters == {"n": 4}
    assert nb.metadata.jupyter_mlops_run.state == "completed"
    bad = write(tmp_path / "b.ipynb", ("step:a", "1 / 0"))
    done = subprocess.run(
        [sys.executable, "-m", "papermill", str(bad), str(tmp_path / "p.ipynb"), "--engine", "mlops"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0 and "ZeroDivisionError" in done.stderr


def test_help_is_quick_to_import_and_names_every_verb() -> None:
    done = command("--help")
    assert done.code == 0
    assert all(verb in done.out for verb in ("show", "check", "suggest", "run", "demo"))
    code = "import sys\nfrom jupyter_mlops.cli import parser\nparser()\nprint(sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    heavy = (
        "nbformat",
        "papermill",
        "IPython",
        "numpy",
        "pandas",
        "jupyter_client",
        "nbconvert",
        "rich",
        "yaml",
        "orjson",
    )
    assert not [name for name in heavy if f"'{name}'" in loaded]


def test_kernelspec_install(tmp_path: Path) -> None:
    done = command("kernelspec", "install", "--prefix", tmp_path, "--preload", "numpy", "--name", "quick")
    spec = json.loads((Path(done.out.strip()) / "kernel.json").read_text())
    assert done.code == 0 and Path(done.out.strip()).is_relative_to(tmp_path)
    assert spec["metadata"]["kernel_provisioner"]["config"] == {"preload": ["numpy"]}
    assert spec["language"] == "python" and spec["display_name"] == "Python 3 (forked)"


def test_kernelspec_with_a_bad_name_or_place(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for arguments in (("--name", "a b"), ("--prefix", tmp_path / "file")):
        done = command("kernelspec", "install", *arguments)
        assert done.code == 2 and "Traceback" not in done.err and done.err.count("\n") <= 3
