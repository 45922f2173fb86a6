"""The decision core: events in, instructions out.

The functions are pure. The run loop gathers the facts of an event, performs the instruction, and reports what follows
from it as the next event. `DecisionCore` adds what has to be remembered between events, and the history.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jupyter_mlops.execution import speculation
from jupyter_mlops.execution.below import EARLIER_FAILED
from jupyter_mlops.execution.decision_events import (
    AttemptFailed,
    AttemptObserved,
    BlockEnded,
    CacheSearched,
    End,
    Event,
    HelperEnded,
    HelperFree,
    HelperObserved,
    InputsCompared,
    MainReached,
    RemoteEnded,
    RemoteReached,
    ResultReady,
    StepIsolated,
    TurnBegan,
)
from jupyter_mlops.execution.instructions import (
    AcceptFailure,
    CheckResult,
    ContinueAttempt,
    ContinueHelper,
    Detach,
    Discard,
    EndRun,
    Fail,
    ForgetHelper,
    Fuse,
    GiveUp,
    Instruction,
    Interrupt,
    KeepKernel,
    LeaveHelper,
    LeaveIdle,
    Omit,
    RefuseCached,
    RefuseRemote,
    RefuseStoring,
    Restart,
    Retry,
    RunOnMain,
    RunRemotely,
    SearchCache,
    SeekHelper,
    Skip,
    Speculate,
    Store,
    StoreNothing,
    UseCached,
    UseRemote,
    UseSpeculative,
    WaitForHelper,
    Warm,
)

NOT_SELECTED = "it was not selected"
NO_CACHE = "the run uses no cached result for it"
NOT_CACHED = "there is none"
NOT_BEGUN = "its turn came before a second kernel was ready"
NOT_TAKEN = "its turn came before a second kernel could take it"
NOT_FASTER = "running it ahead would not have been faster"
FAILED_AHEAD = "it failed in a second kernel, which may not act on the outside world"
NOT_USABLE = "the result of a second kernel could not be used"
OBSERVED_EVERY = 0.25  # seconds
SHORTEST_WAIT = 0.001  # seconds


def decide_turn(event: TurnBegan) -> Instruction:
    """Whether a block is considered at all."""
    if event.stops:
        return EndRun(reason=EARLIER_FAILED) if event.failed else Detach()
    if not event.selected:
        return Omit(reason=NOT_SELECTED)
    if event.why_skipped:
        return Skip(reason=event.why_skipped)
    return SearchCache()


def decide_cached(event: CacheSearched) -> Instruction:
    """Whether a cached result stands for a block."""
    if event.why_not:
        return RefuseCached(reason=event.why_not)
    if event.present:
        return UseCached()
    return SeekHelper(reason=NOT_CACHED if event.enabled else NO_CACHE)


def decide_helper(event: HelperObserved) -> Instruction:
    """Whether the main line waits for a helper.

    It never waits for a result that it could not use, nor longer than the block is known to take.
    """
    if event.finished:
        return CheckResult()
    if event.began is None:
        return LeaveHelper(reason=NOT_BEGUN)
    if event.stuck:
        return Discard(reason=f"the main kernel has {event.stuck}", learn=not event.stale)
    if event.stale:
        return Discard(reason=event.stale, learn=False)
    until = event.arrived + speculation.patience(event.arrived - event.began, event.seconds)
    if event.now >= until:
        return Discard(reason=f"it had not ended in {event.now - event.began:.1f} s")
    return WaitForHelper(until=until)


def decide_result(event: HelperEnded) -> Instruction:
    """Whether the result of a helper stands for its block."""
    if event.failed:
        return ForgetHelper(reason=FAILED_AHEAD)
    if event.why_not:
        return Discard(reason=event.why_not, learn=not event.stale)
    return UseSpeculative()


def decide_main(event: MainReached) -> Instruction:
    """Execute a block on the main line, with the reason why it did not run ahead."""
    return RunOnMain(reason=event.serial or event.blocker or NOT_TAKEN)


def decide_remote(event: RemoteReached) -> Instruction:
    """Whether a cluster executes a block of a step that names one."""
    return RefuseRemote(reason=event.why_not) if event.why_not else RunRemotely()


def decide_remote_result(event: RemoteEnded) -> Instruction:
    """Whether the result of a cluster stands for its block."""
    if event.failed:
        return AcceptFailure(reason=event.where)
    return RefuseRemote(reason=event.why_not) if event.why_not else UseRemote(reason=event.where)


def decide_attempt(event: AttemptObserved) -> Instruction:
    """Whether a block that runs on the main kernel continues, and whether helpers start meanwhile."""
    elapsed = event.now - event.began
    if event.limit is not None and elapsed >= event.limit:
        return Interrupt(reason=f"it took longer than {event.limit:g} s")
    waits = [OBSERVED_EVERY]
    if event.limit is not None:
        waits.append(event.limit - elapsed)
    if elapsed < event.delay:
        waits.append(event.delay - elapsed)
    return ContinueAttempt(seconds=max(SHORTEST_WAIT, min(waits)), launch=elapsed >= event.delay)


def decide_retry(event: AttemptFailed) -> Instruction:
    """Whether to execute a failed block again."""
    if event.attempt >= event.attempts:
        return GiveUp(reason=event.message)
    if event.blocker:
        return GiveUp(reason=event.blocker)
    return Retry(after=event.wait, reason=event.message)


def decide_end(event: BlockEnded) -> Instruction:
    """What a block that did not complete means for the run."""
    if event.end is End.EXITED:
        return EndRun(reason=event.message)
    if event.end is End.DENIED:
        return Skip(reason=EARLIER_FAILED)
    return Fail(reason=event.message)


def decide_storing(event: ResultReady) -> Instruction:
    """Whether the result of an executed block is stored."""
    if not event.cache:
        return StoreNothing()
    if event.why_not:
        return RefuseStoring(reason=event.why_not)
    if event.stored:
        return StoreNothing()
    return RefuseStoring(reason=f"`{event.changed}` changed after it was read") if event.changed else Store()


def decide_kernel(event: StepIsolated) -> Instruction:
    """Whether the kernel of an isolated step ends."""
    if event.last or not event.running:
        return KeepKernel()
    if event.why:
        return Fuse(reason=f"`{event.tie}`: {event.why}", report=not event.reported)
    return Restart()


def decide_launch(event: HelperFree) -> Instruction:
    """Which block a free helper takes. Blocks that can't run ahead, or have a cached result, are not considered."""
    ready = [p.candidate for p in event.prospects if not p.why_not and not p.cached and p.candidate.index > event.block]
    chosen = speculation.choice(ready, event.start)
    if chosen is not None:
        return Speculate(index=chosen.index)
    return Warm() if event.may_warm else LeaveIdle()


