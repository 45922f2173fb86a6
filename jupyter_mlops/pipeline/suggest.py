"""Suggests tags for an untagged notebook: steps from headings and dataflow, parameters from literals.

Cells are never split, moved or changed; a suggestion only adds tags.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jupyter_mlops.analysis.expressions import written
from jupyter_mlops.pipeline import segmentation
from jupyter_mlops.pipeline.cell_classifier import kind, literal_names
from jupyter_mlops.pipeline.checks.cell import CodeCell, code_cells
from jupyter_mlops.pipeline.headings import Section, sections
from jupyter_mlops.pipeline.step_names import MAX_LENGTH, disambiguate, slugify, unique

if TYPE_CHECKING:
    from nbformat import NotebookNode

MAX_STEPS = 20
_MAX_INTRODUCTION = 8
_SMALL_INTRODUCTION = 3
_PARAMETERS = frozenset({"parameters", "pipeline-parameters"})
_SPECIAL = _PARAMETERS | {"imports", "functions", "metrics", "pipeline-metrics", "skip"}


@dataclass(frozen=True)
class SuggestedStep:
    """A suggested step.

    :param heading: the heading that it is named after; "" if it is named after its code.
    """

    name: str
    cells: tuple[int, ...]
    heading: str = ""


@dataclass(frozen=True)
class Suggestion:
    """Tags to add, by position of the cell.

    :param parameters: names that the suggested `parameters` cell sets.
    :param message: why there is no suggestion; "" if there is one.
    """

    tags: Mapping[int, str] = field(default_factory=dict)
    steps: tuple[SuggestedStep, ...] = ()
    parameters: tuple[str, ...] = ()
    message: str = ""


def suggest(nb: NotebookNode) -> Suggestion:
    """Find steps, imports, functions and parameters. A notebook that already has steps is not changed."""
    step_tags = _step_tags(nb)
    if step_tags:
        return Suggestion(message=f"The notebook already has steps ({', '.join(step_tags)}); nothing was changed.")
    if not _is_python(nb):
        return Suggestion(message="Steps are suggested for Python notebooks only; this one runs as one step.")
    cells = code_cells(nb)
    if not cells:
        return Suggestion(message="The notebook has no code to run; nothing was changed.")
    roles = _prelude_roles(cells)
    body = [cell for cell in cells if cell.index not in roles and not _SPECIAL & set(cell.tags)]
    steps = _steps(nb, body)
    tags = {**roles, **{index: f"step:{step.name}" for step in steps for index in step.cells}}
    if not tags:
        return Suggestion(message="All code cells already have a role; nothing was changed.")
    parameters = [literal_names(cell.tree) for cell in cells if roles.get(cell.index) == "parameters"]
    return Suggestion(dict(sorted(tags.items())), steps, parameters[0] if parameters else ())


def apply(nb: NotebookNode, suggestion: Suggestion) -> NotebookNode:
    """A copy of the notebook with the suggested tags after its own; everything else is unchanged."""
    result = deepcopy(nb)
    for index, tag in suggestion.tags.items():
        metadata = result.cells[index].metadata
        metadata["tags"] = [*(metadata.get("tags") or ()), tag]
    return result


def describe(suggestion: Suggestion) -> str:
    """The suggestion in lines for a terminal; cells are counted from 1."""
    if suggestion.message:
        return suggestion.message
    lines = []
    for role in ("parameters", "imports", "functions"):
        indexes = [index for index, tag in suggestion.tags.items() if tag == role]
        if indexes:
            names = f"  {', '.join(suggestion.parameters)}" if role == "parameters" else ""
            lines.append(f"{role:<{MAX_LENGTH + 5}}  {_cell_range(indexes)}{names}")
    for step in suggestion.steps:
        heading = f"  “{step.heading}”" if step.heading else ""
        lines.append(f"step:{step.name:<{MAX_LENGTH}}  {_cell_range(step.cells)}{heading}")
    return "\n".join(lines)


def _cell_range(positions: Sequence[int]) -> str:
    numbers = [position + 1 for position in positions]
    if len(numbers) == 1:
        return f"cell {numbers[0]}"
    return f"cells {numbers[0]}–{numbers[-1]}" if len(numbers) > 2 else f"cells {numbers[0]}, {numbers[1]}"


def _step_tags(nb: NotebookNode) -> list[str]:
    tags = (tag for cell in nb.cells for tag in cell.metadata.get("tags") or ())
    return list(dict.fromkeys(tag for tag in tags if tag.startswith(("step:", "block:"))))


def _is_python(nb: NotebookNode) -> bool:
    kernel, language = nb.metadata.get("kernelspec", {}), nb.metadata.get("language_info", {})
    return str(kernel.get("language") or language.get("name") or "python").lower().endswith("python")


def _prelude_roles(cells: Sequence[CodeCell]) -> dict[int, str]:
    """Roles of the cells before any step: imports, functions, and one cell of parameters."""
    roles: dict[int, str] = {}
    has_parameters = any(_PARAMETERS & set(cell.tags) for cell in cells)
    for position, cell in enumerate(cells):
        if _SPECIAL & set(cell.tags):
            continue
        cell_kind = None if cell.error else kind(cell.tree)
        if cell_kind == "imports":
            roles[cell.index] = "imports"
        elif cell_kind == "definitions":
            roles[cell.index] = "functions"
        elif cell_kind == "literals" and not has_parameters and _are_parameters(cell, cells[position + 1 :]):
            roles[cell.index] = "parameters"
            has_parameters = True
        else:
            break
    return roles


def _are_parameters(cell: CodeCell, later_cells: Sequence[CodeCell]) -> bool:
    """Whether later cells use its values and none of them sets or changes them."""
    names = frozenset(literal_names(cell.tree))
    used_names: set[str] = set()
    for later_cell in later_cells:
        access = later_cell.access
        if names & (access.binds | access.deletes | access.certain_mutations):
            return False
        used_names |= names & (access.names | access.strings | frozenset().union(*access.defines.values()))
    return bool(used_names)


@dataclass(frozen=True)
class _Group:
    """Cells of a step before it has a name."""

    cells: tuple[int, ...]
    path: tuple[str, ...] = ()
    proposals: tuple[str, ...] = ()


def _steps(nb: NotebookNode, body: Sequence[CodeCell]) -> tuple[SuggestedStep, ...]:
    outline = sections(nb, [cell.index for cell in body])
    title = _title(outline)
    levels = sorted({section.level for section in outline if section.level and section is not title})[:2]
    groups = _groups(nb, body, outline, title, levels)
    if len(groups) > MAX_STEPS:
        groups = _groups(nb, body, outline, title, levels[:1])
    if len(groups) == 1 and len(groups[0].cells) > _MAX_INTRODUCTION:
        groups = _introduction_groups(nb, body, groups[0].cells, is_sole_group=True)
    if len(groups) == 1 and not groups[0].path:
        groups = [_Group(groups[0].cells, title.path if title else (), ("main",))]
    return tuple(_named_steps(groups))


def _title(outline: Sequence[Section]) -> Section | None:
    """The first heading, if it is the only one of the highest level: it is the title, not a step."""
    with_heading = [section for section in outline if section.level]
    if not with_heading:
        return None
    first, other_sections = with_heading[0], with_heading[1:]
    return first if all(section.level > first.level for section in other_sections) else None


def _groups(
    nb: NotebookNode,
    body: Sequence[CodeCell],
    outline: Sequence[Section],
    title: Section | None,
    levels: Sequence[int],
) -> list[_Group]:
    introduction: list[int] = []
    groups: list[_Group] = []
    for section in outline:
        if section.level in levels and section is not title:
            path = section.path[len(title.path) :] if title and section.path[:1] == title.path else section.path
            groups.append(_Group(section.cells, path))
        elif groups:
            groups[-1] = _Group((*groups[-1].cells, *section.cells), groups[-1].path)
        else:
            introduction += section.cells
    groups = [group for group in groups if group.cells]
    if groups and len(introduction) <= _SMALL_INTRODUCTION and not _binds_values(body, introduction):
        groups[0] = _Group((*introduction, *groups[0].cells), groups[0].path)
        introduction = []
    return [*_introduction_groups(nb, body, introduction, is_sole_group=not groups), *groups]


def _binds_values(body: Sequence[CodeCell], cells: Sequence[int]) -> bool:
    """Whether any of these cells does more than set a seed, set a style or show a value."""
    selected_cells = [cell for cell in body if cell.index in set(cells)]
    return any(cell.access.binds and kind(cell.tree) not in ("seeds", "imports") for cell in selected_cells)


def _introduction_groups(
    nb: NotebookNode, body: Sequence[CodeCell], cells: Sequence[int], *, is_sole_group: bool
) -> list[_Group]:
    """The code above the first relevant heading, or all code if there is none: segmented and named by its dataflow."""
    summaries = _summaries(nb, body)
    cell_summaries = [summary for summary in summaries if summary.cell in set(cells)]
    parts = (
        segmentation.split(cell_summaries)
        if is_sole_group or len(cell_summaries) > _MAX_INTRODUCTION
        else [tuple(cell_summaries)]
        if cell_summaries
        else []
    )
    groups = []
    for group in parts:
        end = group[-1].cell
        later_reads = frozenset[str]().union(*(summary.reads for summary in summaries if summary.cell > end))
        groups.append(_Group(tuple(summary.cell for summary in group), (), segmentation.names(group, later_reads)))
    return groups


def _summaries(nb: NotebookNode, body: Sequence[CodeCell]) -> list[segmentation.CellSummary]:
    excluded_names: set[str] = set()
    summaries = []
    for position, cell in enumerate(body):
        access = cell.access
        excluded_names |= frozenset(access.modules) | frozenset(access.defines)
        start = body[position - 1].index + 1 if position else 0
        text = any(
            nb_cell.cell_type == "markdown" and nb_cell.source.strip() for nb_cell in nb.cells[start : cell.index]
        )
        assignments = tuple(_assignments(cell))
        summaries.append(
            segmentation.CellSummary(
                cell.index, cell.source, access.names - excluded_names, access.binds - excluded_names, assignments, text
            )
        )
    return summaries


def _assignments(cell: CodeCell) -> Iterator[tuple[str, str]]:
    for statement in cell.tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names = [node for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
            text = written(statement)
            yield from ((node.id, text) for node in names if isinstance(node.ctx, ast.Store))


def _named_steps(groups: Sequence[_Group]) -> Iterator[SuggestedStep]:
    titles_by_name: dict[str, str] = {}
    for number, group in enumerate(groups, start=1):
        title = group.path[-1] if group.path else ""
        first = slugify(title)
        proposals = (
            first,
            disambiguate(title, [titles_by_name.get(first, "")]),
            _name_with_parent(group),
            *group.proposals,
        )
        free_name = next((name for name in proposals if name and name not in titles_by_name), "")
        candidate = free_name or unique(next(filter(None, proposals), f"step_{number}"), titles_by_name)
        titles_by_name[candidate] = title
        yield SuggestedStep(candidate, group.cells, title)


def _name_with_parent(group: _Group) -> str:
    """The heading's name, prefixed by as much of its parent's as fits."""
    if len(group.path) < 2:
        return ""
    tail = slugify(group.path[-1])
    head_length = MAX_LENGTH - len(tail) - 1
    head = slugify(group.path[-2], head_length) if head_length >= 3 else ""
    return f"{head}_{tail}" if head and tail else tail
