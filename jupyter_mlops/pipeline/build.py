"""Builds the pipeline of a notebook."""

from __future__ import annotations

import ast
import difflib
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from jupyter_mlops.analysis.access import Access, Effects
from jupyter_mlops.analysis.effects import cell_effects, merge_effects
from jupyter_mlops.analysis.magics import to_python
from jupyter_mlops.analysis.merge import merge
from jupyter_mlops.analysis.metric_calls import metric_names
from jupyter_mlops.analysis.names import access
from jupyter_mlops.errors import CyclicPipelineError, InvalidNotebookError, UnknownStepError
from jupyter_mlops.notebook.parameters import declared_parameters
from jupyter_mlops.notebook.settings import cell_settings
from jupyter_mlops.notebook.tags import CellTags, read_tags
from jupyter_mlops.pipeline.call_effects import with_call_effects
from jupyter_mlops.pipeline.dataflow import DataflowResult, dataflow
from jupyter_mlops.pipeline.model import Block, Pipeline, Role, Settings, Step
from jupyter_mlops.pipeline.settings import default_settings, with_tags, with_values
from jupyter_mlops.pipeline.stopwatches import stopwatches
from jupyter_mlops.pipeline.unpicklable_values import unpicklable_values

if TYPE_CHECKING:
    from nbformat import NotebookNode

WHOLE_NOTEBOOK = "notebook"
FIRST_STEP = "setup"
LANGUAGES = {"ir": "r", "evcxr": "rust", "deno": "typescript", "xcpp": "c++"}
Prev = tuple[str, str, int]


@dataclass(frozen=True)
class TaggedCell:
    """A code cell that runs, and its owner."""

    index: int
    source: str
    tags: CellTags
    owner: str = ""
    role: Role = "step"
    may_fail: bool = False


def build(
    nb: NotebookNode, name: str, observed_writes: Mapping[tuple[int, ...], frozenset[str]] | None = None
) -> Pipeline:
    """The pipeline of a notebook.

    :param name: of the pipeline, such as the file's name without its ending.
    :param observed_writes: cells of a block -> names that an earlier run saw it change.
    :raises InvalidNotebookError: a cell is not valid Python; with its number.
    :raises InvalidTagError: a tag or setting that can't be understood.
    :raises UnknownStepError: `prev:` names no step.
    :raises CyclicPipelineError: `prev:` names the step itself or one that comes after it.
    """
    language = notebook_language(nb.metadata)
    cells, skipped_indexes = _runnable_cells(nb)
    python = language == "python"
    cells = _assign_owners(cells) if python else [replace(c, owner=WHOLE_NOTEBOOK) for c in cells]
    prev = list(_prev_edges(cells, {c.owner for c in cells if c.role == "step"}, skipped_indexes, nb)) if python else []
    blocks = _blocks_with_effects(cells, nb) if python else _opaque_block(cells)
    flow = (
        dataflow(blocks, [(a, b) for a, b, _ in prev], observed_writes or {}, unpicklable_values(blocks, nb))
        if python
        else DataflowResult()
    )
    return Pipeline(
        name=name,
        language=language,
        kernel=str(nb.metadata.get("kernelspec", {}).get("name", "")),
        parameters=declared_parameters((c.index, c.source) for c in _parameter_cells(cells, nb)) if python else (),
        steps=tuple(_steps(cells, flow, nb)),
        edges=flow.edges,
        blocks=blocks,
        metrics=tuple(c.index for c in cells if c.tags.special == "metrics") if python else (),
        skipped=tuple(skipped_indexes),
        fusions=flow.fusions,
    )


def notebook_language(metadata: Mapping[str, Any]) -> str:
    """The language of a notebook's kernel, in lower case; Python if the notebook does not state it."""
    kernel, info = metadata.get("kernelspec") or {}, metadata.get("language_info") or {}
    name = str(kernel.get("name") or "").lower()
    declared_language = str(kernel.get("language") or info.get("name") or "").lower()
    default_language = LANGUAGES.get(name) or ("julia" if name.startswith("julia") else "python")
    language = declared_language or default_language
    return "python" if language in ("python3", "ipython", "ipython3", "python2") else language


# -- cells and their owners


def _runnable_cells(nb: NotebookNode) -> tuple[list[TaggedCell], list[int]]:
    """The code cells that run, and the positions of those tagged `skip`."""
    cells: list[TaggedCell] = []
    skipped_indexes = []
    for index, cell in enumerate(nb.cells):
        if cell.cell_type != "code":
            continue
        tags = cell.metadata.get("tags") or ()
        cell_tags = read_tags(tags, _location(index), index)
        if cell_tags.special == "skip":
            skipped_indexes.append(index)
        elif cell.source.strip():
            cells.append(TaggedCell(index, cell.source, cell_tags, may_fail="raises-exception" in tags))
    return cells, skipped_indexes


