"""One column in two profiles, with the counts that both can be compared by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

FAMILIES = {"numeric": "number", "integer": "number"}
Document = Mapping[str, Any]


def column_name(column: Document) -> str:
    """The name for people and for keys; columns of the same name are numbered."""
    copy = column.get("copy", 0)
    return f"{column['name']} ({copy + 1})" if copy else str(column["name"])


def family(column: Document) -> str:
    """What can be compared with what: integers are numbers; an empty column can become anything."""
    return FAMILIES.get(column["kind"], str(column["kind"]))


def profile_rows(profile: Document) -> int:
    """The rows that the counts of a profile are of."""
    sampled = profile.get("sampled")
    return int(sampled["rows"] if sampled else profile["rows"])


@dataclass(frozen=True)
class ColumnPair:
    """A column in the reference and in the current profile.

    :param rows: rows that were counted in the reference.
    :param others: rows that were counted in the current profile.
    """

    reference: Document
    current: Document
    rows: int
    others: int

    @property
    def name(self) -> str:
        return column_name(self.reference)

    @cached_property
    def numbers(self) -> tuple[Document, Document] | None:
        """Both descriptions as numbers, if they were counted between the same edges."""
        pair = self.reference.get("numbers"), self.current.get("numbers")
        if pair[0] is None or pair[1] is None or pair[0]["edges"] != pair[1]["edges"]:
            return None
        return pair[0], pair[1]

    @cached_property
    def bins(self) -> tuple[list[int], list[int]]:
        """Counts in each bin. Where both have no number, one empty bin."""
        return (list(self.numbers[0]["counts"]), list(self.numbers[1]["counts"])) if self.numbers else ([], [])

    @cached_property
    def texts(self) -> tuple[Document, Document] | None:
        pair = self.reference.get("texts"), self.current.get("texts")
        return None if pair[0] is None or pair[1] is None else (pair[0], pair[1])

    @cached_property
    def categories(self) -> list[tuple[str, int | None, int | None]]:
        """Each category that at least one side names, with its count in both; None where it is not named."""
        if not self.texts:
            return []
        first, second = (dict(part["top"]) for part in self.texts)
        return [(name, first.get(name), second.get(name)) for name in dict.fromkeys([*first, *second])]

    @cached_property
    def category_counts(self) -> tuple[list[int], list[int]]:
        """Counts of the categories that one names, and of the rest."""
        if not self.texts:
            return [], []
        first = [count or 0 for _, count, _ in self.categories]
        second = [count or 0 for _, _, count in self.categories]
        totals = (sum(count for _, count in part["top"]) + part["other"] for part in self.texts)
        rest = [total - sum(counts) for total, counts in zip(totals, (first, second), strict=True)]
        return [*first, rest[0]], [*second, rest[1]]

    def distinct(self) -> tuple[int, int]:
        """Number of distinct values in both."""
        counts = [(part.get("distinct") or {}).get("count", 0) for part in (self.reference, self.current)]
        return counts[0], counts[1]
