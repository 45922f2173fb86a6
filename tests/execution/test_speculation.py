"""Which block a helper takes, and how long the main line waits for it."""

from __future__ import annotations

import pytest

from jupyter_mlops.execution import speculation
from jupyter_mlops.execution.speculation import Candidate, arrival, choice, delay, patience


@pytest.mark.parametrize(
    ("between", "elapsed", "expected"),
    [
        ([], 0.0, 0.0),
        ([2.0], 0.5, 1.5),
        ([2.0], 3.0, 0.0),
        ([2.0, 3.0], 0.5, 4.5),
        ([2.0, None], 0.5, None),
        ([None], 0.5, None),
    ],
)
def test_arrival(between: list[float | None], elapsed: float, expected: float | None) -> None:
    assert arrival(between, elapsed) == expected


@pytest.mark.parametrize(
    ("name", "candidates", "start", "expected"),
    [
        ("nothing is ready", [], 0.0, None),
        ("of unknown blocks the last one", [Candidate(1, None, 1.0), Candidate(2, None, None)], 0.0, 2),
        ("one that is known to be short is left", [Candidate(1, 0.05, None)], 0.0, None),
        ("one that saves nothing is left", [Candidate(1, 5.0, 0.0)], 0.0, None),
        ("a kernel that takes longer to start than it saves", [Candidate(1, 1.0, 1.0)], 1.0, None),
        ("the same with a kernel that is up", [Candidate(1, 1.0, 1.0)], 0.0, 1),
        ("the one that saves most", [Candidate(1, 5.5, 0.6), Candidate(2, 2.5, 6.1)], 0.15, 2),
        ("even if it comes first", [Candidate(1, 9.0, 5.0), Candidate(2, 2.5, 14.0)], 0.15, 1),
        ("a known saving before an unknown one", [Candidate(1, 2.0, 3.0), Candidate(2, None, None)], 0.0, 1),
    ],
)
def test_choice(name: str, candidates: list[Candidate], start: float, expected: int | None) -> None:
    chosen = choice(candidates, start)
    assert (None if chosen is None else chosen.index) == expected, name


@pytest.mark.parametrize(
    ("elapsed", "seconds", "expected"),
    [
        (0.5, 3.0, 3.0),
        (2.9, 3.0, 3.0),
        (6.0, 3.0, 3.0),
        (7.0, 3.0, 0.0),
        (0.1, 0.01, speculation.HAND_OFF),
        (0.1, None, speculation.UNKNOWN_LEAST),
        (5.0, None, 5.0 * speculation.UNKNOWN_FACTOR),
    ],
)
def test_patience(elapsed: float, seconds: float | None, expected: float) -> None:
    assert patience(elapsed, seconds) == expected


@pytest.mark.parametrize("elapsed", [0.0, 0.5, 5.0, 50.0])
@pytest.mark.parametrize("seconds", [0.5, 3.0, 30.0])
def test_never_longer_than_the_main_line_would_need(elapsed: float, seconds: float) -> None:
    assert patience(elapsed, seconds) <= seconds


@pytest.mark.parametrize(
    ("usual", "seconds", "ready", "expected"),
    [
        (0.5, None, False, 0.5),
        (0.5, None, True, speculation.WARM_DELAY),
        (0.5, 0.2, False, 0.5),
        (0.5, 2.0, False, 0.0),
        (0.0, None, True, 0.0),
    ],
)
def test_delay(usual: float, seconds: float | None, ready: bool, expected: float) -> None:
    assert delay(usual, seconds, ready) == expected
