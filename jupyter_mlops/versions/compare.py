"""Whether two executed notebooks show the same, cell by cell, without values that change with time."""

from __future__ import annotations

import base64
import binascii
import io
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

MAX_EXCERPT = 500  # characters of a difference that are shown

# What is different each time and means nothing: addresses, clock times, durations, speeds, progress bars, process ids.
DAY = r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*"
MONTH = r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
VOLATILE = (
    (re.compile(r"\x1b\[[0-9;]*m"), ""),
    (re.compile(r"[^\r\n]*\r(?!\n)"), ""),
    (re.compile(r"\b0x[0-9a-fA-F]{6,}\b"), "0x…"),
    (re.compile(r"\[\d+:\d\d(:\d\d)?(<[\d:?]+)?, +[^,\]\n]*(/s|s/)[^,\]\n]*"), "[<progress>"),  # tqdm's
    (re.compile(r"\b\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d+)?)?)?(Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"\b\d{1,2}:\d\d:\d\d([.,]\d+)?( ?[AP]M)?\b"), "<time>"),
    (re.compile(rf"\b{DAY},? \d{{1,2}} {MONTH} \d{{4}}"), "<time>"),
    (re.compile(rf"\b{DAY},? {MONTH} +\d{{1,2}},? (<time> )?(\w+ )?\d{{4}}"), "<time>"),  # as `ctime` and `date` say it
    (re.compile(r"\bdatetime\.(datetime|date|time)\([\d, ]+"), "<time>("),
    (re.compile(r"\b(\d+h )?\d+(\.\d+)?\s?(ns|[µμu]s|ms|s|secs?|seconds?|mins?|minutes?)\b"), "<time>"),
    (re.compile(r"\b[\d,]+ loops? each\b"), "<loops>"),
    (re.compile(r"[ \d.]+(it/s|s/it)|\|[█▉▊▋▌▍▎▏ #]*\|"), "<progress>"),
    (re.compile(r"/tmp/[\w./-]+|/var/folders/[\w./-]+"), "<temporary>"),
    (re.compile(r"(?i)\bpid[ =:]+\d+"), "pid …"),
)
MARKUP = ("text/html", "image/svg+xml", "application/javascript")
ID = re.compile(r"""\bid\s*=\s*["']([^"'\s]*[^"'\s\d][^"'\s]*)["']""")
WORD = re.compile(r"[\w-]+")
UUID = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
WIDGET = "application/vnd.jupyter.widget-view+json"
SECONDS = re.compile(r"(?<![\w.])(\d{10}(\.\d+)?|\d{13}|\d{16}|\d{19})(?![\w.]*\d)")  # since 1970, or parts of them
Span = tuple[float, float]  # from when to when it ran


@dataclass(frozen=True)
class Difference:
    """The first place where two records differ. Cells count from 0."""

    cell: int
    step: str
    aspect: str
    before: str
    after: str

    def to_dict(self) -> dict[str, Any]:
        return {"what" if name == "aspect" else name: value for name, value in asdict(self).items()}


def first_difference(old_notebook: Mapping[str, Any], new_notebook: Mapping[str, Any]) -> Difference | None:
    """The first cell whose outputs differ, or None."""
    spans = _span(old_notebook), _span(new_notebook)
    old_cells, new_cells = _code_cells(old_notebook), _code_cells(new_notebook)
    for (position, cell), (_, new_cell) in zip(old_cells, new_cells, strict=False):
        step = cell.get("metadata", {}).get("jupyter_mlops_run", {}).get("step", "")
        old_outputs, new_outputs = _outputs(cell), _outputs(new_cell)
        if len(old_outputs) != len(new_outputs):
            return Difference(position, step, "number of outputs", str(len(old_outputs)), str(len(new_outputs)))
        for old_output, new_output in zip(old_outputs, new_outputs, strict=True):
            aspect = _differing_aspect(old_output, new_output, spans)
            if aspect:
                return Difference(
                    position,
                    step,
                    aspect,
                    *_excerpts(_output_text(old_output, aspect), _output_text(new_output, aspect)),
                )
    if len(old_cells) != len(new_cells):
        return Difference(
            min(len(old_cells), len(new_cells)), "", "number of cells", str(len(old_cells)), str(len(new_cells))
        )  # fmt: skip
    return None


def mask_volatile(text: str) -> str:
    """The text without values that change with time."""
    for pattern, replacement in VOLATILE:
        text = pattern.sub(replacement, text)
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)


def images_equal(first: str, second: str) -> bool:
    """Whether two images in base64 have the same pixels."""
    if first == second:
        return True
    try:
        from PIL import Image

        first_image, second_image = (
            Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA") for data in (first, second)
        )
    except (ImportError, OSError, ValueError, binascii.Error):
        return False
    return first_image.size == second_image.size and first_image.tobytes() == second_image.tobytes()


def _code_cells(nb: Mapping[str, Any]) -> list[tuple[int, Mapping[str, Any]]]:
    cells = [(index, cell) for index, cell in enumerate(nb["cells"]) if cell["cell_type"] == "code"]
    return [(index, c) for index, c in cells if "papermill-error-cell-tag" not in c.get("metadata", {}).get("tags", ())]


def _outputs(cell: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The outputs, each stream merged: its interruption by other outputs is random."""
    outputs: list[dict[str, Any]] = []
    streams: dict[str, dict[str, Any]] = {}
    for output in cell.get("outputs", ()):
        if output["output_type"] != "stream":
            outputs += [*(streams[name] for name in sorted(streams, reverse=True)), dict(output)]
            streams = {}
            continue
        stream = streams.setdefault(output["name"], {**output, "text": ""})
        stream["text"] += _text(output["text"])
    return [*outputs, *(streams[name] for name in sorted(streams, reverse=True))]


def _differing_aspect(old_output: Mapping[str, Any], new_output: Mapping[str, Any], spans: tuple[Span, Span]) -> str:
    if old_output["output_type"] != new_output["output_type"]:
        return "kind of output"
    if old_output["output_type"] == "stream":
        is_same = old_output["name"] == new_output["name"] and _texts_equal(
            old_output["text"], new_output["text"], spans
        )
        return "" if is_same else f"text on {old_output['name']}"
    if old_output["output_type"] == "error":
        is_same = old_output["ename"] == new_output["ename"] and _texts_equal(
            old_output["evalue"], new_output["evalue"], spans
        )
        return "" if is_same else "error"
    old_data, new_data = old_output.get("data", {}), new_output.get("data", {})
    if set(old_data) != set(new_data):
        return "forms of the output"
    for kind in old_data:
        if kind.startswith("image/") and kind != "image/svg+xml":
            is_same = images_equal(_text(old_data[kind]), _text(new_data[kind]))
        else:
            texts = _output_text(old_output, kind), _output_text(new_output, kind)
            is_same = _texts_equal(*texts, spans) or (
                kind in MARKUP and _texts_equal(_without_ids(texts[0]), _without_ids(texts[1]), spans)
            )
        if not is_same:
            return str(kind)
    return ""


def _texts_equal(first: str, second: str, spans: tuple[Span, Span]) -> bool:
    return first == second or mask_volatile(_without_times(first, spans[0])) == mask_volatile(
        _without_times(second, spans[1])
    )


def _without_ids(text: str) -> str:
    """Markup with its element ids numbered in order, because libraries generate random ids."""
    ids: dict[str, str] = {}
    for name in ID.findall(text):
        ids.setdefault(name, f"id-{len(ids)}")
    return UUID.sub("id", WORD.sub(lambda match: ids.get(match[0], match[0]), text))


def _without_times(text: str, span: Span) -> str:
    """Without numbers that are times of the run in seconds or fractions of seconds."""
    return SECONDS.sub(lambda match: "<time>" if span[0] <= _seconds(match[0]) <= span[1] else match[0], text)


def _seconds(number: str) -> float:
    digit_count = len(number.partition(".")[0])
    return float(number) / 10.0 ** (digit_count - 10)


def _span(nb: Mapping[str, Any]) -> Span:
    metadata = nb.get("metadata", {}).get("papermill", {})
    try:
        start, end = (datetime.fromisoformat(metadata[name]) for name in ("start_time", "end_time"))
    except (KeyError, TypeError, ValueError):
        return (0.0, 0.0)
    start, end = (moment if moment.tzinfo else moment.replace(tzinfo=UTC) for moment in (start, end))
    return start.timestamp() - 1, end.timestamp() + 1


def _output_text(output: Mapping[str, Any], aspect: str) -> str:
    """The text of an output in the format that differs, or in a readable format."""
    data = output.get("data", {})
    if aspect == "forms of the output":
        return "\n".join(sorted(data))
    if aspect in data and not (aspect.startswith("image/") and aspect != "image/svg+xml"):
        value = data[aspect]
        if aspect == WIDGET and isinstance(value, dict):
            value = {**value, "model_id": ""}
        return _text(value) if isinstance(value, str | list) else json.dumps(value, sort_keys=True, ensure_ascii=False)
    if output["output_type"] == "error":
        return f"{output['ename']}: {output['evalue']}"
    return _text(output["text"] if "text" in output else data.get("text/plain", ""))


def _excerpts(first: str, second: str) -> tuple[str, str]:
    """Both texts from the first line that differs."""
    first_lines, second_lines = mask_volatile(first).split("\n"), mask_volatile(second).split("\n")
    offset = next(
        (n for n, (a, b) in enumerate(zip(first_lines, second_lines, strict=False)) if a != b),
        min(len(first_lines), len(second_lines)),
    )
    texts = [text.split("\n") for text in (first, second)]
    if [len(lines) for lines in texts] != [len(first_lines), len(second_lines)] or [
        *first_lines[offset:],
        *second_lines[offset:],
    ] == []:
        return first[:MAX_EXCERPT], second[:MAX_EXCERPT]
    return "\n".join(texts[0][offset:])[:MAX_EXCERPT], "\n".join(texts[1][offset:])[:MAX_EXCERPT]


def _text(value: Any) -> str:
    return "".join(map(str, value)) if isinstance(value, list) else str(value)
