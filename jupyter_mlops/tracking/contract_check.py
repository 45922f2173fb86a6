"""Whether a profile keeps a contract. What a profile does not say is not a finding: ranges are checked by its bins."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jupyter_mlops.tracking.column_identity import column_names
from jupyter_mlops.tracking.column_pair import family, profile_rows
from jupyter_mlops.tracking.column_tests import percent
from jupyter_mlops.tracking.contract import ColumnRule, Contract
from jupyter_mlops.tracking.drift_finding import DriftFinding

Document = Mapping[str, Any]
Breach = Iterator[tuple[str, str, float]]


def check_contract(contract: Contract, profile: Document) -> list[DriftFinding]:
    """Each rule that the frame breaks, in the order of the contract."""
    rows, columns = int(profile["rows"]), column_names(profile)
    findings = []
    low, high = contract.rows
    if (low is not None and rows < low) or (high is not None and rows > high):
        text = f"{rows} rows; the contract allows {low or 0} to {'any number' if high is None else high}"
        findings.append(_finding("", "rows", text, 1.0))
    for name, rule in contract.columns.items():
        if name in columns:
            findings += [
                _finding(name, part, text, size)
                for test in RULES
                for part, text, size in test(name, rule, columns[name], profile_rows(profile))
            ]
        elif not rule.optional:
            findings.append(_finding(name, "columns", f"`{name}` is missing; the contract requires the column", 1.0))
    if not contract.extra_columns:
        for name in columns:
            if name not in contract.columns:
                findings.append(_finding(name, "extra_columns", f"`{name}` is a column that the contract lacks", 1.0))
    return findings


def _finding(column: str, rule: str, text: str, size: float) -> DriftFinding:
    return DriftFinding("contract", column, text, size, 0.0, None, {"rule": rule})


def _type(name: str, rule: ColumnRule, column: Document, rows: int) -> Breach:
    kind = column["kind"]
    numbers = column.get("numbers") or {}
    if rule.type == "any" or kind in (rule.type, "empty"):
        return
    if rule.type == "numeric" and kind == "integer":
        return
    if rule.type == "integer" and family(column) == "number" and numbers["whole"] == numbers["finite"]:
        return  # integers with missing values are floats in pandas
    yield "type", f"`{name}` holds {kind} values ({column['dtype']}); the contract says {rule.type}", 1.0


def _missing(name: str, rule: ColumnRule, column: Document, rows: int) -> Breach:
    share = column["missing"] / rows if rows else 0.0
    if share > rule.missing:
        text = f"`{name}`: {percent(share)} of the values are missing; the contract allows {percent(rule.missing)}"
        yield "missing", text, share


def _range(name: str, rule: ColumnRule, column: Document, rows: int) -> Breach:
    numbers = column.get("numbers")
    if not numbers or not numbers["finite"]:
        return
    edges, counts = numbers["edges"], numbers["counts"]
    low, high = rule.range
    # A bin lies outside as a whole, or is not counted: its values are above its lower edge, up to its upper edge.
    below = sum(counts[i] for i, edge in enumerate(edges) if low is not None and edge < low)
    above = sum(counts[i + 1] for i, edge in enumerate(edges) if high is not None and edge >= high)
    ends = numbers.get("extremes")
    quantiles = [value for value in numbers["quantiles"] if value is not None]
    below = max(below, _beyond(quantiles, numbers["finite"], lambda value: low is not None and value < low))
    above = max(above, _beyond(quantiles, numbers["finite"], lambda value: high is not None and value > high))
    if ends and low is not None and float(ends[0]) < low:
        below = max(below, 1)
    if ends and high is not None and float(ends[1]) > high:
        above = max(above, 1)
    for count, word, bound in ((below, "below", low), (above, "above", high)):
        if count and bound is not None:
            share = count / numbers["finite"]
            yield "range", f"`{name}`: at least {percent(share)} of the values are {word} {bound:g}", share


def _beyond(quantiles: list[float], size: int, outside: Callable[[float], bool]) -> int:
    """Rows that are surely outside by the quantiles: each stands for 1/32 of the rows."""
    return size * sum(map(outside, quantiles)) // 32


def _categories(name: str, rule: ColumnRule, column: Document, rows: int) -> Breach:
    texts = column.get("texts")
    if not rule.categories or not texts:
        return
    total = sum(count for _, count in texts["top"]) + texts["other"]
    for category, count in texts["top"]:
        if category not in rule.categories:
            share = count / total
            yield "categories", f"`{name}`: `{category}` is not allowed ({percent(share)} of the rows)", share
    unnamed = column["distinct"]["count"] - len(texts["top"])
    absent = len(set(rule.categories) - {category for category, _ in texts["top"]})
    if column["distinct"]["exact"] and unnamed > absent:
        share = texts["other"] / total
        yield "categories", f"`{name}`: {unnamed - absent} rare categories are not allowed", share


def _unique(name: str, rule: ColumnRule, column: Document, rows: int) -> Breach:
    present, distinct = rows - column["missing"], column.get("distinct")
    if rule.unique and distinct and distinct["exact"] and distinct["count"] < present:
        share = (present - distinct["count"]) / present
        yield "unique", f"`{name}`: {percent(share)} of the values repeat another; the contract says unique", share


RULES = (_type, _missing, _range, _categories, _unique)
