"""Retries of a step: the delay, and when a retry is impossible."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_mlops.execution.committed_state import CommittedState
    from jupyter_mlops.pipeline.model import Block

LONGEST = 3600.0  # seconds


def wait_after(attempt: int, backoff: float) -> float:
    """Seconds to wait after a failed attempt, counted from 1: doubles each time, at most an hour."""
    return min(LONGEST, backoff * 2.0 ** min(attempt - 1, 40))


def why_not(line: CommittedState, rest: Collection[Block]) -> str:
    """Why a block can't restart in a new kernel with its original inputs; "" if it can.

    :param rest: the block and all later ones: what they don't use may be lost.
    """
    from jupyter_mlops.execution import planner

    reach = frozenset(name for block in rest for name in planner.reach(block))
    needed = line.closure(None if any(map(planner.opaque, rest)) else reach)
    for group in line.groups.values():
        if not group.portable and needed & set(group.names):
            name = next(iter(group.live), group.names[0])
            return f"`{name}` can't be transferred to a new kernel: {group.live.get(name) or 'it was not stored'}"
    return next((f"{name}: {why}" for name, why in line.stuck.items()), "")


def told(event: Mapping[str, Any]) -> str:
    """Word a `retry` event: `attempt 1 of 3 failed: ValueError: no rows; retrying in 2 s`."""
    return f"attempt {event['attempt']} of {event['of']} failed: {event['why']}; retrying in {event['wait']:g} s"


def note(step: str, attempt: int, attempts: int, message: str, consequence: str) -> str:
    """Word a failed attempt for the run's record."""
    return f"{step}: attempt {attempt} of {attempts} failed ({message}); {consequence}"
