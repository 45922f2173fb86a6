"""What differs between two versions: code, pipeline and parameters, environment, data, metrics."""

from __future__ import annotations

import difflib
import json
import warnings
from collections.abc import Mapping
from typing import Any

from jupyter_mlops.errors import StoreError
from jupyter_mlops.notebook.settings import KEY
from jupyter_mlops.versions.environment import differences
from jupyter_mlops.versions.manifest import FileEntry, Manifest
from jupyter_mlops.versions.store import Store

SECTIONS = ("code", "pipeline", "environment", "data", "metrics")  # in the order of suspicion
TEXT = 200_000  # bytes up to which two texts are compared by their lines
SHOWN = 40  # lines of a file's differences that are told


def diff(
    old: Manifest, new: Manifest, notebooks: tuple[Any, Any],
    metrics: tuple[Mapping[str, Any], Mapping[str, Any]] = ({}, {}), store: Store | None = None,
) -> dict[str, list[dict[str, Any]]]:  # fmt: skip
    """Each section's differences, a dictionary each with `what` and what proves it; empty lists where nothing differs.

    :param notebooks: the two notebooks.
    :param metrics: those of the last completed run of each version.
    :param store: where the files are, for what differs within them.
    """
    return {
        "code": code(*notebooks),
        "pipeline": pipeline(old, new),
        "environment": [{"what": told} for told in differences(old.environment, new.environment)],
        "data": data(old, new, store),
        "metrics": numbers(*metrics),
    }


def code(old: Any, new: Any) -> list[dict[str, Any]]:
    """Cells that were added, removed or changed, aligned by nbdime."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from nbdime import diff_notebooks

        found = diff_notebooks(old, new)
    told: list[dict[str, Any]] = []
    for entry in found:
        if entry.get("key") == "metadata":
            told.append(
                {"what": "notebook's metadata changed", "diff": _lines(_json(old.metadata), _json(new.metadata))}
            )
        if entry.get("key") != "cells":
            continue
        shift = 0
        for change in entry["diff"]:
            at = change["key"]
            if change["op"] == "addrange":
                for cell in change["valuelist"]:
                    told.append({"what": "cell added", "cell": at + shift, "diff": _lines("", cell["source"])})
                    shift += 1
            elif change["op"] == "removerange":
                for offset in range(change["length"]):
                    source = old["cells"][at + offset]["source"]
                    told.append({"what": "cell removed", "cell": at + offset, "diff": _lines(source, "")})
                shift -= change["length"]
            elif change["op"] == "patch":
                told += _cell(old["cells"][at], new["cells"][at + shift], at + shift)
    return told


def _cell(before: Any, after: Any, at: int) -> list[dict[str, Any]]:
    """What changed of one cell."""
    told: list[dict[str, Any]] = []
    for what, one, two in (
        ("cell changed", before["source"], after["source"]),
        ("kind of cell changed", before["cell_type"], after["cell_type"]),
        ("tags changed", *(" ".join(c["metadata"].get("tags", [])) for c in (before, after))),
        ("settings changed", *(_json(c["metadata"].get(KEY, {})) for c in (before, after))),
        ("metadata changed", *(_json(_further(c["metadata"])) for c in (before, after))),
        ("attachments changed", *("\n".join(sorted(c.get("attachments", {}))) for c in (before, after))),
    ):
        if one != two:
            told.append({"what": what, "cell": at, "diff": _lines(one, two)})
    if not told and before.get("attachments") != after.get("attachments"):
        told.append({"what": "attachments changed", "cell": at})
    return told


def _further(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in metadata.items() if name not in ("tags", KEY)}


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False)


def pipeline(old: Manifest, new: Manifest) -> list[dict[str, Any]]:
    """Steps, what they wait for and hand on, and parameters."""
    told: list[dict[str, Any]] = [
        {"what": what, "before": one, "after": two}
        for what, one, two in (
            ("notebook's name", old.name, new.name),
            ("kernel", old.kernel, new.kernel),
            ("secrets", old.pipeline.get("secrets", []), new.pipeline.get("secrets", [])),
        )
        if one != two
    ]
    before = {s["name"]: s for s in old.pipeline["steps"]}
    after = {s["name"]: s for s in new.pipeline["steps"]}
    told += [{"what": f"step {name} added"} for name in after if name not in before]
    told += [{"what": f"step {name} removed"} for name in before if name not in after]
    for name in (n for n in before if n in after):
        for field in ("inputs", "outputs", "after"):
            if before[name][field] != after[name][field]:
                told.append({
                    "what": f"step {name}: {field}", "before": before[name][field], "after": after[name][field]
                })  # fmt: skip
    ours = {p["name"]: p for p in old.pipeline["parameters"]}
    theirs = {p["name"]: p for p in new.pipeline["parameters"]}
    told += [{"what": f"parameter {name} added"} for name in theirs if name not in ours]
    told += [{"what": f"parameter {name} removed"} for name in ours if name not in theirs]
    for name in (n for n in ours if n in theirs):
        for field in ("type", "default", "help"):
            if ours[name][field] != theirs[name][field]:
                told.append({
                    "what": f"parameter {name}: {field}", "before": ours[name][field], "after": theirs[name][field]
                })  # fmt: skip
    return told


def data(old: Manifest, new: Manifest, store: Store | None = None) -> list[dict[str, Any]]:
    """Files that it reads or imports; of short texts the lines that differ."""
    before, after = {f.path: f for f in old.files}, {f.path: f for f in new.files}
    told: list[dict[str, Any]] = []
    for path in sorted({*before, *after}):
        one, two = before.get(path), after.get(path)
        if one is None:
            told.append({"what": f"{path} added"})
        elif two is None:
            told.append({"what": f"{path} removed"})
        elif one.digest != two.digest:
            sizes = {"before": _size(one), "after": _size(two)}
            texts = [None if store is None else _short_text(entry, store) for entry in (one, two)]
            lines = [] if texts[0] is None or texts[1] is None else _lines(texts[0], texts[1])
            lines = [*lines[:SHOWN], "…"] if len(lines) > SHOWN else lines
            told.append({"what": f"{path} changed", **sizes, **({"diff": lines} if lines else {})})
    return told


def _size(entry: FileEntry) -> str:
    return f"{entry.size} bytes, {entry.digest[:10]}"


def _short_text(entry: FileEntry, store: Store) -> str | None:
    """What a file says, if it is a text that can be compared in no time."""
    if not entry.stored or entry.size > TEXT:
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


def _lines(before: str, after: str) -> list[str]:
    return list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2))[2:]
