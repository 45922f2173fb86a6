"""Decisions about the due slots of a schedule. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_mlops.states import MissedPolicy, OverlapPolicy, SlotState

GRACE = 60.0  # seconds after which a slot counts as missed
AT_MOST = 1000  # slots of one schedule that are recorded one by one after a long time down


@dataclass(frozen=True)
class Slot:
    """One fire time of a schedule, in seconds since 1970, and the initial state of its run.

    :param why: why it does not run, for people; "" if it does.
    """

    time: float
    state: SlotState = "queued"
    why: str = ""

    @property
    def runs(self) -> bool:
        return self.state == "queued"


def decide(times: Sequence[float], now: float, missed: MissedPolicy, grace: float = GRACE) -> list[Slot]:
    """The states of due slots that have not fired, in order of time.

    A slot that is at most `grace` seconds late is not missed. Of the missed slots, "all" runs all, "latest" runs the
    last one unless a later slot is on time, and "skip" runs none. The others are recorded as missed.
    """
    on_time = [t for t in times if now - t <= grace]
    late = [t for t in times if now - t > grace]
    slots = []
    for time in late:
        if missed == "all" or (missed == "latest" and time == late[-1] and not on_time):
            slots.append(Slot(time))
        else:
            slots.append(Slot(time, "missed", f"missed: no worker was running for {now - time:.0f} s"))
    return [*slots, *map(Slot, on_time)]


def overlapping(slots: Sequence[Slot], active: int, overlap: OverlapPolicy) -> tuple[list[Slot], bool]:
    """Slots with the overlap policy applied, and whether the active runs must be stopped.

    :param active: runs of the schedule that are queued or running.
    """
    if overlap in ("allow", "queue"):
        return list(slots), False
    runs = [slot.time for slot in slots if slot.runs]
    if overlap == "skip":
        first = runs[0] if runs and not active else None
        why = "skipped: the previous run was not finished"
        return [s if not s.runs or s.time == first else Slot(s.time, "skipped", why) for s in slots], False
    why = "skipped: replaced by the next run"
    last = runs[-1] if runs else None
    return [s if not s.runs or s.time == last else Slot(s.time, "skipped", why) for s in slots], bool(runs and active)
