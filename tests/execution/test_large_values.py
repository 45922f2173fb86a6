"""Large values that are changed in place: what is kept of them, and what runs again when they are needed.

Each array takes more than 64 MB, so that its bytes are kept only where making it again would take long.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from nbformat import NotebookNode

from jupyter_mlops.config import RunConfig
from jupyter_mlops.execution.attach import AttachedKernelProvider
from jupyter_mlops.execution.engine import MlopsEngine
from jupyter_mlops.execution.outcome import Outcome
from jupyter_mlops.execution.record import RunNotebook
from jupyter_mlops.execution.run_options import Options

pytestmark = pytest.mark.kernel

LOAD = "import numpy as np\na = np.arange(9_000_000.0)\nsmall = {'n': 1}\nprint(a.sum())"
CHAIN = {
    "load": LOAD,
    "one": "a[3] += 1\nprint(a.sum())",
    "two": "a *= 2\nprint(a.sum())",
    "three": "a[-1] = small['n']\nprint(a.sum())",
}
READ = {
    "load": LOAD,
    "look": "print(a.mean())",
    "change": "a += 1",
    "report": "print(a.max(), small)",
}


class Place:
    """A notebook's folder and store, and what each run of it is compared with."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "home"
        self.outcome = Outcome()

    def run(
        self, steps: Mapping[str, str], jobs: int = 1, tags: Mapping[str, str] | None = None, **options: Any
    ) -> dict[str, str]:
        """Run steps as a pipeline. Returns the state of each; what they print has to be what Run All prints."""
        nb = notebook(steps, tags or {})
        found: list[Outcome] = []
        MlopsEngine.execute_notebook(
            nb,
            "python3",
            progress_bar=False,
            config=RunConfig(home=str(self.home), ahead_after=0.1),
            options=Options(jobs=jobs, cell_timeout=60, **options),
            cwd=str(self.folder),
            outcome_to=found.append,
        )
        [self.outcome] = found
        assert self.outcome.error is None
        shown = {n: _printed(cell) for n, cell in zip(steps, nb.cells, strict=True)}
        states = {step.name: step.state for step in self.outcome.steps}
        expected = run_all(steps)
        for name, state in states.items():
            assert state == "skipped" or shown[name] == expected[name], name
        return states

    def why(self, name: str) -> str:
        [step] = [step for step in self.outcome.steps if step.name == name]
        return " ".join(step.to_dict()["why"])  # type: ignore[arg-type]

    def large(self) -> list[Path]:
        return list(self.home.glob("cache/large/*/*"))

    def stored(self) -> int:
        return sum(p.stat().st_size for p in (*self.large(), *self.home.glob("objects/??/*")))


def notebook(steps: Mapping[str, str], tags: Mapping[str, str] = MappingProxyType({})) -> NotebookNode:
    """A notebook of these steps; `tags`: one more tag of some of them."""
    nb = nbformat.v4.new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "", "language": ""}})  # type: ignore[no-untyped-call]
    for name, source in steps.items():
        told = [f"step:{name}", *filter(None, [tags.get(name)])]
        nb.cells.append(nbformat.v4.new_code_cell(source, metadata={"tags": told}))  # type: ignore[no-untyped-call]
    return nb


def _printed(cell: Any) -> str:
    return "".join(o.get("text", "") for o in cell.outputs)


def run_all(steps: Mapping[str, str]) -> dict[str, str]:
    """What each step prints when all of them run in one process."""
    shown, names = {}, dict[str, Any]()
    for name, source in steps.items():
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(source, names)
        shown[name] = out.getvalue()
    return shown


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def states(text: str, steps: Mapping[str, str] = CHAIN) -> dict[str, str]:
    """`-` for cached, `r` for one that ran."""
    return dict(zip(steps, ({"-": "cached", "r": "completed", "s": "skipped"}[c] for c in text), strict=True))