def _assign_owners(cells: list[TaggedCell]) -> list[TaggedCell]:
    """Assign an owner to every cell: the step that its tag names, or the step above."""
    has_steps = any(c.tags.step for c in cells)
    names = {c.tags.step for c in cells}
    first = next(n for n in (FIRST_STEP, *(f"{FIRST_STEP}_{i}" for i in range(2, 99))) if n not in names)
    step_above = first if has_steps else WHOLE_NOTEBOOK
    role_above: Role = "step"
    has_started = False
    owned_cells = []
    for cell in cells:
        special_tag = cell.tags.special
        if special_tag in ("parameters", "imports", "functions"):
            role_above = cast(Role, special_tag)
            owned_cells.append(replace(cell, owner=_unique_owner(names, special_tag), role=role_above))
            continue
        is_untagged = not cell.tags.step and not special_tag and not cell.tags.gate
        if is_untagged and has_steps and (not has_started or role_above in ("imports", "functions")):
            role = _preparation_role(cell)
            if role:
                owned_cells.append(replace(cell, owner=_unique_owner(names, role), role=role))
                continue
        step_above, has_started, role_above = cell.tags.step or step_above, has_started or bool(cell.tags.step), "step"
        owned_cells.append(replace(cell, owner=step_above, role="step"))
    return owned_cells


def _unique_owner(names: set[str], role: str) -> str:
    """The role as an owner's name, distinct from a step of the same name."""
    return f"({role})" if role in names else role


def _preparation_role(cell: TaggedCell) -> Role | None:
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
    definition_types = ast.Import | ast.ImportFrom | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return "functions" if body and all(isinstance(s, definition_types) for s in body) else None


def _parameter_cells(cells: list[TaggedCell], nb: NotebookNode) -> Iterator[TaggedCell]:
    for cell in cells:
        if cell.tags.special == "parameters" and "injected-parameters" not in nb.cells[cell.index].metadata.tags:
            yield cell


def _prev_edges(
    cells: list[TaggedCell], steps: set[str], skipped_indexes: list[int], nb: NotebookNode
) -> Iterator[Prev]:
    """(earlier step, later step, cell) of every `prev:` tag."""
    first: dict[str, int] = {}
    for cell in cells:
        if cell.role == "step":
            first.setdefault(cell.owner, cell.index)
    for cell in cells:
        for name in cell.tags.prev if cell.role == "step" else ():
            if name not in steps:
                raise _unknown_step_error(name, cell, steps, skipped_indexes, nb)
            if first[name] >= first[cell.owner]:
                cause = "itself" if name == cell.owner else f"`{name}`, which starts below it in cell {first[name] + 1}"
                raise CyclicPipelineError(
                    f"step `{cell.owner}` waits for {cause} (`prev:{name}`)",
                    where=_location(cell.index),
                    cell=cell.index,
                    data={"tag": f"prev:{name}"},
                    remedy="Steps run in the order of the notebook: move the cells, or remove the tag.",
                )
            yield name, cell.owner, cell.index


def _unknown_step_error(
    name: str, cell: TaggedCell, steps: set[str], skipped_indexes: list[int], nb: NotebookNode
) -> UnknownStepError:
    matches = difflib.get_close_matches(name, sorted(steps), 1)
    hint = f"Did you mean `prev:{matches[0]}`? " if matches else ""
    tags = {t for i in skipped_indexes for t in nb.cells[i].metadata.get("tags") or ()}
    if {f"step:{name}", f"block:{name}"} & tags:
        hint = f"All cells of `{name}` are tagged `skip`. "
    return UnknownStepError(
        f"the tag `prev:{name}` names no step",
        where=_location(cell.index),
        cell=cell.index,
        data={"tag": f"prev:{name}"},
        remedy=f"{hint}Steps: {', '.join(sorted(steps))}.",
    )


# -- blocks


def _blocks(cells: list[TaggedCell], nb: NotebookNode) -> Iterator[Block]:
    """Groups of consecutive cells of one owner, with their names and effects."""
    is_newer = _is_newer(nb)
    modules: dict[str, str] = {}
    groups: list[list[TaggedCell]] = []
    for cell in cells:
        if groups and groups[-1][0].owner == cell.owner and groups[-1][0].role == cell.role:
            groups[-1].append(cell)
        else:
            groups.append([cell])
    for index, group in enumerate(groups):
        accesses, effects = [], []
        for cell in group:
            cell_access = _access_of(cell, is_newer, modules)
            for name in cell_access.binds | cell_access.deletes:
                modules.pop(name, None)
            modules.update(cell_access.modules)
            accesses.append(cell_access)
            effects.append(_effects_of(cell, modules))
        positions = tuple(c.index for c in group)
        yield Block(index, group[0].owner, group[0].role, positions, merge(accesses), merge_effects(effects))


