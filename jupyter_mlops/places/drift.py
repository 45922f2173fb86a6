"""How a deployment differs from what is published, and from what was written. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from jupyter_mlops.places.place import ItemState

DriftState = Literal["current", "behind", "edited", "missing", "unreachable"]
DIFFERS = "its export would differ now: its schedule, its settings or jupyter_mlops changed"


@dataclass(frozen=True)
class Drift:
    """How a deployment is, with the reasons, a sentence each."""

    state: DriftState
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Published:
    """What is published of a job now.

    :param latest: number of its newest version, None if the job is gone.
    :param selected: number of the version that the deployment's alias names; None if there is no such alias.
    :param is_same: whether an export of the deployed version would be the same again: schedules and settings count.
    """

    latest: int | None
    selected: int | None = None
    is_same: bool = True


def behind(version: int, selector: str, published: Published) -> str:
    """Why a deployed version is not the one that should be there; "" if it is."""
    if published.latest is None:
        return "the job was deleted"
    if selector.startswith("@"):
        if published.selected is None:
            return f"the alias {selector} is gone"
        if published.selected != version:
            return f"{selector} is v{published.selected}"
    elif published.latest > version:
        return f"v{published.latest} is published"
    return "" if published.is_same else DIFFERS


def drift(states: Mapping[str, ItemState], late: str, problem: str = "") -> Drift:
    """The drift of a deployment; what is worst counts.

    :param late: why it is behind, "" if it is not.
    :param problem: why its place can't be reached, "" if it can.
    """
    reasons = [late] if late else []
    if problem:
        return Drift("unreachable", (problem, *reasons))
    for state in ("edited", "missing"):
        names = sorted(name for name, is_now in states.items() if is_now == state)
        if names:
            rest = f" and {len(names) - 3} more" if len(names) > 3 else ""
            reasons.insert(0, f"{', '.join(names[:3])}{rest} {'is' if len(names) == 1 else 'are'} {state}")
    if "missing" in states.values():
        return Drift("missing", tuple(reasons))
    if "edited" in states.values():
        return Drift("edited", tuple(reasons))
    return Drift("behind" if late else "current", tuple(reasons))
