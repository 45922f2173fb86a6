"""Tags for a notebook that has none: steps from headings and dataflow, parameters from literals.

Cells are never split, moved or changed; a suggestion only adds tags.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jupyter_mlops.pipeline import seams
from jupyter_mlops.pipeline.checks.cell import CodeCell, code_cells
from jupyter_mlops.pipeline.kinds import kind, literal_names
from jupyter_mlops.pipeline.sections import Section, sections
from jupyter_mlops.pipeline.slug import LONGEST, apart, slug, unique

if TYPE_CHECKING:
    from nbformat import NotebookNode

MOST_STEPS = 20
_LONGEST_INTRODUCTION = 8
_SMALL = 3
_PARAMETERS = frozenset({"parameters", "pipeline-parameters"})
_SPECIAL = _PARAMETERS | {"imports", "functions", "metrics", "pipeline-metrics", "skip"}


@dataclass(frozen=True)
class SuggestedStep:
    """A step to be.

    :param heading: the heading it is named by, "" if it is named by what its code does.
    """

    name: str
    cells: tuple[int, ...]
    heading: str = ""


@dataclass(frozen=True)
class Suggestion:
    """Tags to add, by position of the cell.

    :param parameters: names that the suggested `parameters` cell sets.
    :param message: why nothing is suggested, "" if something is.
    """

    tags: Mapping[int, str] = field(default_factory=dict)
    steps: tuple[SuggestedStep, ...] = ()
    parameters: tuple[str, ...] = ()
    message: str = ""


def suggest(nb: NotebookNode) -> Suggestion:
    """Find steps, imports, functions and parameters. A notebook that has steps already is left as it is."""
    tagged = _step_tags(nb)
    if tagged:
        return Suggestion(message=f"The notebook has steps already ({', '.join(tagged)}); nothing was changed.")
    if not _is_python(nb):
        return Suggestion(message="Steps are suggested for Python notebooks only; this one runs as one step.")
    cells = code_cells(nb)
    if not cells:
        return Suggestion(message="The notebook has no code to run; nothing was changed.")
    roles = _prelude(cells)
    body = [cell for cell in cells if cell.index not in roles and not _SPECIAL & set(cell.tags)]
    steps = _steps(nb, body)
    tags = {**roles, **{index: f"step:{step.name}" for step in steps for index in step.cells}}
    if not tags:
        return Suggestion(message="All code cells have a role already; nothing was changed.")
    parameters = [literal_names(cell.tree) for cell in cells if roles.get(cell.index) == "parameters"]
    return Suggestion(dict(sorted(tags.items())), steps, parameters[0] if parameters else ())


def apply(nb: NotebookNode, suggestion: Suggestion) -> NotebookNode:
    """A copy of the notebook with the tags added behind those it has; everything else is as it was."""
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
        found = [index for index, tag in suggestion.tags.items() if tag == role]
        if found:
            names = f"  {', '.join(suggestion.parameters)}" if role == "parameters" else ""
            lines.append(f"{role:<{LONGEST + 5}}  {_cells(found)}{names}")
    for step in suggestion.steps:
        heading = f"  “{step.heading}”" if step.heading else ""
        lines.append(f"step:{step.name:<{LONGEST}}  {_cells(step.cells)}{heading}")
    return "\n".join(lines)


def _cells(positions: Sequence[int]) -> str:
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


def _prelude(cells: Sequence[CodeCell]) -> dict[int, str]:
    """Roles of the cells that stand before any step: imports, functions, and one cell of parameters."""
    roles: dict[int, str] = {}
    has_parameters = any(_PARAMETERS & set(cell.tags) for cell in cells)
    for place, cell in enumerate(cells):
        if _SPECIAL & set(cell.tags):
            continue
        found = None if cell.error else kind(cell.tree)
        if found == "imports":
            roles[cell.index] = "imports"
        elif found == "definitions":
            roles[cell.index] = "functions"
        elif found == "literals" and not has_parameters and _are_parameters(cell, cells[place + 1 :]):
            roles[cell.index] = "parameters"
            has_parameters = True
        else:
            break
    return roles


def _are_parameters(cell: CodeCell, below: Sequence[CodeCell]) -> bool:
    """Whether its values are used further down and nothing there sets or changes them."""
    names = frozenset(literal_names(cell.tree))
    used: set[str] = set()
    for other in below:
        access = other.access
        if names & (access.binds | access.deletes | access.mutates):
            return False
        used |= names & (access.touched | access.strings | frozenset().union(*access.defines.values()))
    return bool(used)


@dataclass(frozen=True)
class _Group:
    """Cells of a step before it has a name."""

    cells: tuple[int, ...]
    path: tuple[str, ...] = ()
    proposals: tuple[str, ...] = ()


def _steps(nb: NotebookNode, body: Sequence[CodeCell]) -> tuple[SuggestedStep, ...]:
    outline = sections(nb, [cell.index for cell in body])
    title = _title(outline)
    levels = sorted({one.level for one in outline if one.level and one is not title})[:2]
    groups = _groups(nb, body, outline, title, levels)
    if len(groups) > MOST_STEPS:
        groups = _groups(nb, body, outline, title, levels[:1])
    if len(groups) == 1 and len(groups[0].cells) > _LONGEST_INTRODUCTION:
        groups = _introduction(nb, body, groups[0].cells, alone=True)
    if len(groups) == 1 and not groups[0].path:
        groups = [_Group(groups[0].cells, title.path if title else (), ("main",))]
    return tuple(_named(groups))


def _title(outline: Sequence[Section]) -> Section | None:
    """The first heading, if no other stands as high: it names the notebook, not a step."""
    with_heading = [one for one in outline if one.level]
    if not with_heading:
        return None
    first, rest = with_heading[0], with_heading[1:]
    return first if all(one.level > first.level for one in rest) else None


def _groups(
    nb: NotebookNode,
    body: Sequence[CodeCell],
    outline: Sequence[Section],
    title: Section | None,
    levels: Sequence[int],
) -> list[_Group]:
    introduction: list[int] = []
    groups: list[_Group] = []
    for one in outline:
        if one.level in levels and one is not title:
            path = one.path[len(title.path) :] if title and one.path[:1] == title.path else one.path
            groups.append(_Group(one.cells, path))
        elif groups:
            groups[-1] = _Group((*groups[-1].cells, *one.cells), groups[-1].path)
        else:
            introduction += one.cells
    groups = [group for group in groups if group.cells]
    if groups and len(introduction) <= _SMALL and not _makes_something(body, introduction):
        groups[0] = _Group((*introduction, *groups[0].cells), groups[0].path)
        introduction = []
    return [*_introduction(nb, body, introduction, alone=not groups), *groups]


def _makes_something(body: Sequence[CodeCell], cells: Sequence[int]) -> bool:
    """Whether any of these cells does more than set a seed, set a style or show something."""
    chosen = [cell for cell in body if cell.index in set(cells)]
    return any(cell.access.binds and kind(cell.tree) not in ("seeds", "imports") for cell in chosen)


def _introduction(nb: NotebookNode, body: Sequence[CodeCell], cells: Sequence[int], *, alone: bool) -> list[_Group]:
    """The code above the first heading that counts, all of it where there is none: cut and named by its dataflow."""
    pieces = _pieces(nb, body)
    own = [piece for piece in pieces if piece.cell in set(cells)]
    cut = seams.split(own) if alone or len(own) > _LONGEST_INTRODUCTION else [tuple(own)] if own else []
    groups = []
    for group in cut:
        end = group[-1].cell
        later = frozenset[str]().union(*(piece.reads for piece in pieces if piece.cell > end))
        groups.append(_Group(tuple(piece.cell for piece in group), (), seams.names(group, later)))
    return groups


def _pieces(nb: NotebookNode, body: Sequence[CodeCell]) -> list[seams.Piece]:
    known: set[str] = set()
    pieces = []
    for place, cell in enumerate(body):
        access = cell.access
        known |= frozenset(access.modules) | frozenset(access.defines)
        start = body[place - 1].index + 1 if place else 0
        text = any(one.cell_type == "markdown" and one.source.strip() for one in nb.cells[start : cell.index])
        made = tuple(_made(cell))
        pieces.append(seams.Piece(cell.index, cell.source, access.touched - known, access.binds - known, made, text))
    return pieces


def _made(cell: CodeCell) -> Iterator[tuple[str, str]]:
    for statement in cell.tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names = [node for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
            text = ast.unparse(statement)
            yield from ((node.id, text) for node in names if isinstance(node.ctx, ast.Store))


def _named(groups: Sequence[_Group]) -> Iterator[SuggestedStep]:
    taken: dict[str, str] = {}
    for number, group in enumerate(groups, start=1):
        title = group.path[-1] if group.path else ""
        first = slug(title)
        wanted = (first, apart(title, [taken.get(first, "")]), _under_parent(group), *group.proposals)
        free = next((name for name in wanted if name and name not in taken), "")
        candidate = free or unique(next(filter(None, wanted), f"step_{number}"), taken)
        taken[candidate] = title
        yield SuggestedStep(candidate, group.cells, title)


def _under_parent(group: _Group) -> str:
    """The heading's name with as much of its parent's before it as fits."""
    if len(group.path) < 2:
        return ""
    tail = slug(group.path[-1])
    room = LONGEST - len(tail) - 1
    head = slug(group.path[-2], room) if room >= 3 else ""
    return f"{head}_{tail}" if head and tail else tail
