"""What a cell does to names: a table, and what running random cells really reads, binds and changes."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlops.analysis.access import Access
from jupyter_mlops.analysis.merge import merge, reachable_names
from jupyter_mlops.analysis.names import access

READS = {
    "a name": ("print(x)", "x"),
    "bound before it is read": ("x = 1\nprint(x)", ""),
    "read by its own binding": ("x = x + 1", "x"),
    "read before it is bound": ("print(x)\nx = 1", "x"),
    "bound on one path": ("if c:\n    x = 1\nprint(x)", "c x"),
    "bound on both paths": ("if c:\n    x = 1\nelse:\n    x = 2\nprint(x)", "c"),
    "bound in a loop that may not run": ("for i in xs:\n    x = i\nprint(x, i)", "i x xs"),
    "read again by a loop": ("for i in range(3):\n    print(total)\n    total = i", "total"),
    "bound in a try": ("try:\n    x = 1\nexcept E:\n    pass\nprint(x)", "E x"),
    "bound by finally": ("try:\n    f()\nfinally:\n    x = 1\nprint(x)", "f"),
    "bound by with": ("with open(p) as f:\n    t = f.read()\nprint(f, t)", "p t"),
    "comprehension variable": ("[x for x in xs if x > low]", "xs low"),
    "comprehension over its own name": ("[x for x in x]", "x"),
    "nested comprehensions": ("[[y + k for y in x] for x in xs]", "xs k"),
    "walrus out of a comprehension": ("any((hit := x) > 3 for x in xs)\nprint(hit)", "xs hit"),
    "walrus that reads itself": ("[total := total + x for x in xs]", "total xs"),
    "lambda": ("f = lambda a, b=c: a + b + d\nf(1)", "c d"),
    "lambda that is never called": ("f = lambda a: a + d", ""),
    "function body read by a call": ("def f(a):\n    return a + k\nf(1)", "k"),
    "function defaults": ("def f(a=b, *, c=d): pass", "b d"),
    "annotations": ("def f(a: A) -> B: pass\nx: C = 1", "A B C"),
    "decorator": ("@deco(k)\ndef f(): pass", "deco k"),
    "local of a function": ("def f():\n    y = 1\n    return y\nf()", ""),
    "global in a function": ("def f():\n    global n\n    n += 1\nf()", "n"),
    "nonlocal is no global": (
        "def f():\n    n = 0\n    def g():\n        nonlocal n\n        n += 1\n    g()\nf()",
        "",
    ),
    "function in a function": ("def f():\n    def g():\n        return k\n    return g()\nf()", "k"),
    "function called by a function": ("def g(): return k\ndef f(): return g()\nf()", "k"),
    "class body": ("class C(Base):\n    a = k\n    b = a", "Base a k"),
    "method sees no class name": ("class C:\n    a = 1\n    def m(self): return a\nC().m()", "a"),
    "a builtin's name as a variable": ("list = [1]\nprint(list)", ""),
    "deleted": ("x = 1\ndel x\nprint(x)", "x"),
    "del of an unknown": ("del x", "x"),
    "except name ends": ("try:\n    f()\nexcept E as e:\n    pass\nprint(e)", "E e f"),
    "match": ("match v:\n    case [a, *b]:\n        print(a, b)\n    case {'k': c, **d}:\n        print(c, d)", "v"),
    "f-string": ("print(f'{x:{w}} {y!r}')", "x w y"),
    "magic with a name": ("%time y = f(x)", "f x"),
    "shell with a name": ("!echo {x} $y", "x y"),
    "capture": ("%%capture out\nprint(x)", "x"),
    "starred": ("a, *b = xs\nprint(*b)", "xs"),
    "top level await": ("await f(x)", "f x"),
    "async for": ("async for x in xs:\n    print(x)", "xs"),
    "slice": ("x[i:j] = y", "i j x y"),
    "type of an except group": ("try:\n    f()\nexcept* E:\n    pass", "E f"),
}
BINDS = {
    "assignment": ("a = b = 1", "a b"),
    "tuple": ("(a, [b, *c]) = x", "a b c"),
    "annotated": ("a: int = 1", "a"),
    "annotation alone binds nothing": ("a: int", ""),
    "import": ("import a.b, c as d\nfrom e import f as g, h", "a d g h"),
    "for, with, except": (
        "for a in x:\n    pass\nwith y as b:\n    pass\ntry:\n    z\nexcept E as c:\n    pass",
        "a b c",
    ),
    "function and class": ("def a(): pass\nclass b: pass", "a b"),
    "global in a called function": ("def f():\n    global a\n    a = 1\nf()", "a f"),
    "global in a function that is not called": ("def f():\n    global a\n    a = 1", "f"),
    "global through another function": (
        "def f():\n    global a\n    a = 1\ndef g():\n    f()\nlist(map(g, [1]))",
        "a f g",
    ),
    "walrus": ("print(a := 1)", "a"),
    "match": ("match x:\n    case {'k': a, **b}:\n        pass\n    case C(d) as e:\n        pass", "a b d e"),
    "capture": ("%%capture out\nx = 1", "out x"),
    "shell into a name": ("files = !ls", "files"),
    "comprehension variables stay inside": ("[a for a in x]", ""),
}
WRITES = {
    "item": ("x[0] = 1", "x"),
    "attribute of an item": ("x[0].a = 1", "x"),
    "in place": ("x += 1", "x"),
    "method as a statement": ("x.sort()", "x"),
    "showing is only possible": ("x.head()", ""),
    "showing in place": ("x.sample(3, inplace=True)", "x"),
    "del item": ("del x['a']", "x"),
}
PASSES = {
    "argument": ("f(x, k=y)", "x y"),
    "inside a list": ("f([x], {'k': y})", "x y"),
    "receiver": ("z = x.fit(y)", "x y"),
    "pure built-ins": ("n = len(x) + isinstance(x, list)", ""),
    "unpacked": ("f(*x, **y)", "x y"),
    "iterated": ("for i in x:\n    pass", "x"),
}
OPAQUE = {
    "eval": "eval('x')",
    "exec": "exec(code)",
    "globals": "globals()['x'] = 1",
    "vars without arguments": "vars()",
    "dir handed on": "f = dir",
    "frames": "import sys\nsys._getframe()",
    "user_ns": "get_ipython().user_ns['x'] = 1",
    "shell object": "ip = get_ipython()",
    "run": "%run other.py",
    "main": "import __main__",
    "modules": "import sys\nsys.modules['a'] = 1",
    "unknown magic": "%frobnicate x",
    "in a function": "def f():\n    return globals()\nf()",
}
PLAIN = {
    "own eval": "def eval(x): return x\neval('x')",
    "vars of an object": "vars(x)",
    "method of that name": "df.eval('a + b')",
    "time": "%time f(x)",
    "matplotlib": "%matplotlib inline",
}
HISTORY = {"last": "_ + 1", "second": "print(__)", "numbered": "_3", "Out": "Out[2]", "In": "In[-1]", "input": "_i2"}
MERGED = {
    "bound before": (["x = 1", "y = x"], "", "x y"),
    "function followed by a later cell": (["def f(): return k", "f()"], "k", "f"),
    "function bound anew": (["def f(): return k", "def f(): return 1", "f()"], "", "f"),
    "deleted between": (["x = 1", "del x", "y = x"], "x", "x y"),
    "global set by a call in a later cell, and perhaps read": (
        ["def f():\n    global g\n    g = 1", "f()"],
        "g",
        "f g",
    ),
}


def sets(table: Mapping[str, tuple[Any, ...]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("source", "names"), table.values(), ids=table.keys())


def each(table: Mapping[str, str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("source", table.values(), ids=table.keys())


BUILT_IN = {"print", "range", "open", "list", "map", "any", "len", "isinstance"}


@sets(READS)
def test_reads(source: str, names: str) -> None:
    assert access(source).reads - BUILT_IN - {"get_ipython"} == set(names.split())


@sets(BINDS)
def test_binds(source: str, names: str) -> None:
    assert access(source).binds == set(names.split())


@sets(WRITES)
def test_certain_writes_in_place(source: str, names: str) -> None:
    assert access(source).certain_mutations == set(names.split())


@sets(PASSES)
def test_possible_writes(source: str, names: str) -> None:
    assert access(source).possible_mutations == set(names.split())


@each(OPAQUE)
def test_opaque(source: str) -> None:
    assert access(source).opaque


@each(PLAIN)
def test_not_opaque(source: str) -> None:
    assert not access(source).opaque


@each(HISTORY)
def test_history(source: str) -> None:
    assert access(source).history


def test_own_underscore_is_no_history() -> None:
    assert not access("for _ in range(3):\n    print(_)").history


def test_strings_hold_the_names_a_query_may_use() -> None:
    assert {"limit", "a"} <= access("df.query('a > @limit')").strings


@pytest.mark.parametrize(
    ("source", "is_read"),
    [
        ("d.query('@n')", True),
        ("d.query('@n'); n = 1", True),
        ("n = 1; d.query('@n')", False),
        ("for n in a: d.query('@n')", False),
        ("for n in a: pass\nd.query('@n')", True),
        ("for n in a: print(f'n={n}')", False),
        ("if c: n = 1\nd.query('@n')", True),
        ("def f(): d.query('@n')\nn = 1", True),
        ("n = 1\ndef f(): d.query('@n')", False),
        ("n = 1\ndel n\nd.query('@n')", True),
        ("with a as n: d.query('@n')", False),
        ("try: n = 1\nexcept E: d.query('@n')", True),
    ],
)
def test_a_string_reads_a_name_that_is_not_certainly_bound(source: str, is_read: bool) -> None:
    assert ("n" in access(source).string_reads) == is_read


def test_a_broken_cell_is_told_by_its_line() -> None:
    with pytest.raises(SyntaxError) as error:
        access("x = 1\ny = = 2")
    assert error.value.lineno == 2


@pytest.mark.parametrize(("sources", "reads", "binds"), MERGED.values(), ids=MERGED.keys())
def test_cells_in_order(sources: list[str], reads: str, binds: str) -> None:
    merged = merge(map(access, sources))
    assert (merged.reads, merged.binds) == (set(reads.split()), set(binds.split()))


# -- what is said of random cells, held against what they do

NAMES = st.sampled_from("a b c d".split())
FUNCTIONS = st.sampled_from("f g".split())


def indented(body: list[str]) -> str:
    return "\n".join(f"    {line}" for statement in body for line in statement.splitlines())


EXPRESSIONS = st.one_of(
    NAMES,
    st.builds("[*{}, 1]".format, NAMES),
    st.builds("[{0} for {0} in {1}]".format, NAMES, NAMES),
    st.builds("[({} := [x]) for x in {}]".format, NAMES, NAMES),
    st.builds("({} if {} else {})".format, NAMES, NAMES, NAMES),
    st.builds("({0} or {1})".format, NAMES, NAMES),
    st.builds("{}({})".format, FUNCTIONS, NAMES),
    st.builds("list(map({}, [{}]))".format, FUNCTIONS, NAMES),
    st.builds("(lambda {}: {} + {})([2])".format, NAMES, NAMES, NAMES),
)
SIMPLE = st.one_of(
    st.builds("{} = {}".format, NAMES, EXPRESSIONS),
    st.builds("{} = {} = {}".format, NAMES, NAMES, EXPRESSIONS),
    st.builds("{}, *{} = [{}, 2, 3]".format, NAMES, NAMES, EXPRESSIONS),
    st.builds("{} += {}".format, NAMES, EXPRESSIONS),
    st.builds("{}.append({})".format, NAMES, EXPRESSIONS),
    st.builds("{}[:1] = [{}]".format, NAMES, EXPRESSIONS),
    st.builds("del {}".format, NAMES),
    st.builds("{} = {}".format, FUNCTIONS, FUNCTIONS),
    st.builds("{} = lambda {}: {}".format, FUNCTIONS, NAMES, EXPRESSIONS),
    EXPRESSIONS,
)


def compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    body = st.lists(inner, min_size=1, max_size=3).map(indented)
    return st.one_of(
        st.builds("if {}:\n{}\nelse:\n{}".format, EXPRESSIONS, body, body),
        st.builds("for {} in list({}):\n{}".format, NAMES, EXPRESSIONS, body),
        st.builds("try:\n{}\nexcept Exception as {}:\n{}".format, body, NAMES, body),
        st.builds("def {}({}):\n{}\n    return {}".format, FUNCTIONS, NAMES, body, EXPRESSIONS),
        st.builds("def {}(x):\n    global {}\n{}".format, FUNCTIONS, NAMES, body),
        st.builds("class {}(list):\n{}".format, FUNCTIONS, body),
        st.builds("match {}:\n    case [{}, *_]:\n{}".format, NAMES, NAMES, body.map(lambda text: indented([text]))),
    )


CELLS = st.lists(st.recursive(SIMPLE, compound, max_leaves=6), min_size=1, max_size=5).map("\n".join)


class Watched(dict[str, Any]):
    """A namespace that remembers which names were read while what the cell found there was still in place."""

    def __init__(self, start: Mapping[str, Any]) -> None:
        super().__init__(start)
        self.start = dict(start)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        if name in self.start and dict.get(self, name) is self.start[name]:
            self.read.add(name)
        return super().__getitem__(name)


def copied(x: Any) -> Any:
    return list(x)


def doubled(x: Any) -> Any:
    return [x, x]


def start() -> dict[str, Any]:
    return {"a": [1], "b": [2, 3], "c": [], "d": [[4]], "f": copied, "g": doubled}


def ran(source: str) -> tuple[Watched, bool]:
    """The namespace after the cell, and whether it came to its end."""
    namespace = Watched(start())
    done = False
    with contextlib.suppress(Exception):
        exec(compile(source, "cell", "exec"), namespace)
        done = True
    return namespace, done


def touches(found: Access) -> set[str]:
    """The names a cell may change in place: those it writes to, and those its values may be reached by."""
    return set(found.certain_mutations | found.possible_mutations | found.reads)


@settings(max_examples=300)
@given(CELLS)
def test_nothing_that_a_cell_does_is_missed(source: str) -> None:
    try:
        compile(source, "cell", "exec")
    except SyntaxError:
        return
    found = access(source)
    namespace, done = ran(source)
    assert namespace.read <= found.reads | reachable_names(found.reads, found.defines)
    rebound = {n for n in "abcdfg" if n not in namespace or namespace[n] is not namespace.start[n]}
    assert rebound <= found.binds | found.deletes
    changed = {name for name, value in start().items() if namespace.start[name] != value}
    assert changed <= touches(found)
    if done:
        assert found.certain_bindings <= namespace.keys()


@settings(max_examples=100)
@given(st.lists(CELLS, min_size=2, max_size=3))
def test_cells_merged_say_no_less_than_what_they_do_in_a_row(sources: list[str]) -> None:
    try:
        found = merge(map(access, sources))
        namespace, _ = ran("\n".join(sources))
    except SyntaxError:
        return
    assert namespace.read <= found.reads
    assert {n for n in "abcdfg" if n not in namespace or namespace[n] is not namespace.start[n]} <= (
        found.binds | found.deletes
    )
