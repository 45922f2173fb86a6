"""When a schedule fires: a cron expression in a time zone.

Expressions and what becomes of them when clocks are put forward or back are Debian cron's, by cronsim: a daily time
inside the hour that is left out runs once, right after it; one inside the hour that comes twice runs once; expressions
that fire by the hour or the minute fire as often as there are hours and minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from jupyter_mlops.errors import BadInput

if TYPE_CHECKING:
    from cronsim import CronSim

PRESETS = {
    "hourly": "0 * * * *",
    "daily": "0 6 * * *",
    "weekdays": "0 6 * * MON-FRI",
    "weekly": "0 6 * * MON",
    "monthly": "0 6 1 * *",
}
FIELDS = "minute hour day month weekday"


@dataclass(frozen=True)
class Cron:
    """An expression and an IANA time zone, both known to be good.

    :raises BadInput: from `parse`, if either is not, or nothing ever fires.
    """

    expression: str
    zone: str

    @classmethod
    def parse(cls, expression: str, zone: str) -> Cron:
        """A preset's name or five fields, and a zone such as `Europe/Paris`."""
        told = PRESETS.get(expression.strip().lower(), " ".join(expression.split()))
        made = cls(told, _zone(zone).key)
        if len(told.split()) != 5:
            raise BadInput(
                f"not a cron expression: {expression!r}",
                where="cron",
                remedy=f"Five fields are needed, {FIELDS}, such as '0 6 * * MON-FRI'; or one of {', '.join(PRESETS)}.",
            )
        if next(made.times(datetime(2024, 1, 1, tzinfo=UTC)), None) is None:
            raise BadInput(
                f"{expression!r} never fires", where="cron", remedy="There is no such day: look at day and month."
            )
        return made

    def times(self, after: datetime) -> Iterator[datetime]:
        """The times it fires later than `after`, in UTC, one after the other."""
        simulation = self._simulation(after)
        if simulation is None:
            return
        last = after
        for found in simulation:
            now = found.astimezone(UTC)
            if now > last:
                last = now
                yield now

    def next(self, after: datetime) -> datetime:
        """The first time it fires later than `after`, in UTC."""
        found = next(self.times(after), None)
        if found is None:
            raise BadInput(f"{self.expression!r} never fires", where="cron")
        return found

    def between(self, after: datetime, until: datetime, limit: int) -> tuple[list[datetime], bool]:
        """The times later than `after` and not later than `until`: the last `limit` of them, and whether there
        were more."""
        span = timedelta(hours=1)
        while True:
            start = max(after, until - span)
            found = list(takewhile(lambda time: time <= until, self.times(start)))
            if start == after or len(found) > limit:
                return found[-limit:], start > after or len(found) > limit
            span *= 8

    def in_words(self) -> str:
        """`At 06:00 on Monday through Friday, Europe/Paris time`."""
        from cronsim import CronSim

        told = str(CronSim(self.expression, datetime(2024, 1, 1, tzinfo=UTC)).explain())
        return f"{told}, {self.zone} time"

    def upcoming(self, after: datetime, count: int = 5) -> list[dict[str, object]]:
        """The next times as the schedule's zone shows them, and whether its clocks change on that day."""
        zone = _zone(self.zone)
        found: list[dict[str, object]] = []
        for time in self.times(after):
            local = time.astimezone(zone)
            begin = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
            changes = (begin + timedelta(days=1)).utcoffset() != begin.utcoffset()
            found.append({"time": time.timestamp(), "local": local.isoformat(), "clocks_change": changes})
            if len(found) == count:
                break
        return found

    def _simulation(self, after: datetime) -> CronSim | None:
        from cronsim import CronSim, CronSimError

        try:
            return CronSim(self.expression, after.astimezone(_zone(self.zone)))
        except CronSimError as error:
            raise BadInput(
                f"not a cron expression: {self.expression!r} ({error})",
                where="cron",
                remedy=f"Five fields are needed, {FIELDS}, such as '0 6 * * MON-FRI'.",
            ) from None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        import difflib
        from zoneinfo import available_timezones

        near = difflib.get_close_matches(name, available_timezones(), 1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise BadInput(
            f"there is no time zone {name!r}", where="tz", remedy=f"{hint}Use a name such as 'Europe/Paris' or 'UTC'."
        ) from None
