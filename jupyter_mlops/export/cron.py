"""Cron expressions as fields of numbers, for engines that write schedules in another way or understand less."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export.plan import ExportSchedule

MONTHS = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()
WEEKDAYS = "SUN MON TUE WED THU FRI SAT".split()
RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
PART = re.compile(r"(\*|[A-Za-z0-9]+)(?:-([A-Za-z0-9]+))?(?:/([0-9]+))?")


@dataclass(frozen=True)
class Field:
    """A field of an expression.

    :param text: as written; `values`: all numbers that fit, in order.
    """

    text: str
    values: tuple[int, ...]

    @property
    def is_any(self) -> bool:
        return self.text == "*"

    @property
    def begins_with_star(self) -> bool:
        """Cron asks this to find out whether a day must fit both of its fields or one of them."""
        return self.text.startswith("*")


@dataclass(frozen=True)
class CronFields:
    """The five fields of an expression."""

    minute: Field
    hour: Field
    day: Field
    month: Field
    weekday: Field

    @property
    def either_day(self) -> bool:
        """Whether a day fits if it fits the day of the month or the weekday."""
        return not (self.day.begins_with_star or self.weekday.begins_with_star)

    @property
    def shortest_pause(self) -> int:
        """The fewest minutes between two times."""
        minutes = self.minute.values
        if len(minutes) == 1:
            return 60
        return min((later - minute) % 60 for minute, later in zip(minutes, (*minutes[1:], minutes[0]), strict=True))


def cron_fields(schedule: ExportSchedule, engine: str) -> CronFields:
    """The fields of a schedule's expression.

    :raises InvalidInputError: the expression uses what only some crons understand, such as `L` and `#`.
    """
    texts = schedule.cron.split()
    if len(texts) != len(RANGES):
        raise _unreadable(schedule, engine)
    names = ((), (), (), MONTHS, WEEKDAYS)
    fields = []
    for text, (low, high), words in zip(texts, RANGES, names, strict=True):
        numbers = {word: index + (1 if words is MONTHS else 0) for index, word in enumerate(words)}
        try:
            values = {v for part in text.split(",") for v in _part(part, low, high, numbers)}
        except ValueError:
            raise _unreadable(schedule, engine) from None
        if high == 7:
            values = {value % 7 for value in values}
        fields.append(Field(text, tuple(sorted(values))))
    return CronFields(*fields)


def _part(text: str, low: int, high: int, numbers: dict[str, int]) -> range:
    match = PART.fullmatch(text)
    if match is None:
        raise ValueError(text)
    first, last, step = match.groups()

    def number(word: str) -> int:
        return numbers[word.upper()] if word.upper() in numbers else int(word)

    if first == "*":
        if last is not None:
            raise ValueError(text)
        start, end = low, min(high, 6) if high == 7 else high
    else:
        start = number(first)
        end = number(last) if last is not None else (high if step else start)
    if not (low <= start <= end <= high) or step == "0":
        raise ValueError(text)
    return range(start, end + 1, int(step or 1))


def _unreadable(schedule: ExportSchedule, engine: str) -> InvalidInputError:
    return InvalidInputError(
        f"{engine} can't read the cron expression {schedule.cron!r}",
        remedy="Schedule the job with numbers, names, lists, ranges and steps only, and export it again.",
    )
