"""Time zones by their IANA names, and suggestions for invalid names."""

from __future__ import annotations

import difflib
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from jupyter_mlops.errors import InvalidInputError

OFFSET = re.compile(r"(?:Z|GMT|UTC|Etc/GMT|Etc/UTC)?\s*([+\-\u2212])\s*(\d{1,2})(?::?(\d{2}))?", re.IGNORECASE)
SPREAD = (-12, 14)  # hours east of Greenwich for which Etc/GMT… has a name
FAMILIAR = (
    "Africa/Lagos Africa/Johannesburg Africa/Nairobi Asia/Dubai Asia/Karachi Asia/Kolkata Asia/Kathmandu Asia/Dhaka "
    "Asia/Yangon Asia/Bangkok Asia/Shanghai Asia/Tokyo Australia/Darwin Australia/Brisbane Pacific/Guadalcanal "
    "Pacific/Fiji Pacific/Tongatapu Pacific/Kiritimati Atlantic/Azores Atlantic/South_Georgia America/Sao_Paulo "
    "America/Caracas America/Bogota America/Costa_Rica America/Phoenix Pacific/Gambier Pacific/Honolulu "
    "Pacific/Pago_Pago Asia/Tehran Asia/Kabul Pacific/Marquesas Africa/Abidjan"
).split()
ABBREVIATIONS = {
    "PST": "America/Los_Angeles", "PDT": "America/Los_Angeles", "PT": "America/Los_Angeles", "MDT": "America/Denver",
    "MT": "America/Denver", "CDT": "America/Chicago", "CT": "America/Chicago", "EDT": "America/New_York",
    "ET": "America/New_York", "CST": "America/Chicago Asia/Shanghai", "AST": "America/Halifax Asia/Riyadh",
    "AKST": "America/Anchorage", "NST": "America/St_Johns", "BRT": "America/Sao_Paulo",
    "ART": "America/Argentina/Buenos_Aires", "BST": "Europe/London Asia/Dhaka", "IST": "Asia/Kolkata Europe/Dublin",
    "WEST": "Europe/Lisbon", "CEST": "Europe/Berlin", "MEZ": "Europe/Berlin", "MESZ": "Europe/Berlin",
    "EEST": "Europe/Athens", "MSK": "Europe/Moscow", "TRT": "Europe/Istanbul", "SAST": "Africa/Johannesburg",
    "EAT": "Africa/Nairobi", "WAT": "Africa/Lagos", "CAT": "Africa/Maputo", "GST": "Asia/Dubai", "PKT": "Asia/Karachi",
    "ICT": "Asia/Bangkok", "WIB": "Asia/Jakarta", "SGT": "Asia/Singapore", "HKT": "Asia/Hong_Kong",
    "PHT": "Asia/Manila", "JST": "Asia/Tokyo", "KST": "Asia/Seoul", "AWST": "Australia/Perth",
    "ACST": "Australia/Darwin Australia/Adelaide", "AEST": "Australia/Brisbane Australia/Sydney",
    "AEDT": "Australia/Sydney", "NZST": "Pacific/Auckland", "NZDT": "Pacific/Auckland",
}  # fmt: skip
WINDOWS = {  # Unicode CLDR, supplemental/windowsZones.xml
    "Dateline": "Etc/GMT+12", "Hawaiian": "Pacific/Honolulu", "Alaskan": "America/Anchorage",
    "Pacific": "America/Los_Angeles", "US Mountain": "America/Phoenix", "Mountain": "America/Denver",
    "Central America": "America/Guatemala", "Central": "America/Chicago", "Canada Central": "America/Regina",
    "SA Pacific": "America/Bogota", "Eastern": "America/New_York", "US Eastern": "America/Indiana/Indianapolis",
    "Atlantic": "America/Halifax", "Newfoundland": "America/St_Johns", "E. South America": "America/Sao_Paulo",
    "Argentina": "America/Argentina/Buenos_Aires", "Azores": "Atlantic/Azores", "GMT": "Europe/London",
    "Greenwich": "Atlantic/Reykjavik", "Morocco": "Africa/Casablanca", "W. Europe": "Europe/Berlin",
    "Central Europe": "Europe/Budapest", "Romance": "Europe/Paris", "Central European": "Europe/Warsaw",
    "W. Central Africa": "Africa/Lagos", "GTB": "Europe/Bucharest", "E. Europe": "Europe/Chisinau",
    "FLE": "Europe/Kyiv", "Middle East": "Asia/Beirut", "Egypt": "Africa/Cairo", "Israel": "Asia/Jerusalem",
    "South Africa": "Africa/Johannesburg", "Turkey": "Europe/Istanbul", "Arab": "Asia/Riyadh",
    "Arabic": "Asia/Baghdad", "Arabian": "Asia/Dubai", "Russian": "Europe/Moscow", "E. Africa": "Africa/Nairobi",
    "Iran": "Asia/Tehran", "Afghanistan": "Asia/Kabul", "Pakistan": "Asia/Karachi", "India": "Asia/Kolkata",
    "Sri Lanka": "Asia/Colombo", "Nepal": "Asia/Kathmandu", "Bangladesh": "Asia/Dhaka", "Myanmar": "Asia/Yangon",
    "SE Asia": "Asia/Bangkok", "China": "Asia/Shanghai", "Singapore": "Asia/Singapore", "Taipei": "Asia/Taipei",
    "W. Australia": "Australia/Perth", "Tokyo": "Asia/Tokyo", "Korea": "Asia/Seoul",
    "AUS Central": "Australia/Darwin", "Cen. Australia": "Australia/Adelaide", "AUS Eastern": "Australia/Sydney",
    "E. Australia": "Australia/Brisbane", "Tasmania": "Australia/Hobart", "New Zealand": "Pacific/Auckland",
    "Fiji": "Pacific/Fiji", "Tonga": "Pacific/Tongatapu", "Samoa": "Pacific/Apia",
}  # fmt: skip
_ABBREVIATION = {short.lower(): places.split() for short, places in ABBREVIATIONS.items()}
_WINDOWS = {name.lower(): place for name, place in WINDOWS.items()}
_WINDOWS_NAME = re.compile(r"(.+?) (?:standard|daylight|summer)? ?time", re.IGNORECASE)


