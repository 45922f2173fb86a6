"""What compiled code asks of the C library is seen."""

from __future__ import annotations

import json
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mlops.kernels import native

STUBS = Path(native.__file__).with_name("stubs.s")
HERE = sys.platform == "linux" and platform.machine() == "x86_64"
pytestmark = pytest.mark.skipif(not HERE, reason="stubs are for Linux on x86-64")

PROBE = """
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("native", {place!r})
native = importlib.util.module_from_spec(spec); spec.loader.exec_module(native)
noted = []
def notice(what):
    frame = sys._getframe(2)
    noted.append([what[0][0], frame.f_code.co_name, frame.f_lineno])
stubs = native.install(notice)
{before}
stubs.update()
stubs.paths()
stubs.watch(True)
{source}
stubs.watch(False)
paths = [[deed, path, writes] for deed, path, writes in stubs.paths()[0]]
print(json.dumps([[what for what, *_ in noted], paths]))
"""


def probe(source: str, before: str = "", folder: Path | None = None) -> tuple[list[str], list[list[object]]]:
    code = PROBE.format(place=native.__file__, source=source, before=before)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, timeout=120)
    assert done.returncode == 0, done.stderr
    noted, paths = json.loads(done.stdout.splitlines()[-1])
    return noted, paths


FACTORY = """
import time, dataclasses
@dataclasses.dataclass
class A:
    t: float = dataclasses.field(default_factory=time.time)
"""
DATABASE = "import sqlite3\nc = sqlite3.connect(':memory:')"
NOTED = {
    "time": ("import time", "time.time()", ["clock"]),
    "by an alias": ("from time import time as t", "t()", ["clock"]),
    "year": ("import time", "time.strftime('%Y')", ["clock"]),
    "datetime": ("import datetime", "datetime.datetime.now()", ["clock"]),
    "date": ("import datetime", "datetime.date.today()", ["clock"]),
    "a default factory": (FACTORY, "A()", ["clock"]),
    "numpy": ("import numpy", "numpy.datetime64('now')", ["clock"]),
    "pandas": ("import pandas", "pandas.Timestamp('today')", ["clock"]),
    "sqlite": (DATABASE, "c.execute(\"select datetime('now')\").fetchall()", ["clock"]),
    "a stopwatch": ("import time", "time.perf_counter(); time.monotonic()", []),
    "a pause": ("import time", "time.sleep(0.001)", []),
    "a lock": ("import threading", "threading.Lock().acquire(timeout=0.01)", []),
    "urandom": ("import os", "os.urandom(4)", ["entropy"]),
    "uuid": ("import uuid", "uuid.uuid4()", ["entropy"]),
    "an unseeded generator": ("import random", "random.Random()", ["entropy"]),
    "a seeded generator": ("import random", "random.Random(1)", []),
    "numpy's unseeded generator": ("import numpy.random", "numpy.random.default_rng()", ["entropy"]),
    "numpy's seeded generator": ("import numpy.random", "numpy.random.default_rng(1)", []),
    "the host": ("import socket", "socket.gethostname()", ["identity"]),
    "arithmetic": ("", "sum(range(100))", []),
}  # fmt: skip


@pytest.mark.parametrize(("before", "source", "expected"), NOTED.values(), ids=NOTED.keys())
def test_readings_are_noted(before: str, source: str, expected: list[str]) -> None:
    assert probe(source, before)[0] == expected


def test_a_library_that_is_loaded_later_is_seen() -> None:
    assert probe("import numpy\nstubs.update()\nnoted.clear()\nnumpy.datetime64('now')")[0] == ["clock"]


@pytest.mark.parametrize("source", ["os.stat('x')", "os.path.exists('x')", "os.access('x', 4)", "os.lstat('.')"])
def test_pythons_own_looks_are_noted(source: str, tmp_path: Path) -> None:
    looked = f"import os\ntry:\n    {source}\nexcept OSError:\n    pass\nnoted += [[p] for p in stubs.looks()[0]]"
    noted, _ = probe(looked, folder=tmp_path)
    assert "look" in noted
    assert {"x", "."} & set(noted)


def test_files_that_compiled_code_opens_are_noted(tmp_path: Path) -> None:
    path = str(tmp_path / "a.sqlite")
    source = f"c = sqlite3.connect({path!r})\nc.execute('create table t (x)')\nc.close()"
    assert [native.OPEN, path, True] in probe(source, "import sqlite3")[1]


def test_a_frame_is_the_one_that_asked() -> None:
    source = "import time\ndef f():\n    return time.time()\nf()\nnoted[:] = [[name] for _, name, _ in noted]"
    assert probe(source)[0] == ["f"]


def test_a_child_has_what_its_parent_prepared() -> None:
    code = (
        "import importlib.util, os, sys, time\n"
        f"spec = importlib.util.spec_from_file_location('native', {native.__file__!r})\n"
        "native = importlib.util.module_from_spec(spec); spec.loader.exec_module(native)\n"
        "native.prepare()\n"
        "if os.fork():\n"
        "    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))\n"
        "noted = []\n"
        "stubs = native.install(noted.append)\n"
        "stubs.watch(True)\n"
        "time.time()\n"
        "stubs.watch(False)\n"
        "os._exit(0 if noted == [[('clock', True)]] else 1)\n"
    )
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", code], timeout=60).returncode == 0


@pytest.mark.skipif(shutil.which("as") is None or shutil.which("objcopy") is None, reason="needs binutils")
def test_the_instructions_are_those_of_the_source(tmp_path: Path) -> None:
    made, flat = tmp_path / "stubs.o", tmp_path / "stubs.bin"
    subprocess.run(["as", STUBS, "-o", made], check=True)
    subprocess.run(["objcopy", "-O", "binary", "-j", ".text", made, flat], check=True)
    assert re.sub(rb"\x0f\x1f[\x00-\xff]{1,6}$", b"", flat.read_bytes()).startswith(native.NOTICE)
    assert native.PATH in flat.read_bytes()
