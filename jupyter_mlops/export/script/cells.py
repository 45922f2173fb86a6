"""The code of a cell as a function of a script can contain it: the same names, values and texts."""

from __future__ import annotations

import ast
import inspect
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

from jupyter_mlops.analysis.magics import Use, find_use, to_python
from jupyter_mlops.analysis.names import access
from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export.script.bindings import bound_names
from jupyter_mlops.export.script.edits import Edits
from jupyter_mlops.export.script.indentation import indented
from jupyter_mlops.export.script.magics import capture_arguments, cell_magic
from jupyter_mlops.export.script.refusal import refuse
from jupyter_mlops.export.script.rewriting import Rewriting
from jupyter_mlops.export.script.runtime import Runtime

TIMED = ("time",)


@dataclass(frozen=True)
class ScriptCell:
    """A cell's code in a script.

    :param index: position of the cell in the notebook.
    :param code: its lines, not indented, without a line break at the end.
    :param names: what it binds.
    :param awaits: whether it is in an `async` function.
    :param parts: of the runtime that it uses.
    :param modules: packages that it imports, in functions too.
    :param notes: what it does without.
    """

    index: int
    code: str
    names: frozenset[str] = frozenset()
    awaits: bool = False
    parts: frozenset[str] = frozenset()
    modules: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


def script_cell(
    index: int, source: str, runtime: Runtime, *, may_fail: bool = False, at_top: bool = False
) -> ScriptCell:
    """A cell in a script.

    :param at_top: whether it is at the top of the script; else in a function, with all its names `global`.
    :param may_fail: whether what is below runs after an error in it.
    :raises InvalidInputError: a script can't do what it does; with its number.
    """
    text = source.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    cell = _translated(index, text, runtime, shows=True, at_top=at_top)
    if may_fail:
        block = f"with {runtime['may_fail']}():\n{indented(cell.code)}"
        cell = replace(cell, code=block, parts=cell.parts | {"may_fail"})
    return cell


def _translated(index: int, text: str, runtime: Runtime, *, shows: bool, at_top: bool = False) -> ScriptCell:
    code = _parsed(index, text)
    tree = ast.parse(code)
    magic = _cell_magic(tree)
    if magic is not None:
        return _magic_cell(index, magic, runtime, shows=shows)
    code = _without_time(index, code)
    _require_no_memory(index, code)
    tree, edits = ast.parse(code), Edits(code)
    rewriting = Rewriting(index, edits, runtime, at_top=at_top)
    rewriting.visit(tree)
    parts = set(rewriting.parts)
    if shows and _shows(code, tree):
        parts.update(_wrap_last(tree, edits, runtime, rewriting))
    awaits = _awaits(code)
    result = edits.result().rstrip()
    final = ast.parse(result)
    if not final.body:
        result = f"{result}\npass".lstrip("\n")
    return ScriptCell(
        index,
        result,
        bound_names(final),
        awaits,
        frozenset(parts),
        frozenset(rewriting.modules),
        tuple(dict.fromkeys(rewriting.notes)),
    )


def _parsed(index: int, text: str) -> str:
    """The cell as Python. Raises InvalidInputError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            code = to_python(text)
            _compiled(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InvalidInputError(
            f"no Python: {getattr(error, 'msg', None) or error}", where=f"cell {index + 1}", cell=index
        ) from None
    return code


def _compiled(code: str) -> int:
    """Flags of the code; raises SyntaxError for what is not allowed at the top of a cell, such as `return`."""
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    return int(compile(code, "cell", "exec", flags, dont_inherit=True).co_flags)


def _awaits(code: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return bool(_compiled(code) & inspect.CO_COROUTINE)


def _cell_magic(tree: ast.Module) -> Use | None:
    """The cell magic that a cell consists of."""
    if len(tree.body) == 1 and isinstance(tree.body[0], ast.Expr) and isinstance(tree.body[0].value, ast.Call):
        use = find_use(tree.body[0].value)
        return use if use is not None and use.cell else None
    return None


def _magic_cell(index: int, use: Use, runtime: Runtime, *, shows: bool) -> ScriptCell:
    if use.name in TIMED and not use.line.strip():
        return _translated(index, use.body.strip("\n"), runtime, shows=shows)
    if use.name == "capture":
        return _captured(index, use, runtime)
    translation = cell_magic(use, runtime)
    if translation is None:
        refuse(index, f"the cell uses %%{use.name} {use.line}".rstrip())
    notes = (translation.note,) if translation.note else ()
    title = f"# %%{use.name} {use.line}".rstrip()
    code = translation.expression or f"pass  {title}"
    names = frozenset(re.findall(r"--(?:out|err)\s+(\w+)", use.line)) if "program" in translation.parts else frozenset()
    return ScriptCell(index, code, names, parts=translation.parts, notes=notes)


def _captured(index: int, use: Use, runtime: Runtime) -> ScriptCell:
    arguments = capture_arguments(use.line)
    if arguments is None:
        refuse(index, f"the cell uses %%capture {use.line}")
    options, name = arguments
    body = _translated(index, use.body.strip("\n"), runtime, shows=False)
    target = f" as {name}" if name else ""
    code = f"with {runtime['captured']}({options}){target}:\n{indented(body.code)}"
    names = body.names | ({name} if name else frozenset())
    return replace(body, code=code, names=names, parts=body.parts | {"captured"})


def _without_time(index: int, code: str) -> str:
    """The code with what `%time` runs in its place."""
    while True:
        edits = Edits(code)
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.Call):
                use = find_use(node)
                if use is not None and not use.cell and use.name in TIMED and use.line.strip():
                    start, end = edits.span(node)
                    edits.replace(start, end, _parsed(index, use.line.strip()).rstrip("\n"))
                    break
        if not edits:
            return code
        code = edits.result()
        _parsed(index, code)


def _require_no_memory(index: int, code: str) -> None:
    """Refuse what only IPython keeps: earlier outputs and inputs."""
    memory = [name for name in access(code).history if name != "_exit_code"]
    if memory:
        refuse(index, f"the cell uses `{memory[0]}`, IPython's memory of earlier cells", "Give the value a name.")


def _shows(code: str, tree: ast.Module) -> bool:
    """Whether IPython shows the value of the last statement: none if a semicolon ends the cell."""
    if not tree.body or not isinstance(tree.body[-1], ast.Expr):
        return False
    end = Edits(code).span(tree.body[-1])[1]
    return not code[end:].lstrip(" \t").startswith(";")


def _wrap_last(tree: ast.Module, edits: Edits, runtime: Runtime, rewriting: Rewriting) -> Sequence[str]:
    """Show the value of the last statement; the parts that this needs."""
    last = tree.body[-1]
    if not isinstance(last, ast.Expr) or last in rewriting.silent or rewriting.gives_none(last.value):
        return ()
    start, end = edits.span(last)
    double = isinstance(last.value, ast.Tuple)
    edits.replace(start, start, f"{runtime['show']}{'((' if double else '('}")
    edits.replace(end, end, "))" if double else ")")
    return ("show",)
