"""What becomes of the slots of a schedule that are due: pure decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jupyter_mlops.states import MissedPolicy, OverlapPolicy, SlotState

GRACE = 60.0  # seconds after which a slot counts as missed
AT_MOST = 1000  # slots of one schedule that are recorded one by one after a long time down


@dataclass(frozen=True)
class Slot:
    """One fire time of a schedule, in seconds since 1970, and the state that its run starts in.

    :param why: why it doesn't run, for people; "" if it does.
    """

    time: float
    state: SlotState = "queued"
    why: str = ""

    @property
    def runs(self) -> bool:
        return self.state == "queued"


def decide(times: Sequence[float], now: float, missed: MissedPolicy, grace: float = GRACE) -> list[Slot]:
    """What becomes of slots that are due and were not fired, in order of time.

    A slot that is late by no more than `grace` seconds is not missed. Of those that are, "all" run, "latest" lets the
    last one run unless a later slot is on time, and "skip" none; those that don't run are recorded as missed.
    """
    on_time = [t for t in times if now - t <= grace]
    late = [t for t in times if now - t > grace]
    found = []
    for time in late:
        if missed == "all" or (missed == "latest" and time == late[-1] and not on_time):
            found.append(Slot(time))
        else:
            found.append(Slot(time, "missed", f"missed: nothing was running for {now - time:.0f} s"))
    return [*found, *map(Slot, on_time)]


def overlapping(slots: Sequence[Slot], active: int, overlap: OverlapPolicy) -> tuple[list[Slot], bool]:
    """Slots with the overlap policy applied, and whether what is active has to be stopped.

    :param active: runs of the schedule that are queued or running.
    """
    if overlap in ("allow", "queue"):
        return list(slots), False
    runs = [slot.time for slot in slots if slot.runs]
    if overlap == "skip":
        first = runs[0] if runs and not active else None
        told = "skipped: the run before was not over"
        return [s if not s.runs or s.time == first else Slot(s.time, "skipped", told) for s in slots], False
    told = "skipped: replaced by the one after it"
    last = runs[-1] if runs else None
    return [s if not s.runs or s.time == last else Slot(s.time, "skipped", told) for s in slots], bool(runs and active)
