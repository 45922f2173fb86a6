"""The names of what a script includes beside the notebook's code."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

PARTS = (
    "main", "loop", "options", "overrides", "apply", "blocks", "secrets", "cell", "show", "text", "display",
    "clear_output", "shell", "lines", "captured", "may_fail", "program", "write_file", "change_folder", "set_variable",
    "figures",
)  # fmt: skip
PLAIN = frozenset({"main"})
NEEDS = {  # part -> the parts that it uses
    "show": ("text",),
    "display": ("show",),
    "figures": ("show",),
    "lines": ("shell",),
}
WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Runtime:
    """Names for functions and variables that no cell uses.

    :param names: part -> its name in the script.
    :param words: all words of the notebook's code.
    """

    names: dict[str, str]
    words: frozenset[str] = field(default=frozenset())

    def __getitem__(self, part: str) -> str:
        return self.names[part]


def runtime(sources: Iterable[str]) -> Runtime:
    """Names that are not words of these sources."""
    words = frozenset(word for source in sources for word in WORD.findall(source))
    names = {part: unused(part if part in PLAIN else f"_{part}", words) for part in PARTS}
    return Runtime(names | {"display": "display", "clear_output": "clear_output"}, words)


def unused(name: str, words: frozenset[str]) -> str:
    """The name, with as many `_` behind it as make it a word that is not used."""
    while name in words:
        name += "_"
    return name


def with_needs(parts: Iterable[str]) -> frozenset[str]:
    """Parts, and those that they use."""
    complete: set[str] = set()
    waiting = list(parts)
    while waiting:
        part = waiting.pop()
        if part not in complete:
            complete.add(part)
            waiting += NEEDS.get(part, ())
    return frozenset(complete)
