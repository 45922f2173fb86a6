"""The plan of an export, from a version's pipeline. Pure.

An engine runs tasks in separate processes, in any order that the edges allow. The plan adds the edges that keep
the promises of a run here:

- a step waits for earlier ones whose names, modules, process state or files it needs, as far as its text and earlier
  runs show (`jupyter mlops step --collect` verifies it);
- steps that can't be separated (an unpicklable variable, or cells that stand between each other) are one task;
- nothing below a failed step acts on the outside world: a step that may act waits for all steps above it, unless its
  author says `keep_going`;
- nothing below a gate runs unless the gate passed;
- where cells outside of steps read the clock or draw unseeded random numbers, one task runs them for all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.execution import planner
from jupyter_mlops.execution.block_profile import BlockProfile
from jupyter_mlops.execution.committed_state import RANDOM
from jupyter_mlops.export.plan import ExportTask
from jupyter_mlops.export.ties import ties
from jupyter_mlops.pipeline.model import Block, Pipeline, Settings, Step

SEPARATOR = "+"
LOOK_AT_NOTEBOOK = frozenset({"doctest", "unittest"})  # modules whose functions look at all names of the notebook


def tasks_of(pipeline: Pipeline, profiles: Mapping[int, BlockProfile] | None = None) -> tuple[ExportTask, ...]:
    """The tasks of a pipeline, in notebook order.

    :param profiles: block index -> what an earlier run showed of it; without one, the text alone tells.
    :raises InvalidInputError: there is nothing to run.
    """
    if not pipeline.steps:
        raise InvalidInputError(
            "the notebook has no steps, so there is nothing to export", remedy="Tag a cell with step:NAME."
        )
    order, profiles = [step.name for step in pipeline.steps], profiles or {}
    acts = {name: _acts(pipeline, name, profiles) for name in order}
    after = _waits(pipeline, order, acts, profiles)
    groups = _merged(order, after, [steps for steps, _ in ties(pipeline, profiles)])
    steps = {step.name: step for step in pipeline.steps}
    names = {step: _task_name(group) for group in groups for step in group}
    variables = _variables(pipeline, names)
    tasks: list[ExportTask] = []
    for group in groups:
        name = _task_name(group)
        before = {names[other] for step in group for other in after[step]} - {name}
        tasks.append(_task(name, group, [steps[s] for s in group], before, variables, acts))
    return _reduced(tasks)


def _task(
    name: str, group: Sequence[str], steps: Sequence[Step], before: Collection[str],
    variables: Mapping[tuple[str, str], tuple[str, ...]], acts: Mapping[str, str],
) -> ExportTask:  # fmt: skip
    settings = [step.settings for step in steps]
    return ExportTask(
        name=name,
        steps=tuple(group),
        after=tuple(sorted(before)),
        variables={other: variables[other, name] for other in sorted(before) if (other, name) in variables},
        retries=max(s.retries for s in settings),
        backoff=max(s.backoff for s in settings),
        timeout=_timeout(settings),
        limits={key: value for s in settings for key, value in s.limits.items()},
        image=next((s.image for s in settings if s.image), ""),
        secrets=tuple(dict.fromkeys(secret for s in settings for secret in s.secrets)),
        labels={key: value for s in settings for key, value in s.labels.items()},
        annotations={key: value for s in settings for key, value in s.annotations.items()},
        gate=any(step.gates for step in steps),
        acts=next((acts[step] for step in group if acts.get(step)), ""),
    )


def _timeout(settings: Sequence[Settings]) -> float | None:
    limits = [s.timeout for s in settings]
    return None if None in limits else sum(limit for limit in limits if limit is not None)


def _task_name(group: Sequence[str]) -> str:
    return SEPARATOR.join(group)


def _acts(pipeline: Pipeline, step: str, profiles: Mapping[int, BlockProfile]) -> str:
    """How a step may act on the outside world, as far as its text and earlier runs show."""
    for block in pipeline.blocks:
        if block.owner != step:
            continue
        if block.effects.outside:
            return block.effects.outside[0]
        if block.effects.files_written:
            return f"writes {block.effects.files_written[0]}"
        profile = profiles.get(block.index)
        if profile is not None and profile.outside:
            return "used the network or another process in an earlier run"
        if profile is not None and (profile.writes or profile.other_writes):
            return "wrote files in an earlier run"
    return ""


def _waits(
    pipeline: Pipeline, order: Sequence[str], acts: Mapping[str, str], profiles: Mapping[int, BlockProfile]
) -> dict[str, set[str]]:
    """Step -> the steps that it waits for."""
    after: dict[str, set[str]] = {name: set() for name in order}
    for edge in pipeline.edges:
        if edge.source in after and edge.target in after:
            after[edge.target].add(edge.source)
    for earlier, later in _conflicts(pipeline, profiles, acts):
        after[later].add(earlier)
    for step in pipeline.steps:
        after[step.name] |= set(step.after) & set(order)
        place = order.index(step.name)
        if acts.get(step.name) and not step.settings.keep_going:
            after[step.name] |= set(order[:place])
        if step.gates:
            for later in order[place + 1 :]:
                after[later].add(step.name)
    if any(_differs_each_time(block) for block in pipeline.blocks if block.owner not in after):
        for name in order[1:]:
            after[name].add(order[0])
    return after


def _conflicts(
    pipeline: Pipeline, profiles: Mapping[int, BlockProfile], acts: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """(earlier step, later step) where the later one needs what the earlier one does: names, modules that only it
    imports, process state, files."""
    blocks = [block for block in pipeline.blocks if block.role == "step"]
    prev = planner.prev_pairs(pipeline)
    everywhere = frozenset(name for b in pipeline.blocks if b.role != "step" for name in b.access.modules)
    modules = {name: module for block in pipeline.blocks for name, module in block.access.modules.items()}
    for place, later in enumerate(blocks):
        profile = profiles.get(later.index, BlockProfile())
        shared = profile.wrote - later.access.binds  # changed by way of objects that they share with others
        names = _with_functions(planner.needs(later) | shared, profiles, later.index) - everywhere
        imported = {*later.access.imports, *(modules.get(name, "") for name in later.access.reads)}
        looks_at_all = not LOOK_AT_NOTEBOOK.isdisjoint(module.split(".")[0] for module in imported)
        called_back = looks_at_all or any(profiles[b.index].callbacks for b in blocks[:place] if b.index in profiles)
        looks = _may_look(later, profiles.get(later.index))
        for earlier in blocks[:place]:
            if earlier.owner == later.owner:
                continue
            conflict = planner.wait_of(earlier, later, names, profiles.get(earlier.index), prev)
            if (
                conflict is not None
                or called_back
                or _shares_state(earlier, later, profiles)
                or (looks and acts.get(earlier.owner))
            ):
                yield earlier.owner, later.owner


def _with_functions(names: frozenset[str], profiles: Mapping[int, BlockProfile], index: int) -> frozenset[str]:
    """Names, and those that functions in their values may use, as far as runs of the blocks before showed."""
    refs: dict[str, set[str]] = {}
    for other in sorted(i for i in profiles if i < index):
        for pair in profiles[other].refs:
            name, _, ref = pair.partition(">")
            refs.setdefault(name, set()).add(ref)
    reached, waiting = set(names), list(names)
    while waiting:
        for ref in refs.get(waiting.pop(), ()):
            used = {name for i in profiles if i < index for name in profiles[i].wrote} if ref == "*" else {ref}
            waiting += used - reached
            reached |= used
    return frozenset(reached)


def _shares_state(earlier: Block, later: Block, profiles: Mapping[int, BlockProfile]) -> bool:
    """Whether a block changes process state that a later one may see. Random generators are seen by those that draw."""
    unknown = BlockProfile()
    before, after = profiles.get(earlier.index, unknown), profiles.get(later.index, unknown)
    changed = earlier.effects.state_writes | before.state
    used = later.effects.state_writes | later.effects.state_reads | after.state
    return bool(before.patched or changed - RANDOM or changed & used)


def _may_look(block: Block, profile: BlockProfile | None) -> bool:
    """Whether a block may see files that others write."""
    if block.effects.looks_at_files or block.effects.files_read:
        return True
    return bool(profile.reads) if profile is not None else False


def _differs_each_time(block: Block) -> bool:
    """Whether a block outside of steps would give each process another result."""
    return bool(block.effects.volatile)


def _merged(
    order: Sequence[str], after: Mapping[str, Collection[str]], together: Iterable[Collection[str]]
) -> list[tuple[str, ...]]:
    """Groups of steps, in notebook order, so that no group waits for itself by way of another."""
    group_of = {name: name for name in order}

    def join(names: Collection[str]) -> None:
        roots = {group_of[name] for name in names if name in group_of}
        if len(roots) > 1:
            first = min(roots, key=order.index)
            for name, root in group_of.items():
                if root in roots:
                    group_of[name] = first

    for names in together:
        join(names)
    while cycle := _cycle(order, after, group_of):
        join(cycle)
    groups: dict[str, list[str]] = {}
    for name in order:
        groups.setdefault(group_of[name], []).append(name)
    return _sorted({root: tuple(group) for root, group in groups.items()}, order, after, group_of)


def _sorted(
    groups: Mapping[str, tuple[str, ...]], order: Sequence[str], after: Mapping[str, Collection[str]],
    group_of: Mapping[str, str],
) -> list[tuple[str, ...]]:  # fmt: skip
    """Groups in a topological order, as close to the notebook's as there is."""
    waiting = sorted(groups, key=order.index)
    ready: list[tuple[str, ...]] = []
    placed: set[str] = set()
    while waiting:
        root = next(
            r for r in waiting if {group_of[o] for name in groups[r] for o in after[name]} <= placed | {r}
        )  # there is one, as no groups wait for each other
        waiting.remove(root)
        placed.add(root)
        ready.append(groups[root])
    return ready


