"""What a comparison of two profiles says: a finding is beyond sampling noise and beyond a practical size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

# Kinds of findings, in the order in which they are shown.
KINDS = (
    "added", "removed", "renamed", "retyped", "empty", "rows", "stale", "duplicates", "unique", "missing", "constant",
    "unit", "swapped", "infinite", "sign", "new category", "vanished category", "categories", "distribution", "text",
    "contract",
)  # fmt: skip


@dataclass(frozen=True)
class DriftFinding:
    """One difference of two profiles.

    :param kind: one of KINDS.
    :param column: the column, or an empty text if the frame as a whole differs.
    :param text: one sentence for people.
    :param size: how much it differs, in the measure of its kind.
    :param practical: the least size that counts.
    :param chance: upper bound of the probability that rows of one distribution differ as much; None for a fact that
        does not depend on chance, such as a column that is not there.
    :param data: what a program needs to show it: categories, ranges, factors.
    :param test: the test that found it; empty for a fact.
    """

    kind: str
    column: str
    text: str
    size: float = 1.0
    practical: float = 0.0
    chance: float | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    test: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Measure:
    """The result of one test on one column, whether or not it is a finding.

    :param name: the test.
    :param kind: the kind of the finding that it would be.
    :param chance: corrected for the number of categories or bins that the test looked at.
    """

    name: str
    kind: str
    column: str
    text: str
    size: float
    practical: float
    chance: float
    data: Mapping[str, Any] = field(default_factory=dict)

    def finding(self) -> DriftFinding:
        """The measure as a finding."""
        return DriftFinding(
            self.kind, self.column, self.text, self.size, self.practical, self.chance, self.data, self.name
        )
