"""The run log: a file of JSON lines, and the text made from it for people.

Each line is one record: an object with `time` (ISO 8601, UTC), `kind` and, by kind:

    attempt  trigger, run, subject, version (None for a notebook), attempt
    step     step, state, why
    retry    step, attempt, of, wait (seconds), why
    cell     step, cell (position in the notebook)
    output   text: the output of the cell, as text
    error    text: why the run could not begin
    end      state

Output of a cell occurs only in the `text` of its records, so that it cannot be mistaken for another kind.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jupyter_mlops.execution import retry

PIECE = 1 << 20  # bytes per read; a longer line is read whole
NAME, TEXT_NAME = "log.jsonl", "log.txt"  # the second has only the text, of runs from before the JSON log


def record(kind: str, **facts: Any) -> dict[str, Any]:
    """A record with the current time."""
    return {"time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "kind": kind, **facts}


def append(path: Path, entry: Mapping[str, Any]) -> None:
    """Append a record to a log that no process has open. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as stream:
        stream.write(line_of(entry))


def line_of(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry) + "\n"  # ASCII, so that a partial character of a cell's output cannot corrupt the file


def read(path: Path, offset: int = 0, limit: int = PIECE) -> tuple[list[dict[str, Any]], int]:
    """The complete records from a byte offset on, and the offset after the last one. Raises OSError.

    :param limit: bytes after which no further record is read.
    """
    records: list[dict[str, Any]] = []
    if offset >= path.stat().st_size:  # a file system may refuse to seek far beyond the end
        return records, offset
    plain = path.name == TEXT_NAME
    with path.open("rb") as stream:
        stream.seek(offset)
        end = offset + limit
        while offset < end and (line := stream.readline()).endswith(b"\n"):
            offset += len(line)
            records.append(_old(line) if plain else _parsed(line))
    return records, offset


def _parsed(line: bytes) -> dict[str, Any]:
    """The record of a line; a line truncated by a crash is shown as it is."""
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    return entry if isinstance(entry, dict) and isinstance(entry.get("kind"), str) else _old(line)


def _old(line: bytes) -> dict[str, Any]:
    return {"time": "", "kind": "output", "text": line.decode(errors="replace")}


class LogText:
    """Converts records, which may arrive in parts, to text."""

    def __init__(self) -> None:
        self._within_line = False

    def of(self, records: Iterable[Mapping[str, Any]]) -> str:
        return "".join(self._pieces(records))

    def _pieces(self, records: Iterable[Mapping[str, Any]]) -> Iterator[str]:
        for entry in records:
            if entry["kind"] == "output":
                text = str(entry.get("text", ""))
                self._within_line = not text.endswith("\n") if text else self._within_line
                yield text
            else:
                yield "\n" * self._within_line + f"[{entry.get('time', '')}] {sentence(entry)}\n"
                self._within_line = False


def sentence(entry: Mapping[str, Any]) -> str:
    """A record other than an output, as a sentence."""
    match entry["kind"]:
        case "attempt":
            version = "" if entry.get("version") is None else f", v{entry['version']}"
            return f"{entry['trigger']} run {entry['run']} of {entry['subject']}{version}, attempt {entry['attempt']}"
        case "step":
            why = f" ({entry['why']})" if entry.get("why") else ""
            return f"step {entry['step']}: {entry['state']}{why}"
        case "retry":
            return f"step {entry['step']}: {retry.told(entry)}"
        case "placed":
            return f"step {entry['step']} runs on {entry['where']}"
        case "cell":
            return f"cell {entry['cell'] + 1} of {entry['step']}"
        case "end":
            return str(entry["state"])
        case _:
            return str(entry.get("text", ""))
