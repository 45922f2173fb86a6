"""Every row of the table, run as a pipeline in every way, shows what Run All shows. A pass takes every eighth row.

Where its row says so, a pipeline may also refuse, with a message that names cell and variable. It may never show
something else. How often pipelines refused is printed at the end.
"""

from __future__ import annotations

import re

import pytest

from tests.acceptance.outputs import CellResult, differences, failure, until_failure
from tests.acceptance.pipeline_run import MODES, QUICK, Ran, modes_of, run_modes
from tests.acceptance.refusals import MODE, REFUSAL
from tests.acceptance.rotation import in_turn
from tests.acceptance.row import EVERY_MODE, Row
from tests.acceptance.run_all import missing, reference
from tests.acceptance.table import all_rows


def test_the_table_is_large_enough() -> None:
    assert len(all_rows()) >= 150


def test_rows_name_modes_that_exist() -> None:
    names = {mode.name for mode in (*QUICK, *MODES)} | EVERY_MODE
    assert [row.name for row in all_rows() if row.may_refuse - names] == []


def test_a_row_chooses_its_modes_by_its_name() -> None:
    groups = {modes_of(row.name) for row in all_rows()}
    assert {mode.name for group in groups for mode in group} == {mode.name for mode in (*QUICK, *MODES)}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in all_rows() if in_turn(row.name)])
def test_pipeline_equals_run_all(row: Row, record_property: pytest.RecordProperty) -> None:
    lacking = missing(row)
    if lacking:
        pytest.skip(f"needs {', '.join(lacking)}")
    expected = reference(row)
    assert any(result.outputs for result in expected)
    assert (failure(expected) is not None) is (row.compare == "error"), failure(expected)
    problems = []
    for ran in run_modes(row, modes_of(row.name)):
        record_property(MODE, ran.mode.name)
        refused = refusal(ran, expected)
        if refused:
            record_property(REFUSAL, f"{row.name} [{ran.mode.name}]")
            problems += judged(row, ran.mode.name, refused)
        else:
            problems += compared(ran, expected)
    assert not problems, "\n".join(problems)


def refusal(ran: Ran, expected: list[CellResult]) -> str:
    """What the pipeline refused with instead of showing what Run All shows; "" if it ran."""
    if ran.refused is not None:
        return str(ran.refused)
    error = ran.outcome.error if ran.outcome is not None else None
    if error is not None and error["ename"] == "NotEqual" and failure(expected) is None:
        return f"NotEqual: {error['evalue']}"
    return ""


def judged(row: Row, mode: str, message: str) -> list[str]:
    """What is wrong with a refusal: that it is none of those its row allows, or that it doesn't name its cause."""
    if not row.refusal_allowed(mode):
        return [f"{mode}: refused, which its row does not allow: {message}"]
    return [] if names_its_cause(message) else [f"{mode}: refused without a cause: {message}"]


def compared(ran: Ran, expected: list[CellResult]) -> list[str]:
    """What differs silently."""
    name = ran.mode.name
    if ran.left:
        return [f"{name}: written although Run All does not: {', '.join(ran.left)}"]
    assert ran.outcome is not None
    wanted, got = until_failure(expected), until_failure(ran.results)
    error = ran.outcome.error
    if error is not None and failure(expected) is None:
        return [f"{name}: failed: {error['ename']}: {error['evalue']}"]
    if failure(expected) is not None and failure(ran.results) != failure(expected):
        return [f"{name}: Run All fails with {failure(expected)}, the pipeline with {failure(ran.results)}"]
    return [f"{name}: {text}" for text in differences(wanted, got)]


def names_its_cause(message: str) -> bool:
    return bool(re.search(r"cell \d+", message) and re.search(r"`\w+`", message))


@pytest.mark.parametrize(
    ("allowed", "message", "wrong"),
    [
        (frozenset(), "cell 2: `x` is read", "does not allow"),
        (frozenset({"isolated steps"}), "cell 2: `x` is read", "does not allow"),
        (frozenset({"main line"}), "cell 2: `x` is read", ""),
        (EVERY_MODE, "cell 2: `x` is read", ""),
        (EVERY_MODE, "it went wrong", "without a cause"),
    ],
)
def test_a_refusal_needs_leave_and_a_cause(allowed: frozenset[str], message: str, wrong: str) -> None:
    problems = judged(Row("made-up", "", may_refuse=allowed), "main line", message)
    assert (wrong in problems[0]) if wrong else not problems