def test_an_unchanged_notebook_runs_nothing_and_keeps_no_large_value(place: Place) -> None:
    assert place.run(CHAIN) == states("rrrr")
    assert place.run(CHAIN) == states("----")
    assert place.stored() < 1_000_000


def test_when_the_last_step_is_edited_what_it_needs_runs_again(place: Place) -> None:
    place.run(CHAIN)
    edited = {**CHAIN, "three": "a[-1] = 9\nprint(a.sum())"}
    assert place.run(edited) == states("rrrr")
    assert "`a` was not stored, and cell 2 (one) may need it" in place.why("load")
    assert place.run(edited) == states("----")
    assert place.run(CHAIN) == states("----")


def test_when_a_step_in_the_middle_is_edited_those_after_it_run_too(place: Place) -> None:
    place.run(CHAIN)
    edited = {**CHAIN, "two": "a *= 3\nprint(a.sum())"}
    assert place.run(edited) == states("rrrr")
    assert place.run(CHAIN) == states("----")
    assert place.run(edited) == states("----")


def test_a_step_that_needs_no_large_value_runs_alone(place: Place) -> None:
    steps = {**CHAIN, "last": "print(small)"}
    place.run(steps)
    assert place.run({**steps, "last": "print(small, 2)"}) == states("----r", steps)


def test_a_reader_is_no_writer(place: Place) -> None:
    place.run(READ)
    assert place.run({**READ, "look": "print(a.mean(), 2)"}) == states("rrr-", READ)
    assert place.run({**READ, "change": "a += 2"}) == states("r-rr", READ)
    assert place.run({**READ, "report": "print(a.min())"}) == states("r-rr", READ)


def test_a_step_after_the_last_reader(place: Place) -> None:
    """Nobody looked whether the last reader changes the value; it is known when somebody needs it."""
    place.run(READ)
    more = {**READ, "more": "print(a[5])"}
    assert place.run(more) == states("r-rrr", more)
    assert place.run(more) == states("-----", more)
    assert place.run({**more, "report": "print(small)"}) == states("r-rr-", more)


@pytest.mark.parametrize(
    "change", ["view[0] = 7.5", "f()", "for x in [a]: x[1] = 8.5", "np.multiply(a, 2, out=a)", "print(a.sort())"]
)
def test_a_change_that_the_text_hides_is_seen(place: Place, change: str) -> None:
    steps = {
        "load": LOAD + "\na = a[::-1].copy()\nview = a[:10]\ndef f():\n    a[2] = 6.5",
        "hidden": change,
        "report": "print(a.sum(), view.sum(), a[:3])",
    }
    place.run(steps)
    assert place.run(steps) == states("---", steps)
    assert place.run({**steps, "hidden": "pass"}) == states("rrr", steps)
    assert place.run({**steps, "report": "print(view.sum(), a.sum())"}) == states("rrr", steps)


def test_what_takes_long_is_stored_and_a_step_begins_from_it(place: Place) -> None:
    slow = {name: f"import time\ntime.sleep(1.5)\n{source}" for name, source in CHAIN.items()}
    assert place.run(slow) == states("rrrr")
    if len(place.large()) < 2:
        pytest.skip("writing is slow here: storing the values does not pay")
    assert place.run({**slow, "three": slow["three"] + "\nprint(a[0])"}) == states("---r")
    assert len(place.large()) == 2
    assert place.stored() < 2.1 * 72_000_000
    assert place.run(slow) == states("----")


def test_a_value_that_somebody_removed_is_made_again(place: Place) -> None:
    place.run(CHAIN)
    shutil.rmtree(place.home / "objects")
    assert place.run(CHAIN) == states("----")
    assert place.run({**CHAIN, "three": "print(small, a[0])"}) == states("rrrr")


