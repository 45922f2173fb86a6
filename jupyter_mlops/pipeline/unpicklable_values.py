"""Values that can't leave their kernel, as far as the text shows: open files, generators, locks, connections."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from jupyter_mlops.analysis.magics import to_python
from jupyter_mlops.pipeline.model import Block

if TYPE_CHECKING:
    from nbformat import NotebookNode


@dataclass(frozen=True)
class UnpicklableValue:
    """A value that stays in its kernel.

    :param type: its type, for people.
    :param reason: why it can't be transferred.
    """

    type: str
    reason: str


OPEN_FILE = UnpicklableValue("open file", "it is open in one process")
GENERATOR = UnpicklableValue("generator", "it is suspended in the middle of its code")
UNPICKLABLE_CALLS = (
    (re.compile(r"open|io\.(open|FileIO)|gzip\.open|bz2\.open|lzma\.open|codecs\.open|tempfile\.\w*File"), OPEN_FILE),
    (re.compile(r"([\w.]+\.)?\w*Path\.open"), OPEN_FILE),
    (
        re.compile(r"socket\.(socket|create_connection)"),
        UnpicklableValue("socket", "it is a connection of one process"),
    ),
    (
        re.compile(r"threading\.(R?Lock|Condition|Event|Semaphore|BoundedSemaphore|Barrier)|asyncio\.Lock"),
        UnpicklableValue("lock", "it belongs to the threads of one process"),
    ),
    (re.compile(r"threading\.(Thread|Timer|local)"), UnpicklableValue("thread", "it belongs to one process")),
    (
        re.compile(r"(sqlite3|duckdb|psycopg2?|pymysql|MySQLdb|pyodbc|oracledb)\.connect|sqlalchemy\.create_engine"),
        UnpicklableValue("database connection", "it is a connection of one process"),
    ),
    (re.compile(r"subprocess\.Popen"), UnpicklableValue("process", "it is a child process of one kernel")),
    (
        re.compile(r"concurrent\.futures\.\w+Executor|multiprocessing\.(Pool|Queue|Process)"),
        UnpicklableValue("pool", "its workers belong to one process"),
    ),
    (
        re.compile(r"iter|map|filter|zip|enumerate|reversed"),
        UnpicklableValue("iterator", "its remaining items are unknown"),
    ),
    (
        re.compile(r"matplotlib\.pyplot\.(figure|subplots|gcf|gca|axes|subplot)"),
        UnpicklableValue("figure", "it is registered with matplotlib in one process"),
    ),
    (
        re.compile(r"asyncio\.(create_task|ensure_future|Queue|Event)"),
        UnpicklableValue("task", "it belongs to one event loop"),
    ),
    (re.compile(r"weakref\.\w+"), UnpicklableValue("weak reference", "it points into one process")),
)


def unpicklable_values(blocks: Sequence[Block], nb: NotebookNode) -> dict[int, dict[str, UnpicklableValue]]:
    """Block -> names that it leaves bound to live values."""
    values_by_block: dict[int, dict[str, UnpicklableValue]] = {}
    modules: dict[str, str] = {}
    generators: set[str] = set()
    for block in blocks:
        modules.update(block.access.modules)
        block_values: dict[str, UnpicklableValue] = {}
        for index in block.cells:
            tree = _tree(nb.cells[index].source)
            generators |= {n.name for n in tree.body if isinstance(n, ast.FunctionDef) and _yields(n)}
            for name, value in _bindings(tree.body):
                block_values.pop(name, None)
                kind = _classify(value, modules, generators)
                if kind is not None:
                    block_values[name] = kind
        retained_values = {n: v for n, v in block_values.items() if n not in block.access.deletes}
        if retained_values:
            values_by_block[block.index] = retained_values
    return values_by_block


@lru_cache(maxsize=1024)
def _tree(source: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(to_python(source))
    except (SyntaxError, ValueError, RecursionError):
        return ast.Module(body=[], type_ignores=[])


def _bindings(statements: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    for statement in statements:
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                yield from _target_bindings(target, statement.value)
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            yield from _target_bindings(statement.target, statement.value)
        elif isinstance(statement, ast.If | ast.For | ast.While | ast.Try | ast.With):
            yield from _bindings(statement.body)
            yield from _bindings(getattr(statement, "orelse", ()))


def _target_bindings(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple | ast.List):
        parts = value.elts if isinstance(value, ast.Tuple | ast.List) else [value] * len(target.elts)
        for element, part in zip(target.elts, parts, strict=False):
            yield from _target_bindings(element, part)


def _classify(value: ast.expr, modules: Mapping[str, str], generators: set[str]) -> UnpicklableValue | None:
    if isinstance(value, ast.GeneratorExp):
        return GENERATOR
    if not isinstance(value, ast.Call):
        return None
    name = _dotted_name(value.func, modules)
    if name in generators:
        return GENERATOR
    return next((kind for pattern, kind in UNPICKLABLE_CALLS if name and pattern.fullmatch(name)), None)


def _dotted_name(node: ast.expr, modules: Mapping[str, str]) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Call) and parts:
        callee = _dotted_name(node.func, modules)
        return ".".join([callee, *reversed(parts)]) if callee.endswith("Path") else ""
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([modules.get(node.id, node.id), *reversed(parts)])


def _yields(node: ast.FunctionDef) -> bool:
    """Whether it is a generator function; `yield` in a nested function does not count."""
    pending: list[ast.AST] = list(node.body)
    while pending:
        child = pending.pop()
        if isinstance(child, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            pending += ast.iter_child_nodes(child)
    return False
