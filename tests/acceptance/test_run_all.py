"""The table itself: its notebooks are valid, and show the same twice; what counts as a difference."""

from __future__ import annotations

import ast
import asyncio

import nbformat
import pytest

from tests.acceptance.outputs import CellResult, comparable, differences, failure, until_failure
from tests.acceptance.row import Row, to_notebook, with_parameters
from tests.acceptance.run_all import missing, reference, run_row
from tests.acceptance.table import all_rows

TABLE = all_rows()
SAMPLE = TABLE[::12]


def each(rows: list[Row]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", rows, ids=[row.name for row in rows])


def test_the_table_is_large_enough() -> None:
    assert len(TABLE) >= 170


@each(TABLE)
def test_the_notebook_is_valid(row: Row) -> None:
    notebook = with_parameters(to_notebook(row), row.params)
    nbformat.validate(notebook)  # type: ignore[no-untyped-call]
    assert any(cell.cell_type == "code" for cell in notebook.cells)


@each(TABLE)
def test_plain_python_is_told_from_magics(row: Row) -> None:
    sources = [cell.source for cell in to_notebook(row).cells if cell.cell_type == "code"]
    assert all(map(_parses, sources)) is row.python_only


@each(SAMPLE)
def test_run_all_shows_the_same_twice(row: Row) -> None:
    if lacking := missing(row):
        pytest.skip(f"needs {', '.join(lacking)}")
    assert not differences(reference(row), asyncio.run(run_row(row)))


def _parses(source: str) -> bool:
    try:
        compile(source, "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST)
    except SyntaxError:
        return False
    return True


def _executed(*outputs: dict[str, object], count: int = 1) -> list[CellResult]:
    cell = nbformat.v4.new_code_cell(
        "x", outputs=[nbformat.from_dict(output) for output in outputs], execution_count=count
    )  # type: ignore[no-untyped-call]
    return comparable(nbformat.v4.new_notebook(cells=[cell]), "/some/where")  # type: ignore[no-untyped-call]


def _stream(text: str, name: str = "stdout") -> dict[str, object]:
    return {"output_type": "stream", "name": name, "text": text}


def _value(text: str) -> dict[str, object]:
    return {"output_type": "execute_result", "data": {"text/plain": text}, "metadata": {}, "execution_count": 1}


SAME = {
    "stream in pieces": ([_stream("a\n"), _stream("b\n")], [_stream("a\nb\n")]),
    "streams flushed by a timer": (
        [_stream("a"), _stream("e", "stderr"), _stream("b")],
        [_stream("ab"), _stream("e", "stderr")],
    ),
    "cell file": (
        [_stream("/tmp/ipykernel_12/345.py:1: UserWarning")],
        [_stream("/var/t/ipykernel_9/345.py:1: UserWarning")],
    ),
    "address": ([_value("<X at 0x7f00deadbeef>")], [_value("<X at 0x7f0012345678>")]),
    "working folder": ([_stream("/some/where/x.csv")], [_stream("<cwd>/x.csv")]),
}
DIFFERENT = {
    "number": ([_value("0.1")], [_value("0.10000000000000002")]),
    "stream name": ([_stream("a")], [_stream("a", "stderr")]),
    "stream after a value": ([_stream("a"), _value("1")], [_value("1"), _stream("a")]),
    "one output less": ([_value("1"), _value("1")], [_value("1")]),
    "another cell's file": ([_stream("/tmp/ipykernel_12/345.py:1")], [_stream("/tmp/ipykernel_12/346.py:1")]),
    "white space": ([_stream("a\n")], [_stream("a")]),
    "metadata": ([_value("1")], [{**_value("1"), "metadata": {"m": 1}}]),
    "short hexadecimal number": ([_value("0x1f")], [_value("0x2f")]),
}


@pytest.mark.parametrize(("a", "b"), SAME.values(), ids=SAME.keys())
def test_what_is_volatile_is_no_difference(a: list[dict[str, object]], b: list[dict[str, object]]) -> None:
    assert differences(_executed(*a), _executed(*b)) == []


@pytest.mark.parametrize(("a", "b"), DIFFERENT.values(), ids=DIFFERENT.keys())
def test_every_other_difference_is_told(a: list[dict[str, object]], b: list[dict[str, object]]) -> None:
    found = differences(_executed(*a), _executed(*b))
    assert found
    assert all(line.startswith("code cell 1 ") for line in found)


def test_execution_counts_and_missing_cells_are_told() -> None:
    assert differences(_executed(), _executed(count=2)) == ["code cell 1 []: execution count 1, but 2"]
    assert differences(_executed(), []) == ["1 code cells, but 0"]


def test_results_are_cut_after_the_failed_cell() -> None:
    error = {"output_type": "error", "ename": "E", "evalue": "v", "traceback": []}
    results = [
        CellResult(0, ["raises-exception"], 1, [error]),
        CellResult(1, [], 2, [error]),
        CellResult(2, [], 3, [_stream("independent")]),
    ]
    failed = failure(results)
    assert failed is not None and (failed.cell, failed.ename) == (1, "E")
    assert until_failure(results) == results[:2]
