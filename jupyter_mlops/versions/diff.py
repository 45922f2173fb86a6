"""The differences between two versions: code, pipeline and parameters, environment, data, metrics."""

from __future__ import annotations

import difflib
import json
import warnings
from collections.abc import Mapping
from typing import Any

from jupyter_mlops.errors import StoreError
from jupyter_mlops.notebook.settings import KEY
from jupyter_mlops.storage.store import Store
from jupyter_mlops.versions.environment import differences
from jupyter_mlops.versions.manifest import FileEntry, Manifest

SECTIONS = ("code", "pipeline", "environment", "data", "metrics")  # in the order of suspicion
MAX_TEXT_BYTES = 200_000  # bytes up to which two texts are compared by their lines
MAX_DIFF_LINES = 40  # lines of a file's differences that are shown


def diff(
    old: Manifest, new: Manifest, notebooks: tuple[Any, Any],
    metrics: tuple[Mapping[str, Any], Mapping[str, Any]] = ({}, {}), store: Store | None = None,
) -> dict[str, list[dict[str, Any]]]:  # fmt: skip
    """The differences of each section, as dictionaries with `what` and evidence; empty lists if nothing differs.

    :param notebooks: the two notebooks.
    :param metrics: those of the last completed run of each version.
    :param store: the store of the files, to compare their content.
    """
    return {
        "code": code(*notebooks),
        "pipeline": pipeline(old, new),
        "environment": [{"what": sentence} for sentence in differences(old.environment, new.environment)],
        "data": data(old, new, store),
        "metrics": numbers(*metrics),
    }


