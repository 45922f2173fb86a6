"""Replacements of parts of a text, at the places that the nodes of its syntax tree name."""

from __future__ import annotations

import ast
from typing import Protocol


class Place(Protocol):
    """What a node of a syntax tree says of its place; columns count bytes of UTF-8."""

    lineno: int
    col_offset: int
    end_lineno: int | None
    end_col_offset: int | None


class Edits:
    """Replacements that don't overlap.

    :param text: lines end with `\\n`.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._lines = text.split("\n")
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._changes: list[tuple[int, int, str]] = []

    def __bool__(self) -> bool:
        return bool(self._changes)

    def span(self, node: ast.AST) -> tuple[int, int]:
        """The start and the end of a node in the text."""
        place: Place = node  # type: ignore[assignment]
        end_line, end_column = place.end_lineno or place.lineno, place.end_col_offset or 0
        return self._offset(place.lineno, place.col_offset), self._offset(end_line, end_column)

    def source(self, node: ast.AST) -> str:
        """A node as written."""
        start, end = self.span(node)
        return self.text[start:end]

    def replace(self, start: int, end: int, text: str) -> None:
        self._changes.append((start, end, text))

    def result(self) -> str:
        """The text with all replacements; insertions at one place keep the order in which they were added."""
        parts, position = [], 0
        for start, end, text in sorted(self._changes, key=lambda change: change[:2]):
            parts += [self.text[position:start], text]
            position = end
        return "".join([*parts, self.text[position:]])

    def _offset(self, line: int, column: int) -> int:
        text = self._lines[line - 1]
        if not text.isascii():
            column = len(text.encode("utf-8")[:column].decode("utf-8"))
        return self._starts[line - 1] + column