def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name.

    :raises InvalidInputError: there is no such zone; the remedy suggests one.
    """
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise InvalidInputError(
            f"there is no time zone {name!r}",
            field="tz",
            remedy=proposal(name, datetime.now(UTC)) or "Use a name such as 'Europe/Paris' or 'UTC'.",
        ) from None


def proposal(text: str, now: datetime) -> str:
    """A suggestion for an invalid name, as a sentence; "" if none is similar.

    :param now: the time at which a suggested place has the given offset.
    """
    name = text.strip()
    if offset := OFFSET.fullmatch(name):
        return _of_offset(offset, now)
    if places := _ABBREVIATION.get(name.lower()):
        return f"{name} is an abbreviation; use a place, such as {' or '.join(map(repr, places))}."
    windows = _WINDOWS_NAME.fullmatch(name)
    if windows and (place := _WINDOWS.get(windows[1].lower())):
        return f"That is the name in Windows; use {place!r}."
    near = _nearest(name)
    return f"Did you mean {near!r}? Use a name such as 'Europe/Paris' or 'UTC'." if near else ""


def _of_offset(match: re.Match[str], now: datetime) -> str:
    sign = 1 if match[1] == "+" else -1
    hours, minutes = int(match[2]), int(match[3] or 0)
    offset = sign * timedelta(hours=hours, minutes=minutes)
    label = f"UTC{'+' if sign > 0 else '-'}{hours:02}:{minutes:02}"
    if not offset:
        return "Write 'UTC'."
    place = next((name for name in _candidates() if now.astimezone(ZoneInfo(name)).utcoffset() == offset), "")
    if not minutes and SPREAD[0] <= sign * hours <= SPREAD[1]:
        turned = f"Etc/GMT{'-' if sign > 0 else '+'}{hours}"
        also = f", or a place that has {label} now, such as {place!r}" if place else ""
        return f"For {label} write {turned!r} (these names have the opposite sign){also}."
    if place:
        return f"For {label} use a place that has it now, such as {place!r}."
    return f"No place has {label}. Use a name such as 'Europe/Paris' or 'UTC'."


@lru_cache(1)
def _candidates() -> tuple[str, ...]:
    """Every place, well-known ones without clock changes first."""
    every = available_timezones()
    places = sorted(name for name in every if "/" in name and not name.startswith(("Etc/", "SystemV/", "US/")))
    return (*(name for name in FAMILIAR if name in every), *places)


def _nearest(text: str) -> str:
    """A zone with the same name in other letters, of that city, or with a similar name."""
    lowered = text.replace(" ", "_").lower()
    every = sorted(available_timezones(), key=lambda name: (name.count("/"), len(name), name))
    by_lowered = {name.lower(): name for name in reversed(every)}
    cities = {name.rsplit("/", 1)[-1].lower(): name for name in reversed(every) if not name.startswith("Etc/")}
    for names in (by_lowered, cities):
        if lowered in names:
            return names[lowered]
    for names in (by_lowered, cities):
        if near := difflib.get_close_matches(lowered, names, 1, cutoff=0.75):
            return names[near[0]]
    return ""
