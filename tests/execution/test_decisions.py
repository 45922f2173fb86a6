"""The decision core: each instruction, each reason, and what holds for every sequence of events."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.execution import decision_events, decisions, instructions
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
    Prospect,
    RemoteEnded,
    RemoteReached,
    ResultReady,
    StepIsolated,
    TurnBegan,
)
from jupyter_mlops.execution.decisions import Decision, DecisionCore, decide
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
from jupyter_mlops.execution.reasons import Kind
from jupyter_mlops.execution.speculation import HAND_OFF, START, UNKNOWN_LEAST, Candidate


def turn(**facts: Any) -> TurnBegan:
    return TurnBegan(block=0, **facts)


def observed(**facts: Any) -> HelperObserved:
    """A helper that began at 10 s; the turn of its block began at 12 s."""
    return HelperObserved(**{"block": 0, "began": 10.0, "arrived": 12.0, "now": 12.0, "seconds": 5.0, **facts})


def failed(attempt: int, attempts: int, **facts: Any) -> AttemptFailed:
    return AttemptFailed(block=0, attempt=attempt, attempts=attempts, message="ValueError: no rows", **facts)


def running(seconds: float, delay: float = 0.5, limit: float | None = None) -> AttemptObserved:
    """A block that has been running for some seconds."""
    return AttemptObserved(block=0, began=8.0, now=8.0 + seconds, delay=delay, limit=limit)


def free(*prospects: Prospect, **facts: Any) -> HelperFree:
    return HelperFree(**{"block": 0, "prospects": prospects, "start": START, **facts})


def prospect(
    index: int, seconds: float | None = None, arrival: float | None = None, why_not: str = "", cached: bool = False
) -> Prospect:
    return Prospect(Candidate(index, seconds, arrival), why_not, cached)


THREAD = "a thread that still runs"
TABLE: dict[str, tuple[Event, Instruction]] = {
    # whether a block is considered
    "a turn": (turn(), SearchCache()),
    "a turn below a failure that does not concern it": (turn(failed=True), SearchCache()),
    "a block that was not selected": (turn(selected=False), Omit(reason="it was not selected")),
    "a block that needs a failed one": (turn(failed=True, why_skipped="load failed"), Skip(reason="load failed")),
    "a block below a gate": (
        turn(failed=True, why_skipped="the gate guard did not pass"),
        Skip(reason="the gate guard did not pass"),
    ),
    "a block that was not selected is not skipped because of a failure": (
        turn(selected=False, failed=True, why_skipped="load failed"),
        Omit(reason="it was not selected"),
    ),
    "the block before which the run stops": (turn(stops=True), Detach()),
    "the same after a failure": (turn(stops=True, failed=True), EndRun(reason=EARLIER_FAILED)),
    "the same if it was not selected": (turn(stops=True, selected=False), Detach()),
    # cached results
    "a cached result": (CacheSearched(block=0, present=True), UseCached()),
    "no cached result": (CacheSearched(block=0), SeekHelper(reason="there is none")),
    "no cache": (CacheSearched(block=0, enabled=False), SeekHelper(reason="the run uses no cached result for it")),
    "a cached result that lacks a value": (
        CacheSearched(block=0, present=True, why_not="`x` was not stored, and cell 3 (use) may need it"),
        RefuseCached(reason="`x` was not stored, and cell 3 (use) may need it"),
    ),
    "a block for which none was looked for": (
        CacheSearched(block=0, why_not="cell 9 (last) may look at everything before it"),
        RefuseCached(reason="cell 9 (last) may look at everything before it"),
    ),
    # waiting for a helper
    "a helper that has ended": (observed(finished=True), CheckResult()),
    "a helper that ended before it was seen to begin": (observed(finished=True, began=None), CheckResult()),
    "a helper that has ended is checked even if its inputs are stale": (
        observed(finished=True, stale="`x` changed since it started"),
        CheckResult(),
    ),
    "a helper that has not begun": (
        observed(began=None),
        LeaveHelper(reason="its turn came before a second kernel was ready"),
    ),
    "a helper that has not begun while the main kernel is stuck": (
        observed(began=None, stuck=THREAD),
        LeaveHelper(reason="its turn came before a second kernel was ready"),
    ),
    "a helper while the main kernel is stuck": (
        observed(stuck=THREAD),
        Discard(reason=f"the main kernel has {THREAD}", learn=True),
    ),
    "a stale helper while the main kernel is stuck": (
        observed(stuck=THREAD, stale="`x` changed since it started"),
        Discard(reason=f"the main kernel has {THREAD}", learn=False),
    ),
    "a helper with stale inputs": (
        observed(stale="`x` changed since it started"),
        Discard(reason="`x` changed since it started", learn=False),
    ),
    "a helper with a known duration": (observed(), WaitForHelper(until=17.0)),
    "the same later": (observed(now=16.9), WaitForHelper(until=17.0)),
    "the same when the time is over": (observed(now=17.0), Discard(reason="it had not ended in 7.0 s")),
    "a helper with an unknown duration": (observed(seconds=None), WaitForHelper(until=12.0 + 8.0)),
    "a helper with an unknown duration that just began": (
        observed(seconds=None, began=11.9),
        WaitForHelper(until=12.0 + UNKNOWN_LEAST),
    ),
    "a helper that takes much longer than is known": (
        observed(seconds=0.5),
        Discard(reason="it had not ended in 2.0 s"),
    ),
    "a helper with a block that is known to be short": (
        observed(seconds=0.01, began=12.0),
        WaitForHelper(until=12.0 + HAND_OFF),
    ),
    # the result of a helper
    "a speculative result": (HelperEnded(block=0), UseSpeculative()),
    "a block that failed in a helper": (
        HelperEnded(block=0, failed=True),
        ForgetHelper(reason="it failed in a second kernel, which may not act on the outside world"),
    ),
    "a speculative result that talks to widgets": (
        HelperEnded(block=0, why_not="it communicates with widgets of other steps, or with a front end"),
        Discard(reason="it communicates with widgets of other steps, or with a front end", learn=True),
    ),
    "a speculative result of stale inputs": (
        HelperEnded(block=0, why_not="`x` changed since it started", stale="`x` changed since it started"),
        Discard(reason="`x` changed since it started", learn=False),
    ),
    # the main line
    "a run with one kernel": (
        MainReached(block=0, serial="one kernel was allowed"),
        RunOnMain(reason="one kernel was allowed"),
    ),
    "a block that waits for another": (
        MainReached(block=0, blocker="it may use `x`, which cell 1 (load) writes"),
        RunOnMain(reason="it may use `x`, which cell 1 (load) writes"),
    ),
    "what holds for the run comes before what holds for the block": (
        MainReached(block=0, serial="one kernel was allowed", blocker="it acts on the outside world"),
        RunOnMain(reason="one kernel was allowed"),
    ),
    "a block that could have run ahead": (
        MainReached(block=0),
        RunOnMain(reason="its turn came before a second kernel could take it"),
    ),
    # a cluster
    "a block for a cluster": (RemoteReached(block=0), RunRemotely()),
    "a block that can't run on a cluster": (
        RemoteReached(block=0, why_not="`f` can't be transferred"),
        RefuseRemote(reason="`f` can't be transferred"),
    ),
    "a result of a cluster": (
        RemoteEnded(block=0, where="tcp://10.0.0.5:1 on gpu1"),
        UseRemote(reason="tcp://10.0.0.5:1 on gpu1"),
    ),
    "a result of a cluster that can't be used": (
        RemoteEnded(block=0, where="tcp://10.0.0.5:1 on gpu1", why_not="`g` can't be transferred"),
        RefuseRemote(reason="`g` can't be transferred"),
    ),
    "a block that failed on a cluster": (
        RemoteEnded(block=0, where="tcp://10.0.0.5:1 on gpu1", failed=True, why_not="`g` can't be transferred"),
        AcceptFailure(reason="tcp://10.0.0.5:1 on gpu1"),
    ),
    # a block that runs
    "a block that begins": (running(0.0), ContinueAttempt(seconds=0.25, launch=False)),
    "a block shortly before helpers start": (running(0.375), ContinueAttempt(seconds=0.125, launch=False)),
    "a block when helpers start": (running(0.5), ContinueAttempt(seconds=0.25, launch=True)),
    "a block that is known to take long": (running(0.0, delay=0.0), ContinueAttempt(seconds=0.25, launch=True)),
    "a block with much time": (running(0.5, limit=9.0), ContinueAttempt(seconds=0.25, launch=True)),
    "a block with little time": (running(0.875, limit=1.0), ContinueAttempt(seconds=0.125, launch=True)),
    "a block with no time": (running(1.0, limit=1.0), Interrupt(reason="it took longer than 1 s")),
    "a block that is late": (running(7.0, limit=1.5), Interrupt(reason="it took longer than 1.5 s")),
    # failures
    "a failure without retries": (failed(1, 1), GiveUp(reason="ValueError: no rows")),
    "a failure with a retry": (failed(1, 2, wait=1.5), Retry(after=1.5, reason="ValueError: no rows")),
    "the failure of the last attempt": (failed(2, 2, wait=3.0), GiveUp(reason="ValueError: no rows")),
    "a failure whose inputs can't move": (
        failed(1, 2, blocker="`f` can't be transferred to a new kernel: an open file"),
        GiveUp(reason="`f` can't be transferred to a new kernel: an open file"),
    ),
    "sys.exit()": (
        BlockEnded(block=0, end=End.EXITED, message="cell 3 ended the run with sys.exit()"),
        EndRun(reason="cell 3 ended the run with sys.exit()"),
    ),
    "an act below a failure": (BlockEnded(block=0, end=End.DENIED), Skip(reason=EARLIER_FAILED)),
    "a failure": (BlockEnded(block=0, end=End.FAILED, message="no rows"), Fail(reason="no rows")),
    # storing
    "a new result": (ResultReady(block=0), Store()),
    "a new result without a cache": (ResultReady(block=0, cache=False), StoreNothing()),
    "a result of the clock": (
        ResultReady(block=0, why_not="it depends on time.time()"),
        RefuseStoring(reason="it depends on time.time()"),
    ),
    "a result that the cache has": (ResultReady(block=0, stored=True), StoreNothing()),
    "a result whose file changed": (
        ResultReady(block=0, changed="/data/x.csv"),
        RefuseStoring(reason="`/data/x.csv` changed after it was read"),
    ),
    # isolated steps
    "an isolated step": (StepIsolated(block=0), Restart()),
    "the last isolated step": (StepIsolated(block=0, last=True), KeepKernel()),
    "an isolated step without a kernel": (StepIsolated(block=0, running=False), KeepKernel()),
    "an isolated step with an open file": (
        StepIsolated(block=0, tie="f", why="`f` can't be transferred (an open file)"),
        Fuse(reason="`f`: `f` can't be transferred (an open file)", report=True),
    ),
    "the step after it": (
        StepIsolated(block=0, tie="f", why="`f` can't be transferred (an open file)", reported=True),
        Fuse(reason="`f`: `f` can't be transferred (an open file)", report=False),
    ),
    # free helpers
    "a helper without blocks": (free(), LeaveIdle()),
    "a helper that could be warmed": (free(may_warm=True), Warm()),
    "a block that waits is not run ahead": (free(prospect(2, why_not="it acts on the outside world")), LeaveIdle()),
    "a block with a cached result is not run ahead": (free(prospect(2, cached=True), may_warm=True), Warm()),
    "a block of unknown duration": (free(prospect(2), may_warm=True), Speculate(index=2)),
    "of two blocks of unknown duration the last": (free(prospect(2), prospect(3)), Speculate(index=3)),
    "the block that saves most": (free(prospect(2, 9.0, 6.0), prospect(3, 2.0, 14.0)), Speculate(index=2)),
    "a block that saves nothing": (free(prospect(2, 1.0, 1.0)), LeaveIdle()),
    "the same with an idle kernel": (free(prospect(2, 1.0, 1.0), start=0.0), Speculate(index=2)),
    "a block that can run ahead before one that can't": (
        free(prospect(2), prospect(3, why_not="it may use `x`, which cell 1 writes")),
        Speculate(index=2),
    ),
    "a block before the unfinished one is not run ahead": (free(prospect(2), block=2), LeaveIdle()),
    # helpers while others are committed
    "inputs that stay": (InputsCompared(block=3), ContinueHelper()),
    "inputs that changed": (
        InputsCompared(block=3, stale="`x` changed since it started"),
        Discard(reason="`x` changed since it started", learn=False),
    ),
}


@pytest.mark.parametrize(("event", "expected"), TABLE.values(), ids=TABLE.keys())
def test_each_decision(event: Event, expected: Instruction) -> None:
    assert decide(event) == expected


def subclasses(base: type, module: Any) -> set[type]:
    return {value for value in vars(module).values() if isinstance(value, type) and issubclass(value, base)} - {base}


def test_the_table_has_every_instruction_and_every_event() -> None:
    assert {type(expected) for _, expected in TABLE.values()} == subclasses(Instruction, instructions)
    assert {type(event) for event, _ in TABLE.values()} == subclasses(Event, decision_events)
    assert set(decisions.RULES) == subclasses(Event, decision_events)


def test_the_table_has_every_reason() -> None:
    texts = {v for k, v in vars(decisions).items() if k.isupper() and isinstance(v, str)}
    core = DecisionCore()
    core.handle(free(prospect(2, 1.0, 1.0)))
    core.handle(InputsCompared(block=3, stale="`x` changed since it started"))
    reasons = {expected.reason for _, expected in TABLE.values()} | set(core.blockers.values())
    assert texts - reasons == set()


@pytest.mark.parametrize(("event", "expected"), TABLE.values(), ids=TABLE.keys())
def test_facts_and_instructions_can_not_be_changed(event: Event, expected: Instruction) -> None:
    with pytest.raises(FrozenInstanceError):
        event.block = 9  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        expected.reason = "another"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("instruction", "kind"),
    [
        (UseCached, Kind.CACHED), (UseSpeculative, Kind.AHEAD), (RunOnMain, Kind.MAIN), (Discard, Kind.DISCARDED),
        (RefuseCached, Kind.NOT_TAKEN), (RefuseStoring, Kind.NOT_KEPT), (Skip, Kind.SKIPPED), (Omit, Kind.SKIPPED),
        (UseRemote, Kind.REMOTE), (SeekHelper, None), (Store, None), (LeaveHelper, None), (Fail, None),
        (RefuseRemote, None), (AcceptFailure, Kind.REMOTE),
    ],
)  # fmt: skip
def test_which_decisions_a_step_gives_as_reasons(instruction: type[Instruction], kind: Kind | None) -> None:
    assert instruction.kind is kind


def test_every_kind_of_reason_comes_from_an_instruction() -> None:
    kinds = {instruction.kind for instruction in subclasses(Instruction, instructions)}  # type: ignore[attr-defined]
    assert kinds == {*Kind, None}


# -- the history


def run(core: DecisionCore, *events: Event) -> list[Instruction]:
    return [core.handle(event) for event in events]


def test_the_history_has_each_decision_with_its_time() -> None:
    times = iter((0.5, 1.25, 2.0))
    noted: list[Decision] = []
    core = DecisionCore(lambda: next(times), noted.append)
    run(core, turn(), CacheSearched(block=0, why_not="it changes the state of x"), MainReached(block=0, serial="s"))
    assert noted == core.history
    assert [d.to_dict() for d in core.history] == [
        {"seconds": 0.5, "event": "its turn began", "instruction": "search the cache", "reason": ""},
        {
            "seconds": 1.25,
            "event": "a cached result was looked for",
            "instruction": "use no cached result",
            "reason": "it changes the state of x",
        },
        {
            "seconds": 2.0,
            "event": "no result was available",
            "instruction": "execute the block on the main line",
            "reason": "s",
        },
    ]


def test_waiting_is_recorded_once() -> None:
    core = DecisionCore()
    run(core, turn(), *(observed(now=12.0 + n / 4) for n in range(30)))
    assert [type(d.instruction) for d in core.history] == [SearchCache, WaitForHelper, *[Discard] * 10]


def test_a_helper_that_is_left_idle_is_not_recorded() -> None:
    core = DecisionCore()
    run(core, free(), InputsCompared(block=1), StepIsolated(block=-1, last=True))
    assert core.history == []


def test_speculation_is_recorded_for_the_block_that_runs_ahead() -> None:
    core = DecisionCore()
    run(core, free(prospect(4)))
    assert [d.block for d in core.history] == [4]


# -- what the core remembers


def test_why_a_block_did_not_run_ahead_is_remembered() -> None:
    core = DecisionCore()
    core.handle(
        free(prospect(1, why_not="it acts on the outside world"), prospect(2, cached=True), prospect(3, 1.0, 0.5))
    )
    assert core.blockers == {1: "it acts on the outside world", 2: "", 3: "running it ahead would not have been faster"}
    core.handle(free(prospect(1), prospect(2, cached=True), prospect(3, 9.0, 8.0), start=0.0))
    assert core.blockers == {1: "", 2: "", 3: ""}


@pytest.mark.parametrize(
    ("event", "blocker"),
    [
        (observed(began=None), "its turn came before a second kernel was ready"),
        (observed(stale="`x` changed"), "the result of a second kernel could not be used"),
        (HelperEnded(block=0, why_not="it opens widgets"), "the result of a second kernel could not be used"),
        (HelperEnded(block=0, failed=True), "it failed in a second kernel, which may not act on the outside world"),
    ],
)
def test_why_the_main_line_runs_a_block_that_a_helper_had(event: Event, blocker: str) -> None:
    core = DecisionCore()
    run(core, turn(), event)
    assert core.blockers == {0: blocker}


def test_a_block_is_given_to_a_helper_once_until_its_inputs_change() -> None:
    core = DecisionCore()
    assert core.handle(free(prospect(2))) == Speculate(index=2)
    with pytest.raises(ValueError, match="block 2 was given to a helper before"):
        core.handle(free(prospect(2)))
    core.handle(InputsCompared(block=2, stale="`x` changed since it started"))
    assert core.handle(free(prospect(2))) == Speculate(index=2)


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([TurnBegan(block=1), TurnBegan(block=0)], "the turn of block 0 began after that of block 1"),
        ([TurnBegan(block=1), TurnBegan(block=1)], "the turn of block 1 began after that of block 1"),
        ([TurnBegan(block=0), CacheSearched(block=1)], "it is the turn of block 0, not of block 1"),
        ([TurnBegan(block=0), HelperEnded(block=2)], "it is the turn of block 0, not of block 2"),
        ([TurnBegan(block=2), MainReached(block=1)], "it is the turn of block 2, not of block 1"),
        ([HelperEnded(block=0)], "it is the turn of block -1, not of block 0"),
    ],
)
def test_a_result_is_used_only_when_its_turn_has_come(events: Sequence[Event], message: str) -> None:
    core = DecisionCore()
    run(core, *events[:-1])
    with pytest.raises(ValueError, match=re.escape(message)):
        core.handle(events[-1])
    assert len(core.history) == len(events) - 1


# -- for every run


REASONS = st.sampled_from(["", "", "`x` changed since it started", "it acts on the outside world"])
DURATIONS = st.none() | st.floats(0.0, 20.0)
COMMITTING = (UseCached, UseSpeculative, RunOnMain)


class Simulation:
    """Performs the instructions of a core as the run loop does, with facts that hypothesis draws."""

    def __init__(self, data: st.DataObject, number: int) -> None:
        self.draw, self.number = data.draw, number
        self.core = DecisionCore()
        self.never = {b: self.draw(REASONS) for b in range(number)}
        self.working: dict[int, bool] = {}  # block -> whether its helper began
        self.committed: list[int] = []
        self.discarded: set[int] = set()

    def launch(self, at: int) -> None:
        busy = {*self.working, *self.core.tried}
        prospects = [
            prospect(b, self.draw(DURATIONS), self.draw(DURATIONS), self.never[b], self.draw(st.booleans()))
            for b in range(at + 1, self.number)
            if b not in busy
        ]
        instruction = self.core.handle(free(*prospects, block=at))
        if isinstance(instruction, Speculate):
            assert instruction.index > at and instruction.index not in busy and not self.never[instruction.index]
            self.working[instruction.index] = self.draw(st.booleans())
            self.discarded.discard(instruction.index)

    def commit(self, block: int) -> None:
        self.committed.append(block)
        for other in [b for b, began in self.working.items() if began]:
            if isinstance(self.core.handle(InputsCompared(block=other, stale=self.draw(REASONS))), Discard):
                del self.working[other]
                self.discarded.add(other)

    def result_of(self, block: int) -> bool:
        """Whether the result of a helper stands for a block."""
        if block not in self.working:
            return False
        began, now = 0.0 if self.working.pop(block) else None, 1.0
        seconds, finished = self.draw(DURATIONS), self.draw(st.booleans())
        stuck, stale = self.draw(REASONS), self.draw(REASONS)
        event = HelperObserved(
            block=block, finished=finished, began=began, stuck=stuck, stale=stale, arrived=1.0, now=now,
            seconds=seconds,
        )  # fmt: skip
        while isinstance(instruction := self.core.handle(event), WaitForHelper):
            assert not stuck and not stale and began is not None
            assert event.now < instruction.until <= 1.0 + max(HAND_OFF, UNKNOWN_LEAST, 4.0, seconds or 0.0)
            event = replace(event, now=instruction.until, finished=self.draw(st.booleans()))
        if not isinstance(instruction, CheckResult):
            self.discarded.add(block)
            return False
        ended = HelperEnded(block=block, failed=self.draw(st.booleans()), why_not=self.draw(REASONS))
        return isinstance(self.core.handle(ended), UseSpeculative)

    def take_turn(self, block: int) -> None:
        event = TurnBegan(block=block, selected=self.draw(st.booleans()), why_skipped=self.draw(REASONS))
        if not isinstance(self.core.handle(event), SearchCache):
            return
        searched = CacheSearched(block=block, present=self.draw(st.booleans()), why_not=self.draw(REASONS))
        if not isinstance(self.core.handle(searched), UseCached) and not self.result_of(block):
            self.core.handle(MainReached(block=block, blocker=self.core.blockers.get(block, "")))
            for _ in range(self.draw(st.integers(0, 2))):
                self.launch(block)
        self.commit(block)


@given(st.data(), st.integers(1, 7))
def test_blocks_are_committed_in_order_and_only_what_may_run_ahead_does(data: st.DataObject, number: int) -> None:
    simulation = Simulation(data, number)
    for block in range(number):
        simulation.take_turn(block)
    history = simulation.core.history
    sources = [d.block for d in history if isinstance(d.instruction, COMMITTING)]
    assert sources == simulation.committed == sorted(set(simulation.committed))
    speculated = {d.block for d in history if isinstance(d.instruction, Speculate)}
    assert not {b for b in speculated if simulation.never[b]}
    used = {d.block for d in history if isinstance(d.instruction, UseSpeculative)}
    assert used <= speculated - simulation.discarded
    turns = [d.block for d in history if isinstance(d.event, TurnBegan)]
    assert turns == list(range(number))


@given(st.sampled_from(list(TABLE.values())), st.integers(0, 50))
def test_a_decision_depends_on_its_event_alone(row: tuple[Event, Instruction], repeats: int) -> None:
    event, expected = row
    for _ in range(repeats):
        assert decide(event) == expected


@given(
    st.floats(0, 100), st.floats(0, 100), st.none() | st.floats(0, 100), st.floats(0, 1000), REASONS, REASONS,
    st.booleans(),
)  # fmt: skip
def test_the_main_line_never_waits_in_vain(
    began: float, elapsed: float, seconds: float | None, waited: float, stuck: str, stale: str, finished: bool
) -> None:
    """A wait ends at a time that depends on the helper alone, and there is none for a result that can't be used."""
    arrived = began + elapsed
    event = HelperObserved(
        block=0, finished=finished, began=began, stuck=stuck, stale=stale, arrived=arrived, now=arrived + waited,
        seconds=seconds,
    )  # fmt: skip
    instruction = decide(event)
    if finished:
        assert instruction == CheckResult()
    elif stuck or stale:
        assert isinstance(instruction, Discard)
        assert instruction.learn is not bool(stale)
    elif isinstance(instruction, WaitForHelper):
        assert event.now < instruction.until
        assert seconds is None or instruction.until <= arrived + max(HAND_OFF, seconds)
    else:
        assert isinstance(instruction, Discard)
        assert instruction.learn
