"""The fire times of a schedule: a cron expression in a time zone.

Expressions, and their fire times when clocks change, are those of Debian cron: a daily time inside the hour that is
left out runs once, right after it; one inside the hour that comes twice runs once; expressions that fire by the hour or
the minute (whose hour or minute begins with a star) fire as often as there are hours and minutes.

cronsim reads expressions and finds the local times that fit. Which instants those are is found here: cronsim itself
leaves times out where clocks change by half an hour.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import takewhile
from typing import TYPE_CHECKING

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.scheduling.zone import zone as known_zone

if TYPE_CHECKING:
    from cronsim import CronSim

PRESETS = {
    "hourly": "0 * * * *",
    "daily": "0 6 * * *",
    "weekdays": "0 6 * * MON-FRI",
    "weekly": "0 6 * * MON",
    "monthly": "0 6 1 * *",
}
CRON_NAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
FIELDS = "minute hour day month weekday"


@dataclass(frozen=True)
class Cron:
    """A valid cron expression and IANA time zone.

    :raises InvalidInputError: raised by `parse` if either is invalid, or if the expression never fires.
    """

    expression: str
    zone: str

    @classmethod
    def parse(cls, expression: str, zone: str) -> Cron:
        """Parse a preset's name or five fields, and a zone such as `Europe/Paris`."""
        fields = (PRESETS | CRON_NAMES).get(expression.strip().lower(), " ".join(expression.split()))
        cron = cls(fields, known_zone(zone).key)
        if len(fields.split()) != 5:
            raise InvalidInputError(
                f"not a cron expression: {expression!r}",
                field="cron",
                remedy=f"Five fields are needed, {FIELDS}, such as '0 6 * * MON-FRI'; or one of {', '.join(PRESETS)}.",
            )
        if next(cron.times(datetime(2024, 1, 1, tzinfo=UTC)), None) is None:
            raise cron._never()
        return cron

    def times(self, after: datetime) -> Iterator[datetime]:
        """The fire times after `after`, in UTC, in order."""
        minute, hour, *_ = self.expression.split() or [""] * 2
        zone, last = known_zone(self.zone), after
        by_the_clock = minute.startswith("*") or hour.startswith("*")
        for instant in (self._by_the_clock if by_the_clock else self._by_the_day)(after, zone):
            if instant > last:
                last = instant
                yield instant

    def _by_the_clock(self, after: datetime, zone: tzinfo) -> Iterator[datetime]:
        """Every instant at which the local time matches."""
        at = begin = after.astimezone(UTC).replace(microsecond=0)
        while True:
            change, offset = None, _offset(at, zone)
            for local in self._simulation(begin + offset):
                instant = local.replace(tzinfo=UTC) - offset
                change = _next_change(zone, at, instant)
                if change is not None:
                    break
                at = instant
                yield instant
            if change is None:
                return
            at, begin = change, change - timedelta(seconds=1)  # at the change itself it may fire too

    def _by_the_day(self, after: datetime, zone: tzinfo) -> Iterator[datetime]:
        """Each matching local time once: at its first occurrence, or right after the gap if it was skipped."""
        for local in self._simulation(after.astimezone(zone)):
            instant = local.replace(tzinfo=zone).astimezone(UTC)
            while instant.astimezone(zone).replace(tzinfo=None) != local:
                local += timedelta(minutes=1)
                instant = local.replace(tzinfo=zone).astimezone(UTC)
            yield instant

    def next(self, after: datetime) -> datetime:
        """The first fire time after `after`, in UTC."""
        instant = next(self.times(after), None)
        if instant is None:
            raise self._never()
        return instant

    def between(self, after: datetime, until: datetime, limit: int) -> tuple[list[datetime], bool]:
        """The last `limit` fire times after `after` up to and including `until`, and whether there were more."""
        span = timedelta(hours=1)
        while True:
            start = max(after, until - span)
            instants = list(takewhile(lambda time: time <= until, self.times(start)))
            if start == after or len(instants) > limit:
                return instants[-limit:], start > after or len(instants) > limit
            span *= 8

    def in_words(self) -> str:
        """`At 06:00 on Monday through Friday, Europe/Paris time`."""
        words = str(self._simulation(datetime(2024, 1, 1)).explain())
        day, weekday = self.expression.split()[2::2]
        if not (day.startswith("*") or weekday.startswith("*")):  # either will do
            words = words.replace(" and on ", " or on ", 1)
        words = re.sub(r"\b(\d+)th\b", lambda match: _ordinal(int(match[1])), words)
        return f"{words}, {self.zone} time"

    def upcoming(self, after: datetime, count: int = 5) -> list[dict[str, object]]:
        """The next fire times as local times of the schedule's zone, and whether its clocks change on that day."""
        zone = known_zone(self.zone)
        entries: list[dict[str, object]] = []
        for time in self.times(after):
            local = time.astimezone(zone)
            begin = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
            changes = (begin + timedelta(days=1)).utcoffset() != begin.utcoffset()
            entries.append({"time": time.timestamp(), "local": local.isoformat(), "clocks_change": changes})
            if len(entries) == count:
                break
        return entries

    def _simulation(self, after: datetime) -> CronSim:
        """The matching local times after a local time."""
        from cronsim import CronSim, CronSimError

        try:
            return CronSim(self.expression, after.replace(tzinfo=None))
        except CronSimError as error:
            if self._is_good_but_for_the_month():
                raise self._never() from None
            raise InvalidInputError(
                f"not a cron expression: {self.expression!r} ({error})",
                field="cron",
                remedy=f"Five fields are needed, {FIELDS}, such as '0 6 * * MON-FRI'.",
            ) from None

    def _never(self) -> InvalidInputError:
        return InvalidInputError(
            f"{self.expression!r} never fires", field="cron", remedy="There is no such day: check day and month."
        )

    def _is_good_but_for_the_month(self) -> bool:
        from cronsim import CronSim, CronSimError

        fields = self.expression.split()
        with contextlib.suppress(CronSimError):
            CronSim("* * * " + " ".join([*fields[3:4], "*"]), datetime(2024, 1, 1))
            CronSim(" ".join([*fields[:3], "*", *fields[4:]]), datetime(2024, 1, 1))
            return True
        return False


def _offset(at: datetime, zone: tzinfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()


def _next_change(zone: tzinfo, begin: datetime, until: datetime) -> datetime | None:
    """The first second after `begin`, up to and including `until`, at which the UTC offset changes; None if there is
    none.
    """
    offset, low = _offset(begin, zone), begin
    while low < until:
        high = min(until, low + timedelta(days=1))
        if _offset(high, zone) != offset:
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
                low, high = (low, middle) if _offset(middle, zone) != offset else (middle, high)
            return high
        low = high
    return None


def _ordinal(number: int) -> str:
    """`31st`"""
    last = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{last}"