def _blocks_with_effects(cells: list[TaggedCell], nb: NotebookNode) -> tuple[Block, ...]:
    sources = _sources(cells)
    reported_cells = {c.index for c in cells if c.tags.special == "metrics" or c.tags.models or c.tags.datasets}
    blocks = _with_models(tuple(_blocks(cells, nb)), cells)
    return with_call_effects(stopwatches(blocks, sources, reported_cells), sources)


def _with_models(blocks: tuple[Block, ...], cells: list[TaggedCell]) -> tuple[Block, ...]:
    """Blocks with the models that are kept when they have ended: those of a step when its last block has.

    The block reads them, as if it ended with their names.
    """
    models = {c.owner: [v for d in cells if d.owner == c.owner for v in d.tags.models] for c in cells if c.tags.models}
    last_blocks = {b.owner: b.index for b in blocks if b.role == "step"}
    bound = frozenset[str]()
    tagged_blocks = []
    for block in blocks:
        bound |= block.access.binds
        if last_blocks.get(block.owner) == block.index and (names := tuple(dict.fromkeys(models.get(block.owner, ())))):
            reads = block.access.reads | ((bound & set(names)) - block.access.certain_bindings)
            block = replace(block, access=replace(block.access, reads=reads), models=names)
        tagged_blocks.append(block)
    return tuple(tagged_blocks)


def _opaque_block(cells: list[TaggedCell]) -> tuple[Block, ...]:
    """All cells of a notebook in another language, which is not analyzed."""
    if not cells:
        return ()
    opaque_access = Access(opaque=("another language",))
    return (
        Block(0, WHOLE_NOTEBOOK, "step", tuple(c.index for c in cells), opaque_access, Effects(looks_at_files=True)),
    )


def _access_of(cell: TaggedCell, is_newer: bool, modules: Mapping[str, str]) -> Access:
    parsed = _parse(cell.source, metric_names(cell.source, modules))
    if isinstance(parsed, Access):
        return replace(parsed, certain_bindings=frozenset()) if cell.may_fail else parsed
    if cell.may_fail:
        return Access()
    if is_newer:
        return Access(opaque=("syntax of a later Python",))
    line = f", line {parsed.lineno}" if parsed.lineno else ""
    text = (parsed.text or "").strip()
    snippet = f": `{text}`" if text else ""
    raise InvalidNotebookError(
        f"not valid Python: {parsed.msg}{snippet}",
        where=f"{_location(cell.index)}{line}",
        cell=cell.index,
        remedy="Correct the cell, or tag it `skip`.",
    )


@lru_cache(maxsize=4096)
def _parse(source: str, modules: tuple[tuple[str, str], ...] = ()) -> Access | SyntaxError:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(to_python(source), "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
            return access(source, dict(modules))
    except SyntaxError as error:
        return error
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        return SyntaxError(str(error) or type(error).__name__)


def _effects_of(cell: TaggedCell, modules: Mapping[str, str]) -> Effects:
    if not isinstance(_parse(cell.source), Access):
        return Effects()
    return cell_effects(cell.source, modules)


def _sources(cells: list[TaggedCell]) -> dict[int, str]:
    return {c.index: c.source for c in cells if isinstance(_parse(c.source), Access)}


def _is_newer(nb: NotebookNode) -> bool:
    """Whether the notebook was last run by a newer Python, whose syntax may be unknown here."""
    version = str(nb.metadata.get("language_info", {}).get("version", ""))
    parts = version.split(".")
    return len(parts) > 1 and parts[0] == "3" and parts[1].isdigit() and int(parts[1]) > sys.version_info[1]


# -- steps


def _steps(cells: list[TaggedCell], flow: DataflowResult, nb: NotebookNode) -> Iterator[Step]:
    default = default_settings(nb.metadata)
    for name in dict.fromkeys(c.owner for c in cells if c.role == "step"):
        step_cells = [c for c in cells if c.owner == name and c.role == "step"]
        yield Step(
            name=name,
            cells=tuple(c.index for c in step_cells),
            inputs=flow.inputs.get(name, ()),
            outputs=flow.outputs.get(name, ()),
            after=flow.after.get(name, ()),
            settings=_settings(default, step_cells, nb),
            metrics=tuple(c.index for c in step_cells if c.tags.special == "metrics"),
            models=tuple(dict.fromkeys(v for c in step_cells for v in c.tags.models)),
            datasets=tuple(dict.fromkeys(v for c in step_cells for v in c.tags.datasets)),
            gates=tuple(c.index for c in step_cells if c.tags.gate),
        )


def _settings(default: Settings, cells: list[TaggedCell], nb: NotebookNode) -> Settings:
    settings = with_tags(default, (c.tags for c in cells))
    for cell in cells:
        settings = with_values(
            settings, cell_settings(nb.cells[cell.index].metadata, _location(cell.index), cell.index)
        )
    return settings


def _location(index: int) -> str:
    return f"cell {index + 1}"
