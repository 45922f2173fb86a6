"""What a job's owner wants to happen: pure data, checked when it is given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args

from jupyter_mlops.errors import BadInput
from jupyter_mlops.run.retry import wait_after

Missed = Literal["latest", "all", "skip"]
Overlap = Literal["queue", "skip", "allow", "replace"]
Environment = Literal["locked", "live"]
SECRET = re.compile(r"[A-Za-z_]\w*", re.ASCII)
ADDRESS = re.compile(r"[A-Za-z][\w+.-]*://\S|secret:[A-Za-z_]\w*$", re.ASCII)
EVENTS = ("failure", "recovery", "long-running", "first-success")
MOST = 1_000_000_000  # of any number


@dataclass(frozen=True)
class Policies:
    """Of a job; a schedule says itself what happens to slots that were missed or overlap.

    :param retries: how often a run that failed is tried again.
    :param backoff: seconds before the first retry; each one after waits twice as long, an hour at most.
    :param cell_timeout: seconds; `run_timeout`: seconds.
    :param concurrency: runs of the job at once, at most.
    :param priority: runs with a higher one are taken first.
    :param keep_runs: finished runs that are kept; `keep_days`: days that they are kept; `keep_failures`: failed runs
        that are kept whatever those two say. None: all.
    :param environment: "locked": the kernel's own one if it is as the version's lock says, or else one built from the
        lock; "live": the kernel's own one in any case, with a warning for every difference.
    :param notify: addresses (Apprise URLs, or `secret:NAME` for one kept as a secret); `notify_on`: which events.
    :param long_running: seconds after which a run is told of as long-running.
    :param secrets: names of the secrets that its kernels get as environment variables.
    """

    retries: int = 0
    backoff: float = 30.0
    cell_timeout: float | None = None
    run_timeout: float | None = None
    concurrency: int = 1
    priority: int = 0
    keep_runs: int | None = None
    keep_days: float | None = None
    keep_failures: int | None = None
    environment: Environment = "locked"
    notify: tuple[str, ...] = ()
    notify_on: tuple[str, ...] = ("failure", "recovery")
    long_running: float | None = None
    secrets: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, given: Mapping[str, Any], base: Policies | None = None) -> Policies:
        """Policies with these changed. Raises BadInput for a name or a value that is none."""
        known = {f.name: f for f in fields(cls)}
        values = asdict(base or cls())
        for name, value in given.items():
            if name not in known:
                raise BadInput(f"there is no policy {name!r}", where="policies", remedy=f"Known: {', '.join(known)}.")
            values[name] = _checked(name, value)
        return cls(**values)

    @classmethod
    def kept(cls, told: Any) -> Policies:
        """Those of a job's row, or the usual ones where they can't be read: its runs tell of that themselves."""
        try:
            return cls.of(told)
        except (BadInput, AttributeError):
            return cls()

    def to_dict(self) -> dict[str, Any]:
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    def wait_before(self, attempt: int) -> float:
        """Seconds to wait before this attempt; the first is 1."""
        return 0.0 if attempt <= 1 else wait_after(attempt - 1, self.backoff)


def _checked(name: str, value: Any) -> Any:
    if name in ("notify", "notify_on", "secrets"):
        value = [] if value is None else value
        if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
            raise _bad(name, value, "a list of texts, such as [A, B]")
        if name == "notify_on" and set(value) - set(EVENTS):
            raise _bad(name, value, f"some of {', '.join(EVENTS)}")
        if name == "secrets" and (wrong := [v for v in value if not SECRET.fullmatch(v)]):
            raise _bad(name, wrong, "names of environment variables")
        if name == "notify" and (wrong := [v for v in value if not ADDRESS.match(v)]):
            raise _bad(name, wrong, "addresses such as mailto://me@example.org or https://…, or secret:NAME")
        return tuple(value)
    if name == "environment":
        return one_of(Environment, name, value)
    optional = name in ("cell_timeout", "run_timeout", "long_running", "keep_runs", "keep_days", "keep_failures")
    if value is None and optional:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _bad(name, value, "a number")
    least = {"priority": -1000, "concurrency": 1, "cell_timeout": 0.001, "run_timeout": 0.001}.get(name, 0)
    if not value >= least:
        raise _bad(name, value, f"{least} or more")
    if value > MOST:
        raise _bad(name, value, f"{MOST} or less")
    whole = name in ("retries", "concurrency", "priority", "keep_runs", "keep_failures")
    if whole and int(value) != value:
        raise _bad(name, value, "a whole number")
    return int(value) if whole else float(value)


def one_of(kind: Any, name: str, value: Any) -> Any:
    """The value, if it is one of a Literal's."""
    if value not in get_args(kind):
        raise _bad(name, value, f"one of {', '.join(get_args(kind))}")
    return value


def _bad(name: str, value: Any, wanted: str) -> BadInput:
    return BadInput(f"{name} can't be {value!r}", where=f"policies.{name}", remedy=f"It has to be {wanted}.")
