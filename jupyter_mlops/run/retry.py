"""Trying a step again: after how long, and when that can't be done."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_mlops.pipeline.model import Block
    from jupyter_mlops.run.line import Line

LONGEST = 3600.0  # seconds


def wait_after(attempt: int, backoff: float) -> float:
    """Seconds to wait after a failed attempt, the first being 1: each time twice as long, an hour at most."""
    return min(LONGEST, backoff * 2.0 ** min(attempt - 1, 40))


def why_not(line: Line, rest: Collection[Block]) -> str:
    """Why a block can't begin again in a new kernel from what it began with; "" if it can.

    :param rest: the block and all after it: what they don't come near may be lost.
    """
    from jupyter_mlops.run import plan

    reach = frozenset(name for block in rest for name in plan.reach(block))
    needed = line.closure(None if any(map(plan.opaque, rest)) else reach)
    for group in line.groups.values():
        if not group.portable and needed & set(group.names):
            name = next(iter(group.live), group.names[0])
            return f"`{name}` can't be handed to a new kernel: {group.live.get(name) or 'it was not stored'}"
    return next((f"{name}: {why}" for name, why in line.stuck.items()), "")


def told(event: Mapping[str, Any]) -> str:
    """What people are told of a `retry` event: `attempt 1 of 3 failed: ValueError: no rows; tried again in 2 s`."""
    return f"attempt {event['attempt']} of {event['of']} failed: {event['why']}; tried again in {event['wait']:g} s"


def note(step: str, attempt: int, attempts: int, said: str, then: str) -> str:
    """What a run's record says of a failed attempt."""
    return f"{step}: attempt {attempt} of {attempts} failed ({said}); {then}"
