"""Whether entropy that was just drawn is discarded because a seed was given.

`numpy.random.RandomState(seed)` first creates a generator from the system's entropy and then seeds it. Compiled code
has no frame that shows this, but the call in the calling frame does: its text is available if Python knows the position
of an instruction (3.11 and later), otherwise the text of the line.
"""

from __future__ import annotations

import ast
import linecache
from typing import Any

SEEDED = frozenset({"RandomState", "check_random_state"})
UNKNOWN = object()
_calls: dict[Any, Any] = {}


def is_seeded(frame: Any) -> bool:
    """Whether the pending call of this frame creates a legacy generator of numpy from a seed that is not None."""
    call = _call(frame)
    if call is None:
        return False
    arguments = [*call.args, *(k.value for k in call.keywords if k.arg == "seed")]
    if not arguments or isinstance(arguments[0], ast.Starred):
        return False
    value = _value(arguments[0], frame)
    return value is not None and value is not UNKNOWN


def _call(frame: Any) -> Any:
    key = (frame.f_code, frame.f_lasti)
    if key not in _calls:
        _calls[key] = _parsed(frame)
    return _calls[key]


def _parsed(frame: Any) -> Any:
    code = frame.f_code
    line, last, begin, end = frame.f_lineno, frame.f_lineno, None, None
    if hasattr(code, "co_positions"):
        position = list(code.co_positions())[frame.f_lasti // 2]
        line, last, begin, end = position
        if None in position:
            return None
    texts = [linecache.getline(code.co_filename, n) for n in range(line, last + 1)]
    data = [text.encode() for text in texts]
    if begin is not None and data:
        data[-1] = data[-1][:end]
        data[0] = data[0][begin:]
    text = b"".join(data).decode(errors="replace").strip()
    try:
        tree = ast.parse("(" + text + ")", mode="eval")
    except SyntaxError:
        try:
            tree = ast.parse(text)  # type: ignore[assignment]
        except SyntaxError:
            return None
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and _name(n.func) in SEEDED]
    return calls[0] if len(calls) == 1 else None


def _name(function: Any) -> str:
    return str(getattr(function, "attr", None) or getattr(function, "id", ""))


def _value(node: Any, frame: Any) -> Any:
    """The value of an expression without calls, if it can be determined without running code."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name):
        for space in (frame.f_locals, frame.f_globals):
            if node.id in space:
                return space[node.id]
        return UNKNOWN
    if isinstance(node, ast.Attribute):
        owner = _value(node.value, frame)
        try:
            return object.__getattribute__(owner, "__dict__").get(node.attr, UNKNOWN)
        except AttributeError:
            return UNKNOWN
    if isinstance(node, (ast.BinOp, ast.JoinedStr, ast.List, ast.Tuple)):
        return node  # never None
    if isinstance(node, ast.UnaryOp):
        return node
    return UNKNOWN
