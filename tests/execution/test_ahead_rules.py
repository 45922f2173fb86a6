"""Why a block can't run ahead: each reason."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_mlops.execution.ahead_rules import AheadRules
from jupyter_mlops.execution.block_profile import BlockProfile
from jupyter_mlops.execution.committed_state import CommittedState
from jupyter_mlops.execution.run_options import Options
from tests.execution.blocks import artifact, line
from tests.execution.contexts import context


def rules(*sources: str | tuple[str, str], committed: CommittedState | None = None, **facts: Any) -> AheadRules:
    return AheadRules(context(*sources, **facts), committed or CommittedState())


NEVER: dict[str, tuple[tuple[str | tuple[str, str], ...], int, str]] = {
    "a step that only computes": (("x = 1", "y = 2"), 1, ""),
    "a step before an opaque one": (("x = 1", "eval('x')"), 0, "cell 2 (second) may look at everything before it"),
    "imports": ((("imports", "import os"), "y = 2"), 0, "every step needs it"),
    "functions": ((("functions", "def f(): pass"), "y = 2"), 0, "every step needs it"),
    "parameters": ((("parameters", "n = 1"), "y = 2"), 0, "it belongs to no step"),
    "a step that asks for its process": (
        ("x = 1", "import os\npid = os.getpid()"),
        1,
        "os.getpid() tells kernels apart",
    ),
    "a step that writes a file": (("x = 1", "open('a.txt', 'w')"), 1, "it acts on the outside world"),
    "a step that sends a request": (
        ("x = 1", "import requests\nrequests.post('http://a')"),
        1,
        "it acts on the outside world",
    ),
}


@pytest.mark.parametrize(("sources", "at", "why"), NEVER.values(), ids=NEVER.keys())
def test_never(sources: tuple[str | tuple[str, str], ...], at: int, why: str) -> None:
    judge = rules(*sources)
    assert judge.why_never(judge.context.blocks[at]) == why


PROFILES: dict[str, tuple[BlockProfile, str]] = {
    "a step that computed": (BlockProfile(seconds=5.0), ""),
    "a step that used the network": (BlockProfile(outside=True, seconds=5.0), "it acts on the outside world"),
    "a step that wrote a file": (BlockProfile(writes=frozenset({"a.txt"})), "it acts on the outside world"),
    "a step that appended to a file": (BlockProfile(other_writes=True), "it acts on the outside world"),
    "a step that failed": (BlockProfile(ahead_failed=True), "it failed when it ran ahead in an earlier run"),
    "a step that was discarded below other cells": (BlockProfile(discarded="it opens widgets"), ""),
    "a short step": (BlockProfile(seconds=0.1), "it is too short to be worth a second kernel"),
    "a step without a duration": (BlockProfile(seconds=0.0), ""),
}


@pytest.mark.parametrize(("profile", "why"), PROFILES.values(), ids=PROFILES.keys())
def test_never_by_what_earlier_runs_showed(profile: BlockProfile, why: str) -> None:
    judge = rules("x = 1", "y = 2")
    block = judge.context.blocks[1]
    judge.context.evidence.put(judge.context.block_id(block), profile)
    assert judge.why_never(block) == why


def test_a_profile_overrides_the_text() -> None:
    judge = rules("x = 1", "open('a.txt', 'w')")
    block = judge.context.blocks[1]
    judge.context.evidence.put(judge.context.block_id(block), BlockProfile(seconds=5.0))
    assert judge.why_never(block) == ""


WAITS: dict[str, tuple[tuple[str | tuple[str, str], ...], CommittedState, str]] = {
    "independent steps": (("x = 1", "y = 2"), line(), ""),
    "data": (("x = 1", "y = x"), line(), "it may use `x`, which cell 1 (first) writes"),
    "process state": (("import os\nos.chdir('/')", "y = 2"), line(), "cell 1 (first) changes the state of cwd"),
    "a prev: tag": (("x = 1", ("step:second prev:first", "y = 2")), line(), "a prev: tag makes it wait for first"),
    "a file": (
        ("with open('a.txt', 'w') as f:\n    f.write('1')", "y = open('a.txt').read()"),
        line(),
        "it may look at a.txt, which cell 1 (first) writes",
    ),
    "a live value": (
        ("x = 1", "y = f.read()"),
        line(artifact("f", live="an open file")),
        "`f` can't be transferred to a second kernel (an open file)",
    ),
    "a value that was committed": (("x = 1", "y = z"), line(artifact("z")), ""),
    "a module that was configured": (
        ("import lib", "lib.configure()", "y = lib.value()"),
        line(),
        "cell 2 (second) changes the state of lib",
    ),
}


@pytest.mark.parametrize(("sources", "committed", "why"), WAITS.values(), ids=WAITS.keys())
def test_not_now(sources: tuple[str | tuple[str, str], ...], committed: CommittedState, why: str) -> None:
    judge = rules(*sources, committed=committed)
    assert judge.why_not(judge.context.blocks[-1], len(sources) - 2) == why


def test_a_block_that_is_not_selected_is_not_waited_for() -> None:
    sources = ("x = 1", "x = 2", "print(3)")
    judge = rules(*sources, options=Options(jobs=2, only="third"))
    assert judge.why_not(judge.context.blocks[2], 0) == ""


@pytest.mark.parametrize(
    ("sources", "jobs", "names"),
    [
        (("x = 1", "y = 2", "z = x"), 2, {"x", "z"}),
        (("x = 1", "y = 2", "z = x"), 1, set()),
        (("x = 1", "y = x"), 2, set()),
        (("x = 1", "y = 2", "z = y"), 2, set()),
    ],
)
def test_which_names_of_a_block_a_helper_may_need(sources: tuple[str, ...], jobs: int, names: set[str]) -> None:
    judge = rules(*sources, jobs=jobs)
    assert judge.needed_ahead(judge.context.blocks[0]) == names


@pytest.mark.parametrize(
    ("sources", "worth"),
    [
        (("x = 1", "y = 2", "z = 3"), True),
        (("x = 1", "y = 2", "z = y"), False),
        (("x = 1", "y = 2"), False),
        (("x = 1", "y = 2", "open('a.txt', 'w')"), False),
    ],
)
def test_when_a_kernel_is_warmed(sources: tuple[str, ...], worth: bool) -> None:
    assert rules(*sources).worth_warming(0) is worth


def test_no_kernel_is_warmed_for_short_steps() -> None:
    judge = rules("x = 1", "y = 2", "z = 3")
    block = judge.context.blocks[1]
    judge.context.evidence.put(judge.context.block_id(block), BlockProfile(seconds=0.3))
    assert not judge.worth_warming(0)
