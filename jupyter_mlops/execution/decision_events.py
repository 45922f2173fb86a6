"""The events that call for a decision. An event carries everything that its decision depends on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from jupyter_mlops.execution.speculation import Candidate


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that calls for a decision on a block.

    :param block: position of the block.
    """

    words: ClassVar[str]
    block: int


@dataclass(frozen=True, kw_only=True)
class TurnBegan(Event):
    """All blocks before this one have ended.

    :param selected: whether the options include the block.
    :param stops: whether the run ends before the block, and its kernel is detached.
    :param failed: whether a block before it failed.
    :param why_skipped: why a failure above prevents it; "" if none does.
    """

    words = "its turn began"
    selected: bool = True
    stops: bool = False
    failed: bool = False
    why_skipped: str = ""


@dataclass(frozen=True, kw_only=True)
class CacheSearched(Event):
    """The cache was searched for a result of the block, if there is a cache to use.

    :param enabled: whether the run may use a cached result for the block.
    :param present: whether the cache has one.
    :param why_not: why a cached result can't be used, or could not be looked for; "" if nothing prevents it.
    """

    words = "a cached result was looked for"
    enabled: bool = True
    present: bool = False
    why_not: str = ""


@dataclass(frozen=True, kw_only=True)
class HelperObserved(Event):
    """A helper has the block whose turn it is. Times are monotonic.

    :param finished: whether the helper has ended.
    :param began: when its first cell began; None before.
    :param stuck: state of the main kernel that ends reuse; "" if there is none.
    :param stale: why its inputs are not the committed ones any more; "" if they are.
    :param arrived: when the turn of the block began; `now`: the time of this event.
    :param seconds: the duration of the block in an earlier run; None if unknown.
    """

    words = "a helper has it"
    finished: bool = False
    began: float | None = None
    stuck: str = ""
    stale: str = ""
    arrived: float = 0.0
    now: float = 0.0
    seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class HelperEnded(Event):
    """The helper has ended, and its result was checked against the committed state.

    :param failed: whether the block failed in it.
    :param why_not: why the result can't be used; "" if it can.
    :param stale: why its inputs are not the committed ones any more; "" if they are.
    """

    words = "the helper ended"
    failed: bool = False
    why_not: str = ""
    stale: str = ""


@dataclass(frozen=True, kw_only=True)
class MainReached(Event):
    """Neither the cache nor a helper has a result.

    :param serial: why no block of this run runs ahead; "" if blocks may.
    :param blocker: why this block did not run ahead; "" if unknown.
    """

    words = "no result was available"
    serial: str = ""
    blocker: str = ""


@dataclass(frozen=True, kw_only=True)
class RemoteReached(Event):
    """There is no cached result of the block, and its settings name a cluster.

    :param why_not: why the cluster can't execute it; "" if it can.
    """

    words = "its step runs on a cluster"
    why_not: str = ""


@dataclass(frozen=True, kw_only=True)
class RemoteEnded(Event):
    """The block ended on a cluster, and its result was checked against the committed state.

    :param where: the worker.
    :param failed: whether the block failed there.
    :param why_not: why the result can't be used; "" if it can.
    """

    words = "the cluster ended"
    where: str = ""
    failed: bool = False
    why_not: str = ""


@dataclass(frozen=True, kw_only=True)
class AttemptObserved(Event):
    """The block runs on the main kernel. Times are monotonic.

    :param began: when it began; `now`: the time of this event.
    :param delay: seconds that it runs before helpers start.
    :param limit: seconds that it may take; None for any time.
    """

    words = "the block runs"
    began: float
    now: float
    delay: float
    limit: float | None = None


@dataclass(frozen=True, kw_only=True)
class AttemptFailed(Event):
    """The block failed on the main kernel.

    :param attempt: number of the attempt, from 1.
    :param attempts: how many the step allows.
    :param wait: seconds to wait before the next.
    :param blocker: why a new kernel can't get the block's inputs; "" if it can.
    :param message: the error.
    """

    words = "the attempt failed"
    attempt: int
    attempts: int
    wait: float = 0.0
    blocker: str = ""
    message: str = ""


class End(StrEnum):
    """How a block can end other than by completing."""

    EXITED = "exited"
    DENIED = "denied"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class BlockEnded(Event):
    """The block did not complete."""

    words = "the block ended"
    end: End
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class ResultReady(Event):
    """The block was executed.

    :param cache: whether the run has a cache.
    :param why_not: why the result must not be stored; "" if it may.
    :param stored: whether the cache has this result already, or the block has no key.
    :param changed: a file that the block read and that has changed since; "" if there is none.
    """

    words = "the result is complete"
    cache: bool = True
    why_not: str = ""
    stored: bool = False
    changed: str = ""


@dataclass(frozen=True, kw_only=True)
class StepIsolated(Event):
    """The block was executed in its own kernel.

    :param last: whether no block follows.
    :param running: whether the kernel runs.
    :param tie: the name of what later blocks need and can't leave the kernel; "" if there is nothing.
    :param why: why it can't leave.
    :param reported: whether an earlier block was fused because of the same name.
    """

    words = "the isolated step ended"
    last: bool = False
    running: bool = True
    tie: str = ""
    why: str = ""
    reported: bool = False


@dataclass(frozen=True)
class Prospect:
    """A block that was not tried ahead yet.

    :param why_not: why it can't run ahead now; "" if it can.
    :param cached: whether the cache has a result of it.
    :param candidate: its expected duration, and when the main line reaches it. Only its position counts if the block
        can't run ahead, or is cached.
    """

    candidate: Candidate
    why_not: str = ""
    cached: bool = False


@dataclass(frozen=True, kw_only=True)
class HelperFree(Event):
    """A helper may take a block while this one is unfinished.

    :param prospects: later blocks.
    :param start: seconds until the helper can begin.
    :param may_warm: whether a kernel may be started before there is work for it.
    """

    words = "a helper is free"
    prospects: tuple[Prospect, ...] = ()
    start: float = 0.0
    may_warm: bool = False


@dataclass(frozen=True, kw_only=True)
class InputsCompared(Event):
    """Another block was committed while a helper executes this one.

    :param stale: why the helper's inputs are not the committed ones any more; "" if they are.
    """

    words = "another block was committed"
    stale: str = ""
