"""What a gate consists of: conditions, arithmetic, and the quantities that they are about. Pure data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Operator = Literal["+", "-", "*", "/"]
Relation = Literal["<", "<=", ">", ">=", "==", "!="]
PREVIOUS = "previous"  # the version published before the one that is checked


@dataclass(frozen=True)
class Number:
    value: Fraction
    column: int


@dataclass(frozen=True)
class Column:
    """A column of a frame. :param frame: name of the variable; "" for any frame that has the column."""

    frame: str
    name: str

    def __str__(self) -> str:
        return f"{quoted(self.frame)}.{quoted(self.name)}" if self.frame else quoted(self.name)


Argument = int | str | Column


@dataclass(frozen=True)
class Metric:
    """A metric of a run. :param alias: of which version; "" for the one that is checked."""

    alias: str
    name: str
    column: int

    def __str__(self) -> str:
        return f"{quoted(self.alias)}.{quoted(self.name)}" if self.alias else quoted(self.name)


@dataclass(frozen=True)
class Measure:
    """A value that a function measures. :param metric: of a function that has many, such as `backtest(90).auc`."""

    alias: str
    function: str
    arguments: tuple[Argument, ...]
    metric: str
    column: int

    def __str__(self) -> str:
        arguments = ", ".join(quoted(a) if isinstance(a, str) else str(a) for a in self.arguments)
        call = f"{self.function}({arguments})" + (f".{quoted(self.metric)}" if self.metric else "")
        return f"{quoted(self.alias)}.{call}" if self.alias else call


@dataclass(frozen=True)
class AliasAlone:
    """`production`, short for what the other side of the comparison is about, of that version."""

    alias: str
    column: int


Quantity = Metric | Measure


@dataclass(frozen=True)
class Negative:
    value: Value
    column: int


@dataclass(frozen=True)
class Arithmetic:
    operator: Operator
    first: Value
    second: Value
    column: int


@dataclass(frozen=True)
class Comparison:
    relation: Relation
    first: Value
    second: Value
    column: int


@dataclass(frozen=True)
class Not:
    condition: Condition
    column: int


@dataclass(frozen=True)
class Junction:
    """Conditions that are joined by `and` or by `or`."""

    word: Literal["and", "or"]
    parts: tuple[Condition, ...]
    column: int


Value = Number | Metric | Measure | AliasAlone | Negative | Arithmetic
Condition = Comparison | Not | Junction
Node = Value | Condition


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below."""
    if isinstance(node, Arithmetic | Comparison):
        return (node.first, node.second)
    if isinstance(node, Negative):
        return (node.value,)
    if isinstance(node, Not):
        return (node.condition,)
    return node.parts if isinstance(node, Junction) else ()


def walk(node: Node) -> Iterator[Node]:
    """The node and all nodes below it, in the order of the text."""
    yield node
    for child in children(node):
        yield from walk(child)


def quoted(name: str) -> str:
    """A name as it is written in a gate: in quotes unless it is a word."""
    if name.isidentifier() and name not in ("and", "or", "not"):
        return name
    return f'"{name}"' if "'" in name else f"'{name}'"
