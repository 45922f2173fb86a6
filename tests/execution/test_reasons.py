"""Decisions in words."""

from __future__ import annotations

import pytest

from jupyter_mlops.execution.reasons import Kind, Reason, named, sentences


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([], "A part without code"),
        ([2], "Cell 3"),
        ([2, 3], "Cells 3 and 4"),
        ([2, 3, 4, 8], "Cells 3 to 5 and 9"),
        ([4, 2, 9], "Cells 3, 5 and 10"),
        ([2, 3, 4], "Cells 3 to 5"),
    ],
)
def test_cells_are_counted_from_one(cells: list[int], expected: str) -> None:
    assert named(cells) == expected


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_has_words_for_one_cell_and_for_several(kind: Kind) -> None:
    [one] = sentences([Reason(kind, (0,), "x")])
    [several] = sentences([Reason(kind, (0, 1), "x")])
    assert one.startswith("Cell 1 ") and several.startswith("Cells 1 and 2 ")
    assert one.endswith(": x.") and several.endswith(": x.")


def test_blocks_with_one_reason_share_a_sentence_and_others_have_their_own() -> None:
    told = sentences(
        [Reason(Kind.CACHED, (1,)), Reason(Kind.MAIN, (4,), "it reads the clock"), Reason(Kind.CACHED, (2,))]
    )
    assert told == [
        "Cells 2 and 3 were taken from an earlier run.",
        "Cell 5 ran on the main line: it reads the clock.",
    ]
