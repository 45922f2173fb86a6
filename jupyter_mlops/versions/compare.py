"""Whether two executed notebooks show the same, cell by cell; what changes from time to time is left out of account."""

from __future__ import annotations

import base64
import binascii
import io
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

# What is different each time and means nothing: addresses, clock times, durations, speeds, progress bars, process ids.
VOLATILE = (
    (re.compile(r"\x1b\[[0-9;]*m"), ""),
    (re.compile(r"[^\r\n]*\r(?!\n)"), ""),
    (re.compile(r"\b0x[0-9a-fA-F]{6,}\b"), "0x…"),
    (re.compile(r"\b\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"\b\d{1,2}:\d\d:\d\d(\.\d+)?( ?[AP]M)?\b"), "<time>"),
    (re.compile(r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun),? \d{1,2} [A-Z][a-z]{2} \d{4}"), "<time>"),
    (re.compile(r"\b\d+(\.\d+)?\s?(ns|µs|us|ms|s|sec|secs|seconds?|min|minutes?)\b"), "<time>"),
    (re.compile(r"[ \d.]+(it/s|s/it)|\|[█▉▊▋▌▍▎▏ #]*\|"), "<progress>"),
    (re.compile(r"/tmp/[\w./-]+|/var/folders/[\w./-]+"), "<temporary>"),
    (re.compile(r"(?i)\bpid[ =:]+\d+"), "pid …"),
)


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
    ours, theirs = _code_cells(before), _code_cells(after)
    for (position, cell), (_, other) in zip(ours, theirs, strict=False):
        step = cell.get("metadata", {}).get("jupyter_mlops_run", {}).get("step", "")
        left, right = _outputs(cell), _outputs(other)
        if len(left) != len(right):
            return Difference(position, step, "number of outputs", str(len(left)), str(len(right)))
        for one, two in zip(left, right, strict=True):
            what = _differs(one, two)
            if what:
                return Difference(position, step, what, _short(one), _short(two))
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
    """The outputs, with what was written to a stream in pieces put together."""
    found: list[dict[str, Any]] = []
    for output in cell.get("outputs", ()):
        one = dict(output)
        if one["output_type"] == "stream":
            one["text"] = _text(one["text"])
            if found and found[-1]["output_type"] == "stream" and found[-1]["name"] == one["name"]:
                found[-1]["text"] += one["text"]
                continue
        found.append(one)
    return found


def _differs(one: Mapping[str, Any], two: Mapping[str, Any]) -> str:
    if one["output_type"] != two["output_type"]:
        return "kind of output"
    if one["output_type"] == "stream":
        same = one["name"] == two["name"] and masked(one["text"]) == masked(two["text"])
        return "" if same else f"text on {one['name']}"
    if one["output_type"] == "error":
        same = one["ename"] == two["ename"] and masked(one["evalue"]) == masked(two["evalue"])
        return "" if same else "error"
    left, right = one.get("data", {}), two.get("data", {})
    if set(left) != set(right):
        return "forms of the output"
    for kind in left:
        if kind.startswith("image/") and kind != "image/svg+xml":
            same = same_image(_text(left[kind]), _text(right[kind]))
        elif isinstance(left[kind], str | list):
            same = masked(_text(left[kind])) == masked(_text(right[kind]))
        else:
            same = left[kind] == right[kind]
        if not same:
            return str(kind)
    return ""


def _text(value: Any) -> str:
    return "".join(value) if isinstance(value, list) else str(value)


def _short(output: Mapping[str, Any]) -> str:
    text = output.get("text") or output.get("evalue") or _text(output.get("data", {}).get("text/plain", ""))
    return _text(text)[:500]
