"""Whether a server is needed although no client uses it: what keeps it from being ended as idle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

DUE_SOON_S = 900.0  # seconds before a schedule is due from which the server is needed


def is_needed(
    worker: Mapping[str, Any] | None, states: Iterable[str], next_due: float | None, now: float, due_soon: float
) -> bool:
    """Whether work would stop, or be late, if the server ended now.

    A worker that a person started continues without a server, and runs of workers elsewhere do too.

    :param worker: the status of the worker on this machine; None if there is none.
    :param states: states of all unfinished runs.
    :param next_due: when the next schedule is due, as `now` in seconds since 1970.
    """
    if worker is None or not is_supervised(worker):
        return False
    has_runs = any(worker.get(name) for name in ("doing", "running", "queued"))
    return has_runs or "queued" in states or (next_due is not None and next_due - now < due_soon)


def is_supervised(worker: Mapping[str, Any] | None) -> bool:
    """Whether a Jupyter server started the worker with this status; an earlier version calls that `kept`."""
    return worker is not None and bool(worker.get("supervised", worker.get("kept")))
