"""What may run when, and what may be adopted."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_mlops.run import plan
from jupyter_mlops.run.plan import Learned
from tests.pipeline.notebooks import pipeline
from tests.runs.blocks import MODULES, artifact, block, blocks, line, result

WAITS: dict[str, tuple[str, str, Learned | None, str]] = {
    "what it binds is read": ("x = 1", "print(x)", None, "data"),
    "what it changes in place is read": ("d['k'] = 1", "print(d)", None, "data"),
    "something else": ("x = 1", "print(y)", None, ""),
    "handed to a call": ("show(d)", "print(d)", None, ""),
    "handed to a call, and an earlier run saw it change": (
        "show(d)",
        "print(d)",
        Learned(wrote=frozenset("d")),
        "data",
    ),
    "the earlier looks at everything": ("eval('1')", "print(y)", None, "opaque"),
    "the later looks at everything": ("x = 1", "globals()", None, "opaque"),
    "environment": ("os.environ['A'] = '1'", "print(1)", None, "state"),
    "a seed, and a draw": ("np.random.seed(1)", "np.random.rand()", None, "state"),
    "a seed, and none": ("np.random.seed(1)", "print(1)", None, ""),
    "a module is told something": ("lib.configure(debug=True)", "lib.run()", None, "state"),
    "a file": ("open('a.csv', 'w')", "open('a.csv')", None, "file"),
    "a file by another path": ("open('out/a.csv', 'w')", "open('./out/a.csv')", None, "file"),
    "another file": ("open('a.csv', 'w')", "open('b.csv')", None, ""),
    "a file, and a look at which there are": ("open('a.csv', 'w')", "os.listdir('.')", None, "file"),
    "a file that an earlier run saw": ("save()", "open('a.csv')", Learned(writes=frozenset({"/w/a.csv"})), "file"),
    "state that an earlier run saw": ("save()", "print(1)", Learned(state=frozenset({"cwd"})), "state"),
}


@pytest.mark.parametrize(("earlier", "later", "learned", "expected"), WAITS.values(), ids=WAITS.keys())
def test_waits_for(earlier: str, later: str, learned: Learned | None, expected: str) -> None:
    a, b = block(earlier), block(later, 1)
    assert plan.waits_for(a, b, plan.reach(b), learned, frozenset(), frozenset(MODULES)) == expected


def test_prev_is_waited_for() -> None:
    a, b = blocks("x = 1", "y = 2")
    assert plan.waits_for(a, b, plan.reach(b), None, frozenset({("s0", "s1")})) == "prev"


def test_what_looks_at_the_kernel_pins_what_is_before_it() -> None:
    assert plan.pinned_until(blocks("x = 1", "print(_)", "y = 2")) == 2
    assert plan.pinned_until(blocks("x = 1", "y = 2")) == 0


ADOPT: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "the same": ({}, {}, ""),
    "what it read changed": ({}, {"groups": {"x": artifact("x", digest="other")}}, "`x` changed"),
    "it was given what is gone": ({"loaded": {"x": "d", "y": "d"}}, {}, "`y` changed"),
    "it acted": ({"denied": ["open: out.csv"]}, {}, "outside world"),
    "widgets": ({"comms": True}, {}, "widgets"),
    "it leaves a figure": ({"stuck": {"figures": "an open figure"}}, {}, "it leaves an open figure"),
    "the main kernel has a figure": ({}, {"stuck": {"figures": "an open figure"}}, "the main kernel has"),
    "options changed": ({}, {"state": {"pandas": ("p", None)}}, "the state of pandas changed"),
    "options were other": ({"state_before": {"pandas": "p"}}, {}, "the state of pandas changed"),
    "a generator it did not use": ({}, {"state": {"random": ("r", None)}}, ""),
    "a generator it used": (
        {"state": {"random": ("q", None)}},
        {"state": {"random": ("r", None)}},
        "the state of random changed",
    ),
    "a file changed": ({"read": {"a.csv": [1, 1, 1]}}, {}, "a.csv changed"),
    "a file that was not there and is not": ({"read": {"none": None}}, {}, ""),
}


@pytest.mark.parametrize(("facts", "moved", "expected"), ADOPT.values(), ids=ADOPT.keys())
def test_why_a_helpers_result_is_not_adopted(facts: dict[str, Any], moved: dict[str, Any], expected: str) -> None:
    made = result(**{"loaded": {"x": "d"}, **facts})
    now = line(artifact("x"), **moved)
    why = plan.why_not_adopted(block("print(x)"), made, now, lambda path: None if path == "none" else [2, 2, 2], [], [])
    assert (expected in why) if expected else why == ""


def test_files_written_since_it_looked() -> None:
    made = result(loaded={}, lists=True)
    assert "files were written" in plan.why_not_adopted(block("1"), made, line(), lambda p: None, ["a"], [])
    assert not plan.why_not_adopted(block("1"), made, line(), lambda p: None, [], [])


INCOMPLETE: dict[str, tuple[str, str]] = {
    "nobody needs it": ("print(1)", ""),
    "it is read": ("print(g)", "`g` can't be handed on (a generator)"),
    "it is handed to a call": ("list(g)", "`g` can't be handed on"),
    "a function names it": ("def f():\n    return g", "`g` can't be handed on"),
    "a string names it": ("df.query('g > 1')", "`g` can't be handed on"),
    "everything is looked at": ("eval('1')", "`g` can't be handed on"),
}


@pytest.mark.parametrize(("later", "expected"), INCOMPLETE.values(), ids=INCOMPLETE.keys())
def test_a_result_that_lacks_what_is_needed_later(later: str, expected: str) -> None:
    why = plan.why_incomplete(result(groups=[artifact("g", live="a generator")]), [block(later, 1)])
    assert why.startswith(expected) if expected else why == ""


STORED: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "plain": ("x = 1", {}, "", ""),
    "its author forbids it": ("x = 1", {}, "disabled", "cache:disabled"),
    "the clock": ("import time\nx = time.time()", {}, "", "depends on time.time"),
    "the clock, and its author allows it": ("import time\nx = time.time()", {}, "enabled", ""),
    "network": ("x = 1", {"outside": ["network: socket.connect"]}, "", "network"),
    "unseeded": ("x = 1", {"state": {"random": ("r", None)}}, "", "nothing seeded"),
    "changes what it reads": ("x = 1", {"read": {"a": [1]}, "written": {"a": "w"}}, "", "a file that it reads"),
    "appends": ("x = 1", {"written": {"a": "a"}}, "", "in place"),
    "writes anew": ("x = 1", {"written": {"a": "w"}}, "", ""),
    "looks": ("x = 1", {"lists": True}, "", "which files there are"),
    "waits for a person": ("x = input()", {}, "", "input"),
    "a figure, whatever its author says": ("x = 1", {"stuck": {"f": "figure"}}, "enabled", "can't be handed on"),
    "too large": ("x = 1", {"failed_store": "disk full"}, "enabled", "disk full"),
}


@pytest.mark.parametrize(("source", "facts", "cache", "expected"), STORED.values(), ids=STORED.keys())
def test_why_a_result_is_not_kept(source: str, facts: dict[str, Any], cache: str, expected: str) -> None:
    why = plan.why_not_stored(block(source), result(**facts), cache, line())
    assert (expected in why) if expected else why == ""


POISONED: dict[str, tuple[str, str, bool]] = {
    "it reads what the failed one makes": ("x = 1 / 0", "print(x)", True),
    "it may read it": ("x = 1 / 0", "f'{x}'", True),
    "independent": ("x = 1 / 0", "y = 2", False),
    "the failed one looks at everything": ("eval('x')", "y = 2", True),
    "state": ("os.environ['A'] = f()", "y = 2", True),
    "file": ("open('a', 'w')", "open('a')", True),
}


@pytest.mark.parametrize(("failed", "later", "expected"), POISONED.values(), ids=POISONED.keys())
def test_what_depends_on_a_failed_block(failed: str, later: str, expected: bool) -> None:
    a, b = blocks(failed, later)
    assert bool(plan.poisoned(b, [(a, a.access.writes)], line(), frozenset())) is expected


def test_later_cells_of_a_failed_step_and_prev() -> None:
    a, b = block("x = 1", 0, "same"), block("y = 1", 1, "same")
    assert plan.poisoned(b, [(a, frozenset())], line(), frozenset()) == "same"
    c, d = blocks("x = 1", "y = 1")
    assert plan.poisoned(d, [(c, frozenset())], line(), frozenset({("s0", "s1")})) == "s0"


def test_what_a_step_stands_on() -> None:
    made = pipeline(("step:a", "x = 1"), ("step:b", "y = x"), ("step:c", "z = 1"), ("step:d prev:c", "print(y)"))
    assert plan.needed_for("d", made) == {"a", "b", "c", "d"}
    assert plan.needed_for("b", made) == {"a", "b"}


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["completed"], "completed"),
        (["cached", "completed"], "completed"),
        (["cached", "cached"], "cached"),
        (["cached", "failed", "skipped"], "failed"),
        (["completed", "stopped"], "stopped"),
        (["completed", "skipped"], "skipped"),
        ([], "skipped"),
    ],
)
def test_the_state_of_a_step_from_its_blocks(states: list[str], expected: str) -> None:
    assert plan.joined_state(states) == expected


@pytest.mark.parametrize(
    ("source", "apart"),
    [
        ("df.mean()", True),
        ("df.columns.name = 'x'", False),
        ("s.names = ['a']", False),
        ("a.index is b.index", False),
        ("df.index.rename('t', inplace=True)", False),
        ("name == 'x'", True),
    ],
)
def test_whether_frames_that_share_an_index_may_travel_apart(source: str, apart: bool) -> None:
    assert plan.axes_apart([source], [], []) is apart
    assert not plan.axes_apart([source], blocks("import mine"), ["mine"])


IDENTITY = {
    "two names": ("a is b", True),
    "not": ("if x is not y:\n    pass", True),
    "in a chain": ("a == b is c", True),
    "in a function": ("def f(x): return x is SENTINEL", True),
    "None": ("x is None", False),
    "True": ("x is not True", False),
    "a type": ("type(x) is int", False),
    "in a text": ("print('a is b')", False),
    "with a magic": ("%time print(a is b)", False),
    "broken": ("a is = b", False),
    "no comparison": ("a == b", False),
}


@pytest.mark.parametrize(("source", "seen"), IDENTITY.values(), ids=IDENTITY.keys())
def test_whether_a_notebook_asks_what_is_the_same(source: str, seen: bool) -> None:
    assert plan.identity_seen([source]) is seen


def test_what_is_known_by_a_number_alone_stays_in_its_process() -> None:
    assert plan.opens_descriptor(block("fd = os.open('x', 0)"))
    assert not plan.opens_descriptor(block("f = open('x')"))
    moved = line(stuck_for_good={"descriptors": "what os.open() opened"})
    moved.apply(result(), [])
    assert moved.stuck


def test_a_module_that_was_written_since_is_no_longer_what_was_imported() -> None:
    ahead = result(modules={"lib": "/w/lib.py"})
    facts = (block("print(1)"), ahead, line(), lambda path: None)
    assert "module" in plan.why_not_adopted(*facts, ["/w/lib.py"], [])
    assert not plan.why_not_adopted(*facts, ["/w/other.py"], [])
