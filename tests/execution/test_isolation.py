"""Why the kernel of an isolated step can't end."""

from __future__ import annotations

import pytest

from jupyter_mlops.execution.committed_state import CommittedState
from jupyter_mlops.execution.isolation import Tie, fusion, kernel_tie
from tests.execution.blocks import artifact, line
from tests.execution.contexts import context

TIES: dict[str, tuple[tuple[str, ...], CommittedState, Tie | None]] = {
    "values that can move": (("x = 1", "y = x"), line(artifact("x")), None),
    "a thread": (
        ("x = 1", "y = 2"),
        line(stuck={"threads": "a thread that still runs"}),
        Tie("threads", "a thread that still runs"),
    ),
    "a later block that looks at everything": (
        ("x = 1", "y = 2", "eval('x')"),
        line(artifact("x")),
        Tie("eval", "third may read everything before it"),
    ),
    "two blocks that ask for the process": (
        ("import os\na = os.getpid()", "b = os.getpid()"),
        line(),
        Tie("os.getpid()", "it distinguishes processes"),
    ),
    "one block that asks for the process": (("import os\na = os.getpid()", "b = 2"), line(), None),
    "a generator that was looked at": (
        ("import random\ns = random.getstate()", "b = 2"),
        line(),
        Tie("random", "the state of an unseeded generator was looked at"),
    ),
    "a module that was configured": (
        ("import lib\nlib.configure()", "y = lib.value()"),
        line(),
        Tie("lib", "a module's own state was changed"),
    ),
    "a live value that is used": (
        ("f = open('a.txt')", "f.read()"),
        line(artifact("f", live="an open file")),
        Tie("f", "`f` can't be transferred (an open file)"),
    ),
    "a live value that is not used": (("f = 1", "y = 2"), line(artifact("f", live="an open file")), None),
    "a live value in a module that was configured": (
        ("import lib\nlib.configure()\nf = open('a.txt')", "y = lib.value(f)"),
        line(artifact("f", live="an open file")),
        Tie("f", "`f` can't be transferred (an open file)"),
    ),
}


@pytest.mark.parametrize(("sources", "committed", "tie"), TIES.values(), ids=TIES.keys())
def test_why_a_kernel_stays(sources: tuple[str, ...], committed: CommittedState, tie: Tie | None) -> None:
    run = context(*sources)
    assert kernel_tie(run, committed, run.blocks[0]) == tie


def test_a_fusion_names_the_steps_that_need_the_variable() -> None:
    run = context("f = open('a.txt')", "x = 1", "f.read()", "f.close()")
    tie = Tie("f", "it can't be transferred", "TextIOWrapper")
    assert fusion(run.blocks[0], tie, run.blocks[1:]) == {
        "variable": "f",
        "type": "TextIOWrapper",
        "made_by": "first",
        "needed_by": "third, fourth",
        "why": "it can't be transferred",
    }
