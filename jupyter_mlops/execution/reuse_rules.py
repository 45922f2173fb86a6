"""Whether a result can be reused or stored: pure functions of results and the committed state."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from jupyter_mlops.execution.agent.looks import listing_of, looks_again
from jupyter_mlops.execution.committed_state import RANDOM, BlockResult, CommittedState, VariableGroup
from jupyter_mlops.execution.planner import goes_unseen, is_tied, is_used, needs, opaque, reach, rebinds
from jupyter_mlops.pipeline.model import Block

# Acts of a text that the kernel hears of if they happen: a download may find its file there.
HEARD = re.compile(r"network: (https?://|(urllib\.request|http\.client|requests|urllib3)\.\w+$)")


def why_not_reusable(  # noqa: C901 (one reason after the other)
    block: Block,
    result: BlockResult,
    line: CommittedState,
    stat_of: Callable[[str], list[int] | None],
    wrote_since: Collection[str],
    later: Sequence[Block],
    read_by_functions: Collection[str] = (),
) -> str:
    """Why a helper's result differs from what the main kernel would compute now; "" if it does not.

    :param read_by_functions: global names that functions of the notebook may read.
    """
    if result.denied:
        return f"it acts on the outside world ({result.denied[0]})"
    if result.comms:
        return "it communicates with widgets of other steps, or with a front end"
    if result.stuck:
        return "it leaves " + next(iter(result.stuck.values()))
    if line.stuck:
        return "the main kernel has " + next(iter(line.stuck.values()))
    if stale := why_stale(block, result.loaded, result.values, line, result.groups):
        return stale
    if resource := changed_resource(result, line):
        return f"the state of {resource} changed since it started"
    if wrote_since and result.overlooked and block.effects.looks_at_files:
        return "files were written since it looked at them"
    if set(wrote_since) & set(result.modules.values()):
        return "a module that it imported was written since"
    for path, facts in result.read.items():
        if stat_of(path) != facts:
            return f"{path} changed since it was read"
    if wrote_since:
        for path, look in result.looks.items():
            if not looks_again(path, look):
                return f"{path} changed since it was looked at"
        for path, digest in result.listed.items():
            if listing_of(path) != digest:
                return f"files in {path} changed since they were listed"
    return why_incomplete(result, later, read_by_functions)


def changed_resource(result: BlockResult, line: CommittedState) -> str:
    """A resource whose state at the start of a block differs from the committed one; "" if there is none."""
    for resource in sorted({*result.state_before, *line.state}):
        differs = line.state.get(resource, ("", None))[0] != result.state_before.get(resource, "")
        if differs and (resource not in RANDOM or resource in result.state):
            return resource
    return ""


def why_stale(
    block: Block,
    loaded: Mapping[str, str],
    values: Mapping[str, str],
    line: CommittedState,
    groups: Iterable[VariableGroup] = (),
) -> str:
    """Why the inputs of a helper are not the committed ones; "" if they are. May be called while the helper runs.

    A committed variable may share objects with others than before only if the block itself does this. Names that the
    block only binds were not transferred, and must not share objects with committed variables.

    :param loaded: name -> digest of the group that the helper received.
    :param values: name -> digest of the variable alone at that time.
    :param groups: the groups that the block left, once it has ended.
    """
    shared_anew = {name for group in groups for name in group.names}
    for name in sorted(rebinds(block) - set(loaded)):
        if name in line.groups and is_tied(line.groups[name]):
            others = set(line.groups[name].names) - {name}
            return f"`{name}` " + (f"shares objects with `{min(others)}`" if others else "can't go unseen")
    for name in sorted(line.closure(needs(block), sharing=False) | set(loaded)):
        if loaded.get(name) == line.digest(name):
            continue
        own_digest = values.get(name)
        if own_digest is None or name in shared_anew or own_digest != line.value_digest(name):
            return f"`{name}` changed since it started"
    return ""


def why_incomplete(result: BlockResult, later: Sequence[Block], read_by_functions: Collection[str]) -> str:
    """Why a result can't replace executing its block, because it lacks something that a later block needs; "" if it
    can.

    :param read_by_functions: global names that functions of the notebook may read.
    """
    for group in result.groups:
        if group.portable or group.absent:  # `why_absent` is about those
            continue
        for name in group.names:
            if goes_unseen(group):
                used = is_used(name, later, read_by_functions)
            else:
                used = any(opaque(b) or name in reach(b) for b in later)
            if used or name.startswith("@"):
                return f"`{name}` can't be transferred ({group.live.get(name) or 'not stored'})"
            if any(name in functions for b in later for functions in b.access.defines.values()):
                return f"`{name}` can't be transferred"
    return ""


def why_not_stored(block: Block, result: BlockResult, cache: str, line: CommittedState) -> str:
    """Why a result is not stored in the cache; "" if it is.

    :param cache: the step's setting: "enabled", "disabled" or "".
    """
    if cache == "disabled":
        return "cache:disabled"
    if result.comms or result.stuck:
        return "it leaves state that can't be transferred"
    if result.failed_store:
        return result.failed_store
    if cache == "enabled":
        return ""
    if block.effects.volatile:
        return f"it depends on {block.effects.volatile[0]}"
    if readings := [
        r for r in result.volatile if not (r[0] == "the clock" and not r[1] and block.effects.stopwatch is not None)
    ]:
        kind, module, _ = readings[0]
        return f"it depends on {kind}" + (f", which `{module}` asks for" if module else "")
    if any(name in str(cell["outputs"]) for name in result.scratch for cell in result.cells.values()):
        return "it shows the name of a scratch file"
    unheard = [act for act in block.effects.outside if result.overlooked or not HEARD.match(act)]
    if acts := result.outside or unheard:
        return acts[0]
    drew = line.drew_unseeded(result)
    if drew:
        return f"it draws from {drew[0]}, which nothing seeded"
    if set(result.written) & set(result.read):
        return "it changes a file that it reads"
    if any(file_act != "w" for file_act in result.written.values()):
        return "it changes files in place"
    if block.effects.interactive:
        return block.effects.interactive[0]
    if result.overlooked and (block.effects.looks_at_files or result.looks or result.listed):
        return "it looks at which files there are"
    return ""
