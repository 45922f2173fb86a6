"""Nothing below a failed cell acts on the outside world, as under Run All, unless its author says so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.execution.test_retries import Cell, run

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(180)]
FAIL: Cell = ("step:guard", "assert rows > 0, 'no rows: stop here'")
ROWS: Cell = ("step:check", "rows = 0")
WRITE = "open('deployed.txt', 'w').write('live')"
PLAIN: dict[str, Any] = {"jobs": 1}
WAYS: dict[str, dict[str, Any]] = {
    "main line": {"jobs": 1, "use_cache": False},
    "main line that keeps": PLAIN,
    "helpers": {"jobs": 2},
    "isolated": {"isolate": True},
}
ACTS: dict[str, str] = {
    "a file": WRITE,
    "a file by a name of its own": "o = open\nwith o('deployed.txt', 'w') as f: f.write('live')",
    "a file in a function of a module": "import writer\nwriter.deploy()",
    "a file by a magic": "%%writefile deployed.txt\nlive",
    "a file by a shell": "!touch deployed.txt",
    "a file in spite of a bare except": "try:\n    o = open; o('deployed.txt', 'w')\nexcept:\n    pass",
    "a file of an exception that stands for the denial": (
        "try:\n    o = open; o('deployed.txt', 'w')\nexcept BaseException as e:\n    raise ValueError('other') from e"
    ),
    "a file in a thread": "import threading\nt = threading.Thread(target=open, args=('deployed.txt', 'w'))\n"
    "t.start(); t.join()",
    "a folder": "from pathlib import Path\ngetattr(Path('deployed.txt'), 'mk' + 'dir')()",
    "a process": "import subprocess as s\ngetattr(s, 'r' + 'un')(['touch', 'deployed.txt'])",
    "a database": "import importlib\nc = importlib.import_module('sqlite3').connect('deployed.txt')\n"
    "c.execute('create table t (x)'); c.commit()",
    "a thread that acts later": (
        "import threading, time\ndef late():\n    time.sleep(0.3)\n    o = open; o('deployed.txt', 'w')\n"
        "threading.Thread(target=late).start()"
    ),
    "at the end of the kernel": "import atexit\ndef bye(): open('deployed.txt', 'w')\natexit.register(bye)",
}  # fmt: skip


def lay(folder: Path) -> Path:
    folder.joinpath("writer.py").write_text("def deploy():\n    open('deployed.txt', 'w').write('live')\n")
    return folder


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_a_guard_that_fails_stops_what_acts(tmp_path: Path, way: Mapping[str, Any]) -> None:
    ran = run(lay(tmp_path), ROWS, FAIL, ("step:deploy", "import writer\nprint('now')\nwriter.deploy()"), **way)
    assert not (tmp_path / "deployed.txt").exists()
    assert ran.states == {"check": "completed", "guard": "failed", "deploy": "skipped"}
    assert (ran.attempts["deploy"], ran.texts[2], ran.record["error"]["step"]) == (0, "", "guard")
    assert [e["why"] for e in ran.events if e.get("step") == "deploy" and e.get("state") == "skipped"] == [
        "an earlier step failed"
    ]
    assert not [e for e in ran.events if e["event"] == "output" and "now" in str(e) + str(e["output"].get("evalue"))]


@pytest.mark.parametrize("source", ACTS.values(), ids=ACTS.keys())
def test_no_way_to_act_below_a_failure(tmp_path: Path, source: str) -> None:
    ran = run(lay(tmp_path), ROWS, FAIL, ("step:deploy", source), ("step:pure", "print(2 + 2)"))
    assert not (tmp_path / "deployed.txt").exists()
    assert ran.states["deploy"] == "skipped"
    assert ran.states["pure"] == "completed"


OPEN: dict[str, tuple[str, str]] = {
    "a file": ("f = open('log.txt', 'w')", "f.write('live'); f.flush()"),
    "a file in a module": ("import logs\nlogs.start()", "logs.log('live')"),
    "a log": (
        "import logging\nlogging.basicConfig(filename='log.txt', force=True)",
        "import logging\nlogging.error('live')",
    ),
    "a database": (
        "import sqlite3\nc = sqlite3.connect('log.txt')\nc.execute('create table t (x text)'); c.commit()",
        "c.execute(\"insert into t values ('live')\"); c.commit()",
    ),
    "a process": (
        "import subprocess\np = subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=open('log.txt', 'w'))",
        "p.stdin.write(b'live'); p.stdin.close(); p.wait()",
    ),
    "a function that holds one": (
        "def make(f=open('log.txt', 'w')): return lambda t: (f.write(t), f.flush())\nlog = make()",
        "log('live')",
    ),
}
LOGS = (
    "f = None\ndef start():\n    global f\n    f = open('log.txt', 'w')\ndef log(t):\n    f.write(t)\n    f.flush()\n"
)


@pytest.mark.parametrize(("before", "after"), OPEN.values(), ids=OPEN.keys())
def test_what_was_opened_above_the_failure_is_not_written_to_below_it(tmp_path: Path, before: str, after: str) -> None:
    (tmp_path / "logs.py").write_text(LOGS)
    ran = run(tmp_path, ("step:open", before), ROWS, FAIL, ("step:use", after))
    assert b"live" not in (tmp_path / "log.txt").read_bytes()
    assert ran.states["use"] == "skipped"


ENDS: dict[str, tuple[str, Mapping[str, Any]]] = {
    "an exception": ("1 / 0", {}),
    "SystemExit with a message": ("raise SystemExit('stop')", {}),
    "an interrupt": ("raise KeyboardInterrupt", {}),
    "a killed kernel": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", {}),
    "a timeout": ("import time\ntime.sleep(600)", {"timeout": 2}),
    "a retry in vain": ("1 / 0", {"retries": 1, "backoff": 0}),
}


@pytest.mark.parametrize(("source", "settings"), ENDS.values(), ids=ENDS.keys())
def test_however_it_fails(tmp_path: Path, source: str, settings: Mapping[str, Any]) -> None:
    ran = run(
        lay(tmp_path),
        ("step:fails", source, settings),
        ("step:deploy", "import writer\nwriter.deploy()"),
        ("step:pure", "print('pure')"),
    )
    assert not (tmp_path / "deployed.txt").exists()
    assert ran.states == {"fails": "failed", "deploy": "skipped", "pure": "completed"}
    assert ran.texts[2] == "pure\n"


def test_an_allowed_failure_is_none(tmp_path: Path) -> None:
    ran = run(tmp_path, ("step:a raises-exception", "1 / 0"), ("step:b", WRITE))
    assert (ran.record["state"], (tmp_path / "deployed.txt").exists()) == ("completed", True)


def test_what_depends_on_a_step_that_was_denied_is_skipped(tmp_path: Path) -> None:
    ran = run(
        lay(tmp_path),
        ROWS, FAIL,
        ("step:deploy", "done = 1\nimport writer\nwriter.deploy()"),
        ("step:tell", "print(done)"),
    )  # fmt: skip
    assert (ran.states["deploy"], ran.states["tell"], ran.texts[3]) == ("skipped", "skipped", "")


def test_a_file_of_another_run_does_not_stand_for_one_that_was_not_written(tmp_path: Path) -> None:
    (tmp_path / "files.py").write_text(
        "def save(x): open('model.txt', 'w').write(x)\ndef load(): return open('model.txt').read()\n"
    )
    cells: list[Cell] = [
        ("step:save", "import files\nfiles.save('old')"),
        ("step:use", "import files\nprint(files.load())"),
    ]
    assert run(tmp_path, ROWS, *cells).texts[2] == "old\n"
    ran = run(tmp_path, ROWS, FAIL, *cells)
    assert (ran.states["save"], ran.states["use"], ran.texts[3]) == ("skipped", "skipped", "")


def test_kept_results_below_a_failure(tmp_path: Path) -> None:
    lay(tmp_path)
    below: list[Cell] = [
        ("step:pure", "print('pure')"),
        ("step:deploy", "import writer\nwriter.deploy()\nprint('deployed')"),
    ]
    run(tmp_path, ROWS, *below)
    ran = run(tmp_path, ROWS, FAIL, *below)
    assert (ran.states["pure"], ran.texts[2]) == ("cached", "pure\n")
    assert (ran.states["deploy"], ran.texts[3]) == ("skipped", "")


def test_the_next_run_does_what_was_skipped_and_keeps_what_went_on(tmp_path: Path) -> None:
    below: list[Cell] = [("step:deploy", WRITE), ("step:pure", "print('pure')")]
    run(tmp_path, ROWS, FAIL, *below)
    ran = run(tmp_path, ("step:check", "rows = 1"), FAIL, *below)
    assert ran.states == {"check": "completed", "guard": "completed", "deploy": "completed", "pure": "cached"}
    assert (tmp_path / "deployed.txt").read_text() == "live"


@pytest.mark.parametrize("asked", [{"from_step": "deploy"}, {"only_step": "deploy"}])
def test_from_and_only_stop_as_well(tmp_path: Path, asked: dict[str, str]) -> None:
    ran = run(tmp_path, ROWS, FAIL, ("step:deploy prev:guard", WRITE), **asked)
    assert (ran.states["deploy"], (tmp_path / "deployed.txt").exists()) == ("skipped", False)


KEEP = {"keep_going": True}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_a_step_acts_below_a_failure_if_its_author_says_so(tmp_path: Path, way: Mapping[str, Any]) -> None:
    ran = run(tmp_path, ROWS, FAIL, ("step:report", WRITE, KEEP), ("step:needs prev:guard", "print(1)", KEEP), **way)
    assert (tmp_path / "deployed.txt").read_text() == "live"
    assert ran.states == {"check": "completed", "guard": "failed", "report": "completed", "needs": "skipped"}


def test_nothing_runs_below_a_gate_that_did_not_pass(tmp_path: Path) -> None:
    ran = run(
        tmp_path,
        ROWS,
        ("step:guard", "1 / 0"),
        ("step:gate gate", "assert rows > 0"),
        ("step:report", WRITE, KEEP),
        ("step:pure", "print('pure')"),
    )
    assert not (tmp_path / "deployed.txt").exists()
    assert ran.states == {
        "check": "completed",
        "guard": "failed",
        "gate": "failed",
        "report": "skipped",
        "pure": "skipped",
    }
    whys = {e["step"]: e["why"] for e in ran.events if e.get("state") == "skipped"}
    assert whys == dict.fromkeys(("report", "pure"), "the gate gate did not pass")


def test_a_gate_that_was_skipped_did_not_pass(tmp_path: Path) -> None:
    ran = run(tmp_path, ("step:load", "rows = 1 / 0"), ("step:gate gate", "assert rows"), ("step:report", WRITE, KEEP))
    assert (ran.states["gate"], ran.states["report"], (tmp_path / "deployed.txt").exists()) == (
        "skipped",
        "skipped",
        False,
    )


UPDATE = (
    "from IPython.display import update_display\nimport writer\n"
    "update_display('second', display_id='here')\nwriter.deploy()"
)


def test_a_display_of_an_earlier_step_stays_as_it_was(tmp_path: Path) -> None:
    import nbformat

    ran = run(
        lay(tmp_path),
        ("step:show", "from IPython.display import display\nhandle = display('first', display_id='here')"),
        ROWS,
        FAIL,
        ("step:deploy", UPDATE),
    )
    cells = nbformat.read(ran.record["output"], as_version=4).cells  # type: ignore[no-untyped-call]
    shown = [
        o.data["text/plain"]
        for c in cells
        if c.cell_type == "code"
        for o in c.outputs
        if o.output_type == "display_data"
    ]
    assert (ran.states["deploy"], shown) == ("skipped", ["'first'"])