def code(old: Any, new: Any) -> list[dict[str, Any]]:
    """Cells that were added, removed or changed, aligned by nbdime."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from nbdime import diff_notebooks

        operations = diff_notebooks(old, new)
    changes: list[dict[str, Any]] = []
    for entry in operations:
        if entry.get("key") == "metadata":
            changes.append(
                {"what": "notebook's metadata changed", "diff": _diff_lines(_json(old.metadata), _json(new.metadata))}
            )
        if entry.get("key") != "cells":
            continue
        index_shift = 0
        for change in entry["diff"]:
            index = change["key"]
            if change["op"] == "addrange":
                for cell in change["valuelist"]:
                    changes.append(
                        {"what": "cell added", "cell": index + index_shift, "diff": _diff_lines("", cell["source"])}
                    )
                    index_shift += 1
            elif change["op"] == "removerange":
                for offset in range(change["length"]):
                    source = old["cells"][index + offset]["source"]
                    changes.append({"what": "cell removed", "cell": index + offset, "diff": _diff_lines(source, "")})
                index_shift -= change["length"]
            elif change["op"] == "patch":
                changes += _cell_changes(old["cells"][index], new["cells"][index + index_shift], index + index_shift)
    return changes


def _cell_changes(old_cell: Any, new_cell: Any, index: int) -> list[dict[str, Any]]:
    """The changes of one cell."""
    changes: list[dict[str, Any]] = []
    for label, old_text, new_text in (
        ("cell changed", old_cell["source"], new_cell["source"]),
        ("kind of cell changed", old_cell["cell_type"], new_cell["cell_type"]),
        ("tags changed", *(" ".join(c["metadata"].get("tags", [])) for c in (old_cell, new_cell))),
        ("settings changed", *(_json(c["metadata"].get(KEY, {})) for c in (old_cell, new_cell))),
        ("metadata changed", *(_json(_other_metadata(c["metadata"])) for c in (old_cell, new_cell))),
        ("attachments changed", *("\n".join(sorted(c.get("attachments", {}))) for c in (old_cell, new_cell))),
    ):
        if old_text != new_text:
            changes.append({"what": label, "cell": index, "diff": _diff_lines(old_text, new_text)})
    if not changes and old_cell.get("attachments") != new_cell.get("attachments"):
        changes.append({"what": "attachments changed", "cell": index})
    return changes


def _other_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metadata.items() if name not in ("tags", KEY)}


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False)


def pipeline(old: Manifest, new: Manifest) -> list[dict[str, Any]]:
    """Steps, their dependencies and outputs, and parameters."""
    changes: list[dict[str, Any]] = [
        {"what": label, "before": old_value, "after": new_value}
        for label, old_value, new_value in (
            ("notebook's name", old.name, new.name),
            ("kernel", old.kernel, new.kernel),
            ("secrets", old.pipeline.get("secrets", []), new.pipeline.get("secrets", [])),
        )
        if old_value != new_value
    ]
    old_steps = {s["name"]: s for s in old.pipeline["steps"]}
    new_steps = {s["name"]: s for s in new.pipeline["steps"]}
    changes += [{"what": f"step {name} added"} for name in new_steps if name not in old_steps]
    changes += [{"what": f"step {name} removed"} for name in old_steps if name not in new_steps]
    for name in (n for n in old_steps if n in new_steps):
        for field in ("inputs", "outputs", "after"):
            if old_steps[name][field] != new_steps[name][field]:
                changes.append({
                    "what": f"step {name}: {field}", "before": old_steps[name][field], "after": new_steps[name][field]
                })  # fmt: skip
    old_parameters = {p["name"]: p for p in old.pipeline["parameters"]}
    new_parameters = {p["name"]: p for p in new.pipeline["parameters"]}
    changes += [{"what": f"parameter {name} added"} for name in new_parameters if name not in old_parameters]
    changes += [{"what": f"parameter {name} removed"} for name in old_parameters if name not in new_parameters]
    for name in (n for n in old_parameters if n in new_parameters):
        for field in ("type", "default", "help"):
            if old_parameters[name][field] != new_parameters[name][field]:
                changes.append({
                    "what": f"parameter {name}: {field}", "before": old_parameters[name][field],
                    "after": new_parameters[name][field]
                })  # fmt: skip
    return changes


def data(old: Manifest, new: Manifest, store: Store | None = None) -> list[dict[str, Any]]:
    """The files that it reads or imports; for short texts, the lines that differ."""
    old_files, new_files = {f.path: f for f in old.files}, {f.path: f for f in new.files}
    changes: list[dict[str, Any]] = []
    for path in sorted({*old_files, *new_files}):
        old_entry, new_entry = old_files.get(path), new_files.get(path)
        if old_entry is None:
            changes.append({"what": f"{path} added"})
        elif new_entry is None:
            changes.append({"what": f"{path} removed"})
        elif old_entry.digest != new_entry.digest:
            sizes = {"before": _size_text(old_entry), "after": _size_text(new_entry)}
            texts = [None if store is None else _short_text(entry, store) for entry in (old_entry, new_entry)]
            lines = [] if texts[0] is None or texts[1] is None else _diff_lines(texts[0], texts[1])
            lines = [*lines[:MAX_DIFF_LINES], "…"] if len(lines) > MAX_DIFF_LINES else lines
            changes.append({"what": f"{path} changed", **sizes, **({"diff": lines} if lines else {})})
    return changes


def _size_text(entry: FileEntry) -> str:
    return f"{entry.size} bytes, {entry.digest[:10]}"


def _short_text(entry: FileEntry, store: Store) -> str | None:
    """The content of a file, if it is a short text."""
    if not entry.stored or entry.size > MAX_TEXT_BYTES:
        return None
    try:
        return store.get(entry.digest).decode()
    except (UnicodeDecodeError, StoreError):
        return None


def numbers(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Metrics that differ."""
    return [
        {"what": name, "before": old.get(name), "after": new.get(name)}
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]


def _diff_lines(old_text: str, new_text: str) -> list[str]:
    return list(difflib.unified_diff(old_text.splitlines(), new_text.splitlines(), lineterm="", n=2))[2:]
