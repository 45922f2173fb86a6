"""The words and signs of a gate, and errors that point at one of them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from jupyter_mlops.errors import InvalidInputError

LONGEST = 1000  # characters of a gate
SHOWN = 70  # characters of a gate that an error shows
Kind = Literal["number", "name", "quoted", "sign", "end"]
TOKEN = re.compile(
    r"(?P<number>(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[^\W\d]\w*)"
    r"|'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\""
    r"|(?P<sign><=|>=|==|!=|[-+*/()<>,.])",
)
INSTEAD = {
    "=": "`==`", "&": "`and`", "|": "`or`", "!": "`not` or `!=`", "≥": "`>=`", "≤": "`<=`", "≠": "`!=`",
    "%": "a number such as 0.9", "^": "`*`", "×": "`*`", "÷": "`/`", "−": "`-`", "[": "`(`", "]": "`)`", "{": "`(`",
    "}": "`)`",
}  # fmt: skip


@dataclass(frozen=True)
class Token:
    """:param text: a name or a quoted text without its quotes. :param column: its first character, from 1."""

    kind: Kind
    text: str
    column: int

    @property
    def words(self) -> str:
        """For people."""
        return "the end" if self.kind == "end" else repr(self.text)


def tokenize(text: str) -> list[Token]:
    """The tokens of a gate, and the end. Raises InvalidInputError that points at the first sign that is none."""
    if len(text) > LONGEST:
        raise InvalidInputError(
            f"a gate has at most {LONGEST} characters, this one has {len(text)}", field="expression",
            remedy="Add several gates: all of them have to pass.",
        )  # fmt: skip
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        match = TOKEN.match(text, position)
        if match is None:
            raise syntax_error(text, position + 1, *_unexpected(text[position]))
        tokens.append(_token(text, match))
        position = match.end()
    return [*tokens, Token("end", "", len(text) + 1)]


def _token(text: str, match: re.Match[str]) -> Token:
    column = match.start() + 1
    kind = match.lastgroup
    if kind == "number":
        if text[match.end() : match.end() + 1].isidentifier():
            raise syntax_error(text, column, f"{match[0]!r} runs into a name", "Names begin with a letter.")
        return Token("number", match[0], column)
    if kind == "name":
        return Token("name", unicodedata.normalize("NFKC", match[0]), column)
    if kind == "sign":
        return Token("sign", match[0], column)
    content = match[kind or 0]
    if not content.strip() or not content.isprintable():
        raise syntax_error(text, column, "a name in quotes has at least one character, and all can be printed")
    return Token("quoted", content, column)


def _unexpected(sign: str) -> tuple[str, str]:
    if sign in "'\"":
        return "the quote has no end", f"Close it with {sign}."
    name = repr(sign) if sign.isprintable() else f"the character U+{ord(sign):04X}"
    return f"{name} has no meaning in a gate", f"Use {INSTEAD[sign]}." if sign in INSTEAD else ""


def syntax_error(text: str, column: int, message: str, hint: str = "", *, expected: str = "") -> InvalidInputError:
    """An error with the gate and a caret below the column.

    :param column: from 1.
    """
    start = max(0, column - 1 - SHOWN // 2)
    part = "".join(_shown(sign) for sign in text[start : start + SHOWN])
    head, tail = "…" * (start > 0), "…" * (start + SHOWN < len(text))
    indent = " " * (len(head) + _width(part[: column - 1 - start]))
    return InvalidInputError(
        f"column {column}: {message}", field="expression",
        remedy="\n  ".join([f"{head}{part}{tail}", f"{indent}^", *([hint] if hint else [])]),
        data={"column": column, "expected": expected, "hint": hint},
    )  # fmt: skip


def _shown(sign: str) -> str:
    return sign if sign.isprintable() else " " if sign.isspace() else "?"


def _width(text: str) -> int:
    """Columns of a terminal."""
    wide = sum(unicodedata.east_asian_width(sign) in "WF" for sign in text)
    return len(text) + wide - sum(unicodedata.combining(sign) > 0 for sign in text)
