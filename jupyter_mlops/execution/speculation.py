"""When speculation saves time: which block a free helper takes, and how long the main line waits for a helper.

The main line takes blocks from the front, so without a profile a helper takes the last ready block: the two then
meet once at most. With durations from earlier runs, it takes the block that saves most.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

START = 1.0  # seconds to start a kernel
HAND_OFF = 0.15  # seconds to bring a running kernel to the committed state, and its result back
LEAST_SAVING = 0.1  # expected seconds saved that make a hand-off worthwhile
UNKNOWN_FACTOR = 4.0  # for a block without a profile, the main line waits this many times the helper's elapsed time
UNKNOWN_LEAST = 2.0  # minimum seconds that it waits for such a block
WARM_DELAY = 0.1  # seconds a block runs before a ready kernel gets a block


@dataclass(frozen=True)
class Candidate:
    """A block that could run ahead now.

    :param seconds: its duration in an earlier run; None if unknown.
    :param arrival: seconds until the main line reaches it; None if unknown.
    """

    index: int
    seconds: float | None
    arrival: float | None

    def saving(self, start: float) -> float | None:
        """Seconds that the main line saves if a helper begins in `start` seconds; None if unknown."""
        if self.seconds is None or self.arrival is None:
            return None
        wait = max(0.0, start + self.seconds + HAND_OFF - self.arrival)
        return self.seconds - wait


def arrival(between: Iterable[float | None], elapsed: float) -> float | None:
    """Seconds until the main line has run these blocks, the first of which has been running for `elapsed`."""
    total = 0.0
    for number, seconds in enumerate(between):
        if seconds is None:
            return None
        total += max(0.0, seconds - elapsed) if number == 0 else seconds
    return total


def choice(candidates: Sequence[Candidate], start: float) -> Candidate | None:
    """The block that a helper takes next; None if none saves enough.

    :param start: seconds until a helper's kernel can begin.
    """
    savings = [(c.saving(start), c) for c in candidates]
    unknown = [c for saving, c in savings if saving is None and (c.seconds is None or c.seconds > LEAST_SAVING)]
    measured = [(saving, c.index, c) for saving, c in savings if saving is not None and saving > LEAST_SAVING]
    if measured:
        return max(measured, key=lambda item: item[:2])[2]
    return max(unknown, key=lambda c: c.index, default=None)


def patience(elapsed: float, seconds: float | None) -> float:
    """Maximum seconds that the main line waits for a helper that has been running a block for `elapsed`.

    If the block's duration is known, that long: the main line could have run it by then. A helper that has already
    taken twice that long is not waited for.
    """
    if seconds is None:
        return max(UNKNOWN_LEAST, UNKNOWN_FACTOR * elapsed)
    if elapsed > 2 * seconds + HAND_OFF:
        return 0.0
    return max(HAND_OFF, seconds)


def delay(usual: float, seconds: float | None, ready: bool) -> float:
    """Seconds that a block runs on the main line before helpers start.

    :param seconds: the block's duration in an earlier run; None if unknown.
    :param ready: whether a helper's kernel is idle.
    """
    if seconds is not None and seconds > usual:
        return 0.0
    return min(usual, WARM_DELAY) if ready else usual
