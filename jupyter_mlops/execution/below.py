"""What may still run below a failed block: pure decisions.

Run All stops at the first failure, so nothing below it acts on the outside world. A block may run below a failure if
its settings allow it, or if it only computes: then its result is cached for the next run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping

from jupyter_mlops.execution import planner
from jupyter_mlops.execution.block_profile import BlockProfile
from jupyter_mlops.execution.committed_state import BlockResult, CommittedState
from jupyter_mlops.pipeline.model import Block

EARLIER_FAILED = "an earlier step failed"
HARMLESS = frozenset({"figures"})  # state that can't be transferred, but that can't act either


@dataclasses.dataclass
class Shortfall:
    """What a run lacks because blocks failed or were skipped.

    :param files: paths that those blocks write, as far as earlier runs show; the current files are from another run.
    :param gate: the step with a gate that did not pass, "" if there is none.
    """

    files: set[str] = dataclasses.field(default_factory=set)
    gate: str = ""


def may_act(block: Block, learned: BlockProfile | None, line: CommittedState, missing: Collection[str]) -> str:
    """How a block may act on the outside world, or read what this run did not write; "" if there is no sign of it.

    The guard in the kernel forbids what Python's audit events report: new files, connections and processes. It does not
    observe handles that are already open, so a block that may use one does not run either.

    :param learned: what an earlier run of the same source did.
    :param missing: files that failed or skipped blocks write.
    """
    effects = block.effects
    if effects.outside:
        return effects.outside[0]
    if effects.files_written:
        return f"writes {effects.files_written[0]}"
    if effects.modules_changed:
        return f"may change {min(effects.modules_changed)}"
    if learned is not None:
        if learned.outside or learned.writes or learned.other_writes:
            return "acted in an earlier run"
        if stale := learned.reads & set(missing):
            return f"reads {min(stale)}"
    if state := acting(line.stuck):
        return state
    for name in sorted(line.closure(planner.reach(block))):
        if line.groups[name].live:
            return f"`{name}` may hold something open"
    return ""


def acted(result: BlockResult, missing: Collection[str]) -> str:
    """How a block's result shows that it acted, could act later, or read what this run did not write; otherwise ""."""
    for acts in (result.denied, result.outside, sorted(result.written)):
        if acts:
            return str(acts[0])
    if stale := set(result.read) & set(missing):
        return f"reads {min(stale)}"
    return acting(result.stuck)


def acting(stuck: Mapping[str, str]) -> str:
    """State of a kernel that may act on its own, such as a running thread; "" if there is none."""
    return next((why for name, why in stuck.items() if name not in HARMLESS), "")
