"""What a cell shows, in a form that two runs can be compared by.

Kept: execution counts, output types, data, metadata, the order of outputs, updated displays, errors with their
tracebacks. Taken out, because they differ between two processes that do the same: the kernel's process id in the name
of a cell's temporary file, memory addresses, the working folder's path. Between two outputs that are no text streams,
all of stdout is put before all of stderr: a kernel sends each of them when its buffer is flushed, by a timer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

CELL_FILE = re.compile(r"(?<![^\s\"'<>])(?:[A-Za-z]:)?[^\s\"'<>]*[/\\]ipykernel_\d+[/\\](?=\d+\.py)")
ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{6,16}\b")
SHOWN = 400


@dataclass(frozen=True)
class CellResult:
    """What one code cell shows after a run.

    :param cell: its place among the code cells, from 0 (a run may add markdown cells to its record).
    :param count: its execution count, None if it never ran.
    """

    cell: int
    tags: list[str]
    count: int | None
    outputs: list[dict[str, Any]]

    @property
    def error(self) -> tuple[str, str] | None:
        """Name and value of the exception the cell ended with.

        An error that printed text or a value follows was shown by hand: the cell went on. (Figures do follow a real
        one, and so does IPython's warning after SystemExit.)
        """
        for output in reversed(self.outputs):
            if output["output_type"] == "error":
                return output["ename"], output["evalue"]
            if output["output_type"] == "execute_result" or output.get("name") == "stdout":
                return None
        return None


@dataclass(frozen=True)
class Failure:
    """The cell that stopped a run, and why."""

    cell: int
    ename: str
    evalue: str


def comparable(nb: NotebookNode, cwd: str | Path = "") -> list[CellResult]:
    """What each code cell of an executed notebook shows, without what is volatile per process.

    :param cwd: the folder the notebook ran in; its path is masked.
    """
    code = [cell for cell in nb.cells if cell.cell_type == "code"]
    return [
        CellResult(
            cell=number,
            tags=list(cell.metadata.get("tags", ())),
            count=cell.execution_count,
            outputs=[_masked(output, str(cwd)) for output in _merged(cell.outputs)],
        )
        for number, cell in enumerate(code)
    ]


def failure(results: list[CellResult]) -> Failure | None:
    """The error that stopped the run: that of the first cell not tagged `raises-exception` which has one."""
    for result in results:
        if result.error and "raises-exception" not in result.tags:
            return Failure(result.cell, *result.error)
    return None


def until_failure(results: list[CellResult]) -> list[CellResult]:
    """The results up to and with the failed cell: what follows it never ran in Run All, and may run in a pipeline."""
    failed = failure(results)
    return results if failed is None else [result for result in results if result.cell <= failed.cell]


def differences(a: list[CellResult], b: list[CellResult]) -> list[str]:
    """One readable line or more for everything that differs; empty if the two runs show the same."""
    found = [] if len(a) == len(b) else [f"{len(a)} code cells, but {len(b)}"]
    for left, right in zip(a, b, strict=False):
        place = f"code cell {left.cell + 1} [{' '.join(left.tags)}]"
        if left.count != right.count:
            found.append(f"{place}: execution count {left.count}, but {right.count}")
        found.extend(f"{place}: {text}" for text in _output_differences(left.outputs, right.outputs))
    return found


def _output_differences(a: list[dict[str, Any]], b: list[dict[str, Any]]) -> list[str]:
    kinds_a, kinds_b = [_kind(output) for output in a], [_kind(output) for output in b]
    if kinds_a != kinds_b:
        return [f"outputs {kinds_a}, but {kinds_b}\n  - {_short(a)}\n  + {_short(b)}"]
    found = []
    for number, (left, right) in enumerate(zip(a, b, strict=True), 1):
        for path, old, new in _leaves(left, right, ""):
            found.append(f"output {number} ({_kind(left)}), {path}:\n  - {_short(old)}\n  + {_short(new)}")
    return found


def _leaves(a: Any, b: Any, path: str) -> list[tuple[str, Any, Any]]:
    if isinstance(a, dict) and isinstance(b, dict):
        keys = [*a, *(key for key in b if key not in a)]
        return [leaf for key in keys for leaf in _leaves(a.get(key), b.get(key), f"{path}.{key}".lstrip("."))]
    return [] if a == b else [(path, a, b)]


def _kind(output: Mapping[str, Any]) -> str:
    return str(output["name"] if output["output_type"] == "stream" else output["output_type"])


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN // 2]} ... {text[-SHOWN // 2 :]}"


def _merged(outputs: list[NotebookNode]) -> list[dict[str, Any]]:
    merged: list[dict[str, Any]] = []
    streams: dict[str, str] = {}

    def flush() -> None:
        for name in sorted(streams, reverse=True):
            merged.append({"output_type": "stream", "name": name, "text": streams[name]})
        streams.clear()

    for output in outputs:
        if output.output_type == "stream":
            streams[output.name] = streams.get(output.name, "") + output.text
        else:
            flush()
            merged.append(_plain(output))
    flush()
    return merged


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _masked(value: Any, cwd: str) -> Any:
    if isinstance(value, dict):
        return {key: item if _binary(key) else _masked(item, cwd) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, cwd) for item in value]
    if not isinstance(value, str):
        return value
    text = value.replace(cwd, "<cwd>") if cwd else value
    return ADDRESS.sub("0x…", CELL_FILE.sub("ipykernel/", text))


def _binary(key: str) -> bool:
    return key.startswith("image/") and key != "image/svg+xml"
