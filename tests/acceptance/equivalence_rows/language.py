"""The language, used in one step and relied on in another."""

from __future__ import annotations

from tests.acceptance.row import Row

ROWS = [
    Row("dataclass-with-factory-and-forward-reference", r"""
        # %% step:a
        from __future__ import annotations
        from dataclasses import dataclass, field, fields, replace
        @dataclass(order=True, slots=True)
        class Node:
            n: int
            kids: list[Node] = field(default_factory=list, compare=False)
            up: Later | None = None
        # %% step:b
        @dataclass(frozen=True)
        class Later:
            x: int = 0
        root = Node(1, [Node(2)], Later(5))
        # %% step:c
        import typing
        print(typing.get_type_hints(Node)["up"], replace(root, n=9), [f.name for f in fields(Node)])
        # %% step:d
        print(sorted([Node(3), Node(1)]), hash(Later(1)) == hash(Later(1)))
    """),
    Row("enums-flags-and-members-added-outside", r"""
        # %% step:a
        from enum import Enum, Flag, IntEnum, StrEnum, auto, unique
        class Perm(Flag):
            R = auto(); W = auto(); RW = R | W
        @unique
        class Mood(StrEnum):
            GOOD = auto(); BAD = "bad!"
            @property
            def loud(self): return self.value.upper()
        class Level(IntEnum):
            LOW = 1; ALSO_LOW = 1; HIGH = 5
        mine = Perm.R
        # %% step:b
        both = mine | Perm.W
        # %% step:c
        print(both is Perm.RW, Mood("bad!") is Mood.BAD, Mood.GOOD.loud, Level.ALSO_LOW is Level.LOW, list(Level))
        # %% step:d
        print({Mood.GOOD: 1}[Mood("good")], Perm.R in both, f"{Mood.BAD}", Level.HIGH > Level.LOW)
    """),
    Row("named-tuples-typed-dicts-protocols", r"""
        # %% step:a
        from typing import Annotated, Generic, NamedTuple, NewType, Protocol, TypedDict, TypeVar, runtime_checkable
        T = TypeVar("T")
        class P(NamedTuple):
            x: int
            y: int = 2
        class Opt(TypedDict, total=False):
            a: int
        @runtime_checkable
        class Quacks(Protocol):
            def quack(self) -> str: ...
        UserId = NewType("UserId", int)
        class Box(Generic[T]):
            def __init__(self, v: T): self.v = v
        # %% step:b
        class Duck:
            def quack(self): return "q"
        box = Box[int](3)
        # %% step:c
        print(isinstance(Duck(), Quacks), P(1)._replace(x=5), Box.__parameters__ == (T,), UserId(5), Opt(a=1))
        print(box.__orig_class__)
        # %% step:d
        print(Box[T].__args__[0] is T, P._field_defaults, Annotated[int, "m"].__metadata__)
    """),
    Row("abstract-classes-finished-later", r"""
        # %% step:a
        from abc import ABC, abstractmethod
        class Shape(ABC):
            made = []
            @abstractmethod
            def area(self): ...
            def __init_subclass__(cls, /, unit="m", **kw):
                super().__init_subclass__(**kw)
                cls.unit = unit
                Shape.made.append(cls.__name__)
        # %% step:b
        class Square(Shape, unit="cm"):
            def __init__(self, s): self.s = s
            def area(self): return self.s ** 2
        # %% step:c raises-exception
        Shape()
        # %% step:d
        print(Square(3).area(), Square.unit, Shape.made, Shape.__subclasses__())
    """),
    Row("metaclass-that-counts-and-prepares", r"""
        # %% step:a
        class Meta(type):
            count = 0
            @classmethod
            def __prepare__(mcs, name, bases): return {"magic": len(name)}
            def __new__(mcs, name, bases, space):
                mcs.count += 1
                return super().__new__(mcs, name, bases, dict(space))
            def __call__(cls, *args):
                print("making a", cls.__name__)
                return super().__call__(*args)
            def __len__(cls): return 42
        # %% step:b
        class A(metaclass=Meta): pass
        # %% step:c
        class BB(A): pass
        a = BB()
        # %% step:d
        print(Meta.count, BB.magic, len(A), type(a).__name__)
    """),
    Row("singleton-by-new-and-by-metaclass", r"""
        # %% step:a
        class One:
            _it = None
            def __new__(cls):
                if cls._it is None:
                    cls._it = super().__new__(cls)
                return cls._it
        class Single(type):
            made = {}
            def __call__(cls, *a):
                if cls not in Single.made:
                    Single.made[cls] = super().__call__(*a)
                return Single.made[cls]
        class Conf(metaclass=Single):
            level = 0
        one, conf = One(), Conf()
        # %% step:b
        conf.level = 3
        # %% step:c
        print(One() is one, Conf() is conf, Conf().level, len(Single.made))
    """),
    Row("descriptors-with-weak-tables", r"""
        # %% step:a
        import weakref
        class Positive:
            def __init__(self): self.values = weakref.WeakKeyDictionary()
            def __set_name__(self, owner, name): self.name = name
            def __get__(self, obj, kind=None): return self if obj is None else self.values.get(obj, 0)
            def __set__(self, obj, v):
                if v < 0: raise ValueError(f"{self.name} has to be positive")
                self.values[obj] = v
        class Item:
            price = Positive()
        # %% step:b
        item = Item()
        item.price = 5
        # %% step:c raises-exception
        item.price = -1
        # %% step:d
        print(item.price, len(Item.price.values), vars(item))
    """),
    Row("slots-with-weakref-and-inheritance", r"""
        # %% step:a
        class Base:
            __slots__ = ("x", "__weakref__")
        class Sub(Base):
            __slots__ = ("y",)
        s = Sub(); s.x = 1
        # %% step:b
        s.y = [s.x]
        # %% step:c
        print(s.x, s.y, hasattr(s, "__dict__"))
        # %% step:d raises-exception
        s.z = 1
    """),
    Row("singledispatch-grows-in-later-steps", r"""
        # %% step:a
        from functools import singledispatch, singledispatchmethod
        @singledispatch
        def say(x): return "thing"
        class Speaker:
            @singledispatchmethod
            def say(self, x): return "?"
        # %% step:b
        @say.register
        def _(x: int): return "number"
        # %% step:c
        @say.register(list)
        def _(x): return [say(i) for i in x]
        @Speaker.say.register
        def _(self, x: str): return "str " + x
        # %% step:d
        print(say([1, "a"]), sorted(t.__name__ for t in say.registry), Speaker().say("x"), Speaker().say(1))
    """),
    Row("cache-filled-across-steps", r"""
        # %% step:a
        from functools import cache, cached_property
        @cache
        def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)
        class Data:
            @cached_property
            def rows(self):
                print("loading")
                return [1, 2]
        d = Data()
        # %% step:b
        print(fib(30), fib.cache_info())
        # %% step:c
        print(d.rows)
        # %% step:d
        print(d.rows, fib(31), fib.cache_info())
    """),
    Row("decorator-that-counts-and-one-that-registers", r"""
        # %% step:a
        import functools
        COMMANDS = {}
        def command(f):
            COMMANDS[f.__name__] = f
            return f
        def counted(f):
            @functools.wraps(f)
            def inner(*args):
                inner.calls += 1
                return f(*args)
            inner.calls = 0
            return inner
        # %% step:left
        @command
        @counted
        def hello(n): return "hi " * n
        # %% step:right
        @command
        def bye(): return hello(1) + "bye"
        # %% step:end
        print(sorted(COMMANDS), COMMANDS["bye"](), hello.calls, COMMANDS["hello"] is hello)
    """),
    Row("closures-over-a-loop-variable", r"""
        # %% step:a
        late = [lambda: i for i in range(3)]
        bound = []
        for k in range(3):
            bound.append(lambda: k)
        # %% step:b
        print([f() for f in late], [f() for f in bound])
        # %% step:c
        k = "changed"
        # %% step:d
        print([f() for f in bound])
    """),
    Row("context-manager-entered-here-left-there", r"""
        # %% step:a
        from contextlib import contextmanager
        stack = []
        @contextmanager
        def level(name):
            stack.append(name)
            try: yield name
            finally: stack.remove(name)
        outer = level("outer")
        outer.__enter__()
        # %% step:b
        with level("inner"): print(stack)
        # %% step:c
        outer.__exit__(None, None, None)
        print(stack)
    """),
    Row("class-based-context-with-state", r"""
        # %% step:a
        class Timer:
            depth = 0
            def __enter__(self): Timer.depth += 1; return self
            def __exit__(self, *exc): Timer.depth -= 1; return exc[0] is KeyError
        t = Timer()
        # %% step:b
        t.__enter__()
        with Timer(): print(Timer.depth)
        # %% step:c
        with t: raise KeyError("swallowed")
        # %% step:d
        print(Timer.depth)
    """),
    Row("iterators-of-itertools-half-way", r"""
        # %% step:a
        import itertools as it
        cycle, count = it.cycle("abc"), it.count(10, 5)
        one, two = it.tee(range(6))
        groups = it.groupby("aabbb")
        pairs = zip(range(3), "xyz")
        next(cycle); next(count)
        # %% step:b
        print(next(cycle), next(count), next(one), next(one))
        # %% step:c
        print(list(two), [(k, len(list(g))) for k, g in groups])
        # %% step:d
        print(next(cycle), next(pairs), list(one), list(pairs))
    """),
    Row("two-names-share-an-iterator", r"""
        # %% step:a
        rows = iter([1, 2, 3, 4])
        firsts = map(str, rows)
        # %% step:b
        a = next(rows)
        # %% step:c
        b = next(firsts)
        # %% step:d
        print(a, b, list(rows), list(firsts))
    """),
    Row("readers-of-the-csv-module-half-way", r"""
        # %% step:a
        import csv, re
        lines = ["a,b", "1,2", "3,4"]
        reader = csv.DictReader(lines)
        matches = re.finditer(r"\d", "1a2b3")
        # %% step:b
        first = next(reader), next(matches).group()
        # %% step:c
        print(first, list(reader), [m.group() for m in matches], reader.line_num)
    """),
    Row("async-generator-and-tasks-across-cells", r"""
        # %% step:a
        import asyncio
        async def ticks(n):
            for i in range(n):
                await asyncio.sleep(0)
                yield i
        gen = ticks(4)
        first = await anext(gen)
        # %% step:b
        task = asyncio.create_task(asyncio.sleep(0.01, "done"))
        second = await anext(gen)
        # %% step:c
        print(first, second, [x async for x in gen], await task)
        # %% step:d
        print(await asyncio.gather(*(asyncio.sleep(0, i) for i in range(3))))
    """),
    Row("task-group-and-exception-group", r"""
        # %% step:a
        import asyncio
        out = []
        async def work(n):
            await asyncio.sleep(0)
            if n == 2: raise ValueError(n)
            out.append(n)
        # %% step:b raises-exception
        async with asyncio.TaskGroup() as group:
            for n in (1, 2): group.create_task(work(n))
        # %% step:c
        print(out)
    """),
    Row("context-variables-and-their-tokens", r"""
        # %% step:a
        import contextvars
        user = contextvars.ContextVar("user", default="nobody")
        token = user.set("ann")
        # %% step:b
        print(user.get())
        ctx = contextvars.copy_context()
        # %% step:c
        print(ctx.run(user.get), ctx[user] if user in ctx else "-")
    """),
    Row("thread-local-of-the-main-thread", r"""
        # %% step:a
        import threading
        local = threading.local()
        local.x = 1
        # %% step:b
        seen = []
        t = threading.Thread(target=lambda: seen.append(getattr(local, "x", "none"))); t.start(); t.join()
        # %% step:c
        print(local.x, seen)
    """),
    Row("pool-of-processes-with-a-notebook-function", r"""
        # %% step:a
        import multiprocessing
        offset = 10
        def f(x): return x + offset
        # %% step:b
        with multiprocessing.get_context("fork").Pool(2) as pool:
            got = pool.map(f, range(3))
        # %% step:c
        offset = 100
        # %% step:d
        with multiprocessing.get_context("fork").Pool(2) as pool:
            print(got, pool.map(f, range(3)))
    """),
    Row("futures-on-threads-across-steps", r"""
        # %% step:a
        from concurrent.futures import ThreadPoolExecutor
        pool = ThreadPoolExecutor(2)
        futures = [pool.submit(pow, 2, n) for n in range(4)]
        # %% step:b
        print([f.result() for f in futures])
        # %% step:c
        pool.shutdown()
        print(futures[0].done())
    """),
    Row("monkeypatch-and-undo", r"""
        # %% step:a
        import json
        plain = json.dumps
        json.dumps = lambda o, **k: plain(o, sort_keys=True, **k)
        # %% step:b
        print(json.dumps({"b": 1, "a": 2}))
        # %% step:c
        json.dumps = plain
        # %% step:d
        print(json.dumps({"b": 1, "a": 2}), json.dumps is plain)
    """),
    Row("monkeypatch-of-a-method-through-setattr-in-a-loop", r"""
        # %% step:a
        from fractions import Fraction
        from pathlib import PurePath
        for kind in (Fraction, PurePath):
            setattr(kind, "shout", lambda self: str(self).upper() + "!")
        # %% step:b
        half = Fraction(1, 2)
        # %% step:c
        print(half.shout(), PurePath("a/b").shout())
    """),
    Row("module-edited-by-a-cell-and-reloaded", r"""
        # %% step:a
        import importlib, os, sys
        sys.dont_write_bytecode = True
        from tool import rate
        import tool
        # %% step:b
        with open("tool.py", "w") as f: f.write("rate = 2\ndef use(): return rate * 100\n")
        importlib.reload(tool)
        # %% step:c
        print(rate, tool.rate, tool.use())
        # %% step:d
        from tool import rate, use
        print(rate, use())
    """, files={"tool.py": "rate = 1\ndef use(): return rate\n"}),
    Row("autoreload-sees-the-edited-module", r"""
        # %% step:a
        %load_ext autoreload
        %autoreload 2
        import sys; sys.dont_write_bytecode = True
        import tool
        # %% step:b
        print(tool.use())
        # %% step:c
        import os
        with open("tool.py", "w") as f: f.write("def use(): return 'new'\n")
        os.utime("tool.py", (2e9, 2e9))
        # %% step:d
        print(tool.use())
    """, files={"tool.py": "def use(): return 'old'\n"}, python_only=False),
    Row("main-imported-as-a-module", r"""
        # %% step:a
        x = 1
        # %% step:b
        import __main__
        __main__.y = 5
        # %% step:c
        print(y, __main__.x, getattr(__import__("sys").modules["__main__"], "x"))
        # %% step:d
        import importlib
        m = importlib.import_module("__main__")
        m.x += 1
        # %% step:e
        print(x)
    """),
    Row("doctests-of-the-notebook", r"""
        # %% step:a
        def add(a, b):
            '''
            >>> add(1, 2)
            3
            >>> add(bonus, 0)
            10
            '''
            return a + b
        # %% step:b
        bonus = 10
        # %% step:c
        import doctest
        print(doctest.testmod(verbose=False))
    """),
    Row("unittest-in-a-notebook", r"""
        # %% step:a
        import io, unittest
        def double(x): return x * factor
        class TestDouble(unittest.TestCase):
            def test_it(self): self.assertEqual(double(2), 4)
        # %% step:b
        factor = 2
        # %% step:c
        out = io.StringIO()
        result = unittest.main(argv=["x"], exit=False, testRunner=unittest.TextTestRunner(stream=out)).result
        # %% step:d
        print(result.testsRun, len(result.failures))
    """),
    Row("type-hints-and-signatures-resolved-late", r"""
        # %% step:a
        import inspect, typing
        def f(x: "Thing", *, k: int = 3) -> "list[Thing]": ...
        # %% step:b
        class Thing: pass
        # %% step:c
        print(typing.get_type_hints(f), inspect.signature(f))
    """),
    Row("string-formatting-reaches-attributes", r"""
        # %% step:a
        class C: a = {"k": [1, 2]}
        c = C()
        text = "{c.a[k][1]} {d!r:>5}"
        # %% step:b
        c.a["k"][1] = 99
        # %% step:c
        print(text.format(c=c, d="x"), f"{c.a['k'][1]:{len(text)}d}")
    """),
    Row("big-integers-and-deep-recursion", r"""
        # %% step:a
        import sys
        sys.setrecursionlimit(5000)
        big = 3 ** 2000
        nest = []
        for _ in range(900): nest = [nest]
        # %% step:b
        def depth(x): return 0 if not x else 1 + depth(x[0])
        # %% step:c
        print(big % 10 ** 9, depth(nest), sys.getrecursionlimit())
    """),
    Row("nested-too-deep-to-pickle", r"""
        # %% step:a
        chain = None
        for n in range(20000): chain = (n, chain)
        # %% step:b
        head = chain[0]
        # %% step:c
        n = 0
        while chain: n, chain = n + 1, chain[1]
        print(head, n)
    """),
    Row("memory-views-and-their-owners", r"""
        # %% step:a
        import array
        raw = bytearray(b"abcdef")
        part = memoryview(raw)[2:4]
        numbers = array.array("i", [1, 2, 3])
        view = memoryview(numbers).cast("B")
        # %% step:b
        part[0] = ord("X")
        numbers[0] = 257
        # %% step:c
        print(bytes(raw), bytes(part), view[:2].tolist())
        # %% step:d raises-exception
        raw.append(1)
    """),
    Row("sets-whose-order-tells-their-history", r"""
        # %% step:a
        s = set(range(20))
        for i in range(15): s.discard(i)
        s.add(100); s.add(33)
        # %% step:b
        t = s | {"a", "b"}
        # %% step:c
        print(list(s), list(t), s.pop())
        # %% step:d
        print(list(s), list(frozenset(t)))
    """),
    Row("dictionary-order-after-moves", r"""
        # %% step:a
        from collections import Counter, OrderedDict, UserDict
        d = OrderedDict(a=1, b=2, c=3)
        c = Counter("abracadabra")
        class Lower(UserDict):
            def __setitem__(self, k, v): super().__setitem__(k.lower(), v)
        low = Lower(A=1)
        # %% step:b
        d.move_to_end("a"); c.subtract("aab"); low["B"] = 2
        # %% step:c
        print(d, c.most_common(), low, c + Counter(), d.popitem(last=False))
    """),
    Row("global-and-nonlocal-in-nested-functions", r"""
        # %% step:a
        total = 0
        def outer():
            n = 0
            def inner():
                global total
                nonlocal n
                n += 1; total += n
                return n
            return inner
        step = outer()
        # %% step:b
        step(); step()
        # %% step:c
        print(total, step(), step.__closure__[0].cell_contents)
        # %% step:d
        step.__closure__[0].cell_contents = 50
        print(step(), total)
    """),
    Row("class-body-reads-and-changes-globals", r"""
        # %% step:a
        n = 1
        registry = []
        # %% step:b
        class A:
            n = n + 1
            registry.append(n)
            ns = [registry[-1] for _ in range(2)]
            global made
            made = "yes"
        # %% step:c
        print(n, A.n, A.ns, registry, made)
    """),
    Row("property-that-writes-a-global", r"""
        # %% step:a
        log = []
        class Temp:
            c = 20
            @property
            def f(self):
                log.append("read")
                return self.c * 9 / 5 + 32
            @f.setter
            def f(self, v):
                log.append("set")
                self.c = (v - 32) * 5 / 9
        t = Temp()
        # %% step:b
        t.f = 212
        # %% step:c
        x = t.f
        # %% step:d
        print(log, t.c, x)
    """),
    Row("operators-that-have-effects", r"""
        # %% step:a
        seen = []
        class Pipe:
            def __init__(self, f): self.f = f
            def __ror__(self, x): seen.append(x); return self.f(x)
            def __matmul__(self, other): seen.append("@"); return Pipe(lambda x: other.f(self.f(x)))
            def __contains__(self, x): seen.append(("in", x)); return True
            def __bool__(self): seen.append("bool"); return False
        inc = Pipe(lambda x: x + 1)
        # %% step:b
        y = 1 | inc | inc
        # %% step:c
        z = 3 in inc
        w = inc or 7
        # %% step:d
        print(y, z, w, seen, 5 | (inc @ inc))
    """),
    Row("names-that-are-not-ascii", r"""
        # %% step:données
        größe, Δ, 变量 = 3, 0.5, ["ß"]
        # %% step:größe
        变量.append("ẞ")
        ﬁ = "ligature"
        # %% step:ende
        print(größe * Δ, 变量, fi, "naïve — 🐍\u200b")
    """),
    Row("very-long-lines-and-many-outputs", r"""
        # %% step:a
        line = "long " * 40_000
        # %% step:b
        print(line)
        # %% step:c
        for i in range(2000): print(i, end="\r" if i % 2 else "\n")
        # %% step:d
        from IPython.display import display
        for i in range(300): display(i)
        len(line)
    """),
    Row("empty-and-comment-cells-in-every-step", r"""
        # %% step:a
        # %% step:a
        # only a comment
        # %%

        # %% step:b
        x = 1;
        # %% step:b
        x
        # %% step:c
        # %% step:d
        pass
        # %% step:d
        print(x)
    """),
    Row("syntax-error-that-is-allowed-in-the-last-cell", r"""
        # %% step:a
        x = 1
        # %% step:b
        print(x)
        # %% step:c raises-exception
        this is not python
        # %% step:d
        print(x + 1)
    """),
    Row("interrupt-raised-and-caught-and-not", r"""
        # %% step:a
        import signal, os
        try: os.kill(os.getpid(), signal.SIGINT); __import__("time").sleep(1)
        except KeyboardInterrupt: caught = True
        # %% step:b
        print(caught)
        # %% step:c raises-exception
        raise KeyboardInterrupt
        # %% step:d
        print("on")
    """),
    Row("dynamic-attributes-and-types", r"""
        # %% step:a
        import types
        T = type("T", (), {"x": 1, "hi": lambda self: self.x})
        ns = types.SimpleNamespace(a=1, b=[2])
        t = T()
        # %% step:b
        t.__class__.x = 10
        ns.b.append(t)
        # %% step:c
        print(t.hi(), ns.b[1] is t, ns.a)
        # %% step:d
        class U(T): pass
        t.__class__ = U
        print(type(t).__name__, t.hi(), isinstance(ns.b[1], U))
    """),
    Row("recipe-of-partial-methods-and-callables", r"""
        # %% step:a
        import functools, operator
        class Cell:
            alive = False
            def set(self, v): self.alive = v
            revive = functools.partialmethod(set, True)
        add3 = functools.partial(operator.add, 3)
        upper = operator.methodcaller("upper")
        # %% step:b
        c = Cell(); c.revive()
        # %% step:c
        print(c.alive, add3(4), upper("x"), add3.func is operator.add, functools.reduce(operator.mul, [1, 2, 3]))
    """),
    Row("random-instances-shared-and-copied", r"""
        # %% step:a
        import copy, random
        r = random.Random(3)
        same, twin = r, copy.copy(r)
        pick = r.choice
        # %% step:b
        a = pick(range(100))
        # %% step:c
        b = same.random()
        # %% step:d
        print(a, round(b, 6), twin.choice(range(100)), r.random() == same.random(), r.getrandbits(8))
    """),
    Row("code-objects-and-compiled-expressions", r"""
        # %% step:a
        rule = compile("x * 2 + y", "<rule>", "eval")
        import ast
        tree = ast.parse("a = 1")
        # %% step:b
        x, y = 3, 4
        # %% step:c
        print(eval(rule), ast.unparse(tree), rule.co_names)
    """),
    Row("module-level-getattr-and-lazy-names", r"""
        # %% step:a
        import lazy
        # %% step:b
        print(lazy.answer)
        # %% step:c
        print(lazy.answer, lazy.asked)
    """, files={"lazy.py": """
        asked = []
        def __getattr__(name):
            if name.startswith("__"): raise AttributeError(name)
            asked.append(name)
            return 42
    """}),
]
