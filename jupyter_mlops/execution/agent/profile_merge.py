"""The profile of two frames together, from their profiles: exact where both count in the same bins."""

from __future__ import annotations

import bisect
from collections.abc import Mapping
from typing import Any

from .profiles import FORMAT, identity
from .sketches import QUANTILES, estimate, number, united, unpacked


def merge(first: Mapping[Any, Any], second: Mapping[Any, Any]) -> dict[Any, Any]:
    """The profile of the rows of the two frames. Counts are exact; quantiles and distinct values are estimates.

    :raises ValueError: if the profiles have other columns, other edges or another format.
    """
    if first["format"] != FORMAT or second["format"] != FORMAT:
        raise ValueError("a profile has an unknown format")
    names = [identity(column) for column in first["columns"]]
    others = {identity(column): column for column in second["columns"]}
    if sorted(names) != sorted(others):
        raise ValueError("the profiles have different columns")
    sampled = [part["sampled"] for part in (first, second)]
    duplicates = (first["duplicates"], second["duplicates"])
    return {
        **first,
        "rows": first["rows"] + second["rows"],
        "sampled": _sampled(first, second) if any(sampled) else None,
        "columns": [_merged(column, others[identity(column)]) for column in first["columns"]],
        "omitted": max(first["omitted"], second["omitted"]),
        "duplicates": None if None in duplicates else sum(duplicates),  # at least so many
    }


def _sampled(first: Mapping[Any, Any], second: Mapping[Any, Any]) -> dict[Any, Any]:
    parts = [part["sampled"] or {"rows": part["rows"], "every": 1} for part in (first, second)]
    return {"rows": sum(part["rows"] for part in parts), "every": max(part["every"] for part in parts)}


def _merged(first: Mapping[Any, Any], second: Mapping[Any, Any]) -> dict[Any, Any]:
    if "distinct" not in first or "distinct" not in second:
        filled = first if "distinct" in first else second
        return {**filled, "missing": first["missing"] + second["missing"]}
    result = {**first, "missing": first["missing"] + second["missing"]}
    for key, join in (("numbers", _numbers), ("texts", _texts), ("times", _times)):
        if (key in first) != (key in second):
            raise ValueError("column {} has another kind".format(first["name"]))
        if key in first:
            result[key] = join(first[key], second[key], first["name"])
    result["distinct"] = _distinct(first, second, result)
    result["constant"] = result["distinct"]["count"] == 1
    if first["dtype"] != second["dtype"] or first["kind"] != second["kind"]:
        result["dtype"] = first["dtype"] if first["dtype"] == second["dtype"] else "mixed"
        result["kind"] = "numeric" if "numbers" in result else first["kind"]
    return result


def _distinct(first: Mapping[Any, Any], second: Mapping[Any, Any], result: Mapping[Any, Any]) -> dict[Any, Any]:
    registers = united(first["distinct"]["registers"], second["distinct"]["registers"])
    texts = result.get("texts")
    if texts is not None and not texts["other"]:
        return {"count": len(texts["top"]), "exact": True, "registers": registers}
    counts = [part["distinct"]["count"] for part in (first, second)]
    if max(counts) == 1 and _same_registers(first, second):
        return {"count": 1, "exact": True, "registers": registers}
    count = min(max(estimate(unpacked(registers)), *counts), sum(counts))
    return {"count": count, "exact": not min(counts), "registers": registers}


def _same_registers(first: Mapping[Any, Any], second: Mapping[Any, Any]) -> bool:
    return bool(first["distinct"]["registers"] == second["distinct"]["registers"])


