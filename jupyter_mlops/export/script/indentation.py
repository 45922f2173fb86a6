"""Code moved into a block, without a change to its texts of several lines."""

from __future__ import annotations

import io
import tokenize


def indented(code: str, prefix: str = "    ") -> str:
    """The code with a prefix before each line that does not begin inside a string.

    :raises SyntaxError: it can't be split into tokens.
    """
    inside = _lines_in_strings(code)
    lines = code.split("\n")
    return "\n".join(line if number in inside or not line else prefix + line for number, line in enumerate(lines, 1))


def _lines_in_strings(code: str) -> set[int]:
    """Numbers of the lines, from 1, that begin inside a string."""
    lines: set[int] = set()
    depth, start = 0, 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            kind = tokenize.tok_name[token.type]
            if kind == "STRING":
                lines.update(range(token.start[0] + 1, token.end[0] + 1))
            elif kind.endswith("STRING_START"):
                start = start if depth else token.start[0]
                depth += 1
            elif kind.endswith("STRING_END"):
                depth -= 1
                if not depth:
                    lines.update(range(start + 1, token.end[0] + 1))
    except tokenize.TokenError as error:
        raise SyntaxError(str(error)) from None
    return lines
