from __future__ import annotations

import pytest

from tests.acceptance.refusals import MODE, REFUSAL, summary


@pytest.mark.parametrize(
    ("properties", "lines"),
    [
        ([], []),
        ([("other", 1)], []),
        ([(MODE, "main line")], ["equivalence table: 1 pipeline runs, 0 refusals"]),
        (
            [
                (MODE, "main line"),
                (MODE, "isolated steps"),
                (REFUSAL, "b [isolated steps]"),
                (REFUSAL, "a [main line]"),
            ],
            ["equivalence table: 2 pipeline runs, 2 refusals", "  a [main line]", "  b [isolated steps]"],
        ),
    ],
)
def test_summary(properties: list[tuple[str, object]], lines: list[str]) -> None:
    assert summary(properties) == lines
