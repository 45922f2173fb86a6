"""Every row of the table, run as a pipeline in every way, shows what Run All shows.

A pipeline may also refuse, with a message that names cell and variable. It may never show something else.
"""

from __future__ import annotations

import re

import pytest

from tests.acceptance.outputs import differences, failure, until_failure
from tests.acceptance.pipeline_run import Ran, modes_of, run_modes
from tests.acceptance.row import Row
from tests.acceptance.run_all import missing, reference
from tests.acceptance.table import all_rows


def test_the_table_is_large_enough() -> None:
    assert len(all_rows()) >= 150


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("number", "row"), list(enumerate(all_rows())), ids=[row.name for row in all_rows()])
def test_pipeline_equals_run_all(number: int, row: Row) -> None:
    lacking = missing(row)
    if lacking:
        pytest.skip(f"needs {', '.join(lacking)}")
    expected = reference(row)
    assert any(result.outputs for result in expected)
    assert (failure(expected) is not None) is (row.compare == "error"), failure(expected)
    silent = [problem for ran in run_modes(row, modes_of(number)) for problem in compared(ran, expected)]
    assert not silent, "\n".join(silent)


def compared(ran: Ran, expected: list) -> list[str]:  # type: ignore[type-arg]
    """What differs silently."""
    name = ran.mode.name
    if ran.refused is not None:
        return [] if names_its_cause(str(ran.refused)) else [f"{name}: refused without a cause: {ran.refused}"]
    assert ran.outcome is not None
    wanted, got = until_failure(expected), until_failure(ran.results)
    error = ran.outcome.error
    if error is not None and failure(expected) is None:
        told = f"{error['ename']}: {error['evalue']}"
        return [] if error["ename"] == "NotEqual" and names_its_cause(told) else [f"{name}: failed: {told}"]
    if failure(expected) is not None and failure(ran.results) != failure(expected):
        return [f"{name}: Run All fails with {failure(expected)}, the pipeline with {failure(ran.results)}"]
    return [f"{name}: {text}" for text in differences(wanted, got)]


def names_its_cause(message: str) -> bool:
    return bool(re.search(r"cell \d+", message) and re.search(r"`\w+`", message))
