"""Why no cached result fits a block although an earlier run stored one for the same code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

NAMED = 3  # names that a reason lists at most


def changed_fact(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Which fact of a cache key differs from the latest stored one, as a clause; "" if none does.

    :param before: `Key.facts` of the stored result.
    :param now: those of the block as it stands.
    """
    if before.get("base") != now.get("base"):
        return "the environment, the working folder or the kernel differs from the run that stored it"
    names = _differing(before.get("names", {}), now.get("names", {}))
    if names:
        return f"{_named(names, '`{}`')} {_has(names)} another value than in the run that stored it"
    state = _differing(before.get("state", {}), now.get("state", {}))
    if state:
        return f"the state of {_named(state, '{}')} differs from the run that stored it"
    if before.get("imports") != now.get("imports"):
        return "the modules imported above it differ from the run that stored it"
    modules = _differing(before.get("modules", {}), now.get("modules", {}))
    if modules:
        return f"the cells above change {_named(modules, '`{}`')} in another way than in the run that stored it"
    if before.get("bound") != now.get("bound"):
        return "the cells below use other names than in the run that stored it"
    return ""


def changed_file(paths: Iterable[str]) -> str:
    """The clause for files and folders that are not as the stored result found them."""
    names = sorted(PurePath(path).name or path for path in set(paths))
    return f"{_named(names, '`{}`')} {_has(names)} changed since it was stored" if names else ""


def changed_generator(resources: Iterable[str]) -> str:
    """The clause for random generators that are at another position."""
    names = sorted(set(resources))
    return f"{_named(names, '{}')} is at another position than in the run that stored it" if names else ""


def _differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return sorted(name for name in before.keys() | now.keys() if before.get(name) != now.get(name))


def _named(names: list[str], form: str) -> str:
    """`a`, `b` and `c`; `a`, `b`, `c` and 2 more"""
    items = [form.format(name) for name in names[:NAMED]]
    if len(names) > NAMED:
        return f"{', '.join(items)} and {len(names) - NAMED} more"
    return " and ".join(filter(None, (", ".join(items[:-1]), items[-1])))


def _has(names: list[str]) -> str:
    return "has" if len(names) == 1 else "have"
