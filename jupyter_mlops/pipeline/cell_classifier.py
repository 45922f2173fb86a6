"""Classifies a code cell by its syntax tree."""

from __future__ import annotations

import ast
import re
from typing import Literal

from jupyter_mlops.analysis.expressions import written

Kind = Literal["imports", "definitions", "literals", "seeds", "code"]

_MAGICS = frozenset({"matplotlib", "config", "load_ext", "reload_ext", "autoreload", "aimport", "precision"})
_SETTINGS = re.compile(
    r"warnings\.(?:filterwarnings|simplefilter)|logging\.(?:basicConfig|disable|captureWarnings)"
    r"|(?:(?:sns|seaborn)\.)?(?:plt|matplotlib|mpl|pylab)\.(?:rc|rcdefaults|rcParams\.update|style\.use|ion|ioff|use|set_cmap)"
    r"|(?:sns|seaborn)\.set\w*|(?:pd|pandas)\.(?:set_option|options\.\w[\w.]*)|(?:np|numpy)\.(?:set_printoptions|seterr)"
    r"|(?:\w+\.)*register_matplotlib_converters|(?:pl|polars)\.Config\.\w+|(?:sklearn\.)?set_config"
    r"|(?:alt|altair)\.(?:data_transformers|renderers|themes)\.enable|init_notebook_mode|(?:\w+\.)*load_dotenv"
)
_SEED_CALLS = re.compile(r"(?:\w+\.)*(?:seed|set_seed|manual_seed|default_rng|RandomState|seed_everything)")
_OPTION_STORES = re.compile(r"(?:plt|matplotlib|mpl|pylab)\.rcParams|(?:pd|pandas)\.options\.\w[\w.]*|pio\.\w[\w.]*")
_MAX_LITERAL_ITEMS = 12


def kind(tree: ast.Module) -> Kind:
    """`imports`: imports and display settings; `definitions`: functions and classes, imports allowed;
    `literals`: names set to plain values; `seeds`: random generators seeded, imports and settings allowed;
    `code`: anything else.
    """
    body = [statement for statement in tree.body if not _is_text(statement)]
    if not body:
        return "code"
    setting = [statement for statement in body if not _is_version(statement)]
    if setting and all(_is_import(statement) or _is_setting(statement) for statement in setting):
        return "imports"
    if all(_is_import(statement) or _is_definition(statement) for statement in body):
        return "definitions"
    if all(_literal_name(statement) for statement in body):
        return "literals"
    seeds = all(_is_import(statement) or _is_setting(statement) or _is_seed(statement) for statement in body)
    return "seeds" if seeds else "code"


def literal_names(tree: ast.Module) -> tuple[str, ...]:
    """The names that a `literals` cell sets, in order."""
    return tuple(name for name in map(_literal_name, tree.body) if name)


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_import(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Try):
        parts = [*statement.body, *statement.orelse, *statement.finalbody]
        fallbacks = [child for handler in statement.handlers for child in handler.body]
        return all(map(_is_import, parts)) and all(
            _is_import(child) or _is_setting(child) or isinstance(child, ast.Pass) or bool(_literal_name(child))
            for child in fallbacks
        )
    return isinstance(statement, ast.Import | ast.ImportFrom)


def _is_setting(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Assign):
        target = statement.targets[0]
        base = target.value if isinstance(target, ast.Subscript) else target
        is_option = isinstance(base, ast.Attribute) and _OPTION_STORES.fullmatch(written(base))
        return bool(is_option) and _is_constant(statement.value)
    if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)):
        return False
    call = statement.value
    if written(call.func) == "get_ipython().run_line_magic":
        return isinstance(call.args[0], ast.Constant) and call.args[0].value in _MAGICS
    return _SETTINGS.fullmatch(written(call.func)) is not None and not any(
        isinstance(node, ast.Call) for argument in call.args for node in ast.walk(argument)
    )


def _is_version(statement: ast.stmt) -> bool:
    """`print(module.__version__)` and similar calls of print without other calls."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "print"):
        return False
    return not any(isinstance(node, ast.Call) for argument in call.args for node in ast.walk(argument))


def _is_seed(statement: ast.stmt) -> bool:
    value = statement.value if isinstance(statement, ast.Expr | ast.Assign) else None
    return isinstance(value, ast.Call) and _SEED_CALLS.fullmatch(written(value.func)) is not None


def _is_definition(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)


def _literal_name(statement: ast.stmt) -> str:
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target, value = statement.targets[0], statement.value
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        target, value = statement.target, statement.value
    else:
        return ""
    return target.id if isinstance(target, ast.Name) and _is_value(value) else ""


def _is_value(node: ast.expr) -> bool:
    """A scalar, a string, or a short list, tuple or dict of these. Empty containers are excluded, because code fills
    them.
    """
    if isinstance(node, ast.List | ast.Tuple):
        return 0 < len(node.elts) <= _MAX_LITERAL_ITEMS and all(map(_is_scalar, node.elts))
    if isinstance(node, ast.Dict):
        keys = [key for key in node.keys if key is not None]
        return 0 < len(keys) == len(node.values) <= _MAX_LITERAL_ITEMS and all(map(_is_scalar, [*keys, *node.values]))
    return _is_scalar(node)


def _is_scalar(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        node = node.operand
    return isinstance(node, ast.Constant)


def _is_constant(node: ast.expr) -> bool:
    return not any(isinstance(child, ast.Call | ast.Name) for child in ast.walk(node))
