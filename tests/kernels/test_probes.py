"""Whatever a notebook can see of its process is the same in a cold kernel, a forked one, and one that waited."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import nbformat
import pytest

from jupyter_mlops.kernels.forkserver_registry import SERVERS
from tests.jobs.workspace import working
from tests.kernels.kernel import kernel

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux"),
    pytest.mark.xdist_group("kernels"),
]
TEXT = Path(__file__).with_name("probes.txt").read_text(encoding="utf-8")
PROBES = dict(part.split("\n", 1) for part in TEXT.split("---- ")[1:])
# They end a run that they are in.
FAIL = frozenset({"too deep", "standard input in a cell", "asyncio.run", "traceback", "syntax", "after an error"})
# What is seen after the end of the kernel.
LEAVES = (
    "import atexit, tempfile\natexit.register(lambda: open('left', 'w').write('left'))",
    "kept = tempfile.TemporaryDirectory()\nopen('where', 'w').write(kept.name)",
)
CLI = [sys.executable, "-m", "jupyter_mlops.cli"]
PRELOAD = ("numpy", "pandas", "matplotlib.pyplot", "sklearn.linear_model", "seaborn", "multiprocessing")
# Addresses, numbers of processes, of descriptors and of ports: two cold kernels differ in these too.
OWN = re.compile(r"0x[0-9a-f]+|ipykernel_\d+|(?<=StreamHandler )\d+|mlops-\d+-\w+|pid=\d+")


def different(one: Mapping[str, str], other: Mapping[str, str]) -> str:
    """The probes that differ, with the words that only one of both said."""
    said = []
    for name in PROBES:
        left, right = (OWN.sub("…", told.get(name, "")) for told in (one, other))
        if left != right:
            words = left.split(), right.split()
            less = [w for w in words[0] if w not in words[1]]
            more = [w for w in words[1] if w not in words[0]]
            said.append(f"{name}\n- {less or left}\n+ {more or right}")
    return "\n".join(said)


def test_what_a_cell_sees_is_the_same_cold_and_forked(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()

    async def seen(forked: bool) -> dict[str, str]:
        env = {"PYTHONHASHSEED": "7", "ORDER": "one"}
        folder = tmp_path / str(forked)
        async with kernel(folder, forked=forked, env=env, cwd=work, preload=PRELOAD) as one:
            assert (type(one.process).__name__ == "ForkedProcess") == forked
            return {name: (await one.run(code)).replace(str(folder), "…") for name, code in PROBES.items()}

    cold, forked = asyncio.run(seen(False)), asyncio.run(seen(True))
    SERVERS.close()
    assert sum(map(bool, cold.values())) > 80
    assert not different(cold, forked), different(cold, forked)


def run(folder: Path, env: Mapping[str, str], *cells: str) -> list[str]:
    """What each cell shows in a run."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in cells])
    book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(book, folder / "probes.ipynb")
    out = folder / "out.ipynb"
    command = [*CLI, "run", str(folder / "probes.ipynb"), "-o", str(out), "--no-cache", "-j", "1", "--json"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    outputs = [cell["outputs"] for cell in json.loads(out.read_text())["cells"]]
    return ["".join("".join(o.get("text", "")) or str(o.get("data", "")) for o in shown) for shown in outputs]


def test_what_a_cell_sees_is_the_same_in_place_and_in_a_worker(tmp_path: Path) -> None:
    """The second run in the worker gets a kernel that has waited, with the imports of the first."""
    env = {**os.environ, "ORDER": "one", "JUPYTER_MLOPS_HOME": str(tmp_path / "home")}
    probes = {name: code for name, code in PROBES.items() if name not in FAIL}

    def seen() -> dict[str, str]:
        return dict(zip(probes, run(tmp_path, env, *probes.values()), strict=True))

    def end() -> None:
        """Exit handlers run, temporary folders go."""
        run(tmp_path, env, *LEAVES)
        for _ in range(500):
            if (tmp_path / "left").exists() and not Path((tmp_path / "where").read_text()).exists():
                break
            time.sleep(0.01)
        assert (tmp_path / "left").read_text() == "left"
        assert not Path((tmp_path / "where").read_text()).exists()
        (tmp_path / "left").unlink()

    in_place = seen()
    end()
    with working(tmp_path / "home", "--jobs", "2", ORDER="one"):
        first, second = seen(), seen()
        end()
        status = json.loads(subprocess.check_output([*CLI, "worker", "--status", "--json"], env=env))
        assert status["done"] == 3
    assert not different(in_place, first), different(in_place, first)
    assert not different(in_place, second), different(in_place, second)
