"""From a notebook to its pipeline."""

from __future__ import annotations

import ast
import difflib
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from jupyter_mlops.errors import BadNotebook, CyclicPipeline, UnknownStep
from jupyter_mlops.notebook.access import Access, Effects
from jupyter_mlops.notebook.effects import cell_effects, merge_effects
from jupyter_mlops.notebook.magics import to_python
from jupyter_mlops.notebook.merge import merge
from jupyter_mlops.notebook.names import access
from jupyter_mlops.notebook.parameters import declared_parameters
from jupyter_mlops.notebook.settings import cell_settings
from jupyter_mlops.notebook.tags import CellTags, read_tags
from jupyter_mlops.pipeline.dataflow import Flow, dataflow
from jupyter_mlops.pipeline.follow import follow
from jupyter_mlops.pipeline.live import live_values
from jupyter_mlops.pipeline.model import Block, Pipeline, Role, Settings, Step
from jupyter_mlops.pipeline.settings import default_settings, with_tags, with_values

if TYPE_CHECKING:
    from nbformat import NotebookNode

WHOLE = "notebook"
FIRST = "setup"
LANGUAGES = {"ir": "r", "evcxr": "rust", "deno": "typescript", "xcpp": "c++"}
Prev = tuple[str, str, int]


@dataclass(frozen=True)
class Cell:
    """A code cell that runs, and whose it is."""

    index: int
    source: str
    tags: CellTags
    owner: str = ""
    role: Role = "step"
    may_fail: bool = False


def build(nb: NotebookNode, name: str, learned: Mapping[tuple[int, ...], frozenset[str]] | None = None) -> Pipeline:
    """The pipeline that a notebook is.

    :param name: of the pipeline, such as the file's name without its ending.
    :param learned: cells of a block -> names that an earlier run saw it change.
    :raises BadNotebook: a cell that is no Python; with its number.
    :raises BadTag: a tag or setting that can't be understood.
    :raises UnknownStep: `prev:` names no step.
    :raises CyclicPipeline: `prev:` names the step itself or one that comes after it.
    """
    language = notebook_language(nb.metadata)
    cells, skipped = _cells(nb)
    python = language == "python"
    cells = _owned(cells) if python else [replace(c, owner=WHOLE) for c in cells]
    prev = list(_prev(cells, {c.owner for c in cells if c.role == "step"}, skipped, nb)) if python else []
    blocks = follow(tuple(_blocks(cells, nb)), _sources(cells)) if python else _one_block(cells)
    flow = dataflow(blocks, [(a, b) for a, b, _ in prev], learned or {}, live_values(blocks, nb)) if python else Flow()
    return Pipeline(
        name=name,
        language=language,
        kernel=str(nb.metadata.get("kernelspec", {}).get("name", "")),
        parameters=declared_parameters((c.index, c.source) for c in _declaring(cells, nb)) if python else (),
        steps=tuple(_steps(cells, flow, nb)),
        edges=flow.edges,
        blocks=blocks,
        metrics=tuple(c.index for c in cells if c.tags.special == "metrics") if python else (),
        skipped=tuple(skipped),
        fusions=flow.fusions,
    )


def notebook_language(metadata: Mapping[str, Any]) -> str:
    """The language of a notebook's kernel, in lower case; Python where nothing is said."""
    kernel, info = metadata.get("kernelspec") or {}, metadata.get("language_info") or {}
    name = str(kernel.get("name") or "").lower()
    said = str(kernel.get("language") or info.get("name") or "").lower()
    guess = LANGUAGES.get(name) or ("julia" if name.startswith("julia") else "python")
    found = said or guess
    return "python" if found in ("python3", "ipython", "ipython3", "python2") else found


# -- cells and their owners


def _cells(nb: NotebookNode) -> tuple[list[Cell], list[int]]:
    """The code cells that run, and the positions of those tagged `skip`."""
    found: list[Cell] = []
    skipped = []
    for index, cell in enumerate(nb.cells):
        if cell.cell_type != "code":
            continue
        tags = cell.metadata.get("tags") or ()
        read = read_tags(tags, _where(index))
        if read.special == "skip":
            skipped.append(index)
        elif cell.source.strip():
            found.append(Cell(index, cell.source, read, may_fail="raises-exception" in tags))
    return found, skipped


