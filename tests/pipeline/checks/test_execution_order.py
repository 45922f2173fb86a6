import pytest


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([None, None], []),
        ([1, 2, 3], []),
        ([1, None, 2], []),
        ([2, 1], [("warning", 1)]),
        ([1, 1], [("warning", 1)]),
        ([1, 3, 2, 4], [("warning", 2)]),
        ([3, 2, 1], [("warning", 1), ("warning", 2)]),
        ([1, 2, 5], [("info", None)]),
        ([4, 5, 6], [("info", None)]),
        ([1, 5, 3], [("warning", 2), ("info", None)]),
        ([0, 0], []),  # Databricks
        ([0, 0, 0], []),
        ([0, None, 0], []),
        ([0, 1, 2], []),
        ([0, 2, 1], [("warning", 2)]),
        ([1, 0, 2], []),
        ([-1, -1, -1], []),
        ([1, 1, 1], []),
        ([7, 7, None, 7], []),
        ([1, 1, 2], [("warning", 1)]),
        ([1, 2, 3, 1, 2, 3], [("warning", 3)]),  # two kernels: told once, where the second begins
        ([None, None, 1, 2], []),
    ],
)
def test_execution_order(found, notebook, counts, expected):
    nb = notebook(*("x = 1" for _ in counts))
    for cell, count in zip(nb.cells, counts, strict=True):
        cell.execution_count = count
    assert found("execution_order", nb) == expected


def test_the_message_counts_what_is_missing(findings, notebook):
    nb = notebook("x = 1", "x = 1")
    nb.cells[0].execution_count, nb.cells[1].execution_count = 2, 5
    (finding,) = findings("execution_order", nb)
    assert finding.message.startswith("3 of the executions") and "[1]" in finding.message
