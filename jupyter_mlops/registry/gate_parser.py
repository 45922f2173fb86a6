"""The grammar of gates. It is closed: nothing in a gate is executed.

gate       = and {"or" and}
and        = not {"and" not}
not        = "not" not | comparison
comparison = sum [("<" | "<=" | ">" | ">=" | "==" | "!=") sum]
sum        = product {("+" | "-") product}
product    = sign {("*" | "/") sign}
sign       = "-" sign | atom
atom       = NUMBER | "(" gate ")" | quantity
quantity   = [alias "."] (metric | FUNCTION "(" argument {"," argument} ")" ["." metric]) | alias
argument   = NUMBER | name | name "." name
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Literal, cast

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.registry.gate_syntax import (
    PREVIOUS,
    AliasAlone,
    Argument,
    Arithmetic,
    Column,
    Comparison,
    Condition,
    Junction,
    Measure,
    Metric,
    Negative,
    Node,
    Not,
    Number,
    Operator,
    Quantity,
    Relation,
    Value,
    walk,
)
from jupyter_mlops.registry.gate_tokens import Token, syntax_error, tokenize

DEEPEST = 40  # nested parentheses and signs
RELATIONS = ("<", "<=", ">", ">=", "==", "!=")
KEYWORDS = ("and", "or", "not")
ArgumentKind = Literal["column", "metric", "frame", "count"]


@dataclass(frozen=True)
class Signature:
    """The arguments of a function, and whether a metric follows it, as in `backtest(90).auc`."""

    arguments: tuple[ArgumentKind, ...]
    has_metric: bool = False
    example: str = ""


FUNCTIONS = {
    "drift": Signature(("column",), example="drift(age)"),
    "gap": Signature(("metric", "column"), example="gap(selection_rate, sex)"),
    "backtest": Signature(("count",), has_metric=True, example="backtest(90).auc"),
    "missing": Signature(("column",), example="missing(age)"),
    "rows": Signature(("frame",), example="rows(customers)"),
}
KINDS = {"column": "a column", "metric": "a metric", "frame": "a frame", "count": "a whole number from 1"}


def parse(text: str, aliases: Collection[str]) -> Condition:
    """The condition that a gate states.

    :param aliases: names that stand for a version before a dot or alone, besides `previous`.
    :raises InvalidInputError: it is not a condition; the error points at the column.
    """
    return _Parser(text, frozenset(aliases) | {PREVIOUS}).parse()


class _Parser:
    """One pass over the tokens, a method for each rule of the grammar."""

    def __init__(self, text: str, aliases: frozenset[str]) -> None:
        self.text, self.aliases = text, aliases
        self.tokens = tokenize(text)
        self.position = 0
        self.depth = 0

    def parse(self) -> Condition:
        if len(self.tokens) == 1:
            raise self._error(self.tokens[0], "the gate is empty", "Write a condition, such as accuracy >= 0.9.")
        condition = self._condition(self._or(), self.tokens[0])
        if self._next.kind != "end":
            raise self._unexpected("the end, `and`, `or` or an operator")
        return condition

    # -- conditions

    def _or(self) -> Node:
        return self._junction("or", self._and)

    def _and(self) -> Node:
        return self._junction("and", self._not)

    def _junction(self, word: Literal["and", "or"], part: Callable[[], Node]) -> Node:
        token = self._next
        node = part()
        if not self._is_word(word):
            return node
        parts = [self._condition(node, token)]
        while self._is_word(word):
            self._advance()
            token = self._next
            parts.append(self._condition(part(), token))
        return Junction(word, tuple(parts), parts[0].column)

    def _not(self) -> Node:
        if not self._is_word("not"):
            return self._comparison()
        token = self._advance()
        with self._nested(token):
            inner = self._next
            return Not(self._condition(self._not(), inner), token.column)

    def _comparison(self) -> Node:
        token = self._next
        first = self._sum()
        if not self._is_sign(*RELATIONS):
            return first
        operator = self._advance()
        second_token = self._next
        second = self._value(self._sum(), second_token)
        if self._is_sign(*RELATIONS):
            raise self._error(self._next, "comparisons can't be chained", "Write `a < b and b < c`.")
        comparison = Comparison(cast(Relation, operator.text), self._value(first, token), second, operator.column)
        return self._completed(comparison)

    def _completed(self, comparison: Comparison) -> Comparison:
        """With quantities in the place of aliases that stand alone."""
        first, second = comparison.first, comparison.second
        return replace(comparison, first=self._filled(first, second), second=self._filled(second, first))

    def _filled(self, value: Value, other: Value) -> Value:
        if isinstance(value, AliasAlone):
            subjects = {str(q): q for q in walk(other) if isinstance(q, Metric | Measure) and not q.alias}
            if len(subjects) != 1:
                raise syntax_error(
                    self.text, value.column, f"it is not clear what of {value.alias} is compared",
                    f"Write {value.alias}.METRIC. A metric of this name is written in quotes: '{value.alias}'.",
                )  # fmt: skip
            subject: Quantity = next(iter(subjects.values()))
            return replace(subject, alias=value.alias, column=value.column)
        if isinstance(value, Arithmetic):
            return replace(value, first=self._filled(value.first, other), second=self._filled(value.second, other))
        return replace(value, value=self._filled(value.value, other)) if isinstance(value, Negative) else value

    # -- values

    def _sum(self) -> Node:
        return self._operation(("+", "-"), self._product)

    def _product(self) -> Node:
        return self._operation(("*", "/"), self._signed)

    def _operation(self, signs: tuple[str, ...], part: Callable[[], Node]) -> Node:
        token = self._next
        node = part()
        while self._is_sign(*signs):
            operator = self._advance()
            second_token = self._next
            second = self._value(part(), second_token)
            node = Arithmetic(cast(Operator, operator.text), self._value(node, token), second, operator.column)
        return node

    def _signed(self) -> Node:
        if not self._is_sign("-"):
            return self._atom()
        token = self._advance()
        with self._nested(token):
            inner = self._next
            return Negative(self._value(self._signed(), inner), token.column)

    def _atom(self) -> Node:
        token = self._next
        if token.kind == "number":
            self._advance()
            return Number(self._number(token), token.column)
        if self._is_sign("("):
            self._advance()
            with self._nested(token):
                node = self._or()
            self._expect(")")
            return node
        if token.kind == "quoted" or (token.kind == "name" and token.text not in KEYWORDS):
            return self._quantity()
        raise self._unexpected("a metric, a function, a number or `(`")

    def _quantity(self) -> Value:
        token = self._advance()
        if token.kind == "name" and self._is_sign("("):
            return self._call("", token)
        if not self._is_sign("."):
            if token.kind == "name" and token.text in self.aliases:
                return AliasAlone(token.text, token.column)
            return Metric("", token.text, token.column)
        if token.text not in self.aliases:
            raise self._unknown_alias(token)
        self._advance()
        name = self._name("a metric")
        if name.kind == "name" and self._is_sign("("):
            return self._call(token.text, name)
        return Metric(token.text, name.text, token.column)

    def _call(self, alias: str, function: Token) -> Measure:
        if function.text not in FUNCTIONS:
            hint = _nearest(function.text, FUNCTIONS)
            raise self._error(
                function, f"there is no function {function.text!r}", f"{hint}Functions: {', '.join(FUNCTIONS)}."
            )
        signature = FUNCTIONS[function.text]
        self._advance()
        arguments: list[Argument] = []
        for number, kind in enumerate(signature.arguments):
            if number:
                self._expect(",", f"`,` and {KINDS[kind]}, as in {signature.example}")
            arguments.append(self._argument(kind, signature))
        self._expect(")", f"`)`, as in {signature.example}")
        metric = ""
        if signature.has_metric:
            self._expect(".", f"`.` and a metric, as in {signature.example}")
            metric = self._name("a metric").text
        return Measure(alias, function.text, tuple(arguments), metric, function.column)

    def _argument(self, kind: ArgumentKind, signature: Signature) -> Argument:
        expected = f"{KINDS[kind]}, as in {signature.example}"
        token = self._next
        if kind == "count":
            if (
                token.kind != "number"
                or not token.text.isdecimal()
                or not 0 < len(token.text) < 7
                or not int(token.text)
            ):
                raise self._unexpected(expected)
            return int(self._advance().text)
        name = self._name(expected)
        if kind != "column":
            return name.text
        if not self._is_sign("."):
            return Column("", name.text)
        self._advance()
        return Column(name.text, self._name("a column").text)

    def _number(self, token: Token) -> Fraction:
        value = float(token.text)
        if value in (float("inf"), 0.0) and Decimal(token.text):
            raise self._error(token, "the number is too large or too small")
        return Fraction(Decimal(token.text))

    # -- tokens

    @property
    def _next(self) -> Token:
        return self.tokens[self.position]

    def _advance(self) -> Token:
        token = self._next
        self.position += token.kind != "end"
        return token

    def _is_sign(self, *signs: str) -> bool:
        return self._next.kind == "sign" and self._next.text in signs

    def _is_word(self, word: str) -> bool:
        return self._next.kind == "name" and self._next.text == word

    def _expect(self, sign: str, expected: str = "") -> None:
        if not self._is_sign(sign):
            raise self._unexpected(expected or f"`{sign}`")
        self._advance()

    def _name(self, expected: str) -> Token:
        if self._next.kind != "quoted" and (self._next.kind != "name" or self._next.text in KEYWORDS):
            raise self._unexpected(expected)
        return self._advance()

    def _condition(self, node: Node, token: Token) -> Condition:
        if isinstance(node, Comparison | Not | Junction):
            return node
        raise self._error(
            self._next, f"expected a comparison after the value at column {token.column}",
            "Write a condition, such as accuracy >= 0.9.", expected=", ".join(RELATIONS),
        )  # fmt: skip

    def _value(self, node: Node, token: Token) -> Value:
        if isinstance(node, Comparison | Not | Junction):
            raise self._error(token, "expected a value, not a condition", "Conditions are joined by `and` and `or`.")
        return node

    @contextmanager
    def _nested(self, token: Token) -> Iterator[None]:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self._error(token, f"more than {DEEPEST} levels of parentheses, signs and `not`")
        yield
        self.depth -= 1

    # -- errors

    def _error(self, token: Token, message: str, hint: str = "", *, expected: str = "") -> InvalidInputError:
        return syntax_error(self.text, token.column, message, hint, expected=expected)

    def _unexpected(self, expected: str) -> InvalidInputError:
        token = self._next
        hint = f"Did you mean `{token.text.lower()}`?" if token.text.lower() in KEYWORDS else ""
        return self._error(token, f"expected {expected}, not {token.words}", hint, expected=expected)

    def _unknown_alias(self, token: Token) -> InvalidInputError:
        names = sorted(self.aliases)
        following = self.tokens[min(self.position + 1, len(self.tokens) - 1)]
        hint = (
            _nearest(token.text, names)
            or f"A metric with a dot is written in quotes: '{token.text}.{following.text}'. "
        )
        return self._error(
            token, f"{token.text!r} is neither a stage nor an alias", f"{hint}Known: {', '.join(names)}."
        )


def _nearest(name: str, names: Collection[str]) -> str:
    near = difflib.get_close_matches(name, list(names), 1)
    return f"Did you mean {near[0]!r}? " if near else ""
