"""Evaluation of gates. Pure: values come from a `GateFacts`.

A gate passes only if it is certainly true. It is *undecided* if a value is not available, and it has *failed* if it is
false or depends on a value that is not a number (NaN). Conditions are joined as in three-valued logic (Kleene 1938):
`or` is true if one part is true, even if another can't be decided. Arithmetic is exact: 0.9 is 0.91 - 0.01.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, Protocol

from jupyter_mlops.registry.gate_syntax import (
    Arithmetic,
    Comparison,
    Condition,
    Junction,
    Measure,
    Metric,
    Negative,
    Not,
    Number,
    Quantity,
    Relation,
    Value,
)

GateState = Literal["passed", "failed", "undecided"]
Reading = float | str | bool | None  # a metric as a run holds it; "nan", "inf" and "-inf" are numbers
Exact = Fraction | float  # a float only if it is infinite


@dataclass(frozen=True)
class Unavailable:
    """A value that can't be had.

    :param reason: for people, with what to do.
    :param is_nan: it is there, but not a number.
    """

    reason: str
    is_nan: bool = False


class GateFacts(Protocol):
    """The values that gates are about."""

    def metric(self, alias: str, name: str) -> Reading | Unavailable:
        """A metric of the version that is checked, or of the one that an alias names."""
        ...

    def measure(self, measure: Measure) -> Reading | Unavailable:
        """What a function measures."""
        ...


@dataclass(frozen=True)
class GateResult:
    """The result of one gate.

    :param expression: the condition; or the gate cell, for people.
    :param number: of the gate within its job; None for a gate cell.
    :param values: what was read, by how it is written in the gate.
    :param reasons: why it did not pass, as sentences.
    """

    expression: str
    state: GateState
    number: int | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON. Values that JSON has no numbers for are "nan", "inf" and "-inf"."""
        return {
            "number": self.number, "expression": self.expression, "state": self.state, "values": dict(self.values),
            "reasons": list(self.reasons),
        }  # fmt: skip


@dataclass(frozen=True)
class Unknown:
    """A truth that can't be decided, and why."""

    causes: tuple[Unavailable, ...]


Truth = bool | Unknown


def evaluate(condition: Condition, facts: GateFacts, expression: str, number: int | None = None) -> GateResult:
    """The result of a gate.

    :param expression, number: the gate's text and number.
    """
    evaluation = _Evaluation(facts)
    truth = evaluation.truth(condition)
    values = {name: _json_value(value) for name, value in evaluation.readings.items()}
    if isinstance(truth, Unknown):
        reasons = tuple(dict.fromkeys(cause.reason for cause in truth.causes))
        state: GateState = "failed" if all(cause.is_nan for cause in truth.causes) else "undecided"
        return GateResult(expression, state, number, values, reasons)
    if truth:
        return GateResult(expression, "passed", number, values)
    return GateResult(expression, "failed", number, values, tuple(dict.fromkeys(evaluation.unmet)) or ("it is false",))


def overall(results: list[GateResult]) -> GateState:
    """The state of several gates: all have to pass."""
    states = {result.state for result in results}
    return "failed" if "failed" in states else "undecided" if "undecided" in states else "passed"


class _Evaluation:
    def __init__(self, facts: GateFacts) -> None:
        self.facts = facts
        self.readings: dict[str, Reading | Unavailable] = {}
        self.unmet: list[str] = []  # comparisons that are false

    def truth(self, condition: Condition) -> Truth:
        if isinstance(condition, Not):
            inner = self.truth(condition.condition)
            return inner if isinstance(inner, Unknown) else not inner
        if isinstance(condition, Junction):
            return self._joined(condition)
        return self._compared(condition)

    def _joined(self, junction: Junction) -> Truth:
        parts = [self.truth(part) for part in junction.parts]
        deciding = junction.word == "or"  # the truth of one part that decides
        if any(part is deciding for part in parts):
            return deciding
        causes = tuple(cause for part in parts if isinstance(part, Unknown) for cause in part.causes)
        return Unknown(causes) if causes else not deciding

    def _compared(self, comparison: Comparison) -> Truth:
        sides = (self.value(comparison.first), self.value(comparison.second))
        causes = tuple(side for side in sides if isinstance(side, Unavailable))
        if causes:
            return Unknown(causes)
        first, second = (side for side in sides if not isinstance(side, Unavailable))
        result = RELATIONS[comparison.relation](first, second)
        if not result:
            self.unmet.append(f"{_text(first)} {comparison.relation} {_text(second)} is false")
        return result

    def value(self, node: Value) -> Exact | Unavailable:
        if isinstance(node, Number):
            return node.value
        if isinstance(node, Metric | Measure):
            return self._quantity(node)
        if isinstance(node, Negative):
            inner = self.value(node.value)
            return inner if isinstance(inner, Unavailable) else -inner
        assert isinstance(node, Arithmetic), "the parser leaves no alias alone"
        first, second = self.value(node.first), self.value(node.second)
        if isinstance(first, Unavailable) or isinstance(second, Unavailable):
            return first if isinstance(first, Unavailable) else second
        return _calculated(node, first, second)

    def _quantity(self, quantity: Quantity) -> Exact | Unavailable:
        name = str(quantity)
        if name not in self.readings:
            if isinstance(quantity, Metric):
                self.readings[name] = self.facts.metric(quantity.alias, quantity.name)
            else:
                self.readings[name] = self.facts.measure(quantity)
        return _exact(name, self.readings[name])


def _calculated(node: Arithmetic, first: Exact, second: Exact) -> Exact | Unavailable:
    if node.operator == "/" and second == 0:
        return Unavailable(f"column {node.column}: division by zero", is_nan=True)
    if isinstance(first, Fraction) and isinstance(second, Fraction):
        return _FRACTIONS[node.operator](first, second)
    result = _FLOATS[node.operator](_float(first), _float(second))
    if math.isnan(result):
        return Unavailable(f"column {node.column}: the result is not a number", is_nan=True)
    return result if math.isinf(result) else Fraction(result)


def _exact(name: str, reading: Reading | Unavailable) -> Exact | Unavailable:
    """The number that was read. Texts are numbers only if they are "nan", "inf" or "-inf"."""
    if isinstance(reading, Unavailable):
        return reading
    if reading in ("nan", "inf", "-inf"):
        reading = float(reading)
    if isinstance(reading, bool | int):
        return Fraction(int(reading))
    if not isinstance(reading, float):
        return Unavailable(f"{name} is not a number, but {'nothing' if reading is None else repr(reading)[:60]}")
    if math.isnan(reading):
        return Unavailable(f"{name} is NaN", is_nan=True)
    return reading if math.isinf(reading) else Fraction(Decimal(repr(reading)))


def _float(value: Exact) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _text(value: Exact) -> str:
    return f"{_float(value):.6g}"


def _json_value(reading: Reading | Unavailable) -> Any:
    if isinstance(reading, Unavailable):
        return None
    if isinstance(reading, float) and not math.isfinite(reading):
        return str(reading)
    return reading


_FRACTIONS: dict[str, Callable[[Fraction, Fraction], Fraction]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b,
}  # fmt: skip
_FLOATS: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": lambda a, b: a / b,
}  # fmt: skip
RELATIONS: dict[Relation, Callable[[Exact, Exact], bool]] = {
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b, "!=": lambda a, b: a != b,
}  # fmt: skip
