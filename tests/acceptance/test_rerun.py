"""Every row of the rerun table: the second run shows what Run All shows after the change, and keeps what it can."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.execution.outcome import Outcome
from jupyter_mlops.execution.planner import StepRecord
from jupyter_mlops.execution.reasons import sentences
from tests.acceptance.outputs import CellResult, comparable, differences
from tests.acceptance.pipeline_run import Mode, run_pipeline
from tests.acceptance.rerun import RerunRow, Snapshot, environment, laid_out, missing_folders, with_environment
from tests.acceptance.rerun_table import all_rows
from tests.acceptance.rotation import in_turn, number_of, takes_all
from tests.acceptance.row import to_notebook, with_parameters
from tests.acceptance.run_all import missing, run_all

MAIN_LINE = Mode("main line")
FORKED = Mode("forked main line", ready=True)


def modes_of(name: str) -> tuple[Mode, ...]:
    """The modes that the row of that name runs in: both if this pass takes all rows, else one, if it takes this one."""
    if takes_all():
        return MAIN_LINE, FORKED
    if not in_turn(name):
        return ()
    return (FORKED,) if number_of(name) % 4 == 0 else (MAIN_LINE,)


CASES = [pytest.param(row, mode, id=f"{row.name}-{mode.name}") for row in all_rows() for mode in modes_of(row.name)]


def test_the_table_is_large_enough() -> None:
    assert len(all_rows()) >= 100


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in all_rows()])
def test_a_row_can_fail(row: RerunRow) -> None:
    steps = {word.removeprefix("step:") for word in re.findall(r"step:\w+", row.cells)}
    assert row.kept | row.not_kept | row.moves
    assert row.kept | row.not_kept | row.moves | row.volatile <= steps
    assert not row.kept & (row.not_kept | row.moves)


@pytest.mark.kernel
@pytest.mark.parametrize(("row", "mode"), CASES)
def test_second_run(row: RerunRow, mode: Mode) -> None:
    lacking = [*missing(row), *missing_folders(row)]
    if lacking:
        pytest.skip(f"needs {', '.join(lacking)}")
    problems = second_run(row, mode)
    assert not problems, "\n".join(problems)


def second_run(row: RerunRow, mode: Mode) -> list[str]:
    """What is wrong with the second run of a row."""
    with tempfile.TemporaryDirectory(prefix="home-") as home, laid_out(row) as (laid, place):
        with with_environment(environment(row, place, after=False)):
            first = _run(laid, mode, place.work, Path(home))
        if isinstance(first, str):
            return [f"first run: {first}"]
        if row.change is not None:
            row.change(place)
        again = replace(laid, cells=laid.cells_after or laid.cells)
        with with_environment(environment(row, place, after=True)), tempfile.TemporaryDirectory() as copies:
            snapshot = Snapshot(place, Path(copies))
            second = _run(again, mode, place.work, Path(home))
            if isinstance(second, str):
                return [f"second run: {second}"]
            snapshot.restore()
            fresh = second[0]
            if any(result.outputs and not _of(result, row.volatile) for result in fresh):
                fresh = comparable(run_all(with_parameters(to_notebook(again), row.params), place.work), place.work)
        return [*shown(row, first[0], second[0], fresh), *taken(row, first[1], second[1])]


def _run(row: RerunRow, mode: Mode, work: Path, home: Path) -> tuple[list[CellResult], Outcome] | str:
    """What a run shows, or why it did not come to its end."""
    try:
        nb, outcome = run_pipeline(with_parameters(to_notebook(row), row.params), mode, work, home)
    except MlopsError as error:
        return f"refused: {error}"
    if outcome.error is not None:
        return f"failed: {outcome.error['ename']}: {outcome.error['evalue']}"
    return comparable(nb, work), outcome


def shown(row: RerunRow, first: list[CellResult], second: list[CellResult], fresh: list[CellResult]) -> list[str]:
    """Where the second run shows something else than Run All after the change, or the same as before the change."""
    first, second, fresh = (_without(row.masks, results) for results in (first, second, fresh))
    steady = [at for at, result in enumerate(fresh) if not _of(result, row.volatile)]
    found = differences([fresh[at] for at in steady], [second[at] for at in steady])
    found = [f"Run All, but the second run: {text}" for text in found]
    assert any(result.outputs for result in fresh)
    for step in sorted(row.moves):
        old = [result.outputs for result in first if _of(result, {step})]
        new = [result.outputs for result in second if _of(result, {step})]
        if old == new:
            found.append(f"step {step} shows what it showed before the change: {new}")
    return found


def taken(row: RerunRow, first: Outcome, second: Outcome) -> list[str]:
    """Steps that the second run took from the cache and must not have, or the other way round."""
    states = {record.name: record.state for record in second.steps}
    why = {name: " ".join(reasons(outcome, name) for outcome in (first, second)) for name in states}
    stale = [f"step {name} must not be kept, and is" for name in sorted(row.not_kept) if states[name] == "cached"]
    return stale + [
        f"step {name} must be kept, and is {states[name]}: {why[name]}"
        for name in sorted(row.kept)
        if states[name] != "cached"
    ]


def reasons(outcome: Outcome, step: str) -> str:
    return " ".join(sentences(next(record.reasons for record in outcome.steps if record.name == step)))


def _of(result: CellResult, steps: frozenset[str] | set[str]) -> bool:
    return any(tag.removeprefix("step:") in steps for tag in result.tags)


def _without(masks: tuple[str, ...], results: list[CellResult]) -> list[CellResult]:
    return [replace(result, outputs=_masked(result.outputs, masks)) for result in results]


def _masked(value: Any, masks: tuple[str, ...]) -> Any:
    if isinstance(value, Mapping):
        return {key: _masked(item, masks) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, masks) for item in value]
    if isinstance(value, str):
        for mask in masks:
            value = re.sub(mask, "…", value)
    return value


def _shows(**texts: str) -> list[CellResult]:
    """Results of a notebook whose steps print these texts."""
    return [
        CellResult(at, [f"step:{step}"], at + 1, [{"output_type": "stream", "name": "stdout", "text": text}])
        for at, (step, text) in enumerate(texts.items())
    ]


@pytest.mark.parametrize(
    ("row", "second", "fresh", "wrong"),
    [
        (RerunRow("", ""), "2", "2", []),
        (RerunRow("", ""), "1", "2", ["Run All, but the second run"]),
        (RerunRow("", "", moves=frozenset({"a"})), "2", "2", []),
        (RerunRow("", "", moves=frozenset({"a"})), "1", "1", ["what it showed before"]),
        (RerunRow("", "", volatile=frozenset({"a"})), "3", "2", []),
        (RerunRow("", "", volatile=frozenset({"a"}), moves=frozenset({"a"})), "1", "2", ["what it showed before"]),
        (RerunRow("", "", masks=(r"\d s",)), "took 1 s", "took 2 s", []),
        (RerunRow("", "", masks=(r"\d s",)), "took 1 s: b", "took 2 s: a", ["Run All, but the second run"]),
    ],
)
def test_what_is_wrong_with_what_is_shown(row: RerunRow, second: str, fresh: str, wrong: list[str]) -> None:
    problems = shown(row, _shows(a="1", b="b"), _shows(a=second, b="b"), _shows(a=fresh, b="b"))
    assert len(problems) == len(wrong)
    assert all(text in problem for text, problem in zip(wrong, problems, strict=True))


@pytest.mark.parametrize(
    ("row", "state", "wrong"),
    [
        (RerunRow("", "", kept=frozenset({"a"})), "cached", []),
        (RerunRow("", "", kept=frozenset({"a"})), "completed", ["step a must be kept, and is completed"]),
        (RerunRow("", "", not_kept=frozenset({"a"})), "completed", []),
        (RerunRow("", "", not_kept=frozenset({"a"})), "cached", ["step a must not be kept, and is"]),
    ],
)
def test_what_is_wrong_with_what_is_taken(row: RerunRow, state: str, wrong: list[str]) -> None:
    outcome = Outcome(steps=[StepRecord("a", state), StepRecord("b", "completed")])
    assert [text.rstrip(": ") for text in taken(row, outcome, outcome)] == wrong


def test_a_row_is_put_back_as_it_was(tmp_path: Path) -> None:
    row = RerunRow(
        "",
        "print('@home@')",
        files={"a.txt": "1", "~/b.txt": "2"},
        env={"X": "@work@"},
        env_after={"X": None, "Y": "@site@"},
    )
    with laid_out(row) as (laid, place):
        snapshot = Snapshot(place, tmp_path)
        place.path("a.txt").write_text("changed")
        place.path("~/b.txt").unlink()
        place.path("new.txt").write_text("new")
        snapshot.restore()
        assert [place.path(name).read_text() for name in ("a.txt", "~/b.txt")] == ["1", "2"]
        assert not place.path("new.txt").exists()
        assert laid.cells == f"print('{place.names['@home@']}')"
        assert environment(row, place, after=False) == {"X": str(place.work), "HOME": place.names["@home@"]}
        after = environment(row, place, after=True)
        assert (after["X"], after["Y"]) == (None, place.names["@site@"])
    assert not place.root.exists()


def test_the_environment_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RERUN_OLD", "1")
    monkeypatch.delenv("RERUN_NEW", raising=False)
    with with_environment({"RERUN_OLD": None, "RERUN_NEW": "2"}):
        assert "RERUN_OLD" not in os.environ and os.environ["RERUN_NEW"] == "2"
    assert os.environ["RERUN_OLD"] == "1" and "RERUN_NEW" not in os.environ
