"""Where the cells of a notebook go in a script: at its top, or in functions, and which steps these belong to."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_mlops.export.identifiers import unique_identifiers
from jupyter_mlops.export.script.cells import ScriptCell, script_cell
from jupyter_mlops.export.script.indentation import indented
from jupyter_mlops.export.script.rewriting import SETTINGS
from jupyter_mlops.export.script.runtime import Runtime, unused
from jupyter_mlops.notebook.declaration import declared_parameters

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from jupyter_mlops.pipeline.model import Block, Pipeline

DEFINITIONS = frozenset({"imports", "functions", "parameters"})
QUIET_PARTS = frozenset({"figures"})  # of cells that may be at the top


@dataclass(frozen=True)
class ScriptBlock:
    """A block of cells in a script.

    :param step: the step's name, "" for cells of no step.
    :param function: the name of its function, "" if it is at the top of the script.
    :param parameters: names whose values are set behind it.
    """

    step: str
    title: str
    function: str
    cells: tuple[ScriptCell, ...]
    parameters: tuple[str, ...] = ()

    @property
    def awaits(self) -> bool:
        return any(cell.awaits for cell in self.cells)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted({name for cell in self.cells for name in cell.names} | set(self.parameters)))


def script_blocks(nb: NotebookNode, pipeline: Pipeline, runtime: Runtime) -> tuple[ScriptBlock, ...]:
    """The blocks in notebook order. Raises InvalidInputError for a cell that a script can't have."""
    cells = {
        index: script_cell(
            index, nb.cells[index].source, runtime, may_fail=_may_fail(nb, index)
        )
        for block in pipeline.blocks
        for index in block.cells
    }  # fmt: skip
    top = _top(nb, pipeline, cells)
    functions = _functions([block for block in pipeline.blocks if block.index not in top], runtime)
    values = _values(nb, pipeline)
    return tuple(
        ScriptBlock(
            step=block.owner if block.role == "step" else "",
            title=f"Step {block.owner}" if block.role == "step" else block.role.capitalize(),
            function=functions.get(block.index, ""),
            cells=tuple(
                script_cell(index, nb.cells[index].source, runtime, at_top=True) if block.index in top else cells[index]
                for index in block.cells
            ),
            parameters=() if block.index in top else values.get(block.index, ()),
        )
        for block in pipeline.blocks
    )


def block_code(block: ScriptBlock, runtime: Runtime) -> str:
    """The lines of a block: a function, or plain lines at the top."""
    if not block.function:
        return "\n\n".join(f"# Cell {cell.index + 1}\n{cell.code}" for cell in block.cells)
    body = [_global(block.names)] if block.names else []
    for cell in block.cells:
        body += [f"{runtime['cell']}({cell.index + 1})", cell.code, ""]
    if block.parameters:
        names = ", ".join(f'"{name}"' for name in block.parameters)
        body += [f"{runtime['apply']}({names})", ""]
    sign = "async def" if block.awaits else "def"
    return f"{sign} {block.function}():\n" + indented("\n".join(body[:-1]))


def _global(names: Sequence[str]) -> str:
    """A `global` statement for names, as lines of 120 characters at most."""
    lines, line = [], "global"
    for name in names:
        if len(line) + len(name) > 110:
            lines.append(line.rstrip(","))
            line = "global"
        line += f" {name},"
    return "\n".join([*lines, line.rstrip(",")])


def _top(nb: NotebookNode, pipeline: Pipeline, cells: dict[int, ScriptCell]) -> set[int]:
    """Blocks at the top of the script: definitions before everything else that read no parameter."""
    top: set[int] = set()
    parameters: set[str] = set()
    for block in pipeline.blocks:
        touched = block.access.reads if block.role == "parameters" else block.access.reads | block.access.writes
        if block.role not in DEFINITIONS or block.access.opaque or parameters & touched:
            break
        plain = all(
            cells[index].parts <= QUIET_PARTS
            and only_prepares(cells[index].code)
            and not cells[index].awaits
            and not _may_fail(nb, index)
            for index in block.cells
        )
        if not plain:
            break
        top.add(block.index)
        if block.role == "parameters":
            parameters |= block.access.binds
    return top


def only_prepares(code: str) -> bool:
    """Whether code imports, defines, assigns and sets options, and has no statement that might print."""
    waiting: list[ast.AST] = list(ast.parse(code).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Expr) and not _is_setting(node.value):
            return False
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += ast.iter_child_nodes(node)
    return True


def _is_setting(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) or (isinstance(value, ast.Call) and ast.unparse(value.func) in SETTINGS)


def _may_fail(nb: NotebookNode, index: int) -> bool:
    return "raises-exception" in (nb.cells[index].metadata.get("tags") or ())


def _functions(blocks: Sequence[Block], runtime: Runtime) -> dict[int, str]:
    """Block -> its function's name; the second block of a step gets a number."""
    names = unique_identifiers(dict.fromkeys(block.owner for block in blocks), "python", 50)
    count: dict[str, int] = {}
    functions: dict[int, str] = {}
    words = set(runtime.words) | set(runtime.names.values())
    for block in blocks:
        count[block.owner] = count.get(block.owner, 0) + 1
        number = f"_{count[block.owner]}" if count[block.owner] > 1 else ""
        kind = "step" if block.role == "step" else "cells"
        name = unused(f"{kind}_{names[block.owner].strip('_')}{number}", frozenset(words))
        words.add(name)
        functions[block.index] = name
    return functions


def _values(nb: NotebookNode, pipeline: Pipeline) -> dict[int, tuple[str, ...]]:
    """Block -> the parameters that are set behind it: those that it declares; behind the last one, all others too."""
    blocks = [block for block in pipeline.blocks if block.role == "parameters"]
    values = {
        block.index: tuple(p.name for p in declared_parameters((i, nb.cells[i].source) for i in block.cells))
        for block in blocks
    }
    if blocks:
        every = {name for names in values.values() for name in names}
        last = blocks[-1].index
        values[last] = (*values[last], *(p.name for p in pipeline.parameters if p.name not in every))
    return {index: tuple(dict.fromkeys(names)) for index, names in values.items()}
