"""Standard output and standard error in any condition: closed, a pipe without a reader, not UTF-8."""

from __future__ import annotations

import codecs
import json
import os
import sys
from typing import Any

HANDLER = "jupyter_mlops.stand_in"
BROKEN_PIPE = 128 + 13  # as a shell tells of a command that SIGPIPE has ended
STRICT = ("strict", "surrogateescape", "backslashreplace")  # what Python chooses by itself
STAND_INS = {
    "✓": "+", "✖": "x", "⚠": "!", "·": "-", "◌": "o", "◐": "*", "■": "#", "–": "-", "—": "-", "…": "...",
    "→": "->", "←": "<-", "≠": "!=", "≡": "==", "├": "|", "└": "`", "│": "|", "─": "-", "‘": "'", "’": "'", "“": '"',
    "”": '"',
}  # fmt: skip


def prepare() -> None:
    """Let both streams accept any text: characters that the encoding lacks are replaced or escaped.

    A stream is None if the parent process closed it (`2>&-`); its text is then discarded. Error handlers that you
    choose (`PYTHONIOENCODING=latin-1:replace`) are kept.
    """
    codecs.register_error(HANDLER, _replacement)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        elif getattr(stream, "errors", None) in STRICT and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=HANDLER)


def flush() -> None:
    """Flush both streams. BrokenPipeError and OSError are raised here instead of when Python exits."""
    sys.stdout.flush()
    sys.stderr.flush()


def discard_output() -> int:
    """The pipe has no reader: redirect further output, so that Python does not complain at exit. Returns the exit
    code.
    """
    null_fd = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(null_fd, stream.fileno())
    os.close(null_fd)
    return BROKEN_PIPE


def to_json(value: Any, *, indent: int | None = None, default: Any = None) -> str:
    """JSON for standard output: as readable as its encoding allows, and exact in any."""
    text = json.dumps(value, indent=indent, default=default, ensure_ascii=False)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return json.dumps(value, indent=indent, default=default)
    return text


def _replacement(error: UnicodeError) -> tuple[str | bytes, int]:
    """A replacement for a character that the encoding lacks; half a surrogate pair is a byte of a file name."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    char = error.object[error.start]
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:
        return bytes([code - 0xDC00]), error.start + 1
    return STAND_INS.get(char) or char.encode("ascii", "backslashreplace").decode(), error.start + 1