def _owned(cells: list[Cell]) -> list[Cell]:
    """Give every cell its owner: its own tag, or the step above."""
    tagged = any(c.tags.step for c in cells)
    names = {c.tags.step for c in cells}
    first = next(n for n in (FIRST, *(f"{FIRST}_{i}" for i in range(2, 99))) if n not in names)
    above = first if tagged else WHOLE
    role_above: Role = "step"
    started = False
    found = []
    for cell in cells:
        special = cell.tags.special
        if special in ("parameters", "imports", "functions"):
            role_above = cast(Role, special)
            found.append(replace(cell, owner=_unless(names, special), role=role_above))
            continue
        plain = not cell.tags.step and not special and not cell.tags.gate
        if plain and tagged and (not started or role_above in ("imports", "functions")):
            role = _only_prepares(cell)
            if role:
                found.append(replace(cell, owner=_unless(names, role), role=role))
                continue
        above, started, role_above = cell.tags.step or above, started or bool(cell.tags.step), "step"
        found.append(replace(cell, owner=above, role="step"))
    return found


def _unless(taken: set[str], role: str) -> str:
    """The role as an owner's name, apart from a step of that name."""
    return f"({role})" if role in taken else role


def _only_prepares(cell: Cell) -> Role | None:
    """`imports` or `functions` for an untagged cell that does nothing else."""
    if cell.may_fail:
        return None
    try:
        body = ast.parse(to_python(cell.source)).body
    except SyntaxError:
        return None
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    if body and all(isinstance(s, ast.Import | ast.ImportFrom) for s in body):
        return "imports"
    made = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return "functions" if body and all(isinstance(s, made) for s in body) else None


def _declaring(cells: list[Cell], nb: NotebookNode) -> Iterator[Cell]:
    for cell in cells:
        if cell.tags.special == "parameters" and "injected-parameters" not in nb.cells[cell.index].metadata.tags:
            yield cell


def _prev(cells: list[Cell], steps: set[str], skipped: list[int], nb: NotebookNode) -> Iterator[Prev]:
    """(earlier step, later step, cell) of every `prev:` tag."""
    first: dict[str, int] = {}
    for cell in cells:
        if cell.role == "step":
            first.setdefault(cell.owner, cell.index)
    for cell in cells:
        for wanted in cell.tags.prev if cell.role == "step" else ():
            if wanted not in steps:
                raise _unknown(wanted, cell, steps, skipped, nb)
            if first[wanted] >= first[cell.owner]:
                what = (
                    "itself"
                    if wanted == cell.owner
                    else f"`{wanted}`, which starts below it in cell {first[wanted] + 1}"
                )
                raise CyclicPipeline(
                    f"step `{cell.owner}` waits by `prev:{wanted}` for {what}",
                    where=_where(cell.index),
                    remedy="Steps run in the order of the notebook: move the cells, or remove the tag.",
                )
            yield wanted, cell.owner, cell.index


def _unknown(wanted: str, cell: Cell, steps: set[str], skipped: list[int], nb: NotebookNode) -> UnknownStep:
    nearest = difflib.get_close_matches(wanted, sorted(steps), 1)
    hint = f"Did you mean `prev:{nearest[0]}`? " if nearest else ""
    tags = {t for i in skipped for t in nb.cells[i].metadata.get("tags") or ()}
    if {f"step:{wanted}", f"block:{wanted}"} & tags:
        hint = f"All cells of `{wanted}` are tagged `skip`. "
    return UnknownStep(
        f"the tag `prev:{wanted}` names no step",
        where=_where(cell.index),
        remedy=f"{hint}Steps: {', '.join(sorted(steps))}.",
    )


# -- blocks


