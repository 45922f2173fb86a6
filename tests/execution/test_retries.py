"""Steps that are tried again, and limits of time: what is repeated, from where, and what is told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_mlops.config import RunConfig
from jupyter_mlops.execution.execute import execute
from jupyter_mlops.execution.request import RunRequest
from jupyter_mlops.execution.retry import wait_after

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(180)]
Cell = tuple[str, str] | tuple[str, str, Mapping[str, Any]]
COUNT = "import pathlib\nseen = pathlib.Path('tries')\ntries = len(seen.read_text()) if seen.exists() else 0\n"
TRY = COUNT + "seen.write_text('x' * (tries + 1))\n"


@dataclass
class Ran:
    """What came of a run."""

    record: dict[str, Any]
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def attempts(self) -> dict[str, int]:
        return {s["name"]: s["attempts"] for s in self.record["steps"]}

    @property
    def states(self) -> dict[str, str]:
        return {s["name"]: s["state"] for s in self.record["steps"]}

    @property
    def texts(self) -> list[str]:
        nb = nbformat.read(self.record["output"], as_version=4)  # type: ignore[no-untyped-call]
        code = [c for c in nb.cells if c.cell_type == "code"]
        return ["".join(o.get("text", "") for o in c.outputs if o.get("name") == "stdout") for c in code]


async def go(folder: Path, *cells: Cell, **asked: Any) -> Ran:
    made = []
    for tags, source, *settings in cells:
        metadata: dict[str, Any] = {"tags": tags.split()}
        if settings:
            metadata["jupyter_mlops"] = dict(settings[0])
        made.append(nbformat.v4.new_code_cell(source, metadata=metadata))  # type: ignore[no-untyped-call]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nb = nbformat.v4.new_notebook(cells=made, metadata={"kernelspec": kernel})  # type: ignore[no-untyped-call]
    nbformat.write(nb, folder / "a.ipynb")  # type: ignore[no-untyped-call]
    heard: list[dict[str, Any]] = []
    request = RunRequest(folder / "a.ipynb", output=folder / "out.ipynb", **asked)
    return Ran(await execute(request, RunConfig(home=str(folder / "home")), heard.append), heard)


def run(folder: Path, *cells: Cell, **asked: Any) -> Ran:
    return asyncio.run(go(folder, *cells, **asked))


@pytest.mark.parametrize("asked", [{}, {"use_cache": False, "jobs": 1}, {"jobs": 1}, {"isolate": True}])
def test_a_step_begins_again_from_what_it_began_with(tmp_path: Path, asked: dict[str, Any]) -> None:
    ran = run(
        tmp_path,
        ("step:first", "rows = [1, 2]\nimport random\nrandom.seed(1)"),
        ("step:second", TRY + "rows.append(3)\nprint(rows, round(random.random(), 6), 'mine' in globals())\nmine = 1"),
        ("step:second", "print(tries)\nif tries < 2: raise ValueError('not yet')", {"retries": 3, "backoff": 0}),
        ("step:third", "print('third', rows)"),
        **asked,
    )
    assert ran.record["state"] == "completed", ran.record["error"]
    assert ran.attempts == {"first": 1, "second": 3, "third": 1}
    assert ran.texts == ["", "[1, 2, 3] 0.134364 False\n", "2\n", "third [1, 2, 3]\n"]
    said = [note for note in ran.record["notes"] if "attempt" in note]
    assert [note.split(" failed")[0] for note in said] == ["second: attempt 1 of 4", "second: attempt 2 of 4"]
    assert all("ValueError: not yet" in note for note in said)
    assert [e["attempt"] for e in ran.events if e["event"] == "retry"] == [1, 2]


def test_waits_double(tmp_path: Path) -> None:
    ran = run(tmp_path, ("step:a", "raise ValueError('never')", {"retries": 3, "backoff": 0.05}))
    assert (ran.record["state"], ran.attempts) == ("failed", {"a": 4})
    assert [(e["attempt"], e["of"], e["wait"]) for e in ran.events if e["event"] == "retry"] == [
        (1, 4, 0.05),
        (2, 4, 0.1),
        (3, 4, 0.2),
    ]
    assert [wait_after(n, 30.0) for n in (1, 2, 3, 20, 10_000)] == [30.0, 60.0, 120.0, 3600.0, 3600.0]


def test_what_a_new_kernel_could_not_be_given_is_not_tried_again_and_it_says_so(tmp_path: Path) -> None:
    ran = run(
        tmp_path,
        ("step:a", "import threading\nlock = threading.Lock()\nlock.acquire()"),
        ("step:b", "assert not lock.locked()", {"retries": 3, "backoff": 0}),
        ("step:c", "print('c')"),
    )
    assert (ran.record["state"], ran.attempts["b"]) == ("failed", 1)
    assert any("b: attempt 1 of 4 failed" in n and "not retried: `lock`" in n for n in ran.record["notes"])


def test_what_nobody_needs_any_more_does_not_stand_in_the_way(tmp_path: Path) -> None:
    ran = run(
        tmp_path,
        ("step:a", "import threading\nlock = threading.Lock()\nx = 1"),
        ("step:b", TRY + "assert tries == 1\nprint(x)", {"retries": 1, "backoff": 0}),
    )
    assert (ran.record["state"], ran.attempts["b"], ran.texts[1]) == ("completed", 2, "1\n")


def test_a_kernel_that_was_killed_is_tried_again(tmp_path: Path) -> None:
    kill = "import os, signal\nif tries == 0: os.kill(os.getpid(), signal.SIGKILL)\nprint('alive')"
    ran = run(tmp_path, ("step:a", TRY + kill, {"retries": 1, "backoff": 0}))
    assert (ran.record["state"], ran.attempts["a"], ran.texts) == ("completed", 2, ["alive\n"])


def test_a_stop_ends_the_wait(tmp_path: Path) -> None:
    async def stopped() -> Ran:
        task = asyncio.ensure_future(
            go(tmp_path, ("step:a", TRY + "raise ValueError('never')", {"retries": 1, "backoff": 3000}))
        )
        while not (tmp_path / "tries").exists():
            await asyncio.sleep(0.05)
        await asyncio.sleep(2.0)
        task.cancel()
        return await task

    ran = asyncio.run(stopped())
    assert (ran.record["state"], ran.states) == ("stopped", {"a": "stopped"})
    assert (tmp_path / "tries").read_text() == "x"


SLOW = "import time\nif tries < 1: time.sleep(600)\nprint('quick')"


def test_a_step_that_took_too_long_is_tried_again(tmp_path: Path) -> None:
    ran = run(tmp_path, ("step:a", TRY), ("step:a", SLOW, {"retries": 1, "backoff": 0, "timeout": 4}))
    assert (ran.record["state"], ran.attempts["a"], ran.texts) == ("completed", 2, ["", "quick\n"])
    assert "a: attempt 1 of 2 failed (TimedOut: the step 'a' took longer than 4 s)" in ran.record["notes"][0]


@pytest.mark.parametrize(
    ("settings", "asked", "says"),
    [
        ({"timeout": 3}, {}, "the step 'b' took longer than 3 s"),
        ({}, {"timeout": 3}, "the cell took longer than 3 s"),
        ({}, {"run_timeout": 12}, "the run took longer than 12 s"),
    ],
)
def test_an_error_names_step_cell_and_limit(
    tmp_path: Path, settings: dict[str, Any], asked: dict[str, Any], says: str
) -> None:
    ran = run(
        tmp_path,
        ("step:a", "x = 1"),
        ("step:b", "y = x", settings),
        ("step:b", "import time\nprint('begun', flush=True)\ntime.sleep(600)"),
        ("step:b", "print('not reached')"),
        ("step:c", "print(y)"),
        **asked,
    )
    error = ran.record["error"]
    assert ran.record["state"] == "failed"
    assert (error["step"], error["cell"], error["ename"], error["evalue"]) == ("b", 2, "TimedOut", says)
    assert (ran.states["a"], ran.states["b"], ran.states["c"]) == ("completed", "failed", "skipped")
    cells = nbformat.read(ran.record["output"], as_version=4).cells  # type: ignore[no-untyped-call]
    told = [c.metadata.papermill.status for c in cells if c.cell_type == "code"]
    assert ran.texts == ["", "", "begun\n", "", ""]
    assert told == ["completed", "completed", "failed", "pending", "pending"]


def test_a_helper_has_no_more_time_than_the_main_line(tmp_path: Path) -> None:
    ran = run(
        tmp_path,
        ("step:a", "import time\ntime.sleep(3)"),
        ("step:b", "import time\ntime.sleep(600)", {"timeout": 1}),
        jobs=2,
    )
    assert (ran.record["state"], ran.record["error"]["evalue"]) == ("failed", "the step 'b' took longer than 1 s")
