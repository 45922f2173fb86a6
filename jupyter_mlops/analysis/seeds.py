"""Seeds of random generators: which ones a cell sets before it draws, and calls that take none."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

from jupyter_mlops.analysis.effect_tables import SEEDS, STATE_CALLS
from jupyter_mlops.analysis.magics import find_use


def initial_seeds(body: list[ast.stmt], dotted: Callable[[ast.AST], str]) -> frozenset[str]:
    """Generators that a top-level statement certainly seeds before any call could draw from them.

    :param dotted: the dotted name of an expression.
    """
    resources: set[str] = set()
    for statement in body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            continue
        if isinstance(statement, ast.Assign) and not any(isinstance(n, ast.Call) for n in ast.walk(statement)):
            continue
        if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call | ast.Constant)):
            if isinstance(statement, ast.FunctionDef | ast.ClassDef) and not statement.decorator_list:
                continue
            return frozenset(resources)
        if isinstance(statement.value, ast.Constant):
            continue
        call = statement.value
        name = dotted(call.func)
        use = find_use(call)
        if use is not None and not use.code and use.name in ("matplotlib", "load_ext", "config", "autoreload"):
            continue
        if name in SEEDS and not is_unseeded(call) and not any(isinstance(a, ast.Call) for a in call.args):
            resources.add(SEEDS[name])
        elif not any(re.fullmatch(p, name) for p, r in STATE_CALLS if "random" not in r):
            return frozenset(resources)
    return frozenset(resources)


def is_unseeded(call: ast.Call) -> bool:
    """Whether a call that takes a seed gets none, or None."""
    values = [*call.args, *(k.value for k in call.keywords if k.arg in ("seed", "a", "x", "entropy"))]
    return not values or (isinstance(values[0], ast.Constant) and values[0].value is None)
