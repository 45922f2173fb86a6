"""Profiles and predictions of a block that has ended, from the frames in its namespace.

Nothing here counts as an act of the block: the watch is off, values are only read, random generators and warnings are
put back.
"""

from __future__ import annotations

import json
import time
from typing import Any

from . import profiles
from .budget import OverBudget, Untouched, deadline, within
from .prediction_files import NotKept, write

FRAMES = frozenset({"DataFrame", "Table", "LazyFrame"})
LIBRARIES = frozenset({"pandas", "polars", "pyarrow"})
LARGEST = 1 << 22  # characters of a profile


def report(namespace: Any, request: Any) -> dict[str, Any]:
    """Profiles by variable, predictions by variable, and notes on those that could not be made.

    request: profiles [name], travelling [name] (profiled if they are frames), references {name: profile},
    profile_seconds, predictions [[name, key, file]].
    """
    answer: dict[str, Any] = {"profiles": {}, "predictions": {}, "notes": []}
    names = list(request.get("profiles", ()))
    names += [n for n in request.get("travelling", ()) if n not in names and is_frame(namespace.get(n))]
    if not names and not request.get("predictions"):
        return answer
    with Untouched():
        _profile(namespace, names, request, answer)
        for name, key, file in request.get("predictions", ()):
            _predict(namespace, name, key, file, answer)
    return answer


def is_frame(value: Any) -> bool:
    kind = type(value)
    return kind.__name__ in FRAMES and kind.__module__.partition(".")[0] in LIBRARIES


def _profile(namespace: Any, names: Any, request: Any, answer: Any) -> None:
    seconds = request.get("profile_seconds", 10.0)
    until = deadline(seconds)
    references = request.get("references", {})
    for name in names:
        if name not in namespace:
            answer["notes"].append(f"`{name}` was not profiled: there is no such variable")
            continue
        try:
            rest = until - time.monotonic()
            if rest <= 0:
                raise OverBudget
            document = within(rest, profiles.profile, namespace[name], references.get(name))
            if len(json.dumps(document, allow_nan=False)) > LARGEST:
                raise ValueError("its profile is too large")
            answer["profiles"][name] = document
        except OverBudget:
            answer["notes"].append(f"`{name}` was not profiled: profiles took longer than {seconds:g} s")
        except Exception as error:
            answer["notes"].append(f"`{name}` was not profiled: {_short(error)}")


def _predict(namespace: Any, name: str, key: str, file: str, answer: Any) -> None:
    try:
        if name not in namespace:
            raise NotKept("there is no such variable")
        facts, notes = write(namespace[name], key, file)
        answer["predictions"][name] = facts
        answer["notes"] += [f"predictions `{name}`: {note}" for note in notes]
    except NotKept as error:
        answer["notes"].append(f"predictions `{name}` were not kept: {error}")
    except Exception as error:
        answer["notes"].append(f"predictions `{name}` were not kept: {_short(error)}")


def _short(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:200]}" if lines else type(error).__name__