def _cycle(order: Sequence[str], after: Mapping[str, Collection[str]], group_of: Mapping[str, str]) -> set[str]:
    """Steps of groups that wait for each other; empty if none do."""
    before: dict[str, set[str]] = {group_of[name]: set() for name in order}
    for name in order:
        before[group_of[name]] |= {group_of[other] for other in after[name]} - {group_of[name]}
    reach = {root: _ancestors(root, before) for root in before}
    for root in before:
        members = {other for other in reach[root] if root in reach[other]}
        if members - {root}:
            return {name for name in order if group_of[name] in members | {root}}
    return set()


def _ancestors(name: str, before: Mapping[str, Collection[str]]) -> set[str]:
    ancestors: set[str] = set()
    waiting = list(before[name])
    while waiting:
        other = waiting.pop()
        if other not in ancestors:
            ancestors.add(other)
            waiting += before[other]
    return ancestors


def _variables(pipeline: Pipeline, names: Mapping[str, str]) -> dict[tuple[str, str], tuple[str, ...]]:
    """(task, task) -> what travels between them."""
    variables: dict[tuple[str, str], tuple[str, ...]] = {}
    for edge in pipeline.edges:
        pair = (names.get(edge.source, ""), names.get(edge.target, ""))
        if edge.kind == "data" and all(pair) and pair[0] != pair[1]:
            variables[pair] = tuple(dict.fromkeys((*variables.get(pair, ()), *edge.variables)))
    return variables


def _reduced(tasks: Sequence[ExportTask]) -> tuple[ExportTask, ...]:
    """Tasks without the edges that follow from others."""
    before = {task.name: set(task.after) for task in tasks}
    ancestors = {name: _ancestors(name, before) for name in before}
    order = [task.name for task in tasks]
    return tuple(
        replace(
            task,
            after=tuple(
                sorted(
                    (o for o in task.after if not any(o in ancestors[other] for other in task.after if other != o)),
                    key=order.index,
                )
            ),
        )
        for task in tasks
    )


def ancestors(tasks: Sequence[ExportTask], steps: Sequence[str]) -> set[str]:
    """The steps whose results a process needs that executes these steps."""
    by_name = {task.name: task for task in tasks}
    needed: set[str] = set()
    waiting = [task for task in tasks if set(task.steps) & set(steps)]
    while waiting:
        for name in waiting.pop().after:
            if not needed >= set(by_name[name].steps):
                needed |= set(by_name[name].steps)
                waiting.append(by_name[name])
    return needed - set(steps)