def decide_stale(event: InputsCompared) -> Instruction:
    """Whether a helper continues after another block was committed."""
    return Discard(reason=event.stale, learn=False) if event.stale else ContinueHelper()


RULES: dict[type[Event], Callable[[Any], Instruction]] = {
    TurnBegan: decide_turn,
    CacheSearched: decide_cached,
    HelperObserved: decide_helper,
    HelperEnded: decide_result,
    MainReached: decide_main,
    RemoteReached: decide_remote,
    RemoteEnded: decide_remote_result,
    AttemptObserved: decide_attempt,
    AttemptFailed: decide_retry,
    BlockEnded: decide_end,
    ResultReady: decide_storing,
    StepIsolated: decide_kernel,
    HelperFree: decide_launch,
    InputsCompared: decide_stale,
}


def decide(event: Event) -> Instruction:
    """The instruction for an event."""
    return RULES[type(event)](event)


@dataclass(frozen=True)
class Decision:
    """An entry of the history.

    :param seconds: since the run began.
    :param block: position of the block that the instruction is about.
    """

    seconds: float
    block: int
    event: Event
    instruction: Instruction

    def to_dict(self) -> dict[str, Any]:
        """The decision as JSON, without the block."""
        return {
            "seconds": round(self.seconds, 3),
            "event": self.event.words,
            "instruction": self.instruction.words,
            "reason": self.instruction.reason,
        }


class DecisionCore:
    """Decides what a run does next, and records each decision.

    :param clock: seconds since the run began. Only the history has them: no decision depends on this clock.
    :param on_decision: is called with each decision that is recorded.
    :ivar turn: position of the block whose turn it is; -1 before the first.
    :ivar tried: positions of blocks that were given to a helper, and must not be given to one again.
    :ivar blockers: position of a block -> why it does not run ahead.
    """

    def __init__(
        self, clock: Callable[[], float] = lambda: 0.0, on_decision: Callable[[Decision], None] = lambda decision: None
    ) -> None:
        self.clock, self.on_decision = clock, on_decision
        self.turn = -1
        self.tried: set[int] = set()
        self.blockers: dict[int, str] = {}
        self.history: list[Decision] = []

    def handle(self, event: Event) -> Instruction:
        """Decide on an event, and record the decision.

        Raises ValueError for an event that can't happen now: a turn out of order, or a helper's result for a block
        whose turn it is not.
        """
        self._require_order(event)
        instruction = decide(event)
        if isinstance(event, HelperFree):
            self._note_prospects(event, instruction)
        self._note_helper(event, instruction)
        self._record(event, instruction)
        return instruction

    def _require_order(self, event: Event) -> None:
        if isinstance(event, TurnBegan):
            if event.block <= self.turn:
                raise ValueError(f"the turn of block {event.block} began after that of block {self.turn}")
            self.turn = event.block
        elif not isinstance(event, HelperFree | InputsCompared) and event.block != self.turn:
            raise ValueError(f"it is the turn of block {self.turn}, not of block {event.block}")

    def _note_prospects(self, event: HelperFree, instruction: Instruction) -> None:
        for prospect in event.prospects:
            chosen = isinstance(instruction, Speculate)
            waits = not prospect.why_not and not prospect.cached and not chosen
            self.blockers[prospect.candidate.index] = NOT_FASTER if waits else prospect.why_not
        if isinstance(instruction, Speculate):
            if instruction.index in self.tried:
                raise ValueError(f"block {instruction.index} was given to a helper before")
            self.tried.add(instruction.index)

    def _note_helper(self, event: Event, instruction: Instruction) -> None:
        """Remember why a block that a helper had runs on the main line after all."""
        if isinstance(instruction, LeaveHelper | ForgetHelper):
            self.blockers[event.block] = instruction.reason
        elif isinstance(instruction, Discard):
            self.blockers[event.block] = NOT_USABLE
            if isinstance(event, InputsCompared):
                self.tried.discard(event.block)  # it may run ahead again with its new inputs

    def _record(self, event: Event, instruction: Instruction) -> None:
        """Add a decision to the history, unless it only repeats that the main line waits."""
        block = instruction.index if isinstance(instruction, Speculate) else event.block
        latest = self.history[-1].instruction if self.history else None
        if not instruction.recorded or (isinstance(instruction, WaitForHelper) and instruction == latest):
            return
        decision = Decision(self.clock(), block, event, instruction)
        self.history.append(decision)
        self.on_decision(decision)
