"""The policies of a job: pure data, validated on creation."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, get_args

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.execution.retry import wait_after
from jupyter_mlops.jobs.alias_name import require_alias
from jupyter_mlops.storage.store import CREDENTIALS

Executor = Literal["", "local", "dask"]
Environment = Literal["locked", "live"]
KeepInputs = Literal["digest", "bytes"]
CHOICES = {"environment": Environment, "executor": Executor, "keep_inputs": KeepInputs}
SECRET = re.compile(r"[A-Za-z_]\w*", re.ASCII)
ADDRESS = re.compile(r"[A-Za-z][\w+.-]*://\S|secret:[A-Za-z_]\w*$", re.ASCII)
EVENTS = ("failure", "recovery", "long-running", "first-success")
DEFAULT_STAGES = ("staging", "production")
MOST_ALIASES = 20
MOST = 1_000_000_000  # maximum of any number
MOST_BYTES = 1 << 50


@dataclass(frozen=True)
class Policies:
    """Policies of a job. What happens to missed and overlapping slots is set on each schedule instead.

    :param retries: how often a failed run is retried.
    :param backoff: seconds before the first retry; the delay doubles each time, up to one hour.
    :param cell_timeout: seconds; `run_timeout`: seconds.
    :param concurrency: maximum number of simultaneous runs of the job.
    :param priority: runs with a higher priority are claimed first.
    :param keep_runs: number of finished runs to keep; `keep_days`: days to keep them; `keep_failures`: failed runs to
        keep regardless of the other two. None: all.
    :param environment: "locked": the kernel's own environment if it matches the version's lock, otherwise one built
        from the lock; "live": always the kernel's own environment, with a note for every difference.
    :param notify: addresses (Apprise URLs, or `secret:NAME` for an address stored as a secret); `notify_on`: which
        events.
    :param long_running: seconds after which a run is reported as long-running.
    :param secrets: names of the secrets that its kernels receive as environment variables.
    :param executor: "local" or "dask"; "": what the worker is configured for. `scheduler`: address of the Dask
        scheduler; `artifacts`: folder or URL that its workers share; "": what the worker is configured for.
    :param stages: aliases through which a version goes, in order. Empty: staging and production.
    :param stage_order: whether a version enters a stage only after the stage before it. None: if `stages` are set.
    :param protected: aliases that only promotions and rollbacks change.
    :param keep_inputs: "digest": runs record the digests of what they read; "bytes": the content of the files is kept
        too, up to `keep_inputs_bytes` for all runs of the job.
    :param profile_frames: whether runs profile every frame that a step transfers to later ones, not only those with a
        `dataset:` tag.
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
    executor: Executor = ""
    scheduler: str = ""
    artifacts: str = ""
    stages: tuple[str, ...] = ()
    stage_order: bool | None = None
    protected: tuple[str, ...] = ()

    @property
    def stage_names(self) -> tuple[str, ...]:
        """The stages in their order."""
        return self.stages or DEFAULT_STAGES

    @property
    def is_ordered(self) -> bool:
        """Whether a version enters a stage only after the stage before it."""
        return bool(self.stages) if self.stage_order is None else self.stage_order

    keep_inputs: KeepInputs = "digest"
    keep_inputs_bytes: int = 1 << 30
    profile_frames: bool = False

    @classmethod
    def of(cls, changes: Mapping[str, Any], base: Policies | None = None) -> Policies:
        """Policies with some values changed. Raises InvalidInputError for an unknown name or an invalid value."""
        names = {f.name: f for f in fields(cls)}
        values = asdict(base or cls())
        for name, value in changes.items():
            if name not in names:
                raise InvalidInputError(
                    f"there is no policy {name!r}", field="policies", remedy=f"Known: {', '.join(names)}."
                )
            values[name] = _checked(name, value)
        return cls(**values)

    @classmethod
    def kept(cls, stored: Any) -> Policies:
        """The policies of a job's row, or the defaults if they are unreadable: its runs report that themselves."""
        try:
            return cls.of(stored)
        except (InvalidInputError, AttributeError):
            return cls()

    def to_dict(self) -> dict[str, Any]:
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    def wait_before(self, attempt: int) -> float:
        """Seconds to wait before this attempt; attempts count from 1."""
        return 0.0 if attempt <= 1 else wait_after(attempt - 1, self.backoff)


def _checked(name: str, value: Any) -> Any:
    if name in ("stages", "stage_order", "protected"):
        return _checked_stages(name, value)
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
    if name in CHOICES:
        return one_of(CHOICES[name], name, "" if value is None else value)
    if name == "profile_frames":
        return _checked_flag(name, value)
    if name in ("scheduler", "artifacts"):
        return _checked_location(name, "" if value is None else value)
    optional = name in ("cell_timeout", "run_timeout", "long_running", "keep_runs", "keep_days", "keep_failures")
    if value is None and optional:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _bad(name, value, "a number")
    least = {"priority": -1000, "concurrency": 1, "cell_timeout": 0.001, "run_timeout": 0.001}.get(name, 0)
    if not value >= least:
        raise _bad(name, value, f"{least} or more")
    most = MOST_BYTES if name == "keep_inputs_bytes" else MOST
    if value > most:
        raise _bad(name, value, f"{most} or less")
    is_whole = name in ("retries", "concurrency", "priority", "keep_runs", "keep_failures", "keep_inputs_bytes")
    if is_whole and int(value) != value:
        raise _bad(name, value, "a whole number")
    return int(value) if is_whole else float(value)


def _checked_stages(name: str, value: Any) -> Any:
    if name == "stage_order":
        if value is not None and not isinstance(value, bool):
            raise _bad(name, value, "true, false, or null")
        return value
    value = [] if value is None else value
    if not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
        raise _bad(name, value, "a list of aliases, such as [staging, production]")
    for alias in value:
        try:
            require_alias(alias)
        except InvalidInputError as error:
            raise InvalidInputError(error.message, field=f"policies.{name}", remedy=error.remedy) from None
    if len(set(value)) < len(value) or len(value) > MOST_ALIASES or "previous" in value:
        raise _bad(name, value, f"at most {MOST_ALIASES} different aliases; `previous` has a meaning in gates")
    return tuple(value)


def _checked_flag(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _bad(name, value, "true or false")
    return value


def _checked_location(name: str, value: Any) -> str:
    """An address or a path, without a password, which everybody who sees the job would see."""
    if not isinstance(value, str) or any(ord(character) < 32 for character in value):
        raise _bad(name, value, "an address or a path")
    if CREDENTIALS.search(value):
        raise InvalidInputError(
            "an address with a password is not stored", field=f"policies.{name}",
            remedy="Let the workers find the credentials in their environment.",
        )  # fmt: skip
    return value


def one_of(kind: Any, name: str, value: Any) -> Any:
    """The value, if it is a member of the Literal type; otherwise raises InvalidInputError."""
    if value not in get_args(kind):
        raise _bad(name, value, f"one of {', '.join(get_args(kind))}")
    return value


def _bad(name: str, value: Any, expected: str) -> InvalidInputError:
    return InvalidInputError(
        f"{value!r} is not a valid value of {name}", field=f"policies.{name}", remedy=f"Use {expected}."
    )
