"""The answers of the decision core: what the run loop does next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from jupyter_mlops.execution.reasons import Kind


@dataclass(frozen=True, kw_only=True)
class Instruction:
    """What the run loop does next.

    :cvar words: the instruction for people; `recorded`: whether the history has it.
    :cvar kind: what `why` of the step says about it; None if nothing.
    :param reason: the cause, as a clause; "" if there is none.
    """

    words: ClassVar[str]
    kind: ClassVar[Kind | None] = None
    recorded: ClassVar[bool] = True
    reason: str = ""


class SearchCache(Instruction):
    """Search the cache for a result of the block."""

    words = "search the cache"


class Omit(Instruction):
    """Leave out a block that was not selected."""

    words, kind = "leave the block out", Kind.SKIPPED


class Skip(Instruction):
    """Skip the block, or drop its result, because of a failure above."""

    words, kind = "skip the block", Kind.SKIPPED


class Detach(Instruction):
    """Transfer the inputs of the block to the main kernel, detach from it and end the run."""

    words = "detach from the kernel and end the run"


class EndRun(Instruction):
    """End the run."""

    words = "end the run"


class UseCached(Instruction):
    """Commit the cached result."""

    words, kind = "use the cached result", Kind.CACHED


class SeekHelper(Instruction):
    """Look for the result of a helper. There is no cached result."""

    words = "look for the result of a helper"


class RefuseCached(SeekHelper):
    """Look for the result of a helper. A cached result can't be used."""

    words, kind = "use no cached result", Kind.NOT_TAKEN


@dataclass(frozen=True, kw_only=True)
class WaitForHelper(Instruction):
    """Wait for the helper until a time (monotonic), then ask again."""

    words = "wait for the helper"
    until: float


class CheckResult(Instruction):
    """Check the result of the helper against the committed state."""

    words = "check the helper's result"


class LeaveHelper(Instruction):
    """Continue without a helper that has not begun. Its kernel stays."""

    words = "continue without the helper"


@dataclass(frozen=True, kw_only=True)
class Discard(Instruction):
    """End the helper, and drop its result.

    :param learn: whether the profile of the block records it, so that the next run does not try again.
    """

    words, kind = "discard the helper's result", Kind.DISCARDED
    learn: bool = True


class ForgetHelper(Instruction):
    """Continue without a helper in which the block failed. The profile of the block records it."""

    words = "continue without the helper"


class UseSpeculative(Instruction):
    """Commit the result of the helper."""

    words, kind = "use the helper's result", Kind.AHEAD


class ContinueHelper(Instruction):
    """Let the helper continue."""

    words, recorded = "let the helper continue", False


class RunOnMain(Instruction):
    """Execute the block on the main kernel."""

    words, kind = "execute the block on the main line", Kind.MAIN


class RunRemotely(Instruction):
    """Hand the block to the cluster, and wait for it."""

    words = "execute the block on a cluster"


class RefuseRemote(Instruction):
    """The block can't run on a cluster, or its result can't be used: it failed."""

    words = "use no result of the cluster"


class UseRemote(Instruction):
    """Commit the result of the cluster."""

    words, kind = "use the result of the cluster", Kind.REMOTE


class AcceptFailure(Instruction):
    """The block failed on the cluster, as it would here."""

    words, kind = "accept the failure on the cluster", Kind.REMOTE


@dataclass(frozen=True, kw_only=True)
class ContinueAttempt(Instruction):
    """Let the main kernel continue for some seconds, then ask again.

    :param launch: whether helpers may start first.
    """

    words, recorded = "let the block continue", False
    seconds: float
    launch: bool


class Interrupt(Instruction):
    """Interrupt the main kernel. The attempt failed."""

    words = "interrupt the kernel"


@dataclass(frozen=True, kw_only=True)
class Retry(Instruction):
    """Execute the block again in a new kernel, after some seconds."""

    words = "retry in a new kernel"
    after: float


class GiveUp(Instruction):
    """Retry no more."""

    words = "retry no more"


class Fail(Instruction):
    """Record the failure of the block, and continue below it."""

    words = "record the failure"


class Store(Instruction):
    """Store the result in the cache."""

    words = "store the result"


class StoreNothing(Instruction):
    """There is nothing to store."""

    words, recorded = "store nothing", False


class RefuseStoring(Instruction):
    """The result must not be stored."""

    words, kind = "do not store the result", Kind.NOT_KEPT


class Restart(Instruction):
    """End the kernel. The next block starts another."""

    words = "end the kernel"


@dataclass(frozen=True, kw_only=True)
class Fuse(Instruction):
    """Execute the next block in the same kernel.

    :param report: whether the outcome lists the fusion.
    """

    words = "continue in the same kernel"
    report: bool = True


class KeepKernel(Instruction):
    """Nothing follows."""

    words, recorded = "leave the kernel as it is", False


@dataclass(frozen=True, kw_only=True)
class Speculate(Instruction):
    """Give the block at this position to the helper."""

    words = "run ahead in a second kernel"
    index: int


class Warm(Instruction):
    """Start a kernel before there is work for it."""

    words = "start a second kernel"


class LeaveIdle(Instruction):
    """No block is worth a helper now."""

    words, recorded = "leave the helper idle", False
