"""Functions and classes: state inside them, their source, their kinships."""

from __future__ import annotations

from tests.acceptance.row import Row

ROWS = [
    Row("mutable-default-argument", r"""
        # %% step:a
        def log(x, seen=[]):
            seen.append(x)
            return seen
        # %% step:b
        log(1)
        # %% step:c
        print(log(2), log.__defaults__)
    """),
    Row("function-attribute", r"""
        # %% step:a
        def f():
            f.calls += 1
            return f.calls
        f.calls = 0
        # %% step:b
        f(); f()
        # %% step:c
        print(f(), f.__dict__)
    """),
    Row("nonlocal-counter", r"""
        # %% step:a
        def counter():
            n = 0
            def tick():
                nonlocal n
                n += 1
                return n
            return tick
        tick = counter()
        # %% step:b
        tick()
        # %% step:c
        print(tick(), tick())
    """),
    Row("lru-cache-with-a-print", r"""
        # %% step:a
        import functools
        @functools.lru_cache
        def area(r):
            print("computing", r)
            return r * r * 3
        # %% step:b
        area(2)
        # %% step:c
        print(area(2), area.cache_info())
    """),
    Row("cached-property", r"""
        # %% step:a
        from functools import cached_property
        class Report:
            @cached_property
            def rows(self):
                print("reading")
                return [1, 2]
        report = Report()
        # %% step:b
        report.rows.append(3)
        # %% step:c
        print(report.rows)
    """),
    Row("class-attribute-counter", r"""
        # %% step:a
        class Ticket:
            issued = 0
            def __init__(self):
                type(self).issued += 1
        # %% step:b
        t = Ticket(), Ticket()
        # %% step:c
        Ticket()
        print(Ticket.issued, t[0].issued)
    """),
    Row("class-registry-by-init-subclass", r"""
        # %% step:a
        class Plugin:
            known = {}
            def __init_subclass__(cls, **kw):
                Plugin.known[cls.__name__] = cls
        # %% step:b
        class Csv(Plugin): pass
        # %% step:c
        class Json(Plugin): pass
        # %% step:d
        print(list(Plugin.known), Plugin.known["Csv"] is Csv, len(Plugin.__subclasses__()))
    """),
    Row("class-patched-later", r"""
        # %% step:a
        class Dog:
            def speak(self): return "woof"
        rex = Dog()
        # %% step:b
        Dog.speak = lambda self: "WOOF"
        Dog.legs = 4
        # %% step:c
        print(rex.speak(), rex.legs)
    """),
    Row("class-redefined-old-instances", r"""
        # %% step:a
        class Point:
            def show(self): return "old"
        p = Point()
        Old = Point
        # %% step:b
        class Point:
            def show(self): return "new"
        q = Point()
        # %% step:c
        print(p.show(), q.show(), isinstance(p, Point), isinstance(p, Old), type(p).__name__)
    """),
    Row("inheritance-across-steps", r"""
        # %% step:a
        import abc
        class Base(abc.ABC):
            @abc.abstractmethod
            def run(self): ...
            def twice(self): return self.run() * 2
        # %% step:b
        class Child(Base):
            def run(self): return 21
        # %% step:c
        try:
            Base()
        except TypeError as error:
            print("abstract:", "run" in str(error))
        print(Child().twice(), Child.__mro__[1] is Base)
    """),
    Row("super-and-metaclass", r"""
        # %% step:a
        class Meta(type):
            def __call__(cls, *args):
                made = super().__call__(*args)
                cls.instances.append(made)
                return made
        class Thing(metaclass=Meta):
            instances = []
        # %% step:b
        class Special(Thing):
            def __init__(self, n=0):
                super().__init__()
                self.n = n
        s = Special(4)
        # %% step:c
        Thing()
        print(len(Thing.instances), Thing.instances[0] is s, s.n)
    """),
    Row("virtual-subclass-registered", r"""
        # %% step:a
        from collections.abc import Sized, MutableMapping
        class Weird: pass
        # %% step:b
        MutableMapping.register(Weird)
        # %% step:c
        print(isinstance(Weird(), MutableMapping), isinstance(Weird(), Sized))
    """),
    Row("singledispatch-registered-in-steps", r"""
        # %% step:a
        from functools import singledispatch
        @singledispatch
        def show(x): return "anything"
        # %% step:b
        @show.register
        def _(x: int): return "int"
        # %% step:c
        @show.register(list)
        def show_list(x): return [show(i) for i in x]
        # %% step:d
        print(show([1, "a"]), show(2.0))
    """),
    Row("decorators-and-wrapped", r"""
        # %% step:a
        import functools
        calls = []
        def traced(tag):
            def wrap(f):
                @functools.wraps(f)
                def inner(*args):
                    calls.append((tag, f.__name__, args))
                    return f(*args)
                return inner
            return wrap
        # %% step:b
        @traced("t")
        def add(a, b):
            "adds"
            return a + b
        # %% step:c
        print(add(1, 2), add.__doc__, add.__wrapped__(3, 4))
        # %% step:d
        print(calls)
    """),
    Row("properties-and-descriptors", r"""
        # %% step:a
        class Typed:
            def __set_name__(self, owner, name): self.name = "_" + name
            def __get__(self, obj, kind=None): return getattr(obj, self.name, None) if obj else self
            def __set__(self, obj, value): setattr(obj, self.name, int(value))
        class Row:
            size = Typed()
            @property
            def double(self): return self.size * 2
        row = Row()
        # %% step:b
        row.size = "21"
        # %% step:c
        print(row.double, vars(row))
    """),
    Row("recursion-and-rebinding", r"""
        # %% step:a
        def fact(n):
            return 1 if n < 2 else n * fact(n - 1)
        old = fact
        # %% step:b
        def fact(n):
            return -1
        # %% step:c
        print(old(5), fact(5))
    """),
    Row("mutual-recursion-across-steps", r"""
        # %% step:a
        def even(n): return True if n == 0 else odd(n - 1)
        # %% step:b
        def odd(n): return False if n == 0 else even(n - 1)
        # %% step:c
        print(even(10), odd(7))
    """),
    Row("function-redefined-and-callback-kept", r"""
        # %% step:a
        def f(): return "one"
        hooks = [f]
        # %% step:b
        def f(): return "two"
        hooks.append(f)
        # %% step:c
        print([h() for h in hooks], hooks[0] is hooks[1])
    """),
    Row("inspect-getsource", r"""
        # %% step:a
        def taxed(x, rate=0.2):
            # a remark that only the source has
            return x * (1 + rate)
        # %% step:b
        import inspect
        print(inspect.getsource(taxed))
        print(inspect.signature(taxed), taxed.__code__.co_firstlineno)
    """),
    Row("help-and-doc", r"""
        # %% step:a
        class Tool:
            "A tool."
            def use(self, hard: bool = False) -> int:
                "Use it."
                return 1
        # %% step:b
        help(Tool.use)
        # %% step:c
        print(Tool.__doc__, Tool.use.__qualname__, Tool.__module__)
    """),
    Row("main-and-module-names", r"""
        # %% step:a
        class Here: pass
        def here(): pass
        # %% step:b
        import sys
        print(__name__, Here.__module__, here.__module__, type(Here()).__module__, sys.modules["__main__"].Here is Here)
        # %% step:c
        if __name__ == "__main__":
            print("main!", __doc__)
    """),
    Row("main-module-attribute", r"""
        # %% step:a
        x = 1
        # %% step:b
        import __main__
        __main__.x = 2
        __main__.fresh = "new"
        # %% step:c
        print(x, fresh)
    """),
    Row("generators-and-send", r"""
        # %% step:a
        def averager():
            total, n = 0, 0
            value = yield None
            while True:
                total, n = total + value, n + 1
                value = yield total / n
        avg = averager()
        next(avg)
        # %% step:b
        avg.send(10)
        # %% step:c
        print(avg.send(20))
    """),
    Row("generator-reads-a-global-late", r"""
        # %% step:a
        k = 1
        gen = (x * k for x in range(4))
        first = next(gen)
        # %% step:b
        k = 10
        # %% step:c
        print(first, list(gen))
    """),
    Row("methods-borrowed-and-types-made", r"""
        # %% step:a
        import types
        def hello(self): return f"hi {self.name}"
        User = type("User", (), {"hello": hello, "name": "u"})
        # %% step:b
        u = User()
        u.extra = types.MethodType(lambda self: self.name * 2, u)
        # %% step:c
        print(u.hello(), u.extra(), types.SimpleNamespace(a=1))
    """),
    Row("generic-types-and-protocols", r"""
        # %% step:a
        from typing import Generic, NamedTuple, Protocol, TypedDict, TypeVar, runtime_checkable
        T = TypeVar("T")
        class Stack(Generic[T]):
            def __init__(self): self.items: list[T] = []
        class Pt(NamedTuple):
            x: int = 0
        @runtime_checkable
        class Quacks(Protocol):
            def quack(self): ...
        class Opts(TypedDict, total=False):
            a: int
        # %% step:b
        class Duck:
            def quack(self): return "q"
        s = Stack[int]()
        s.items.append(Pt(3))
        # %% step:c
        print(isinstance(Duck(), Quacks), s.items, Opts(a=1), Opts.__annotations__["a"].__name__)
    """),
    Row("del-method-prints", r"""
        # %% step:a
        class Temp:
            def __init__(self, name): self.name = name
            def __del__(self): print("bye", self.name)
        t, u = Temp("t"), Temp("u")
        # %% step:b
        del t
        # %% step:c
        u = None
        print("end")
    """),
    Row("del-method-prints-when-a-loop-binds-its-name", r"""
        # %% imports
        import time
        # %% functions
        class Temp:
            def __init__(self, name): self.name = name
            def __del__(self): print("bye", self.name)
        # %% step:a
        for t in [Temp("t"), Temp("u")]: time.sleep(0.05)
        print("made")
        # %% step:b
        n = 0
        for t in range(3): n += t
        print(n)
        # %% step:c
        f = open("b.txt", "w"); _n = f.write("held back"); print("written")
        # %% step:d
        with open("a.txt") as f: print(f.read())
        # %% step:e
        print(open("b.txt").read(), t, f.closed)
    """, files={"a.txt": "one"}),
]
