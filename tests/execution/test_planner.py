"""What may run when, and what may be adopted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.execution import notebook_traits, planner, reuse_rules
from jupyter_mlops.execution.agent.looks import listing_of
from jupyter_mlops.execution.block_profile import BlockProfile
from jupyter_mlops.execution.committed_state import VariableGroup
from tests.execution.blocks import MODULES, absent, artifact, block, blocks, line, result
from tests.pipeline.notebooks import pipeline

WAITS: dict[str, tuple[str, str, BlockProfile | None, str]] = {
    "what it binds is read": ("x = 1", "print(x)", None, "data"),
    "what it changes in place is read": ("d['k'] = 1", "print(d)", None, "data"),
    "a variable of two loops": ("for i in a: pass", "for i in b: s = i", None, ""),
    "a variable of two loops, read after the second": ("for i in a: pass", "for i in b: pass\nprint(i)", None, "data"),
    "a variable of two loops, read before the second": ("for i in a: pass", "f(i)\nfor i in b: pass", None, "data"),
    "a variable of two loops that a string names": ("for i in a: pass", "for i in b: d.query('x > @i')", None, ""),
    "a variable of two loops that an f-string names": ("for i in a: pass", "for i in b: print(f'i={i}')", None, ""),
    "a variable of two loops that a string names before": (
        "for i in a: pass",
        "d.query('x > @i')\nfor i in b: pass",
        None,
        "data",
    ),
    "a variable of two loops that a string names after": (
        "for i in a: pass",
        "for i in b: pass\nd.query('x > @i')",
        None,
        "data",
    ),
    "a variable of a loop that is deleted": ("for i in a: pass", "for i in b: pass\ndel i", None, "data"),
    "a variable of `except`": ("e = 1", "try:\n    f()\nexcept OSError as e:\n    pass", None, "data"),
    "a file under the same name": ("with open('a') as f: x = f", "with open('b') as f: y = f", None, ""),
    "a temporary name": ("t = 1; x = t", "t = 2; y = t", None, ""),
    "a temporary name that is bound in one branch": ("t = 1", "if c:\n    t = 2\n    print(t)", None, ""),
    "a name that is bound in one branch and read": ("t = 1", "if c:\n    t = 2\nprint(t)", None, "data"),
    "a name that is bound where nothing fails": ("t = 1", "try:\n    t = g()\nexcept E:\n    pass\nt", None, "data"),
    "a name that a function reads which is called": ("i = 1", "def g(): return i\ng()\nfor i in a: pass", None, "data"),
    "a name that is counted up": ("n = 1", "n += 1", None, "data"),
    "a loop's variable that shares objects": (
        "for i in a: pass",
        "for i in b: pass",
        BlockProfile(tied=frozenset({"i", "a"})),
        "data",
    ),
    "something else": ("x = 1", "print(y)", None, ""),
    "handed to a call": ("show(d)", "print(d)", None, ""),
    "handed to a call, and an earlier run saw it change": (
        "show(d)",
        "print(d)",
        BlockProfile(wrote=frozenset("d")),
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
    "a file that an earlier run saw": ("save()", "open('a.csv')", BlockProfile(writes=frozenset({"/w/a.csv"})), "file"),
    "state that an earlier run saw": ("save()", "print(1)", BlockProfile(state=frozenset({"cwd"})), "state"),
}


@pytest.mark.parametrize(("earlier", "later", "learned", "expected"), WAITS.values(), ids=WAITS.keys())
def test_waits_for(earlier: str, later: str, learned: BlockProfile | None, expected: str) -> None:
    a, b = block(earlier), block(later, 1)
    assert planner.dependency_reason(a, b, planner.needs(b), learned, frozenset(), frozenset(MODULES)) == expected


def test_prev_is_waited_for() -> None:
    a, b = blocks("x = 1", "y = 2")
    assert planner.dependency_reason(a, b, planner.reach(b), None, frozenset({("s0", "s1")})) == "prev"


def test_what_looks_at_the_kernel_pins_what_is_before_it() -> None:
    assert planner.first_speculable_block(blocks("x = 1", "print(_)", "y = 2")) == 2
    assert planner.first_speculable_block(blocks("x = 1", "y = 2")) == 0


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
    why = reuse_rules.why_not_reusable(
        block("print(x)"), made, now, lambda path: None if path == "none" else [2, 2, 2], [], []
    )
    assert (expected in why) if expected else why == ""


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"looks": {"%": [4]}}, ""),
        ({"looks": {"%": [8]}}, "changed since it was looked at"),
        ({"looks": {"%/gone": [""]}}, ""),
        ({"looks": {"%/gone": [8, 1]}}, "changed since it was looked at"),
        ({"listed": {"%": listing_of("/")}}, "changed since they were listed"),
        ({"listed": {"%/gone": ""}}, ""),
    ],
)
def test_files_written_since_it_looked(facts: dict[str, Any], expected: str, tmp_path: Path) -> None:
    here = {kind: {k.replace("%", str(tmp_path)): v for k, v in notes.items()} for kind, notes in facts.items()}
    made = result(loaded={}, **here)
    why = reuse_rules.why_not_reusable(block("1"), made, line(), lambda p: None, ["a"], [])
    assert expected in why if expected else why == ""


SHARED = {
    "others came to share what it holds": ("v", [], ""),
    "its value changed": ("w", [], "`x` changed"),
    "the block itself has it share something": ("v", [artifact("x", "z")], "`x` changed"),
}


@pytest.mark.parametrize(("own", "groups", "expected"), SHARED.values(), ids=SHARED.keys())
def test_a_value_stays_what_it_is_when_others_share_it(own: str, groups: list[VariableGroup], expected: str) -> None:
    made = result(loaded={"x": "d"}, values={"x": "v"}, groups=groups)
    now = line(artifact("x", "y", digest="e", own=own))
    why = reuse_rules.why_not_reusable(block("print(x)"), made, now, lambda path: None, [], [])
    assert (expected in why) if expected else why == ""


def test_what_shares_its_value_anew_was_not_written() -> None:
    made = result(groups=[artifact("x", "y")], regrouped=["x"], deleted=["z"])
    assert made.wrote == {"y", "z"}


BACKEND = {
    "plt.plot([1])": False,
    "plt.rcParams['figure.dpi'] = 50": False,
    "rcParams.update({'a': 1})": False,
    "plt.isinteractive()": True,
    "matplotlib.get_backend()": True,
    "Figure(figsize=(1, 1))": True,
    "print(plt.rcParams)": True,
}


@pytest.mark.parametrize(("source", "seen"), BACKEND.items())
def test_whether_a_notebook_looks_at_the_backend(source: str, seen: bool) -> None:
    assert notebook_traits.backend_seen([source]) is seen


INCOMPLETE: dict[str, tuple[str, str]] = {
    "nobody needs it": ("print(1)", ""),
    "it is read": ("print(g)", "`g` can't be transferred (a generator)"),
    "it is handed to a call": ("list(g)", "`g` can't be transferred"),
    "it is bound anew": ("with open('a') as g:\n    print(g)", "`g` can't be transferred"),
    "it may be bound anew": ("for g in a:\n    print(g)", "`g` can't be transferred"),
    "it is read, then bound anew": ("print(g)\nwith open('a') as g:\n    pass", "`g` can't be transferred"),
    "a function names it": ("def f():\n    return g", "`g` can't be transferred"),
    "a string names it": ("df.query('g > 1')", "`g` can't be transferred"),
    "everything is looked at": ("eval('1')", "`g` can't be transferred"),
}


@pytest.mark.parametrize(("later", "expected"), INCOMPLETE.values(), ids=INCOMPLETE.keys())
def test_a_result_that_lacks_what_is_needed_later(later: str, expected: str) -> None:
    why = reuse_rules.why_incomplete(result(groups=[artifact("g", live="a generator")]), [block(later, 1)], {"h"})
    assert why.startswith(expected) if expected else why == ""


def test_what_functions_read_is_needed_although_it_is_bound_anew() -> None:
    left = result(groups=[artifact("g", live="a closed file")])
    later = [block("show()\nwith open('a') as g: pass", 1)]
    assert reuse_rules.why_incomplete(left, later, {"h"}) == ""
    assert reuse_rules.why_incomplete(left, later, {"g"}).startswith("`g` can't be transferred")


CLOSED: dict[str, tuple[str, bool]] = {
    "it is read": ("print(g)", True),
    "it is bound anew": ("with open('a') as g:\n    print(g)", False),
    "it may be bound anew": ("for g in a:\n    print(g)", True),
    "it is read, then bound anew": ("print(g)\nwith open('a') as g:\n    pass", True),
}


@pytest.mark.parametrize(("later", "expected"), CLOSED.values(), ids=CLOSED.keys())
def test_a_file_that_was_closed_may_be_lacking_where_its_name_is_bound_anew(later: str, expected: bool) -> None:
    left = result(groups=[artifact("g", live="a closed file")])
    assert bool(reuse_rules.why_incomplete(left, [block(later, 1)], frozenset())) is expected


@pytest.mark.parametrize(
    ("blocks_between", "expected"),
    [([], True), (["with open('a') as g: pass"], False), (["for g in a: pass"], True), (["g = 1\ndel g"], True)],
    ids=["nothing between", "bound anew", "bound anew in a loop", "bound anew and deleted"],
)
def test_who_reads_a_name_that_was_bound_anew_needs_no_earlier_value(blocks_between: list[str], expected: bool) -> None:
    later = [block(source, at) for at, source in enumerate([*blocks_between, "print(g)"], 1)]
    left = result(groups=[artifact("g", live="a closed file")])
    assert bool(reuse_rules.why_incomplete(left, later, frozenset())) is expected


LOOP = "for i in b: s = i"
TIED: dict[str, tuple[str, dict[str, str], list[VariableGroup], str]] = {
    "it was not there": (LOOP, {}, [], ""),
    "an earlier block bound it meanwhile": (LOOP, {}, [artifact("i")], ""),
    "and it shares objects with others": (LOOP, {}, [artifact("i", "d")], "`i` shares objects with `d`"),
    "and it prints when it goes": (LOOP, {}, [artifact("i", live="it has a __del__")], "`i` can't go unseen"),
    "and it is a file that was closed": (LOOP, {}, [artifact("i", live="a closed file")], ""),
    "which was known when the helper began": (LOOP, {"i": "d", "d": "d"}, [artifact("i", "d")], ""),
    "it is read after the loop": (f"{LOOP}\ni", {}, [artifact("i")], "`i` changed since it started"),
    "a function that is called reads it": (
        f"f()\n{LOOP}", {"f": "d"}, [artifact("i"), artifact("f", refs=("i",))], "`i` changed since it started",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("source", "loaded", "groups", "expected"), TIED.values(), ids=TIED.keys())
def test_what_a_helper_bound_anew(
    source: str, loaded: dict[str, str], groups: list[VariableGroup], expected: str
) -> None:
    now = line(*groups)
    assert reuse_rules.why_stale(block(source), loaded, loaded, now) == expected
    tied = {"i"} if groups and planner.is_tied(groups[0]) else set()
    assert planner.needs_of(block(source), now) == planner.needs(block(source)) | tied


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
    "looks, unseen": ("x = 1", {"looks": {"a": [8]}, "overlooked": True}, "", "which files there are"),
    "looks, seen": ("x = 1", {"looks": {"a": [8]}, "listed": {"b": ""}}, "", ""),
    "a module reads the clock": ("x = 1", {"volatile": [["the clock", "m", 0]]}, "", "the clock, which `m` asks for"),
    "a cell reads the clock": ("x = 1", {"volatile": [["the clock", "", 0]]}, "", "depends on the clock"),
    "entropy": ("x = 1", {"volatile": [["entropy", "", 0]]}, "", "depends on entropy"),
    "waits for a person": ("x = input()", {}, "", "input"),
    "a figure, whatever its author says": ("x = 1", {"stuck": {"f": "figure"}}, "enabled", "can't be transferred"),
    "too large": ("x = 1", {"failed_store": "disk full"}, "enabled", "disk full"),
}


@pytest.mark.parametrize(("source", "facts", "cache", "expected"), STORED.values(), ids=STORED.keys())
def test_why_a_result_is_not_kept(source: str, facts: dict[str, Any], cache: str, expected: str) -> None:
    why = reuse_rules.why_not_stored(block(source), result(**facts), cache, line())
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
    assert bool(planner.upstream_failure(b, [(a, a.access.writes)], line(), frozenset())) is expected


def test_later_cells_of_a_failed_step_and_prev() -> None:
    a, b = block("x = 1", 0, "same"), block("y = 1", 1, "same")
    assert planner.upstream_failure(b, [(a, frozenset())], line(), frozenset()) == "same"
    c, d = blocks("x = 1", "y = 1")
    assert planner.upstream_failure(d, [(c, frozenset())], line(), frozenset({("s0", "s1")})) == "s0"


def test_what_a_step_stands_on() -> None:
    made = pipeline(("step:a", "x = 1"), ("step:b", "y = x"), ("step:c", "z = 1"), ("step:d prev:c", "print(y)"))
    assert planner.needed_for("d", made) == {"a", "b", "c", "d"}
    assert planner.needed_for("b", made) == {"a", "b"}


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
    assert planner.joined_state(states) == expected


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
    assert notebook_traits.axes_apart([source]) is apart
    assert notebook_traits.axes_apart(["import mine", source]) is apart


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
    assert notebook_traits.identity_seen([source]) is seen


def test_what_is_known_by_a_number_alone_stays_in_its_process() -> None:
    assert planner.opens_descriptor(block("fd = os.open('x', 0)"))
    assert not planner.opens_descriptor(block("f = open('x')"))
    moved = line(stuck_for_good={"descriptors": "what os.open() opened"})
    moved.apply(result(), [])
    assert moved.stuck


def test_a_module_that_was_written_since_is_no_longer_what_was_imported() -> None:
    ahead = result(modules={"lib": "/w/lib.py"})
    facts = (block("print(1)"), ahead, line(), lambda path: None)
    assert "module" in reuse_rules.why_not_reusable(*facts, ["/w/lib.py"], [])
    assert not reuse_rules.why_not_reusable(*facts, ["/w/other.py"], [])


@pytest.mark.parametrize(
    ("later", "needed"),
    [
        ("print(a)", "a"),
        ("print(b)", "a"),
        ("f()", "a"),
        ("def g():\n    return a", "a"),
        ("df.query('x > @a')", "a"),
        ("eval('1')", "a"),
        ("print(c)", ""),
        ("x = 1", ""),
    ],
)
def test_a_value_that_was_not_stored_and_a_block_that_may_need_it(later: str, needed: str) -> None:
    at = line(absent("a", "b"), artifact("c"), artifact("f", refs=("a",)))
    found = planner.needs_absent(at, [block("print(c)", 1), block(later, 2)])
    assert (found[0] if found else "") == needed
    assert found is None or found[1].index == 2


@pytest.mark.parametrize(
    ("sources", "before", "first", "start"),
    [
        ("a = 1|b = 2|print(b)", [(), ("a",), ("a",)], 2, 2),
        ("a = 1|a += 1|print(a)", [(), ("a",), ("a",)], 2, 0),
        ("b = 1|a = b|print(a)", [(), (), ("a",)], 2, 1),
        ("a = 1|b = a|print(b)|print(a)", [(), ("a",), ("a",)], 2, 0),
        ("a = 1|b = a|print(b)", [(), ("a",), ("a",)], 1, 0),
        ("a = 1|a += 1", [()], 0, 0),
        ("a = 1|a += 1|eval('1')", [(), ("a",), ("a",)], 2, 0),
    ],
)
def test_where_a_run_has_to_begin(sources: str, before: list[tuple[str, ...]], first: int, start: int) -> None:
    """`before`: the variables without bytes that the line has before each block."""
    lines = {index: line(*map(absent, names), artifact("other")) for index, names in enumerate(before)}
    assert planner.starts_at(lines, blocks(*sources.split("|")), first) == start


ALIVE: dict[str, tuple[str, tuple[str, ...], set[str] | None]] = {
    "nothing follows": ("fig = f()", (), set()),
    "it is read": ("fig = f()", ("print(fig)",), {"print", "fig"}),
    "it is bound again": ("fig = f()", ("fig = g()", "print(fig)"), {"g", "print"}),
    "it is bound again in a loop, and not read": ("fig = f()", ("for fig in a: pass",), {"a"}),
    "it is bound again in a loop, and read later": ("fig = f()", ("for fig in a: pass", "fig"), {"a", "fig"}),
    "it is read before it is bound again": ("fig = f()", ("fig = g(fig)",), {"fig", "g"}),
    "it is deleted": ("fig = f()", ("del fig",), {"fig"}),
    "a text names it": ("fig = f()", ("d.query('@fig')",), {"d", "fig"}),
    "everything may be read": ("fig = f()", ("x = 1", "eval(text)"), None),
}


@pytest.mark.parametrize(("source", "later", "expected"), ALIVE.values(), ids=ALIVE.keys())
def test_names_that_are_needed_after_a_block(source: str, later: tuple[str, ...], expected: set[str] | None) -> None:
    _, *rest = blocks(source, *later)
    alive = planner.alive_after(rest, ())
    names = {"fig", "a", "d", "f", "g", "print"}
    assert (alive if alive is None else alive & names) == expected


def test_what_functions_read_is_needed() -> None:
    assert "fig" in (planner.alive_after(blocks("fig = g()", "x = 1"), {"fig"}) or ())


def test_a_dead_value_is_missed_only_where_it_is_read() -> None:
    dead = VariableGroup(("fig",), "dead Figure", {}, (), absent=True, dead=True)
    assert planner.needs_absent(line(dead), blocks("for fig in a: pass", "x = 1")) is None
    assert planner.needs_absent(line(dead), blocks("fig = f()", "print(fig)")) is None
    assert planner.needs_absent(line(dead), blocks("fig = f()", "print(fig)"), {"fig"}) is not None
    missed = planner.needs_absent(line(dead), blocks("for fig in a: pass", "print(fig)"))
    assert missed is not None
    assert missed[0] == "fig"
