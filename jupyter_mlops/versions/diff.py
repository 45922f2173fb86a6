"""What differs between two versions: code, pipeline and parameters, environment, data, metrics."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Mapping
from typing import Any

from jupyter_mlops.versions.environment import differences
from jupyter_mlops.versions.manifest import Manifest

SECTIONS = ("code", "pipeline", "environment", "data", "metrics")  # in the order of suspicion


def diff(
    old: Manifest, new: Manifest, notebooks: tuple[Any, Any],
    metrics: tuple[Mapping[str, Any], Mapping[str, Any]] = ({}, {}),
) -> dict[str, list[dict[str, Any]]]:  # fmt: skip
    """Each section's differences, a dictionary each with `what` and what proves it; empty lists where nothing differs.

    :param notebooks: the two notebooks.
    :param metrics: those of the last completed run of each version.
    """
    return {
        "code": code(*notebooks),
        "pipeline": pipeline(old, new),
        "environment": [{"what": told} for told in differences(old.environment, new.environment)],
        "data": data(old, new),
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
                before, after = old["cells"][at], new["cells"][at + shift]
                if before["source"] != after["source"]:
                    lines = _lines(before["source"], after["source"])
                    told.append({"what": "cell changed", "cell": at + shift, "diff": lines})
                if before["metadata"].get("tags", []) != after["metadata"].get("tags", []):
                    tags = [" ".join(c["metadata"].get("tags", [])) for c in (before, after)]
                    told.append({"what": "tags changed", "cell": at + shift, "diff": _lines(*tags)})
    return told


def pipeline(old: Manifest, new: Manifest) -> list[dict[str, Any]]:
    """Steps, what they wait for and hand on, and parameters."""
    told: list[dict[str, Any]] = []
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
        for field in ("type", "default"):
            if ours[name][field] != theirs[name][field]:
                told.append({
                    "what": f"parameter {name}: {field}", "before": ours[name][field], "after": theirs[name][field]
                })  # fmt: skip
    return told


def data(old: Manifest, new: Manifest) -> list[dict[str, Any]]:
    """Files that it reads or imports."""
    before, after = {f.path: f for f in old.files}, {f.path: f for f in new.files}
    told: list[dict[str, Any]] = []
    for path in sorted({*before, *after}):
        one, two = before.get(path), after.get(path)
        if one is None:
            told.append({"what": f"{path} added"})
        elif two is None:
            told.append({"what": f"{path} removed"})
        elif one.digest != two.digest:
            told.append({"what": f"{path} changed", "before": f"{one.size} bytes", "after": f"{two.size} bytes"})
    return told


def numbers(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Metrics that differ."""
    return [
        {"what": name, "before": old.get(name), "after": new.get(name)}
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]


def _lines(before: str, after: str) -> list[str]:
    return list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2))[2:]
