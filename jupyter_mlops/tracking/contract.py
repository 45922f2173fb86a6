"""A contract: what a frame has to be like, as a small YAML text that people edit.

rows: {min: 900, max: 4000}
extra_columns: allowed
columns:
  age: {type: integer, missing: 0, range: [18, 100]}
  country: {type: text, missing: 0.01, categories: [DE, GB, US]}
  id: {type: integer, missing: 0, unique: true}
  note: {type: text, optional: true}
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlops.tracking.column_pair import column_name, profile_rows

TYPES = ("integer", "numeric", "boolean", "text", "datetime", "any")
MOST_CATEGORIES = 30
SLACK = 0.25  # of the range between the outer edges, on both sides
ROWS_FACTOR = 3.0
Document = Mapping[str, Any]


@dataclass(frozen=True)
class ColumnRule:
    """What holds of one column.

    :param missing: the largest share of missing values.
    :param range: the lowest and the highest number; None where it is open.
    :param categories: the only texts that are allowed.
    :param optional: whether the column may be absent.
    """

    type: str = "any"
    missing: float = 1.0
    range: tuple[float | None, float | None] = (None, None)
    categories: tuple[str, ...] = ()
    unique: bool = False
    optional: bool = False


@dataclass(frozen=True)
class Contract:
    """What holds of a frame.

    :param rows: the smallest and the largest number of rows; None where it is open.
    :param extra_columns: whether columns that have no rule are allowed.
    """

    columns: Mapping[str, ColumnRule] = field(default_factory=dict)
    rows: tuple[int | None, int | None] = (None, None)
    extra_columns: bool = True


def infer(profile: Document) -> Contract:
    """The contract that a frame like this one keeps, with some room: half of the missing values more, wider ranges."""
    rows = profile_rows(profile)
    rules = {column_name(column): _rule(column, rows) for column in profile["columns"]}
    number = int(profile["rows"])
    return Contract(
        rules, (max(1, int(number / ROWS_FACTOR)), math.ceil(number * ROWS_FACTOR)) if number else (None, None)
    )


def _rule(column: Document, rows: int) -> ColumnRule:
    kind = column["kind"] if column["kind"] in TYPES else "any"
    share = column["missing"] / rows if rows else 1.0
    present = rows - column["missing"]
    distinct = column.get("distinct") or {"count": 0}
    return ColumnRule(
        kind,
        0.0 if not share else min(1.0, _rounded(1.5 * share + 0.01, up=True)),
        _range(column),
        _categories(column, present),
        present >= 100 and distinct["count"] == present and kind in ("integer", "text"),
    )


def _categories(column: Document, present: int) -> tuple[str, ...]:
    """The categories, if all of them are known and each is frequent."""
    texts = column.get("texts")
    if column["kind"] != "text" or not texts or texts["other"] or not 0 < len(texts["top"]) <= MOST_CATEGORIES:
        return ()
    return tuple(sorted(name for name, _ in texts["top"])) if present >= 10 * len(texts["top"]) else ()


def _range(column: Document) -> tuple[float | None, float | None]:
    """From the outer edges outwards by the slack; 0 stays a bound where nothing lies below it."""
    numbers = column.get("numbers")
    if not numbers or len(numbers["edges"]) < 2:
        return None, None
    low, high = numbers["edges"][0], numbers["edges"][-1]
    reach = (high - low) * (1 + SLACK)
    if not math.isfinite(reach):
        return None, None
    bottom = 0.0 if not numbers["negative"] and low - reach < 0 else _rounded(low - reach, up=False)
    return bottom, _rounded(high + reach, up=True)


def _rounded(value: float, *, up: bool) -> float:
    """Two digits, rounded outwards."""
    if not value:
        return 0.0
    scale = 10.0 ** (1 - math.floor(math.log10(abs(value))))
    if not math.isfinite(scale) or not scale:
        return value
    return (math.ceil(value * scale) if up else math.floor(value * scale)) / scale


def contract_text(contract: Contract) -> str:
    """The contract as YAML, one line a column."""
    import yaml

    def flow(value: Any) -> str:
        return yaml.safe_dump(value, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6).strip()

    def name(text: str) -> str:
        return flow(text).removesuffix("\n...").strip() if "\n" not in text else yaml.safe_dump(
            text, default_style='"', allow_unicode=True, width=10**6
        ).strip()  # fmt: skip

    lines = []
    if contract.rows != (None, None):
        bounds = zip(("min", "max"), contract.rows, strict=True)
        lines.append("rows: " + flow({key: value for key, value in bounds if value is not None}))
    lines.append(f"extra_columns: {'allowed' if contract.extra_columns else 'forbidden'}")
    lines.append("columns:" if contract.columns else "columns: {}")
    for column, rule in contract.columns.items():
        lines.append(f"  {name(column)}: {flow(_rule_fields(rule))}")
    return "\n".join(lines) + "\n"


def _rule_fields(rule: ColumnRule) -> dict[str, Any]:
    fields: dict[str, Any] = {"type": rule.type}
    if rule.missing < 1:
        fields["missing"] = rule.missing
    if rule.range != (None, None):
        fields["range"] = list(rule.range)
    if rule.categories:
        fields["categories"] = list(rule.categories)
    if rule.unique:
        fields["unique"] = True
    if rule.optional:
        fields["optional"] = True
    return fields
