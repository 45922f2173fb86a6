"""Contracts as schemas of pandera, and the other way round. Needs pandera."""

from __future__ import annotations

from typing import Any

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.tracking.contract import ColumnRule, Contract

DTYPES = {"integer": "int64", "numeric": "float64", "boolean": "bool", "text": "str", "datetime": "datetime64[ns]"}


def pandera_library() -> Any:
    """pandera's pandas part. Raises InvalidInputError if it is not installed."""
    try:
        import pandera.pandas as library
    except ImportError as error:
        remedy = "Install it: pip install pandera."
        raise InvalidInputError("pandera is not installed", where="contract", remedy=remedy) from error
    return library


def to_pandera(contract: Contract) -> Any:
    """A `DataFrameSchema` with the same rules. Types are coerced, as a contract accepts integers that are floats."""
    library = pandera_library()
    checks = []
    low, high = contract.rows
    if low is not None or high is not None:
        checks.append(library.Check(_row_check(low, high), name="rows", error=f"rows from {low} to {high}"))
    columns = {name: _column(library, rule) for name, rule in contract.columns.items()}
    return library.DataFrameSchema(columns, checks=checks, strict=not contract.extra_columns)


def _row_check(low: int | None, high: int | None) -> Any:
    return lambda frame: (low is None or len(frame) >= low) and (high is None or len(frame) <= high)


def _column(library: Any, rule: ColumnRule) -> Any:
    checks = []
    low, high = rule.range
    if low is not None:
        checks.append(library.Check.ge(low))
    if high is not None:
        checks.append(library.Check.le(high))
    if rule.categories:
        checks.append(library.Check.isin(list(rule.categories)))
    if 0 < rule.missing < 1:
        most = rule.missing
        name = f"missing <= {most:g}"
        checks.append(library.Check(lambda column: column.isna().mean() <= most, name=name, ignore_na=False))
    whole_with_gaps = rule.type == "integer" and rule.missing > 0
    dtype = "float64" if whole_with_gaps else DTYPES.get(rule.type)
    return library.Column(
        dtype, checks, nullable=rule.missing > 0, unique=rule.unique, required=not rule.optional, coerce=bool(dtype)
    )


def from_pandera(schema: Any) -> Contract:
    """The contract of a `DataFrameSchema`: types, nullability, uniqueness, ranges, `isin`. Other checks are lost."""
    library = pandera_library()
    if not isinstance(schema, library.DataFrameSchema):
        raise InvalidInputError(
            f"a {type(schema).__name__} is not a schema", where="contract", remedy="Give a pandera DataFrameSchema."
        )
    rules = {str(name): _rule(column) for name, column in schema.columns.items()}
    return Contract(rules, extra_columns=schema.strict is not True)


def _rule(column: Any) -> ColumnRule:
    low: float | None = None
    high: float | None = None
    categories: tuple[str, ...] = ()
    for check in column.checks:
        statistics = check.statistics or {}
        low = statistics.get("min_value", low)
        high = statistics.get("max_value", high)
        if check.name == "isin":
            categories = tuple(str(value) for value in statistics["allowed_values"])
    return ColumnRule(
        _type(str(column.dtype)), 1.0 if column.nullable else 0.0, (low, high), categories, bool(column.unique),
        not column.required,
    )  # fmt: skip


def _type(dtype: str) -> str:
    lower = dtype.lower()
    for prefixes, kind in (
        (("int", "uint"), "integer"), (("float", "decimal"), "numeric"), (("bool",), "boolean"),
        (("str", "string", "object", "category"), "text"), (("datetime", "date"), "datetime"),
    ):  # fmt: skip
        if lower.startswith(prefixes):
            return kind
    return "any"