def _blocks(cells: list[Cell], nb: NotebookNode) -> Iterator[Block]:
    """Consecutive cells of one owner, with what they do to names and to the world."""
    newer = _is_newer(nb)
    modules: dict[str, str] = {}
    groups: list[list[Cell]] = []
    for cell in cells:
        if groups and groups[-1][0].owner == cell.owner and groups[-1][0].role == cell.role:
            groups[-1].append(cell)
        else:
            groups.append([cell])
    for index, group in enumerate(groups):
        accesses, acts = [], []
        for cell in group:
            one = _access_of(cell, newer)
            for name in one.binds | one.deletes:
                modules.pop(name, None)
            modules.update(one.modules)
            accesses.append(one)
            acts.append(_effects_of(cell, modules))
        positions = tuple(c.index for c in group)
        yield Block(index, group[0].owner, group[0].role, positions, merge(accesses), merge_effects(acts))


def _one_block(cells: list[Cell]) -> tuple[Block, ...]:
    """All cells of a notebook in another language: nothing is known of them."""
    if not cells:
        return ()
    unknown = Access(opaque=("another language",))
    return (Block(0, WHOLE, "step", tuple(c.index for c in cells), unknown, Effects(looks_at_files=True)),)


def _access_of(cell: Cell, newer: bool) -> Access:
    found = _parsed(cell.source)
    if isinstance(found, Access):
        return found
    if cell.may_fail:
        return Access()
    if newer:
        return Access(opaque=("syntax of a later Python",))
    line = f", line {found.lineno}" if found.lineno else ""
    text = (found.text or "").strip()
    shown = f": `{text}`" if text else ""
    raise BadNotebook(
        f"not valid Python: {found.msg}{shown}",
        where=f"{_where(cell.index)}{line}",
        remedy="Mend the cell, or tag it `skip`.",
    )


@lru_cache(maxsize=4096)
def _parsed(source: str) -> Access | SyntaxError:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(to_python(source), "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
            return access(source)
    except SyntaxError as error:
        return error
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        return SyntaxError(str(error) or type(error).__name__)


def _effects_of(cell: Cell, modules: Mapping[str, str]) -> Effects:
    if not isinstance(_parsed(cell.source), Access):
        return Effects()
    return cell_effects(cell.source, modules)


def _sources(cells: list[Cell]) -> dict[int, str]:
    return {c.index: c.source for c in cells if isinstance(_parsed(c.source), Access)}


def _is_newer(nb: NotebookNode) -> bool:
    """Whether the notebook was last run by a Python later than this one, whose syntax may be unknown here."""
    said = str(nb.metadata.get("language_info", {}).get("version", ""))
    parts = said.split(".")
    return len(parts) > 1 and parts[0] == "3" and parts[1].isdigit() and int(parts[1]) > sys.version_info[1]


# -- steps


def _steps(cells: list[Cell], flow: Flow, nb: NotebookNode) -> Iterator[Step]:
    default = default_settings(nb.metadata)
    for name in dict.fromkeys(c.owner for c in cells if c.role == "step"):
        mine = [c for c in cells if c.owner == name and c.role == "step"]
        yield Step(
            name=name,
            cells=tuple(c.index for c in mine),
            inputs=flow.inputs.get(name, ()),
            outputs=flow.outputs.get(name, ()),
            after=flow.after.get(name, ()),
            settings=_settings(default, mine, nb),
            metrics=tuple(c.index for c in mine if c.tags.special == "metrics"),
            models=tuple(dict.fromkeys(v for c in mine for v in c.tags.models)),
            datasets=tuple(dict.fromkeys(v for c in mine for v in c.tags.datasets)),
            gates=tuple(c.index for c in mine if c.tags.gate),
        )


def _settings(default: Settings, cells: list[Cell], nb: NotebookNode) -> Settings:
    found = with_tags(default, (c.tags for c in cells))
    for cell in cells:
        found = with_values(found, cell_settings(nb.cells[cell.index].metadata, _where(cell.index)))
    return found


def _where(index: int) -> str:
    return f"cell {index + 1}"
