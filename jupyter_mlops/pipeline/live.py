"""Values that can't leave their kernel, as far as the text tells: open files, generators, locks, connections."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from jupyter_mlops.notebook.magics import to_python
from jupyter_mlops.pipeline.model import Block

if TYPE_CHECKING:
    from nbformat import NotebookNode


@dataclass(frozen=True)
class LiveValue:
    """A value that stays where it was made.

    :param type: its type as a person would name it.
    :param reason: why it can't be handed on.
    """

    type: str
    reason: str


OPEN_FILE = LiveValue("open file", "it is open in one process")
GENERATOR = LiveValue("generator", "it stands in the middle of its code")
KNOWN = (
    (re.compile(r"open|io\.(open|FileIO)|gzip\.open|bz2\.open|lzma\.open|codecs\.open|tempfile\.\w*File"), OPEN_FILE),
    (re.compile(r"([\w.]+\.)?\w*Path\.open"), OPEN_FILE),
    (re.compile(r"socket\.(socket|create_connection)"), LiveValue("socket", "it is a connection of one process")),
    (
        re.compile(r"threading\.(R?Lock|Condition|Event|Semaphore|BoundedSemaphore|Barrier)|asyncio\.Lock"),
        LiveValue("lock", "it belongs to the threads of one process"),
    ),
    (re.compile(r"threading\.(Thread|Timer|local)"), LiveValue("thread", "it belongs to one process")),
    (
        re.compile(r"(sqlite3|duckdb|psycopg2?|pymysql|MySQLdb|pyodbc|oracledb)\.connect|sqlalchemy\.create_engine"),
        LiveValue("database connection", "it is a connection of one process"),
    ),
    (re.compile(r"subprocess\.Popen"), LiveValue("process", "it is a child of one process")),
    (
        re.compile(r"concurrent\.futures\.\w+Executor|multiprocessing\.(Pool|Queue|Process)"),
        LiveValue("pool", "its workers belong to one process"),
    ),
    (re.compile(r"iter|map|filter|zip|enumerate|reversed"), LiveValue("iterator", "what is left of it can't be told")),
    (
        re.compile(r"matplotlib\.pyplot\.(figure|subplots|gcf|gca|axes|subplot)"),
        LiveValue("figure", "it is known to matplotlib in one process"),
    ),
    (
        re.compile(r"asyncio\.(create_task|ensure_future|Queue|Event)"),
        LiveValue("task", "it belongs to one event loop"),
    ),
    (re.compile(r"weakref\.\w+"), LiveValue("weak reference", "it points into one process")),
)


def live_values(blocks: Sequence[Block], nb: NotebookNode) -> dict[int, dict[str, LiveValue]]:
    """Block -> names it leaves bound to something live."""
    found: dict[int, dict[str, LiveValue]] = {}
    modules: dict[str, str] = {}
    generators: set[str] = set()
    for block in blocks:
        modules.update(block.access.modules)
        mine: dict[str, LiveValue] = {}
        for index in block.cells:
            tree = _tree(nb.cells[index].source)
            generators |= {n.name for n in tree.body if isinstance(n, ast.FunctionDef) and _yields(n)}
            for name, value in _bound(tree.body):
                mine.pop(name, None)
                kind = _kind(value, modules, generators)
                if kind is not None:
                    mine[name] = kind
        kept = {n: v for n, v in mine.items() if n not in block.access.deletes}
        if kept:
            found[block.index] = kept
    return found


@lru_cache(maxsize=1024)
def _tree(source: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(to_python(source))
    except (SyntaxError, ValueError, RecursionError):
        return ast.Module(body=[], type_ignores=[])


def _bound(statements: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    for statement in statements:
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                yield from _targets(target, statement.value)
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            yield from _targets(statement.target, statement.value)
        elif isinstance(statement, ast.If | ast.For | ast.While | ast.Try | ast.With):
            yield from _bound(statement.body)
            yield from _bound(getattr(statement, "orelse", ()))


def _targets(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple | ast.List):
        parts = value.elts if isinstance(value, ast.Tuple | ast.List) else [value] * len(target.elts)
        for one, its in zip(target.elts, parts, strict=False):
            yield from _targets(one, its)


def _kind(value: ast.expr, modules: Mapping[str, str], generators: set[str]) -> LiveValue | None:
    if isinstance(value, ast.GeneratorExp):
        return GENERATOR
    if not isinstance(value, ast.Call):
        return None
    name = _dotted(value.func, modules)
    if name in generators:
        return GENERATOR
    return next((kind for pattern, kind in KNOWN if name and pattern.fullmatch(name)), None)


def _dotted(node: ast.expr, modules: Mapping[str, str]) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Call) and parts:
        inner = _dotted(node.func, modules)
        return ".".join([inner, *reversed(parts)]) if inner.endswith("Path") else ""
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([modules.get(node.id, node.id), *reversed(parts)])


def _yields(node: ast.FunctionDef) -> bool:
    """Whether it is a generator function; a `yield` of a function inside it is not its own."""
    waiting: list[ast.AST] = list(node.body)
    while waiting:
        part = waiting.pop()
        if isinstance(part, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            waiting += ast.iter_child_nodes(part)
    return False
