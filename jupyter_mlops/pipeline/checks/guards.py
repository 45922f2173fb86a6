"""Guards: code with which a cell handles the absence of a name or module."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from functools import lru_cache

from jupyter_mlops.pipeline.checks.calls import CACHE_SIZE, dotted

BROAD_ERRORS = frozenset({"Exception", "BaseException"})
NAME_ERRORS = frozenset({"NameError", "UnboundLocalError"}) | BROAD_ERRORS
IMPORT_ERRORS = frozenset({"ImportError", "ModuleNotFoundError"}) | BROAD_ERRORS
_NAMESPACES = re.compile(r"(globals|locals|vars|dir)|.*\.(user_ns|user_global_ns|__dict__)|In|__builtins__|builtins")
_MODULES = re.compile(r"(.*\.)?(find_spec|find_loader|modules|environ|getenv|util\.find_spec)")
_HOST = re.compile(r"(.*[._])?(colab|kaggle|databricks|sagemaker|paperspace|binder|deepnote)([._].*)?", re.IGNORECASE)
_PYTHON = re.compile(r"(.*\.)?(?:is_?)?py(?:thon)?_?([23])", re.IGNORECASE)
MIN_PYTHON_MINOR = 9  # of Python 3, that a kernel may have
TryTypes = tuple[type, ...]
_TRY_TYPES: TryTypes = (ast.Try, getattr(ast, "TryStar", ast.Try))


@lru_cache(CACHE_SIZE)
def guarded_names(tree: ast.Module) -> frozenset[str]:
    """The names whose absence the cell handles wherever it reads or deletes them."""
    uses: dict[str, set[int]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store):
            uses.setdefault(node.id, set()).add(id(node))
    guarded_uses: dict[str, set[int]] = {}
    for name, node in _guarded_nodes(tree, NAME_ERRORS, _tested_names):
        if isinstance(node, ast.Name) and name in ("", node.id):
            guarded_uses.setdefault(node.id, set()).add(id(node))
    return frozenset(name for name, node_ids in uses.items() if node_ids <= guarded_uses.get(name, set()))


@lru_cache(CACHE_SIZE)
def guarded_imports(tree: ast.Module) -> frozenset[int]:
    """The import statements, by `id`, whose failure a cell handles, or that only run on another host."""
    nodes = _guarded_nodes(tree, IMPORT_ERRORS, _tested_modules)
    return frozenset(id(node) for _, node in nodes if isinstance(node, ast.Import | ast.ImportFrom))


@lru_cache(CACHE_SIZE)
def guarded_calls(tree: ast.Module, errors: frozenset[str]) -> frozenset[int]:
    """The calls, by `id`, for which one of these errors is caught, or that only run on another host."""
    return frozenset(
        id(node) for _, node in _guarded_nodes(tree, errors, _tested_modules) if isinstance(node, ast.Call)
    )


def _guarded_nodes(
    tree: ast.Module, errors: frozenset[str], find_names: Callable[[ast.expr], frozenset[str]]
) -> Iterator[tuple[str, ast.AST]]:
    """Each node inside a guard, with the guarded name; "" for any name."""
    for node in ast.walk(tree):
        for name, region in _regions(node, errors, find_names):
            for root in region:
                yield from ((name, child) for child in ast.walk(root))


def _regions(
    node: ast.AST, errors: frozenset[str], find_names: Callable[[ast.expr], frozenset[str]]
) -> Iterator[tuple[str, list[ast.AST]]]:
    match node:
        case ast.With(items=items) | ast.AsyncWith(items=items) if any(_suppresses(i, errors) for i in items):
            yield "", list(node.body)
        case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
            truth = static_truth(test)
            body = node.body if isinstance(node.body, list) else [node.body]
            orelse = node.orelse if isinstance(node.orelse, list) else [node.orelse]
            if truth is not None:
                yield "", [*(orelse if truth else body)]
            for name in find_names(test):
                yield name, [test, *body, *orelse]
        case ast.BoolOp(op=op, values=[first, *rest]):
            if static_truth(first) is isinstance(op, ast.Or):
                yield "", list(rest)
            for name in find_names(first):
                yield name, list(rest)
    if isinstance(node, _TRY_TYPES) and any(_catches(handler, errors) for handler in node.handlers):  # type: ignore[attr-defined]
        yield "", list(node.body)  # type: ignore[attr-defined]


def _catches(handler: ast.ExceptHandler, errors: frozenset[str]) -> bool:
    """Whether it catches one of these errors and continues."""
    has_raise = any(isinstance(statement, ast.Raise) for statement in handler.body)
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return not has_raise and any(kind is None or _last_part(kind) in errors for kind in kinds)


def _suppresses(item: ast.withitem, errors: frozenset[str]) -> bool:
    call = item.context_expr
    return (
        isinstance(call, ast.Call)
        and _last_part(call.func) in ("suppress", "raises", "assertRaises", "assertRaisesRegex")
        and any(_last_part(argument) in errors for argument in call.args)
    )


def _last_part(node: ast.expr) -> str:
    return dotted(node).rsplit(".", 1)[-1]


def _tested_names(test: ast.expr) -> frozenset[str]:
    """The names whose existence a test checks: `"x" in globals()`, `hasattr(builtins, "x")`, `globals().get("x")`."""
    names: set[str] = set()
    for node in ast.walk(test):
        match node:
            case ast.Compare(left=ast.Constant(value=str(name)), ops=[ast.In() | ast.NotIn()], comparators=[place]):
                if _is_namespace(place):
                    names.add(name)
            case ast.Call(func=ast.Name(id="hasattr" | "getattr"), args=[place, ast.Constant(value=str(name)), *_]):
                if _is_namespace(place):
                    names.add(name)
            case ast.Call(func=ast.Attribute(value=place, attr="get"), args=[ast.Constant(value=str(name)), *_]):
                if _is_namespace(place):
                    names.add(name)
    return frozenset(names)


def _is_namespace(node: ast.expr) -> bool:
    while isinstance(node, ast.Call):
        if dotted(node.func) == "get_ipython":
            return True
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("keys", "copy"):
            node = node.func.value
        else:
            node = node.func
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Call):
        return node.attr in ("user_ns", "user_global_ns")
    return _NAMESPACES.fullmatch(dotted(node)) is not None


def _tested_modules(test: ast.expr) -> frozenset[str]:
    """{""} where a test asks for modules, for variables of the environment or for the host; {} otherwise."""
    for node in ast.walk(test):
        if isinstance(node, ast.Name | ast.Attribute):
            name = dotted(node)
            if _MODULES.fullmatch(name) or _HOST.fullmatch(name) or name == "get_ipython":
                return frozenset({""})
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _HOST.fullmatch(node.value):
            return frozenset({""})
    return frozenset()


def static_truth(test: ast.expr) -> bool | None:
    """The value of a test of the language's version under Python 3; None for any other test."""
    match test:
        case ast.Constant(value=bool() | int() as value):
            return bool(value)
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            truth = static_truth(inner)
            return None if truth is None else not truth
        case ast.Compare(left=left, ops=[op], comparators=[ast.Constant() | ast.Tuple() as right]):
            return _compare_version(left, op, right)
        case ast.BoolOp(op=op, values=values):
            truths = [static_truth(value) for value in values]
            deciding_value = isinstance(op, ast.Or)
            return deciding_value if deciding_value in truths else None if None in truths else not deciding_value
        case ast.Name() | ast.Attribute():
            name = dotted(test)
            version = _PYTHON.fullmatch(name)
            if version:
                return version[2] == "3"
            return False if name.rsplit(".", 1)[-1] == "TYPE_CHECKING" else None
        case ast.Call(func=ast.Attribute(attr="startswith", value=place), args=[ast.Constant(value=str(begin))]):
            return begin[:1] == "3" if dotted(place) in ("sys.version", "version") else None
    return None


def _compare_version(operand: ast.expr, op: ast.cmpop, right: ast.expr) -> bool | None:
    try:
        version = ast.literal_eval(right)
    except ValueError:
        return None
    major: object = None
    match operand:
        case ast.Attribute(value=place, attr="major") if _last_part(place) == "version_info":
            major = 3
        case ast.Subscript(value=place, slice=ast.Constant(value=0)):
            major = {"version_info": 3, "version": "3"}.get(_last_part(place))
        case ast.Name() | ast.Attribute() if _last_part(operand) == "version_info":
            if not isinstance(version, tuple) or (3, MIN_PYTHON_MINOR) < version[:2] < (4,):
                return None
            major, version = (3, MIN_PYTHON_MINOR, 1), version
    if major is None or type(major) is not type(version):
        return None
    compare: dict[type[ast.cmpop], bool] = {
        ast.Eq: major == version, ast.NotEq: major != version,
        ast.Lt: major < version, ast.LtE: major <= version, ast.Gt: major > version, ast.GtE: major >= version,  # type: ignore[operator]
    }  # fmt: skip
    return compare.get(type(op))
