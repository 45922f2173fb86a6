"""Several processes publish, or build an environment, at the same time: each thing is there once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.config import RunConfig
from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.service import jobs
from jupyter_mlops.versions.manifest import Manifest
from tests.jobs.workspace import write_notebook

pytestmark = pytest.mark.timeout(240)

# Waits until all have come here, then publishes each notebook in turn.
PUBLISH = """
import json, os, sys, time
from pathlib import Path
from jupyter_mlops.config import RunConfig
from jupyter_mlops.service import jobs

gate, me, others, url, *books = sys.argv[1:]
space = jobs.open_workspace(RunConfig(database=url))
jobs.publish(space, Path(books[0]), f"warm-{me}")
Path(gate, me).touch()
while len(os.listdir(gate)) < int(others):
    time.sleep(0.01)
print(json.dumps([jobs.publish(space, Path(book), "job") for book in books]))
space.close()
"""

BUILD = """
import os, sys, time
from pathlib import Path
from jupyter_mlops.versions.environment import build
from jupyter_mlops.versions.manifest import Environment
import platform

gate, me, others, home, lock = sys.argv[1:]
Path(gate, me).touch()
while len(os.listdir(gate)) < int(others):
    time.sleep(0.01)
print(build(Path(lock).read_text(), "pins", Environment(python=platform.python_version()), Path(home)))
"""


def at_once(code: str, folder: Path, arguments: list[list[str]], **env: str) -> list[str]:
    """Run the code in as many processes as there are arguments, which wait for each other; what each printed."""
    gate = folder / "gate"
    gate.mkdir()
    told = {**os.environ, "UV_OFFLINE": "1", **env}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(gate), str(me), str(len(arguments)), *words],
            env=told, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for me, words in enumerate(arguments)
    ]  # fmt: skip
    said = [process.communicate(timeout=200) for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), said
    return [out for out, _ in said]


def books(folder: Path, *names: str) -> list[str]:
    """Notebooks that differ by what they print, all named alike."""
    return [str(write_notebook(folder / name / "nb.ipynb", f"print({name!r})")) for name in names]


def test_one_version_for_a_content_and_no_number_twice(tmp_path: Path, database_url: str) -> None:
    orders = [["a", "b", "c"], ["b", "a", "d"], ["c", "a", "b"]]
    asked = [[database_url, *books(tmp_path / "work", *names)] for names in orders]
    said = at_once(PUBLISH, tmp_path, asked)
    told: list[dict[str, Any]] = [one for out in said for one in json.loads(out)]
    by_content: dict[str, set[tuple[str, str]]] = {}
    for one, name in zip(told, (name for names in orders for name in names), strict=True):
        by_content.setdefault(name, set()).add((one["version"], one["digest"]))
    assert all(len(found) == 1 for found in by_content.values()), by_content
    assert sum(one["new"] for one in told) == 4
    space = Workspace(RunConfig(database=database_url))
    try:
        known = jobs.versions(space, "job")
        assert [v["version"] for v in known] == ["v4", "v3", "v2", "v1"]
        assert {(v["version"], v["digest"]) for v in known} == set.union(*by_content.values())
        assert all(Manifest.get(space.store, v["digest"]).name == "nb.ipynb" for v in known)
    finally:
        space.close()


def test_an_environment_is_built_once_whoever_asks(tmp_path: Path) -> None:
    """A package of one module, from a folder: no index is needed."""
    made = tmp_path / "tiny-1.0-py3-none-any.whl"
    _wheel(made)
    lock = tmp_path / "pylock.txt"
    lock.write_text(f"tiny @ {made.as_uri()}\n")
    counter = tmp_path / "uv"
    counter.write_text(
        textwrap.dedent(f"""\
        #!{sys.executable}
        import os, sys
        from uv import find_uv_bin
        with open({str(tmp_path / "calls")!r}, "a") as calls:
            calls.write(sys.argv[1] + "\\n")
        os.execv(find_uv_bin(), ["uv", *sys.argv[1:]])
        """)
    )
    counter.chmod(0o755)
    counting = f"from jupyter_mlops.versions import environment\nenvironment._find_uv = lambda: {str(counter)!r}\n"
    said = at_once(counting + BUILD, tmp_path, [[str(tmp_path / "home"), str(lock)]] * 3)
    [python] = {out.strip() for out in said}
    done = subprocess.run([python, "-c", "import tiny; print(tiny.x)"], capture_output=True, text=True, check=True)
    assert done.stdout == "1\n"
    assert (tmp_path / "calls").read_text() == "venv\npip\n"


def _wheel(path: Path) -> None:
    import zipfile

    facts = {
        "tiny.py": "x = 1\n",
        "tiny-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n",
        "tiny-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "tiny-1.0.dist-info/RECORD": "tiny.py,,\n",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in facts.items():
            archive.writestr(name, text)
