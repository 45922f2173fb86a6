"""Which values are stored: decisions by sizes and seconds, without access to any value."""

from __future__ import annotations

from typing import Any

LARGE = 1 << 26  # bytes from which a value must be worth storing
SPEED = 1e9  # bytes that are written in a second, unless they turn out to be fewer
TIMES = 12  # seconds of computing that one second of writing must spare: storing never costs more than 1/12 of a run
QUICK = 1 << 28  # bytes up to which a second kernel is given a value, however fast it was made


def worth_storing(size: int, seconds: float, speed: Any = None) -> bool:
    """Whether a value of `size` bytes is stored for later runs.

    :param seconds: of computing to recreate it from stored values.
    :param speed: measured write speed in bytes/s; None if nothing was measured.
    """
    return size < LARGE or seconds >= TIMES * size / (speed or SPEED)


def worth_handing_on(size: int, seconds: float) -> bool:
    """Whether a helper kernel loads a value of `size` bytes sooner than it computes it, in `seconds`."""
    return size < QUICK or size / SPEED < seconds


def worth_writing(size: int, names: Any, request: Any, speed: Any = None) -> bool:
    """Whether a group of variables is written to a file.

    :param request: `worth`: seconds that the block took, None if everything is written; `cost`: seconds that make its
        values again from what is stored; `handed`: names that a second kernel may want.
    """
    seconds = request.get("worth")
    if seconds is None or worth_storing(size, request.get("cost", 0.0), speed):
        return True
    return not set(names).isdisjoint(request.get("handed", ())) and worth_handing_on(size, seconds)
