"""What becomes of slots that are due."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.scheduling.slots import Slot, decide, overlapping
from jupyter_mlops.states import MissedPolicy, OverlapPolicy


@pytest.mark.parametrize(
    ("times", "missed", "runs"),
    [
        ([1000.0], "latest", [1000.0]),
        ([100.0, 200.0, 300.0], "latest", [300.0]),
        ([100.0, 200.0, 300.0], "all", [100.0, 200.0, 300.0]),
        ([100.0, 200.0, 300.0], "skip", []),
        ([100.0, 200.0, 990.0], "latest", [990.0]),
        ([100.0, 200.0, 990.0], "skip", [990.0]),
        ([100.0, 200.0, 990.0], "all", [100.0, 200.0, 990.0]),
        ([], "all", []),
    ],
)
def test_missed(times: list[float], missed: MissedPolicy, runs: list[float]) -> None:
    slots = decide(times, 1000.0, missed, grace=60.0)
    assert [slot.time for slot in slots] == times
    assert [slot.time for slot in slots if slot.runs] == runs
    assert all(slot.why.startswith("missed") for slot in slots if not slot.runs)


@pytest.mark.parametrize(
    ("overlap", "active", "runs", "stops"),
    [
        ("queue", 1, [1.0, 2.0], False), ("allow", 3, [1.0, 2.0], False), ("skip", 0, [1.0], False),
        ("skip", 1, [], False), ("replace", 1, [2.0], True), ("replace", 0, [2.0], False),
    ],
)  # fmt: skip
def test_overlap(overlap: OverlapPolicy, active: int, runs: list[float], stops: bool) -> None:
    slots, stop = overlapping([Slot(0.5, "missed", "missed"), Slot(1.0), Slot(2.0)], active, overlap)
    assert [slot.time for slot in slots] == [0.5, 1.0, 2.0]
    assert [slot.time for slot in slots if slot.runs] == runs
    assert stop is stops
    assert all(slot.why for slot in slots if not slot.runs)


@given(
    st.lists(st.floats(0, 2000), unique=True).map(sorted),
    st.sampled_from(["latest", "all", "skip"]),
    st.sampled_from(["queue", "skip", "allow", "replace"]),
    st.integers(0, 3),
)
def test_every_slot_is_accounted_for(
    times: list[float], missed: MissedPolicy, overlap: OverlapPolicy, active: int
) -> None:
    slots, _ = overlapping(decide(times, 1000.0, missed), active, overlap)
    assert [slot.time for slot in slots] == times
    assert all(slot.runs is not bool(slot.why) for slot in slots)