def _numbers(first: Mapping[Any, Any], second: Mapping[Any, Any], name: str) -> dict[Any, Any]:
    if not second["finite"] or not first["finite"]:
        base = first if first["finite"] else second
        return {**base, "infinite": [a + b for a, b in zip(first["infinite"], second["infinite"])]}
    if first["edges"] != second["edges"]:
        raise ValueError(f"column {name} was counted between other edges")
    size = first["finite"] + second["finite"]
    means = [float(part["mean"]) for part in (first, second)]
    apart = means[1] - means[0]
    squares = float(first["squares"]) + float(second["squares"]) + apart**2 * first["finite"] * second["finite"] / size
    merged = {
        "finite": size, "infinite": [a + b for a, b in zip(first["infinite"], second["infinite"])],
        "zero": first["zero"] + second["zero"], "negative": first["negative"] + second["negative"],
        "whole": first["whole"] + second["whole"], "edges": first["edges"],
        "counts": [a + b for a, b in zip(first["counts"], second["counts"])],
        "quantiles": _quantiles(first, second), "mean": number(means[0] + apart * second["finite"] / size),
        "squares": number(squares),
    }  # fmt: skip
    if "extremes" in first and "extremes" in second:
        ends = [[float(value) for value in part["extremes"]] for part in (first, second)]
        merged["extremes"] = [number(min(ends[0][0], ends[1][0])), number(max(ends[0][1], ends[1][1]))]
    return merged


def _quantiles(first: Mapping[Any, Any], second: Mapping[Any, Any]) -> list[Any]:
    """Where the mixture of the two distributions reaches each share, with straight lines between known quantiles."""
    weights = [part["finite"] for part in (first, second)]
    curves = [_curve(part["quantiles"]) for part in (first, second)]
    if not curves[0] or not curves[1]:
        return list(first["quantiles"] if weights[0] >= weights[1] else second["quantiles"])
    places = sorted({value for curve in curves for value, _ in curve})
    shares = [sum(w * _share(c, value) for w, c in zip(weights, curves)) / sum(weights) for value in places]
    result: list[Any] = []
    for step in range(1, QUANTILES):
        target = step / QUANTILES
        position = bisect.bisect_left(shares, target)
        if position in (0, len(places)):
            result.append(places[min(position, len(places) - 1)])
            continue
        low, high = shares[position - 1], shares[position]
        part = (target - low) / (high - low) if high > low else 0.0
        result.append(places[position - 1] + part * (places[position] - places[position - 1]))
    return result


def _curve(values: list[Any]) -> list[Any]:
    return [(value, (i + 1) / QUANTILES) for i, value in enumerate(values) if value is not None]


def _share(curve: list[Any], value: float) -> float:
    position = bisect.bisect_right(curve, (value, 2.0))
    if position == 0:
        return 0.0
    if position == len(curve):
        return 1.0 if value > curve[-1][0] else float(curve[-1][1])
    (low, below), (high, above) = curve[position - 1], curve[position]
    return float(below + (above - below) * (value - low) / (high - low)) if high > low else float(above)


def _texts(first: Mapping[Any, Any], second: Mapping[Any, Any], name: str) -> dict[Any, Any]:
    counts: dict[Any, Any] = dict(first["top"])
    for category, count in second["top"]:
        counts[category] = counts.get(category, 0) + count
    ordered: Any = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    merged = {"top": [list(item) for item in ordered], "other": first["other"] + second["other"]}
    merged["unnamed"] = first["unnamed"] + second["unnamed"]
    if "lengths" in first and "lengths" in second:
        merged["lengths"] = [a + b for a, b in zip(first["lengths"], second["lengths"])]
        merged["traits"] = {trait: count + second["traits"][trait] for trait, count in first["traits"].items()}
    return merged


def _times(first: Mapping[Any, Any], second: Mapping[Any, Any], name: str) -> dict[Any, Any]:
    filled = [part for part in (first, second) if part["first"] is not None]
    if len(filled) < 2:
        return dict(filled[0] if filled else first)
    ends = [min(part["first"] for part in filled), max(part["last"] for part in filled)]
    unit = "hour" if all(part["unit"] == "hour" for part in filled) else "day"
    return {"first": ends[0], "last": ends[1], "unit": unit}
