"""Blocks that read the clock only to print how long something took."""

from __future__ import annotations

import pytest

from tests.pipeline.notebooks import pipeline

TOOK = "import time\nt = time.perf_counter()\nprint(time.perf_counter() - t)"


@pytest.mark.parametrize(
    ("cells", "marked"),
    [
        ([("step:a", TOOK)], True),
        ([("step:a", TOOK), ("step:b", "x = 1")], True),
        ([("step:a", TOOK), ("step:b", "print(t)")], False),
        ([("step:a", TOOK), ("step:b", "eval('t')")], False),
        ([("metrics", TOOK)], False),
        ([("step:a", "import time\nprint(time.time())")], False),
        ([("step:a", "x = 1")], False),
    ],
)
def test_a_stopwatch_that_nobody_else_looks_at_is_no_data(cells: list[tuple[str, str]], marked: bool) -> None:
    first = pipeline(*cells).blocks[0]
    assert (first.effects.stopwatch is not None) is marked
    assert not (marked and first.effects.volatile)
