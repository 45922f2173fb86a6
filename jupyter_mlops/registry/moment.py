"""A time that a person writes: a date, or a date with a time and a zone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TypeVar

from jupyter_mlops.errors import InvalidInputError

T = TypeVar("T")
EARLIEST, LATEST = 1971, 9000  # years; arithmetic fails near the limits of datetime


@dataclass(frozen=True)
class Moment:
    """A time.

    :param seconds: since 1970.
    :param text: in full, with its offset.
    """

    seconds: float
    text: str


def parse_moment(text: str, field: str = "at") -> Moment:
    """The time of `2026-03-01`, `2026-03-01T12:00` or `2026-03-01T12:00+02:00`.

    A date without a time is the end of that day. A time without an offset is in the local zone.

    :raises InvalidInputError: it is neither.
    """
    day = _parsed(date.fromisoformat, text)
    moment = _parsed(datetime.fromisoformat, text) if day is None else datetime.combine(day, time.max)
    if moment is None or not EARLIEST <= moment.year <= LATEST:
        raise InvalidInputError(
            f"{text!r} is not a date or a time", field=field,
            remedy="Write 2026-03-01, 2026-03-01T12:00 or 2026-03-01T12:00+02:00.",
        )  # fmt: skip
    zone = "" if moment.tzinfo else ", the local zone"
    moment = moment if moment.tzinfo else moment.astimezone()
    in_full = f"{moment.isoformat(' ', 'seconds')}{zone}"
    return Moment(moment.timestamp(), in_full if day is None else f"the end of {day}: {in_full}")


def _parsed(parse: Callable[[str], T], text: str) -> T | None:
    try:
        return parse(text)
    except ValueError:
        return None
