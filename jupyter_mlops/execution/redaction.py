"""Removes secret values from everything that is shown and stored."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, MutableMapping
from functools import cached_property
from typing import Any
from urllib.parse import quote, quote_plus

SHORTEST = 4  # characters: a shorter value would take half of a page with it
SHORTEST_ENCODED = 8  # characters: shorter ones stand in the base64 of pictures by chance
SHOWN = "[secret]"
PNG = b"\x89PNG\r\n\x1a\n"


class Redaction:
    """Removes these values from texts."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        secrets = {v for v in values if len(v) >= SHORTEST} | {
            line for v in values for line in v.splitlines() if len(line) >= SHORTEST
        }
        self.values = sorted(secrets, key=len, reverse=True)

    def __bool__(self) -> bool:
        return bool(self.values)

    @cached_property
    def forms(self) -> list[str]:
        """The forms of the values, longest first: as programs write them, and as they are sent."""
        return sorted({form for value in self.values for form in _forms(value)}, key=len, reverse=True)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(map(re.escape, self.forms)))

    def text(self, text: str) -> str:
        """The text without the values, also in their Python, JSON, HTML and encoded forms."""
        for form in self.forms:
            if form in text:
                text = text.replace(form, SHOWN)
        return text

    def clean(self, value: Any) -> Any:
        """The same for all texts in a JSON-like value, in place if possible."""
        if not self.values:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            for key in list(value):
                value[self.text(key) if isinstance(key, str) else key] = self.clean(value.pop(key))
        elif isinstance(value, list):
            value[:] = [self.clean(item) for item in value]
        elif isinstance(value, tuple):
            return tuple(self.clean(item) for item in value)
        return value

    def output(self, output: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Redact one output of a cell in place: its content, not its format."""
        for name in ("text", "ename", "evalue", "traceback", "metadata"):
            if name in output:
                output[name] = self.clean(output[name])
        for kind, content in (output.get("data") or {}).items():
            plain = (
                _only_pixels(content) if self.values and kind == "image/png" and isinstance(content, str) else content
            )
            output["data"][kind] = self.clean(plain)
        return output

    def outputs(self, outputs: Iterable[MutableMapping[str, Any]]) -> None:
        """Redact all outputs of a cell in place; a value may span several pieces of a stream."""
        if not self.values:
            return
        flows: dict[str, tuple[StreamRedactor, MutableMapping[str, Any]]] = {}
        for output in outputs:
            if output.get("output_type") != "stream":
                self.output(output)
                continue
            name, text = str(output.get("name")), output.get("text", "")
            flow, _ = flows.get(name, (StreamRedactor(self), output))
            output["text"] = flow.feed("".join(text) if isinstance(text, list) else str(text))
            flows[name] = flow, output
        for flow, last in flows.values():
            last["text"] += flow.rest()

    def cell(self, cell: Any) -> Any:
        """Redact an executed cell in place."""
        if self.values:
            cell["source"] = self.text(cell["source"])
            self.outputs(cell.get("outputs", ()))
        return cell

    def shows(self, data: bytes) -> bool:
        """Whether these bytes contain one of the values."""
        return any(form.encode("utf-8", "surrogatepass") in data for form in self.forms)


class StreamRedactor:
    """Removes the values from a text that arrives in pieces: a possible beginning of a value is held back until the
    next piece.
    """

    def __init__(self, redaction: Redaction) -> None:
        self.redaction, self.held = redaction, ""

    def feed(self, piece: str) -> str:
        """The text that may be shown now."""
        text = self.held + piece
        spans = [match.span() for match in self.redaction.pattern.finditer(text)]
        at = self._begins(text, 0)
        for begin, end in spans:
            if begin < at < end:
                at = self._begins(text, end)
        self.held = text[at:]
        return self.redaction.text(text[:at])

    def rest(self) -> str:
        """The text that was held back, at the end."""
        text, self.held = self.held, ""
        return self.redaction.text(text)

    def _begins(self, text: str, after: int) -> int:
        """The start of the longest suffix of the text that is the beginning of a value."""
        position = len(text)
        for form in self.redaction.forms:
            at = text.find(form[0], max(after, len(text) - len(form) + 1))
            while 0 <= at < position:
                if form.startswith(text[at:]):
                    position = at
                at = text.find(form[0], at + 1)
        return position


def _only_pixels(image: str) -> str:
    """A PNG in base64 without its text chunks, compressed or not: title, comment, camera."""
    try:
        data = base64.b64decode(image)
    except ValueError:
        return image
    chunks, at = [data[:8]], 8
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] not in (b"tEXt", b"zTXt", b"iTXt", b"eXIf"):
            chunks.append(data[at:end])
        at = end
    picture = b"".join(chunks)
    return (
        image
        if picture == data or data[:8] != PNG
        else base64.b64encode(picture).decode() + "\n" * image.endswith("\n")
    )


def _forms(value: str) -> Iterator[str]:
    """A value in plain form, and in its forms in Python, JSON, HTML, URLs and headers."""
    data = value.encode("utf-8", "surrogateescape")
    yield value
    for spelled in (repr(value), ascii(value), json.dumps(value), json.dumps(value, ensure_ascii=False)):
        yield spelled[1:-1]
    yield repr(data)[2:-1]
    yield html.escape(value)
    escaped = html.escape(value, quote=False)
    yield escaped
    for double, single in (("&quot;", "'"), ("&quot;", "&#39;"), ("&#34;", "&#39;"), ("&quot;", "&apos;")):
        yield escaped.replace('"', double).replace("'", single)
    yield quote(data)
    yield quote(data, safe="")
    yield quote_plus(data)
    encoded = [data.hex(), data.hex().upper()]
    for before in range(3):  # bytes that stand before it within a group of three, as in `user:password`
        first, last = (0, 2, 3)[before], (before + len(data)) * 8 // 6
        plain = base64.b64encode(b"\0" * before + data).decode()[first:last]
        encoded += [plain, plain.translate(str.maketrans("+/", "-_"))]
    yield from (form for form in encoded if len(form) >= SHORTEST_ENCODED)
