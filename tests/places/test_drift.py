"""Drift: what counts, and why."""

from __future__ import annotations

import pytest

from jupyter_mlops.places.drift import Drift, Published, behind, drift
from jupyter_mlops.places.place import ItemState

DIFFERS = "its export would differ now: its schedule, its settings or jupyter_mlops changed"


@pytest.mark.parametrize(
    ("version", "selector", "published", "why"),
    [
        (3, "latest", Published(3), ""),
        (3, "latest", Published(4), "v4 is published"),
        (3, "v3", Published(3), ""),
        (3, "v3", Published(5), "v5 is published"),
        (5, "v3", Published(3), ""),
        (3, "@production", Published(9, 3), ""),
        (3, "@production", Published(3, 2), "@production is v2"),
        (3, "@production", Published(9, 4), "@production is v4"),
        (3, "@production", Published(3, None), "the alias @production is gone"),
        (3, "latest", Published(None), "the job was deleted"),
        (3, "latest", Published(3, is_same=False), DIFFERS),
        (3, "@production", Published(3, 3, is_same=False), DIFFERS),
        (3, "latest", Published(4, is_same=False), "v4 is published"),
    ],
)
def test_behind(version: int, selector: str, published: Published, why: str) -> None:
    assert behind(version, selector, published) == why


@pytest.mark.parametrize(
    ("states", "late", "problem", "expected"),
    [
        ({"a": "same"}, "", "", Drift("current")),
        ({}, "", "", Drift("current")),
        ({"a": "same"}, "late", "", Drift("behind", ("late",))),
        ({"a": "edited"}, "", "", Drift("edited", ("a is edited",))),
        ({"a": "edited", "b": "edited"}, "late", "", Drift("edited", ("a, b are edited", "late"))),
        ({"a": "edited", "b": "missing"}, "", "", Drift("missing", ("b is missing", "a is edited"))),
        (dict.fromkeys("edcba", "missing"), "", "", Drift("missing", ("a, b, c and 2 more are missing",))),
        ({}, "late", "no answer", Drift("unreachable", ("no answer", "late"))),
    ],
)
def test_drift(states: dict[str, ItemState], late: str, problem: str, expected: Drift) -> None:
    assert drift(states, late, problem) == expected