def test_a_step_that_shows_something_else_when_it_runs_again_has_a_new_result(place: Place) -> None:
    place.run(CHAIN)
    for path in place.home.glob("cache/??/*/*.json"):
        entry = json.loads(path.read_text())
        [cell] = entry["result"]["cells"].values()
        if cell["outputs"][0]["text"] == run_all(CHAIN)["one"]:
            cell["outputs"][0]["text"] = "something else\n"
            path.write_text(json.dumps(entry))
    assert place.run({**CHAIN, "three": "print(a[-1])"}) == states("rrrr")
    assert place.run({**CHAIN, "three": "print(a[-1])"}) == states("----")
    assert place.run(CHAIN) == states("rrrr")  # `a` after `one` is another value now, as far as is known


@pytest.mark.parametrize("options", [{"isolate": True}, {"isolate": True, "jobs": 2}, {"jobs": 2}])
def test_in_several_kernels(place: Place, options: dict[str, Any]) -> None:
    place.run(READ, **options)
    assert place.run(READ, **options) == states("----", READ)
    place.run({**READ, "look": "print(a.mean(), 2)"}, **options)
    place.run({**READ, "report": "print(a.max(), 2)"}, **options)
    assert place.stored() < 1_000_000


def test_a_value_is_handed_to_a_second_kernel(place: Place) -> None:
    steps = {
        "load": "import time\n" + LOAD,
        "left": "time.sleep(2)\nprint(a.sum())",
        "right": "time.sleep(2)\nprint(a.max())",
    }
    place.run(steps, jobs=2)
    assert "second kernel" in place.why("right")
    assert place.run({**steps, "left": "print(a[3])"}, jobs=2) == states("rr-", steps)
    assert place.stored() < 1_000_000


def test_steps_that_are_asked_for_alone_or_anew(place: Place) -> None:
    place.run(CHAIN)
    assert place.run(CHAIN, only="three") == states("rrrr")
    assert place.run(CHAIN) == states("----")
    assert place.run(CHAIN, redo_from="two") == states("rrrr")
    assert place.run(CHAIN) == states("----")
    assert place.run(CHAIN, only="one") == states("rrss")
    assert place.run(CHAIN) == states("rrrr")  # nobody knows if what was made anew is what it was
    assert place.run(CHAIN) == states("----")


def test_a_kernel_that_is_brought_to_a_step_has_what_it_needs(place: Place, tmp_path: Path) -> None:
    place.run(CHAIN)
    manager = KernelManager(connection_file=str(tmp_path / "kernel.json"))
    manager.start_kernel()
    try:
        asyncio.run(_bring(place, tmp_path / "kernel.json"))
        client = manager.blocking_client()
        client.start_channels()
        client.wait_for_ready(timeout=30)
        shown: list[str] = []
        client.execute_interactive(
            "print(a.sum(), small)", timeout=30, output_hook=lambda m: shown.append(m["content"].get("text", ""))
        )
        client.stop_channels()
    finally:
        manager.shutdown_kernel(now=True)
    expected = run_all({**CHAIN, "three": "print(a.sum(), small)"})["three"]
    assert expected in "".join(shown)


async def _bring(place: Place, connection_file: Path) -> None:
    """Have a kernel stand before the last step."""
    options = Options(jobs=1, cell_timeout=60, stop_before="three")
    record = RunNotebook(notebook(CHAIN), progress_bar=False)
    await MlopsEngine.execute(
        record, "python3", config=RunConfig(home=str(place.home)), options=options, cwd=str(place.folder),
        kernels=AttachedKernelProvider(connection_file),
    )  # fmt: skip


def test_a_step_that_its_author_keeps_is_not_run_again(place: Place) -> None:
    load = "import time\nimport numpy as np\na = np.arange(9_000_000) + (time.time() > 0)\nprint(a.sum())"
    steps = {"load": load, "last": "a[0] = 1\nprint(a.sum())"}
    place.run(steps, tags={"load": "cache:enabled"})
    assert len(place.large()) == 1
    edited = {**steps, "last": "print(a[1])"}
    assert place.run(edited, tags={"load": "cache:enabled"}) == states("-r", steps)
