"""Reads the text of a contract. Errors name the line and the column of what can't be understood."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.tracking.contract import TYPES, ColumnRule, Contract

MOST_LETTERS = 1_000_000


class ContractReader:
    """Turns the nodes of a YAML document into a contract.

    :param path: what errors call the document.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def error(self, node: Any, field: str, message: str, remedy: str = "") -> InvalidInputError:
        mark = node.start_mark
        place = f"{self.path}, line {mark.line + 1}, column {mark.column + 1}"
        return InvalidInputError(f"{field}: {message}" if field else message, where=place, remedy=remedy, field=field)

    def entries(self, node: Any, field: str, keys: Mapping[str, Any] | None = None) -> Iterator[tuple[str, Any]]:
        """Key and value of a mapping. Raises if it is not a mapping, or if a key is repeated or unknown."""
        import yaml

        if not isinstance(node, yaml.MappingNode):
            raise self.error(node, field, "expected names with values (`name: value`)")
        names: set[str] = set()
        for key_node, value in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise self.error(key_node, field, "a name has to be a text")
            key = str(key_node.value)
            if key in names:
                raise self.error(key_node, field, f"`{key}` stands here twice", "Remove one of the two.")
            if keys is not None and key not in keys:
                near = difflib.get_close_matches(key, keys, 1)
                remedy = f"Did you mean `{near[0]}`?" if near else f"Use one of: {', '.join(keys)}."
                raise self.error(key_node, field, f"`{key}` is not known", remedy)
            names.add(key)
            yield key, value

    def value(self, node: Any) -> Any:
        """The value of a node, as YAML's safe schema has it."""
        import yaml

        loader = yaml.SafeLoader("")
        try:
            return loader.construct_object(node, deep=True)
        except (yaml.YAMLError, ValueError, TypeError) as error:
            raise self.error(node, "", f"not a value that a contract can have: {error}") from error
        finally:
            loader.dispose()

    def number(self, node: Any, field: str, *, low: float = -math.inf, high: float = math.inf) -> float:
        value = self.value(node)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            bounds = f" from {low:g} to {high:g}" if math.isfinite(high) else ""
            raise self.error(node, field, f"expected a number{bounds}")
        return value

    def flag(self, node: Any, field: str) -> bool:
        value = self.value(node)
        if not isinstance(value, bool):
            raise self.error(node, field, "expected true or false")
        return value

    def items(self, node: Any, field: str) -> list[Any]:
        import yaml

        if not isinstance(node, yaml.SequenceNode):
            raise self.error(node, field, "expected a list (`[…, …]`)")
        return list(node.value)

    def range(self, node: Any, field: str) -> tuple[float | None, float | None]:
        items = self.items(node, field)
        if len(items) != 2:
            raise self.error(node, field, "expected two numbers", "Write `null` where the range is open.")
        low, high = (None if self.value(item) is None else self.number(item, field) for item in items)
        if low is not None and high is not None and low > high:
            raise self.error(node, field, "the lowest number is above the highest", "Swap the two.")
        return low, high

    def type(self, node: Any, field: str) -> str:
        value = self.value(node)
        if value not in TYPES:
            raise self.error(node, field, f"no type is called `{value}`", f"Use one of: {', '.join(TYPES)}.")
        return str(value)

    def texts(self, node: Any, field: str) -> tuple[str, ...]:
        values = []
        for item in self.items(node, field):
            value = self.value(item)
            if not isinstance(value, str):
                raise self.error(item, field, "a category has to be a text", f'Write it in quotes: "{item.value}".')
            values.append(value)
        if not values:
            raise self.error(node, field, "no category is listed", "Leave the line out to allow all texts.")
        return tuple(values)

    def rule(self, node: Any, field: str) -> ColumnRule:
        """The rule of one column."""
        readers: dict[str, Callable[[Any, str], Any]] = {
            "type": self.type, "missing": lambda n, f: self.number(n, f, low=0, high=1), "range": self.range,
            "categories": self.texts, "unique": self.flag, "optional": self.flag,
        }  # fmt: skip
        return ColumnRule(**{
            key: readers[key](value, f"{field}.{key}") for key, value in self.entries(node, field, readers)
        })  # fmt: skip

    def rows(self, node: Any) -> tuple[int | None, int | None]:
        bounds: dict[str, int] = {}
        for key, value in self.entries(node, "rows", {"min": 0, "max": 0}):
            number = self.number(value, f"rows.{key}", low=0, high=10**15)
            if number != int(number):
                raise self.error(value, f"rows.{key}", "expected a whole number")
            bounds[key] = int(number)
        low, high = bounds.get("min"), bounds.get("max")
        if low is not None and high is not None and low > high:
            raise self.error(node, "rows", "min is above max", "Swap the two.")
        return low, high

    def contract(self, node: Any) -> Contract:
        """The contract of a document's root."""
        rules: dict[str, ColumnRule] = {}
        rows: tuple[int | None, int | None] = (None, None)
        extra = True
        for key, value in self.entries(node, "", {"rows": 0, "extra_columns": 0, "columns": 0}):
            if key == "rows":
                rows = self.rows(value)
            elif key == "extra_columns":
                text = self.value(value)
                if text not in ("allowed", "forbidden"):
                    raise self.error(value, key, "expected `allowed` or `forbidden`")
                extra = text == "allowed"
            else:
                rules = {name: self.rule(rule, f"columns.{name}") for name, rule in self.entries(value, "columns")}
        return Contract(rules, rows, extra)


def read_contract(text: str, path: str = "contract") -> Contract:
    """The contract of a text.

    :raises InvalidInputError: with line and column, if it can't be understood.
    """
    import yaml

    if len(text) > MOST_LETTERS:
        raise InvalidInputError("the contract is longer than 1 MB", where=path, remedy="Shorten it.")
    try:
        node = yaml.compose(text, yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{path}, line {mark.line + 1}, column {mark.column + 1}" if mark else path
        raise InvalidInputError(f"not YAML: {error.problem}", where=place, remedy="Correct the text there.") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise InvalidInputError(f"not YAML: {error}", where=path, remedy="Correct the text.") from error
    if node is None:
        return Contract()
    return ContractReader(path).contract(node)
