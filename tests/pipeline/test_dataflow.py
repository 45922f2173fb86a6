"""Edges: who waits for whom, and for what."""

from __future__ import annotations

import pytest

from jupyter_mlops.pipeline.build import build
from tests.pipeline.notebooks import notebook, pipeline

Edges = set[tuple[str, str, str, tuple[str, ...]]]

TABLE: dict[str, tuple[list[tuple[str, str]], Edges]] = {
    "a chain": (
        [("step:a", "x = 1"), ("step:b", "y = x"), ("step:c", "print(y)")],
        {("a", "b", "data", ("x",)), ("b", "c", "data", ("y",))},
    ),
    "a diamond": (
        [("step:a", "x = 1"), ("step:b", "y = x"), ("step:c", "z = x"), ("step:d", "print(y, z)")],
        {("a", "b", "data", ("x",)), ("a", "c", "data", ("x",)), ("b", "d", "data", ("y",)),
         ("c", "d", "data", ("z",))},
    ),
    "the last certain writer": (
        [("step:a", "x = 1"), ("step:b", "x = 2"), ("step:c", "print(x)")],
        {("b", "c", "data", ("x",))},
    ),
    "a writer on some path, and the one before it": (
        [("step:a", "x = 1"), ("step:b", "import os\nif os.name:\n    x = 2"), ("step:c", "print(x)")],
        {("a", "c", "data", ("x",)), ("b", "c", "data", ("x",))},
    ),
    "a change in place is a write": (
        [("step:a", "d = {}"), ("step:b", "d['k'] = 1"), ("step:c", "print(d)")],
        {("a", "b", "data", ("d",)), ("b", "c", "data", ("d",))},
    ),
    "a call as a statement is a write": (
        [("step:a", "d = []"), ("step:b", "d.append(1)"), ("step:c", "print(d)")],
        {("a", "b", "data", ("d",)), ("b", "c", "data", ("d",))},
    ),
    "looking is none": (
        [("step:a", "df = 1"), ("step:b", "df.head()"), ("step:c", "print(df)")],
        {("a", "b", "data", ("df",)), ("a", "c", "data", ("df",))},
    ),
    "handed to a call that is not known to write": (
        [("step:a", "df = 1"), ("step:b", "plot(df)"), ("step:c", "print(df)")],
        {("a", "b", "data", ("df",)), ("a", "c", "data", ("df",))},
    ),
    "handed to a function that changes its argument": (
        [("functions", "def clean(t, *, deep=False):\n    t['k'] = deep"), ("step:a", "t = {}"), ("step:b", "clean(t)"),
         ("step:c", "print(t)")],
        {("a", "b", "data", ("t",)), ("a", "c", "data", ("t",)), ("b", "c", "data", ("t",))},
    ),
    "an augmented assignment reads": (
        [("step:a", "n = 1"), ("step:b", "n += 1"), ("step:c", "print(n)")],
        {("a", "b", "data", ("n",)), ("b", "c", "data", ("n",))},
    ),
    "modules are no data": (
        [("step:a", "import math\nx = 1"), ("step:b", "print(math.pi)"), ("step:c", "print(math.e, x)")],
        {("a", "c", "data", ("x",))},
    ),
    "functions and what they read": (
        [("step:a", "rate = 2\ndef f(x):\n    return x * rate"), ("step:b", "print(f(1))")],
        {("a", "b", "data", ("f", "rate"))},
    ),
    "a method's free variable": (
        [("step:a", "class M:\n    def go(self):\n        return rate"), ("step:b", "rate = 1"), ("step:c", "m = M()"),
         ("step:d", "m.go()")],
        {("a", "c", "data", ("M",)), ("b", "c", "data", ("rate",)), ("a", "d", "data", ("M",)),
         ("b", "d", "data", ("rate",)), ("c", "d", "data", ("m",))},
    ),
    "a function that changes a global": (
        [("functions", "def tick():\n    global n\n    n += 1"), ("step:a", "n = 0"), ("step:b", "tick()"),
         ("step:c", "print(n)")],
        {("a", "b", "data", ("n",)), ("a", "c", "data", ("n",)), ("b", "c", "data", ("n",))},
    ),
    "local names of comprehensions and lambdas": (
        [("step:a", "for i in range(3):\n    p = i"), ("step:b", "xs = [i for i in range(2)]\nf = lambda p: p")],
        set(),
    ),
    "a builtin's name as a variable": (
        [("step:a", "list = [1]"), ("step:b", "print(list)"), ("step:c", "print(max([1]))")],
        {("a", "b", "data", ("list",))},
    ),
    "eval reads everything before it": (
        [("step:a", "x = 1"), ("step:b", "y = 2"), ("step:c", "eval('x')")],
        {("a", "c", "data", ("x",)), ("b", "c", "data", ("y",))},
    ),
    "exec may write what is read later": (
        [("step:a", "x = 1"), ("step:b", "exec('x = 2')"), ("step:c", "print(x)")],
        {("a", "b", "data", ("x",)), ("a", "c", "data", ("x",)), ("b", "c", "data", ("x",))},
    ),
    "history reads everything before it": (
        [("step:a", "x = 1\nx"), ("step:b", "print(_)")],
        {("a", "b", "data", ("x",))},
    ),
    "prev without data": (
        [("step:a", "print()"), ("step:b prev:a", "print()")],
        {("a", "b", "prev", ())},
    ),
    "a file": (
        [("step:a", "df = 1\ndf.to_csv('out/x.csv')"),
         ("step:b", "import pandas as pd\nd = pd.read_csv('./out/x.csv')")],
        {("a", "b", "file", ("./out/x.csv",))},
    ),
    "process state": (
        [("step:a", "import os\nos.environ['A'] = '1'"), ("step:b", "print(os.environ['A'])")],
        {("a", "b", "state", ("environ",))},
    ),
    "a step's second part": (
        [("step:a", "x = 1"), ("step:b", "y = x"), ("step:a", "print(y)")],
        {("a", "b", "data", ("x",)), ("b", "a", "data", ("y",))},
    ),
    "magics bring no names of their own": (
        [("step:a", "%time x = 1"), ("step:b", "files = !ls"), ("step:c", "print(x, files)")],
        {("a", "c", "data", ("x",)), ("b", "c", "data", ("files",))},
    ),
    "deleted and made anew": (
        [("step:a", "x = 1"), ("step:b", "del x"), ("step:c", "x = 2"), ("step:d", "print(x)")],
        {("a", "b", "data", ("x",)), ("c", "d", "data", ("x",))},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("cells", "expected"), TABLE.values(), ids=TABLE.keys())
def test_edges(cells: list[tuple[str, str]], expected: Edges) -> None:
    made = pipeline(*cells)
    assert {(e.source, e.target, e.kind, e.variables) for e in made.edges} == expected
    for step in made.steps:
        assert set(step.after) == {a for a, b, *_ in expected if b == step.name}


def test_inputs_are_variables_and_parameters_not_functions_of_the_functions_cell() -> None:
    made = pipeline(
        ("parameters", "n = 1\nm = 2"),
        ("functions", "def f(x):\n    return x * m"),
        ("step:a", "y = f(n)"),
        ("step:b", "y"),
    )
    assert [(s.inputs, s.outputs, s.after) for s in made.steps] == [(("m", "n"), ("y",), ()), (("y",), (), ("a",))]


def test_outputs_are_what_is_read_later_or_else_all_that_is_bound() -> None:
    made = pipeline(("step:a", "import os\nx = y = 1\ntmp = 2\ndel tmp"), ("step:b", "z = x\nw = 1\n_ = 3"))
    assert [s.outputs for s in made.steps] == [("x",), ("w", "z")]


def test_what_an_earlier_run_saw_is_a_learned_edge() -> None:
    nb = notebook(("step:a", "df = 1"), ("step:b", "plot(df)"), ("step:c", "print(df)"))
    made = build(nb, "test", {(1,): frozenset({"df"})})
    assert ("b", "c", "learned", ("df",)) in {(e.source, e.target, e.kind, e.variables) for e in made.edges}


LIVE = {
    "generator": ("g = (i for i in x)", "generator"),
    "generator function": ("def f():\n    yield 1\ng = f()", "generator"),
    "file": ("g = open('a')", "open file"),
    "path": ("from pathlib import Path\ng = Path('a').open()", "open file"),
    "lock": ("import threading as t\ng = t.Lock()", "lock"),
    "connection": ("import sqlite3\ng = sqlite3.connect(':memory:')", "database connection"),
    "unpacked figure": ("import matplotlib.pyplot as plt\nfig, g = plt.subplots()", "figure"),
    "socket": ("from socket import socket\nif x:\n    g = socket()", "socket"),
}


@pytest.mark.parametrize(("source", "kind"), LIVE.values(), ids=LIVE.keys())
def test_what_can_not_leave_its_kernel_fuses_steps(source: str, kind: str) -> None:
    made = pipeline(
        ("step:a", f"x = [1]\n{source}"), ("step:b", "y = 1"), ("step:c", "print(g)"), ("step:d", "print(y)")
    )
    fusion = next(f for f in made.fusions if f.variable == "g")
    assert (fusion.type, fusion.made_by, fusion.needed_by) == (kind, "a", ("c",))
    assert fusion.steps == ("a", "b", "c")


@pytest.mark.parametrize(
    "source",
    [
        "g = [i for i in x]",
        "with open('a') as g:\n    pass",
        "g = open('a')\ng = g.read()",
        "g = open('a')\ndel g",
        "g = list(x)",
    ],
)
def test_what_can_leave_does_not(source: str) -> None:
    assert not pipeline(("step:a", f"x = [1]\n{source}"), ("step:b", "print(g)")).fusions
