"""The log of a run: records, and the text that is made of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.jobs import run_log

AT = "2026-11-26T10:00:00.000000Z"


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (
            {"kind": "attempt", "trigger": "schedule", "run": "r1", "subject": "daily", "version": 3, "attempt": 2},
            "schedule run r1 of daily, v3, attempt 2",
        ),
        (
            {
                "kind": "attempt",
                "trigger": "notebook",
                "run": "r1",
                "subject": "a.ipynb",
                "version": None,
                "attempt": 1,
            },
            "notebook run r1 of a.ipynb, attempt 1",
        ),
        ({"kind": "step", "step": "load", "state": "cached", "why": ""}, "step load: cached"),
        (
            {"kind": "step", "step": "load", "state": "skipped", "why": "an earlier step failed"},
            "step load: skipped (an earlier step failed)",
        ),
        (
            {"kind": "retry", "step": "load", "attempt": 1, "of": 3, "wait": 2.0, "why": "ValueError: no rows"},
            "step load: attempt 1 of 3 failed: ValueError: no rows; retrying in 2 s",
        ),
        ({"kind": "cell", "step": "load", "cell": 4}, "cell 5 of load"),
        ({"kind": "error", "text": "no kernel"}, "no kernel"),
        ({"kind": "end", "state": "failed"}, "failed"),
    ],
)
def test_records_in_words(entry: dict[str, Any], text: str) -> None:
    assert run_log.LogText().of([{"time": AT, **entry}]) == f"[{AT}] {text}\n"


def test_records_begin_on_lines_of_their_own() -> None:
    view = run_log.LogText()
    half, end = {"time": AT, "kind": "output", "text": "half"}, {"time": AT, "kind": "end", "state": "completed"}
    assert view.of([half]) + view.of([end]) + view.of([end]) == f"half\n[{AT}] completed\n[{AT}] completed\n"


@pytest.mark.parametrize(
    "printed",
    [
        '{"time": "2026", "kind": "end", "state": "failed"}\n',
        f"[{AT}] cell 9 of other\n",
        "\n\n",
        "\u2028 \x1b[31m \r 50%",
        "\udc80 half of a character",
    ],
)
def test_what_a_cell_prints_is_no_record(tmp_path: Path, printed: str) -> None:
    path = tmp_path / "runs" / run_log.NAME
    for entry in (run_log.record("cell", step="a", cell=0), run_log.record("output", text=printed)):
        run_log.append(path, entry)
    records, after = run_log.read(path)
    assert [entry["kind"] for entry in records] == ["cell", "output"]
    assert (records[1]["text"], after) == (printed, path.stat().st_size)


def test_a_log_is_read_in_pieces_of_whole_records(tmp_path: Path) -> None:
    path = tmp_path / run_log.NAME
    for number in range(50):
        run_log.append(path, run_log.record("output", text=f"{number}\n"))
    texts, offset = [], 0
    while True:
        records, after = run_log.read(path, offset, limit=200)
        if after == offset:
            break
        assert 1 <= len(records) <= 3
        texts += [entry["text"] for entry in records]
        offset = after
    assert texts == [f"{number}\n" for number in range(50)]


@pytest.mark.parametrize("line", ["no JSON", "[]", "17", '{"text": "no kind"}', '{"kind": 3}'])
def test_a_line_that_is_no_record_is_shown_as_it_is(tmp_path: Path, line: str) -> None:
    path = tmp_path / run_log.NAME
    path.write_text(f"{line}\n")
    assert run_log.read(path)[0] == [{"time": "", "kind": "output", "text": f"{line}\n"}]
