"""The outline of a notebook: its Markdown headings and the code cells under each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbformat import NotebookNode

_ATX = re.compile(r"^ {0,3}(#{1,6})(?:[ \t]+|(?=[^#\s]))(.*?)[ \t#]*$")
_FENCE = re.compile(r"^ {0,3}(```|~~~)")
_UNDERLINE = re.compile(r"^ {0,3}(=+|-{2,})\s*$")
_HTML = re.compile(r"^\s*<h([1-6])[^>]*>(.*?)</h\1>", re.IGNORECASE)


@dataclass(frozen=True)
class Section:
    """A heading and the code cells between it and the next one.

    :param level: 1 for `#`; 0 for the part before the first heading.
    :param path: the headings above it, the outermost first, itself last.
    """

    level: int
    path: tuple[str, ...]
    cells: tuple[int, ...]

    @property
    def title(self) -> str:
        """The heading itself."""
        return self.path[-1] if self.path else ""


def sections(nb: NotebookNode, code: Sequence[int]) -> list[Section]:
    """The outline over the given code cells, in notebook order, including headings without code."""
    code_indexes = set(code)
    heading_path: list[tuple[int, str]] = []
    outline = [Section(0, (), ())]
    for index, cell in enumerate(nb.cells):
        if cell.cell_type == "markdown":
            for level, title in headings(cell.source):
                heading_path = [pair for pair in heading_path if pair[0] < level] + [(level, title)]
                outline.append(Section(level, tuple(name for _, name in heading_path), ()))
        elif index in code_indexes:
            last = outline[-1]
            outline[-1] = Section(last.level, last.path, (*last.cells, index))
    return outline


def headings(source: str) -> list[tuple[int, str]]:
    """Level and text of each heading of a Markdown text: `#`, underlined, or HTML; fenced code is skipped."""
    entries: list[tuple[int, str]] = []
    fence, previous_line = "", ""
    for line in source.splitlines():
        mark = _FENCE.match(line)
        if mark and fence in ("", mark.group(1)):
            fence = "" if fence else mark.group(1)
        heading = None if fence or mark else _heading(line, previous_line)
        if heading:
            entries.append(heading)
        previous_line = "" if fence or heading else line
    return entries


def _heading(line: str, previous_line: str) -> tuple[int, str] | None:
    atx = _ATX.match(line)
    if atx:
        return (len(atx.group(1)), atx.group(2).strip()) if atx.group(2).strip() else None
    underline = _UNDERLINE.match(line)
    if underline and previous_line.strip() and not re.match(r"^\s*([-*+>|]|\d+[.)])", previous_line):
        return (1 if underline.group(1).startswith("=") else 2), previous_line.strip()
    tag = _HTML.match(line)
    return (int(tag.group(1)), tag.group(2).strip()) if tag else None
