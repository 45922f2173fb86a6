"""Texts of other people on one line."""

from __future__ import annotations


def printable(text: str) -> str:
    """A text with its control characters written out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)
