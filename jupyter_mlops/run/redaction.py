"""Values that nobody is to see, taken out of what is shown and kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

SHORTEST = 4  # characters: a shorter value would take half of a page with it
SHOWN = "[secret]"


class Redaction:
    """Takes these values out of texts."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        found = {v for v in values if len(v) >= SHORTEST} | {
            line for v in values for line in v.splitlines() if len(line) >= SHORTEST
        }
        self.values = sorted(found, key=len, reverse=True)

    def __bool__(self) -> bool:
        return bool(self.values)

    def text(self, text: str) -> str:
        """The text without them, also where they are written as Python or JSON would."""
        for value in self.values:
            for form in {value, repr(value)[1:-1], _html(value)}:
                if form in text:
                    text = text.replace(form, SHOWN)
        return text

    def clean(self, value: Any) -> Any:
        """The same for all texts in something like JSON, in place where it can be."""
        if not self.values:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            for key in list(value):
                value[key] = self.clean(value[key])
        elif isinstance(value, list):
            value[:] = [self.clean(item) for item in value]
        elif isinstance(value, tuple):
            return tuple(self.clean(item) for item in value)
        return value

    def shows(self, data: bytes) -> bool:
        """Whether any of them is to be seen in these bytes."""
        return any(value.encode() in data for value in self.values)


def _html(value: str) -> str:
    import html

    return html.escape(value, quote=False)
