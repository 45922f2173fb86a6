"""The judgement of real notebooks: which cells differ, which steps are kept, and the summary."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.acceptance.tally import kind_of, tally
from tests.acceptance.verdict import (
    UNKNOWN,
    Fault,
    Verdict,
    code_cells,
    faults,
    repeated_steps,
    stable,
    state_of,
    unkept_reasons,
)

RAN = "Cell 3 ran on the main line: it may use `x`, which cell 1 writes."
UNKEPT = "Cell 3 was not cached for later runs: it reads the clock."
NO_USE = "Cell 3 could not reuse a cached result: `w` can't be transferred (a widget)."


def stream(text: str) -> dict[str, Any]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def value(text: str) -> dict[str, Any]:
    return {"output_type": "execute_result", "data": {"text/plain": text}, "metadata": {}, "execution_count": 1}


def cell(*outputs: dict[str, Any], count: int | None = 1, step: str = "", tags: tuple[str, ...] = ()) -> dict[str, Any]:
    metadata: dict[str, Any] = {"tags": list(tags)}
    if step:
        metadata["jupyter_mlops_run"] = {"step": step}
    return {
        "cell_type": "code", "source": "", "execution_count": count, "outputs": list(outputs), "metadata": metadata
    }  # fmt: skip


def notebook(*cells: dict[str, Any]) -> dict[str, Any]:
    return {"cells": [{"cell_type": "markdown", "source": "#", "metadata": {}}, *cells], "metadata": {}}


@pytest.mark.parametrize(
    ("one", "two", "what"),
    [
        (cell(value("1")), cell(value("1")), None),
        (cell(value("1")), cell(value("2")), "text/plain"),
        (cell(value("1")), cell(stream("1")), "kind of output"),
        (cell(value("1")), cell(), "number of outputs"),
        (cell(value("1"), count=3), cell(value("1"), count=4), "execution count"),
        (cell(value("1"), count=3), cell(value("1"), count=None), "execution count"),
        (cell(stream("a"), stream("b")), cell(stream("ab")), None),
        (cell(stream("a\n")), cell(stream("b\n")), "text on stdout"),
        (cell(stream("Time: 12:30:01")), cell(stream("Time: 12:30:59")), None),
        (cell(stream("Wall time: 1.2 s")), cell(stream("Wall time: 3.4 s")), None),
        (cell(stream("<x at 0x7f00aa00bb>")), cell(stream("<x at 0x7f11cc22dd>")), None),
    ],
)
def test_a_cell_is_compared_as_reproduce_compares_and_by_its_count(
    one: dict[str, Any], two: dict[str, Any], what: str | None
) -> None:
    found = faults(notebook(cell(), one), notebook(cell(), two), "first")
    assert [(fault.cell, fault.what) for fault in found] == ([] if what is None else [(1, what)])


def test_every_cell_that_differs_is_reported_with_its_step() -> None:
    expected = notebook(cell(value("1")), cell(value("2")), cell(value("3")))
    shown = notebook(cell(value("0"), step="a"), cell(value("2"), step="a"), cell(value("0"), step="b"))
    assert [(f.cell, f.step, f.before, f.after) for f in faults(expected, shown, "again")] == [
        (0, "a", "1", "0"),
        (2, "b", "3", "0"),
    ]


def test_another_number_of_code_cells_is_a_fault_of_the_notebook() -> None:
    found = faults(notebook(cell(), cell()), notebook(cell()), "first")
    assert [(fault.cell, fault.before, fault.after) for fault in found] == [(-1, "2", "1")]


def test_the_cell_that_papermill_adds_to_a_failed_notebook_is_none_of_its_code_cells() -> None:
    added = cell(tags=("papermill-error-cell-tag",))
    assert len(code_cells(notebook(added, cell(), cell()))) == 2


def test_only_faults_in_cells_that_run_all_repeats_count() -> None:
    seen = [Fault("first", at, "", "text/plain", "", "") for at in (0, 1, -1)]
    assert [fault.cell for fault in stable(seen, [1])] == [0, -1]


@pytest.mark.parametrize(
    ("volatile", "repeated"), [([], {"a", "b"}), ([1], {"b"}), ([2], {"a"}), ([0], {"a", "b"}), ([1, 2], set())]
)
def test_a_step_repeats_if_all_of_its_cells_do(volatile: list[int], repeated: set[str]) -> None:
    shown = notebook(cell(), cell(step="a"), cell(step="b"), cell(step="a"))
    assert repeated_steps(shown, volatile) == repeated


@pytest.mark.parametrize(
    ("number", "refusal", "state"),
    [(0, "", "equal"), (0, "TypeError", "refused"), (1, "", "different"), (1, "TypeError", "different")],
)
def test_a_difference_weighs_more_than_a_refusal(number: int, refusal: str, state: str) -> None:
    assert state_of([Fault("first", 0, "", "", "", "")] * number, refusal) == state


@pytest.mark.parametrize(
    ("first", "again", "reasons"),
    [
        ({"state": "completed"}, {"state": "cached"}, {}),
        ({"state": "completed", "why": [UNKEPT]}, {"state": "completed"}, {"a": "it reads the clock."}),
        (
            {"state": "completed", "why": [RAN]},
            {"state": "completed", "why": [RAN, UNKEPT]},
            {"a": "it reads the clock."},
        ),
        (
            {"state": "completed", "why": [UNKEPT]},
            {"state": "completed", "why": ["1 was not cached"]},
            {"a": "it reads the clock."},
        ),
        (
            {"state": "completed", "why": [UNKEPT, UNKEPT, "Not kept"]},
            {"state": "completed"},
            {"a": "it reads the clock."},
        ),
        (
            {"state": "completed", "why": [RAN]},
            {"state": "completed", "why": [NO_USE, RAN]},
            {"a": "`w` can't be transferred (a widget)."},
        ),
        ({"state": "completed", "why": [RAN]}, {"state": "completed", "why": [RAN]}, {"a": UNKNOWN}),
        ({"state": "completed"}, {"state": "completed"}, {"a": UNKNOWN}),
    ],
)
def test_a_step_that_ran_again_has_a_reason(
    first: dict[str, Any], again: dict[str, Any], reasons: dict[str, str]
) -> None:
    volatile = {"name": "b", "state": "completed"}
    steps = [[{"name": "a", **one}, volatile] for one in (first, again)]
    assert unkept_reasons(["a"], *steps) == reasons


def test_a_verdict_survives_json() -> None:
    verdict = Verdict(
        "f/n", "different", faults=(Fault("again", 1, "a", "text/plain", "1", "2"),), cells=2, volatile=(0,),
        steps=("a", "b"), repeated=("a",), kept=("a",), unkept={"b": "draws"}, seconds={"run all": 1.0},
    )  # fmt: skip
    assert Verdict.from_dict(json.loads(json.dumps(verdict.to_dict()))) == verdict


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("reads the clock in cell 12", "reads the clock in cell …"),
        ("it writes `rows`, which `fit` reads", "it writes …, which … reads"),
        ("“load_data” ran again", "… ran again"),
        ("X_train changed", "X_train changed"),
        ("draws unseeded", "draws unseeded"),
    ],
)
def test_reasons_are_counted_by_kind(reason: str, kind: str) -> None:
    assert kind_of(reason) == kind


def test_the_summary_counts_what_was_judged() -> None:
    verdicts = [
        Verdict("a", "equal", repeated=("x", "y"), kept=("x", "y"), seconds={"run all": 10.0, "first": 5.0}),
        Verdict(
            "b", "equal", repeated=("x", "y"), kept=("x",), unkept={"y": "open figure 1"},
            seconds={"run all": 4.0, "first": 6.0, "again": 1.0},
        ),
        Verdict("c", "different", repeated=("x",), unkept={"x": "open figure 2"}, seconds={"run all": 1.0, "first": 1}),
        Verdict("d", "refused", "step x: NameError"),
        Verdict("e", "left out", "Run All: took over 120 s"),
    ]  # fmt: skip
    summary = tally(verdicts)
    assert summary.states == {"equal": 2, "refused": 1, "different": 1, "left out": 1}
    assert (summary.kept, summary.repeated, summary.percent_kept) == (3, 5, 60.0)
    assert summary.unkept == [("open figure …", 2)]
    assert summary.left_out == [("Run All: took over … s", 1)]
    assert {way: (r.median, r.worst, r.of) for way, r in summary.ratios.items()} == {
        "first": (1.0, 1.5, "b"),
        "again": (0.25, 0.25, "b"),
    }


def test_nothing_judged_has_no_ratios_and_lost_no_step() -> None:
    summary = tally([])
    assert (summary.percent_kept, summary.ratios) == (100.0, {})
    assert summary.lines()[0] == "0 equal, 0 refused, 0 different, 0 left out"
