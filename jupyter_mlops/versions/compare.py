"""Whether two executed notebooks show the same, cell by cell; what changes from time to time is left out of account."""

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

EXCERPT = 500  # characters of what differs that are told

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
    what: str
    before: str
    after: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def first_difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> Difference | None:
    """The first cell that does not show the same in both, or None."""
    spans = _span(before), _span(after)
    ours, theirs = _code_cells(before), _code_cells(after)
    for (position, cell), (_, other) in zip(ours, theirs, strict=False):
        step = cell.get("metadata", {}).get("jupyter_mlops_run", {}).get("step", "")
        left, right = _outputs(cell), _outputs(other)
        if len(left) != len(right):
            return Difference(position, step, "number of outputs", str(len(left)), str(len(right)))
        for one, two in zip(left, right, strict=True):
            what = _differs(one, two, spans)
            if what:
                return Difference(position, step, what, *_excerpts(_shown(one, what), _shown(two, what)))
    if len(ours) != len(theirs):
        return Difference(
            min(len(ours), len(theirs)), "", "number of cells", str(len(ours)), str(len(theirs))
        )  # fmt: skip
    return None


def masked(text: str) -> str:
    """The text without what changes from time to time."""
    for pattern, instead in VOLATILE:
        text = pattern.sub(instead, text)
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)


def same_image(one: str, two: str) -> bool:
    """Whether two images in base64 have the same pixels."""
    if one == two:
        return True
    try:
        from PIL import Image

        first, second = (Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA") for data in (one, two))
    except (ImportError, OSError, ValueError, binascii.Error):
        return False
    return first.size == second.size and first.tobytes() == second.tobytes()


def _code_cells(nb: Mapping[str, Any]) -> list[tuple[int, Mapping[str, Any]]]:
    cells = [(at, cell) for at, cell in enumerate(nb["cells"]) if cell["cell_type"] == "code"]
    return [(at, c) for at, c in cells if "papermill-error-cell-tag" not in c.get("metadata", {}).get("tags", ())]


def _outputs(cell: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The outputs, each stream in one piece: where the other one cuts in is chance."""
    found: list[dict[str, Any]] = []
    streams: dict[str, dict[str, Any]] = {}
    for output in cell.get("outputs", ()):
        if output["output_type"] != "stream":
            found += [*(streams[name] for name in sorted(streams, reverse=True)), dict(output)]
            streams = {}
            continue
        one = streams.setdefault(output["name"], {**output, "text": ""})
        one["text"] += _text(output["text"])
    return [*found, *(streams[name] for name in sorted(streams, reverse=True))]


def _differs(one: Mapping[str, Any], two: Mapping[str, Any], spans: tuple[Span, Span]) -> str:
    if one["output_type"] != two["output_type"]:
        return "kind of output"
    if one["output_type"] == "stream":
        same = one["name"] == two["name"] and _same_text(one["text"], two["text"], spans)
        return "" if same else f"text on {one['name']}"
    if one["output_type"] == "error":
        same = one["ename"] == two["ename"] and _same_text(one["evalue"], two["evalue"], spans)
        return "" if same else "error"
    left, right = one.get("data", {}), two.get("data", {})
    if set(left) != set(right):
        return "forms of the output"
    for kind in left:
        if kind.startswith("image/") and kind != "image/svg+xml":
            same = same_image(_text(left[kind]), _text(right[kind]))
        else:
            texts = _shown(one, kind), _shown(two, kind)
            same = _same_text(*texts, spans) or (
                kind in MARKUP and _same_text(_without_ids(texts[0]), _without_ids(texts[1]), spans)
            )
        if not same:
            return str(kind)
    return ""


def _same_text(one: str, two: str, spans: tuple[Span, Span]) -> bool:
    return one == two or masked(_timeless(one, spans[0])) == masked(_timeless(two, spans[1]))


def _without_ids(text: str) -> str:
    """Markup whose elements are called by their order: libraries make up their ids."""
    made: dict[str, str] = {}
    for name in ID.findall(text):
        made.setdefault(name, f"id-{len(made)}")
    return UUID.sub("id", WORD.sub(lambda found: made.get(found[0], found[0]), text))


def _timeless(text: str, span: Span) -> str:
    """Without numbers that say in seconds, or parts of seconds, when it ran."""
    return SECONDS.sub(lambda found: "<time>" if span[0] <= _seconds(found[0]) <= span[1] else found[0], text)


def _seconds(number: str) -> float:
    whole = len(number.partition(".")[0])
    return float(number) / 10.0 ** (whole - 10)


def _span(nb: Mapping[str, Any]) -> Span:
    told = nb.get("metadata", {}).get("papermill", {})
    try:
        begun, over = (datetime.fromisoformat(told[name]) for name in ("start_time", "end_time"))
    except (KeyError, TypeError, ValueError):
        return (0.0, 0.0)
    begun, over = (at if at.tzinfo else at.replace(tzinfo=UTC) for at in (begun, over))
    return begun.timestamp() - 1, over.timestamp() + 1


def _shown(output: Mapping[str, Any], what: str) -> str:
    """The text of an output in the form that differs, or the one that a person can read."""
    data = output.get("data", {})
    if what == "forms of the output":
        return "\n".join(sorted(data))
    if what in data and not (what.startswith("image/") and what != "image/svg+xml"):
        value = data[what]
        if what == WIDGET and isinstance(value, dict):
            value = {**value, "model_id": ""}
        return _text(value) if isinstance(value, str | list) else json.dumps(value, sort_keys=True, ensure_ascii=False)
    if output["output_type"] == "error":
        return f"{output['ename']}: {output['evalue']}"
    return _text(output["text"] if "text" in output else data.get("text/plain", ""))


def _excerpts(one: str, two: str) -> tuple[str, str]:
    """Both texts from the first line that differs."""
    left, right = masked(one).split("\n"), masked(two).split("\n")
    at = next((n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
    whole = [plain.split("\n") for plain in (one, two)]
    if [len(lines) for lines in whole] != [len(left), len(right)] or [*left[at:], *right[at:]] == []:
        return one[:EXCERPT], two[:EXCERPT]
    return "\n".join(whole[0][at:])[:EXCERPT], "\n".join(whole[1][at:])[:EXCERPT]


def _text(value: Any) -> str:
    return "".join(map(str, value)) if isinstance(value, list) else str(value)
