"""Which columns hold the same values, as their profiles show, whatever they are called."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_mlops.tracking.column_pair import column_name, family
from jupyter_mlops.tracking.units import spread_of

SAME = 0.1  # distance up to which two columns can be the same
NEARER = 4.0  # times nearer than any other
Document = Mapping[str, Any]


def distance(first: Document, second: Document) -> float:
    """How different two columns are: 0 the same, 1 or more nothing in common; infinite for other kinds.

    Numbers: mean distance of the quantiles in interquartile ranges. Texts: total variation of the named categories,
    or of the lengths where no category is named.
    """
    if family(first) != family(second):
        return math.inf
    shape = abs(_missing_share(first) - _missing_share(second))
    if "numbers" in first and "numbers" in second:
        return shape + _number_distance(first["numbers"], second["numbers"])
    if "texts" in first and "texts" in second:
        return shape + _text_distance(first["texts"], second["texts"])
    if "times" in first and "times" in second:
        return shape + float(first["times"] != second["times"])
    return shape + float(first["dtype"] != second["dtype"])


def _missing_share(column: Document) -> float:
    present = (column.get("numbers") or {}).get("finite")
    if present is None:
        texts = column.get("texts") or {"top": [], "other": 0}
        present = sum(count for _, count in texts["top"]) + texts["other"]
    total = present + column["missing"]
    return float(column["missing"] / total) if total else 0.0


def _number_distance(first: Document, second: Document) -> float:
    pairs = [(a, b) for a, b in zip(first["quantiles"], second["quantiles"], strict=True) if None not in (a, b)]
    if not pairs:
        return math.inf
    spread = min(s for s in (spread_of([a for a, _ in pairs]), spread_of([b for _, b in pairs])) if s >= 0)
    apart = sum(abs(a - b) for a, b in pairs) / len(pairs)
    if not spread:
        return 0.0 if not apart else math.inf
    return float(apart / spread)


def _text_distance(first: Document, second: Document) -> float:
    shares = [_category_shares(part) for part in (first, second)]
    if not shares[0] and not shares[1]:
        shares = [_length_shares(part) for part in (first, second)]
    names = {*shares[0], *shares[1]}
    apart = sum(abs(shares[0].get(name, 0.0) - shares[1].get(name, 0.0)) for name in names)
    return (apart + abs(sum(shares[0].values()) - sum(shares[1].values()))) / 2


def _category_shares(part: Document) -> dict[str, float]:
    total = sum(count for _, count in part["top"]) + part["other"]
    return {name: count / total for name, count in part["top"]} if total else {}


def _length_shares(part: Document) -> dict[str, float]:
    lengths = part.get("lengths") or []
    total = sum(lengths)
    return {str(position): count / total for position, count in enumerate(lengths)} if total else {}


def renamed(removed: Sequence[Document], added: Sequence[Document]) -> list[tuple[Document, Document]]:
    """Pairs of a removed and an added column that hold the same, where no other pair comes near."""
    table = {(i, j): distance(old, new) for i, old in enumerate(removed) for j, new in enumerate(added)}
    pairs = []
    for (i, j), apart in sorted(table.items(), key=lambda item: item[1]):
        rivals = [other for (a, b), other in table.items() if (a == i) != (b == j)]
        if apart <= SAME and all(other >= max(apart * NEARER, SAME) for other in rivals):
            pairs.append((removed[i], added[j]))
    return pairs


def swapped(
    reference: Mapping[str, Document], current: Mapping[str, Document], moved: Sequence[str]
) -> list[tuple[str, str]]:
    """Pairs of columns whose contents changed places.

    :param moved: the columns with a finding; only they are looked at.
    """
    candidates: list[tuple[float, str, str]] = []
    for position, first in enumerate(moved):
        for second in moved[position + 1 :]:
            crossed = max(distance(reference[first], current[second]), distance(reference[second], current[first]))
            straight = min(distance(reference[first], current[first]), distance(reference[second], current[second]))
            if crossed <= 2 * SAME and straight >= NEARER * max(crossed, SAME / NEARER):
                candidates.append((crossed, first, second))
    pairs: list[tuple[str, str]] = []
    used: set[str] = set()
    for _, first, second in sorted(candidates):
        if not {first, second} & used:
            pairs.append((first, second))
            used |= {first, second}
    return pairs


def column_names(profile: Document) -> dict[str, Document]:
    """The columns of a profile by name."""
    return {column_name(column): column for column in profile["columns"]}
