"""Delta debugging: the smallest set of changes that has an effect (A. Zeller and R. Hildebrandt, Simplifying and
isolating failure-inducing input, 2002, algorithm ddmin)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

T = TypeVar("T")
Trial = Callable[[Sequence[frozenset[T]]], Sequence[bool]]


def minimize(changes: Sequence[T], trial: Trial[T]) -> Iterator[tuple[T, ...]]:
    """Ever smaller sets of changes that have the effect; the last one is minimal: without any one of its changes, the
    effect is gone.

    The caller knows that all changes have the effect, and none has not. No set is tried twice.

    :param trial: for several sets, whether each has the effect; what can't be tried has not.
    """
    current = tuple(changes)
    yield current
    results: dict[frozenset[T], bool] = {frozenset(changes): True, frozenset(): False}
    parts = 2
    while len(current) > 1:
        subsets = [frozenset(piece) for piece in _split(current, parts)]
        complements = [frozenset(current) - subset for subset in subsets] if parts > 2 else []
        smaller = next(filter(None, (_first_effective(sets, trial, results) for sets in (subsets, complements))), None)
        if smaller is not None:
            parts = max(parts - 1, 2) if smaller in complements else 2
            current = tuple(change for change in current if change in smaller)
            yield current
        elif parts < len(current):
            parts = min(2 * parts, len(current))
        else:
            return


def _first_effective(
    sets: Sequence[frozenset[T]], trial: Trial[T], results: dict[frozenset[T], bool]
) -> frozenset[T] | None:
    """The first set that has the effect."""
    untried = [candidate for candidate in sets if candidate not in results]
    if untried and not any(results.get(candidate) for candidate in sets):
        results.update(zip(untried, trial(untried), strict=True))
    return next((candidate for candidate in sets if results.get(candidate)), None)


def _split(items: Sequence[T], parts: int) -> list[Sequence[T]]:
    """The items in consecutive pieces of about equal length."""
    edges = [len(items) * number // parts for number in range(parts + 1)]
    return [items[start:end] for start, end in pairwise(edges) if end > start]
