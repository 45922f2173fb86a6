"""Cron expressions in the dialects of other engines. What fires at other times there is refused, never translated.

Ours is Debian cron's with `L`, `LW`, `5L` and `5#2`: where both a day and a weekday are given, either will do, unless
one of them begins with a star; then both must fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export.plan import ExportPlan, ExportSchedule
from jupyter_mlops.scheduling.cron import Cron
from jupyter_mlops.scheduling.zone import zone

WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


@dataclass(frozen=True)
class CronDialect:
    """What an engine's cron understands.

    :param engine: for messages.
    :param last_day: `L` as the last day of a month; `last_weekday`: how it writes the last Friday, with `{}` for the
        weekday, "" if it can't; `nth_weekday`: `5#2`.
    """

    engine: str
    last_day: bool = False
    last_weekday: str = ""
    nth_weekday: bool = False


CRONITER = CronDialect("Airflow", last_day=True, last_weekday="L{}", nth_weekday=True)
ROBFIG = CronDialect("Kubernetes")


def expression_for(dialect: CronDialect, schedule: ExportSchedule) -> str:
    """The schedule's five fields in another dialect.

    :raises InvalidInputError: the engine would fire at other times.
    """
    minute, hour, day, month, weekday = Cron.parse(schedule.cron, schedule.zone).expression.upper().split()
    if "L" in day and (day != "L" or not dialect.last_day):
        raise _refusal(dialect, schedule, f"has no day {day!r}")
    if _mixes_star(day, weekday) or _mixes_star(weekday, day):
        raise _refusal(dialect, schedule, "takes a day and a weekday with a star for either, not for both")
    terms = []
    for term in weekday.split(","):
        if term.endswith("L"):
            if not dialect.last_weekday:
                raise _refusal(dialect, schedule, f"has no last weekday {term!r}")
            terms.append(dialect.last_weekday.format(term[:-1]))
        elif "#" in term:
            if not dialect.nth_weekday:
                raise _refusal(dialect, schedule, f"has no weekday {term!r}")
            terms.append(term)
        else:
            terms.append(_from_sunday_to_saturday(term))
    if "*" not in (day, weekday) and _is_every_day(schedule):
        return f"{minute} {hour} * {month} *"
    return " ".join((minute, hour, day, month, ",".join(terms)))


def _mixes_star(field: str, other: str) -> bool:
    """Whether a star in a field decides what another field means; a star alone means the same everywhere."""
    return "*" in field and field not in ("*", "*/1") and other not in ("*", "*/1")


def _from_sunday_to_saturday(term: str) -> str:
    """A term of the weekday with numbers from 0 to 6, if it has a 7 or a step whose last day engines differ on."""
    days, _, step = term.partition("/")
    first, _, last = days.partition("-")
    if first == "*" or ("7" not in (first, last) and not (step and not last)):
        return term
    begin = _day_number(first)
    end = _day_number(last) if last else 7 if step else begin
    numbers = {number % 7 for number in range(begin, end + 1, int(step or 1))}
    return ",".join(map(str, sorted(numbers)))


def _day_number(text: str) -> int:
    return WEEKDAYS.index(text) if text in WEEKDAYS else int(text)


def _is_every_day(schedule: ExportSchedule) -> bool:
    """Whether day or weekday, of which either will do, name all there are."""
    from cronsim import CronSim

    simulation = CronSim(Cron.parse(schedule.cron, schedule.zone).expression, datetime(2026, 1, 1))
    days, weekdays = simulation.days, simulation.weekdays
    return not simulation.day_and and (days >= set(range(1, 32)) or weekdays >= set(range(7)))


def _refusal(dialect: CronDialect, schedule: ExportSchedule, reason: str) -> InvalidInputError:
    return InvalidInputError(
        f"{dialect.engine} can't run the schedule {schedule.cron!r}: its cron {reason}",
        field="cron",
        remedy="Give the job a schedule that both understand, or pause it there and start runs otherwise.",
    )


def clock_changes(plan: ExportPlan, schedule: ExportSchedule) -> bool:
    """Whether a slot at a fixed hour may fall into a night in which the clocks of the schedule's zone change, in the
    year after the version's publication."""
    from cronsim import CronSim

    expression = Cron.parse(schedule.cron, schedule.zone).expression
    minute, hour, *_ = expression.split()
    simulation = CronSim(expression, datetime(2026, 1, 1))
    if minute.startswith("*") or hour.startswith("*") or not simulation.hours & set(range(4)):
        return False
    begin = datetime.fromisoformat(plan.created) if plan.created else datetime(2026, 1, 1, tzinfo=UTC)
    offsets = {(begin + timedelta(days=30 * n)).astimezone(zone(schedule.zone)).utcoffset() for n in range(13)}
    return len(offsets) > 1
