"""The text of a cell's output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def text_of(output: Mapping[str, Any]) -> str:
    """The text of a stream, an error in one line, or the plain text of any other output; "" if there is none."""
    kind = output.get("output_type")
    if kind == "stream":
        text = output.get("text", "")
        return "".join(text) if isinstance(text, list) else str(text)
    if kind == "error":
        return f"{output.get('ename')}: {output.get('evalue')}\n"
    plain_text = (output.get("data") or {}).get("text/plain", "")
    return f"{''.join(plain_text) if isinstance(plain_text, list) else plain_text}\n" if plain_text else ""
