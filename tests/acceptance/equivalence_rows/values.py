"""Values of every kind, handed from step to step."""

from __future__ import annotations

from tests.acceptance.row import Row

ROWS = [
    Row("numbers", r"""
        # %% step:a
        from decimal import Decimal
        from fractions import Fraction
        big, neg, f, c = 2 ** 200, -1, 0.1 + 0.2, 3 - 4j
        d, q = Decimal("1.10"), Fraction(6, 8)
        inf, minus_zero = float("inf"), -0.0
        # %% step:b
        print(big, neg, f, c, d, q, inf, minus_zero)
        # %% step:c
        d + 1, q * 2, abs(c), big.bit_length()
    """),
    Row("text-and-bytes", r"""
        # %% step:a
        s, b = "naïve ☃ \N{SNAKE} \ud800", b"\x00\xff"
        tabs = "a\tb\r\nc"
        # %% step:b
        print(ascii(s), b, repr(tabs), len(s))
    """),
    Row("f-strings", r"""
        # %% step:a
        price, width, what = 12.345, 10, {"k": [1, 2]}
        # %% step:b
        print(f"{price:>{width}.2f}|{what['k'][-1]}|{price=}|{'q' + str(width)!r}")
    """),
    Row("template-and-format-map", r"""
        # %% step:a
        from string import Template
        who = "you"
        form = "{who} and {n:03d}"
        # %% step:b
        n = 7
        # %% step:c
        print(form.format(**globals()), Template("$who").substitute(who=who), "%(who)s" % vars())
    """),
    Row("dates", r"""
        # %% step:a
        import datetime as dt
        from zoneinfo import ZoneInfo
        start = dt.datetime(2024, 3, 31, 1, 30, tzinfo=ZoneInfo("Europe/Paris"))
        step = dt.timedelta(hours=1)
        # %% step:b
        later = start + step
        # %% step:c
        print(later.isoformat(), later.tzinfo is start.tzinfo, later.utcoffset())
    """),
    Row("order-of-sets-of-strings", r"""
        # %% step:a
        words = set("the quick brown fox jumps over the lazy dog".split())
        order = list(words)
        # %% step:b
        print([w for w in words] == order, order)
        # %% step:c
        frozen = frozenset(words | {"cat"})
        print(list(frozen))
    """),
    Row("order-of-a-set-with-history", r"""
        # %% step:a
        s = set(range(0, 80, 8))
        for i in range(0, 40, 8): s.discard(i)
        s.update([7, 15, "x"])
        order = list(s)
        # %% step:b
        print(list(s) == order)
        popped = s.pop()
        # %% step:c
        print(popped == order[0], len(s))
    """),
    Row("order-of-dicts", r"""
        # %% step:a
        d = {"z": 1, "a": 2}
        d["m"] = d.pop("z")
        # %% step:b
        d["z"] = 0
        # %% step:c
        print(list(d), next(reversed(d)))
    """),
    Row("dict-views", r"""
        # %% step:a
        d = {"a": 1}
        keys, items = d.keys(), d.items()
        # %% step:b
        d["b"] = 2
        # %% step:c
        print(list(keys), list(items), keys & {"b"})
    """),
    Row("ranges-slices-ellipsis", r"""
        # %% step:a
        r, s, e, n = range(10, 0, -3), slice(1, None, 2), ..., NotImplemented
        # %% step:b
        print(list(r), "abcdef"[s], e is Ellipsis, n is NotImplemented)
    """),
    Row("named-tuples-and-dataclasses", r"""
        # %% step:a
        from collections import namedtuple
        from dataclasses import dataclass, field, replace
        Point = namedtuple("Point", "x y", defaults=[0])
        @dataclass(order=True)
        class Item:
            price: float
            tags: list = field(default_factory=list, compare=False)
        # %% step:b
        p = Point(1)
        items = [Item(2.0, ["b"]), Item(1.0)]
        # %% step:c
        items[1].tags.append("cheap")
        print(p, p._replace(y=5), sorted(items), replace(items[0], price=0.5))
    """),
    Row("patterns-and-matches", r"""
        # %% step:a
        import re
        pattern = re.compile(r"(?P<key>\w+)=(\d+)")
        # %% step:b
        match = pattern.search("n=42;")
        # %% step:c
        print(match["key"], match.span(2), pattern.sub("x", "a=1 b=2"))
    """),
    Row("getters-and-partials", r"""
        # %% step:a
        from functools import partial, reduce
        from operator import itemgetter, attrgetter, methodcaller
        by_age = itemgetter("age")
        people = [{"age": 3}, {"age": 1}]
        power = partial(pow, 2)
        # %% step:b
        people.sort(key=by_age)
        # %% step:c
        print(people, power(5), attrgetter("real")(2), methodcaller("upper")("x"))
        print(reduce(lambda a, b: a + by_age(b), people, 0))
    """),
    Row("chainmap-counter-ordereddict", r"""
        # %% step:a
        from collections import ChainMap, Counter, OrderedDict
        base = {"a": 1}
        chain = ChainMap({}, base)
        count = Counter("abca")
        # %% step:b
        base["b"] = 2
        chain["c"] = 3
        count.subtract("aa")
        # %% step:c
        print(sorted(chain.items()), base, count, +count, OrderedDict(count).popitem())
    """),
    Row("iterators-consumed-across-steps", r"""
        # %% step:a
        it = iter([1, 2, 3, 4])
        pairs = zip("abc", it)
        # %% step:b
        print(next(it), next(pairs))
        # %% step:c
        print(list(pairs), list(it))
    """),
    Row("dictionary-iterator-half-way", r"""
        # %% step:a
        d = {"a": 1, "b": 2, "c": 3}
        it = iter(d.items())
        first = next(it)
        # %% step:b
        print(first, list(it), list(it))
    """),
    Row("exception-kept-and-raised-later", r"""
        # %% step:a
        class Trouble(Exception):
            def __init__(self, code, text):
                super().__init__(text)
                self.code = code
        try:
            raise Trouble(7, "deep") from ValueError("root")
        except Trouble as error:
            kept = error
        # %% step:b
        print(kept.code, kept, repr(kept.__cause__), kept.args)
        # %% step:c
        try:
            raise kept
        except Trouble as again:
            print(again is kept)
    """),
    Row("exception-with-notes-and-traceback", r"""
        # %% step:a
        import traceback
        def fail(): raise KeyError("missing")
        try:
            fail()
        except KeyError as error:
            error.add_note("a note")
            kept = error
        # %% step:b
        print([f.name for f in traceback.extract_tb(kept.__traceback__)], kept.__notes__)
    """),
    Row("getstate-and-reduce", r"""
        # %% step:a
        class Sneaky:
            def __init__(self): self.loaded, self.cache = 0, [1, 2]
            def __getstate__(self): return {"loaded": self.loaded}
            def __setstate__(self, state): self.loaded, self.cache = state["loaded"] + 1, []
        s = Sneaky()
        # %% step:b
        print(s.loaded, s.cache)
        # %% step:c
        print(s.loaded, s.cache)
    """),
    Row("reduce-that-lies", r"""
        # %% step:a
        class Chameleon(list):
            def __reduce__(self): return (list, (["not what it was"],))
        c = Chameleon([1, 2])
        # %% step:b
        c.append(3)
        # %% step:c
        print(type(c).__name__, list(c))
    """),
    Row("reduce-with-a-side-effect", r"""
        # %% step:a
        class Loud:
            def __reduce__(self):
                print("someone pickles me")
                return (Loud, ())
        x = Loud()
        # %% step:b
        print(type(x).__name__)
    """),
    Row("pickle-of-a-user-class-in-a-later-step", r"""
        # %% step:a
        class Pair:
            def __init__(self, a, b): self.a, self.b = a, b
        # %% step:b
        import pickle
        data = pickle.dumps(Pair(1, [2]), protocol=4)
        # %% step:c
        p = pickle.loads(data)
        print(type(p) is Pair, p.a, p.b, Pair.__module__, b"__main__" in data)
    """),
    Row("deepcopy-across-steps", r"""
        # %% step:a
        import copy
        inner = [1]
        outer = {"one": inner, "two": inner}
        # %% step:b
        twin = copy.deepcopy(outer)
        inner.append(2)
        # %% step:c
        print(twin, outer, twin["one"] is twin["two"])
    """),
    Row("big-list-handed-on-and-changed", r"""
        # %% step:a
        numbers = list(range(200_000))
        # %% step:b
        numbers[::1000] = [0] * 200
        # %% step:c
        print(sum(numbers), numbers[1000], len(numbers))
    """),
    Row("secret-attributes-and-slots", r"""
        # %% step:a
        class Slim:
            __slots__ = ("x", "_y", "__dict__")
            def __init__(self): self.x, self._y, self.z = 1, 2, 3
        s = Slim()
        # %% step:b
        s.x += 10
        s.extra = "dict"
        # %% step:c
        print(s.x, s._y, s.z, s.extra, Slim.__slots__)
    """),
    Row("subclassed-builtins", r"""
        # %% step:a
        class Tagged(dict):
            tag = None
        class Feet(float): pass
        t, f = Tagged(a=1), Feet(2.5)
        t.tag = "metres"
        # %% step:b
        t["b"] = f
        # %% step:c
        print(t, t.tag, type(t["b"]).__name__)
    """),
    Row("paths-and-addresses", r"""
        # %% step:a
        from pathlib import PurePosixPath
        import ipaddress, uuid
        p = PurePosixPath("a/b") / "c.tar.gz"
        net = ipaddress.ip_network("10.0.0.0/30")
        u = uuid.UUID(int=5)
        # %% step:b
        print(p.suffixes, [str(h) for h in net.hosts()], u)
    """),
]
