"""How names are bound, shadowed, rebound and lost."""

from __future__ import annotations

from tests.acceptance.row import Row

ROWS = [
    Row("plain-chain", r"""
        # %% step:a
        x = 1
        # %% step:b
        y = x + 1
        # %% step:c
        print(x, y)
    """),
    Row("comprehension-names-stay-inside", r"""
        # %% step:a
        x = "outer"
        # %% step:b
        squares = [x * x for x in range(4)]
        pairs = {x: y for x, y in zip("ab", "cd")}
        # %% step:c
        print(x, squares, pairs)
    """),
    Row("comprehension-first-iterable-is-outer", r"""
        # %% step:a
        x = [1, 2, 3]
        # %% step:b
        y = [x for x in x]
        total = sum(x for row in [x, y] for x in row)
        # %% step:c
        print(x, y, total)
    """),
    Row("comprehension-in-class-body", r"""
        # %% step:a
        width = 3
        # %% step:b
        class Box:
            width = 5
            cells = [width for _ in range(2)]
            first = [i for i in range(width)]
        # %% step:c
        print(Box.cells, Box.first, width)
    """),
    Row("loop-variable-lives-on", r"""
        # %% step:a
        i = "before"
        # %% step:b
        for i, (a, *rest) in enumerate([(1, 2, 3), (4, 5)]):
            pass
        # %% step:c
        print(i, a, rest)
    """),
    Row("loop-that-never-runs-binds-nothing", r"""
        # %% step:a
        i = "kept"
        # %% step:b
        for i in []:
            pass
        # %% step:c
        print(i)
    """),
    Row("if-rebinds-on-one-branch", r"""
        # %% step:a
        x = 1
        flag = False
        # %% step:b
        if flag:
            x = 2
        # %% step:c
        print(x)
    """),
    Row("bound-on-one-branch-only", r"""
        # %% step:a
        flag = False
        # %% step:b
        if flag:
            extra = 1
        # %% step:c
        try:
            print(extra)
        except NameError as error:
            print("no:", error)
    """),
    Row("try-rebinds", r"""
        # %% step:a
        value = "old"
        # %% step:b
        try:
            value = "half way"
            value = int("nan?")
        except ValueError as error:
            reason = str(error)
        # %% step:c
        print(value, reason)
    """),
    Row("except-name-is-deleted", r"""
        # %% step:a
        error = "a variable of that name"
        # %% step:b
        try:
            1 / 0
        except ZeroDivisionError as error:
            pass
        # %% step:c
        print("error" in globals())
    """),
    Row("try-finally-and-else", r"""
        # %% step:a
        log = []
        # %% step:b
        try:
            got = len("four")
        except TypeError:
            got = None
        else:
            log.append("else")
        finally:
            done = True
        # %% step:c
        print(got, log, done)
    """),
    Row("del-then-fallback", r"""
        # %% step:a
        x, y = 1, 2
        # %% step:b
        del x
        # %% step:c
        try:
            x
        except NameError as error:
            print(error)
        print(y)
    """),
    Row("del-and-bound-anew", r"""
        # %% step:a
        x = "first"
        # %% step:b
        print(x)
        del x
        # %% step:c
        x = "second"
        # %% step:d
        print(x)
    """),
    Row("del-uncovers-a-builtin", r"""
        # %% step:a
        max = min
        # %% step:b
        print(max(3, 1, 2))
        del max
        # %% step:c
        print(max(3, 1, 2))
    """),
    Row("builtins-as-variables", r"""
        # %% step:a
        list = [1, 2]
        sum = 0
        # %% step:b
        for value in list:
            sum += value
        # %% step:c
        print(list, sum, type(list).__name__)
    """),
    Row("builtin-wrapped", r"""
        # %% step:a
        plain_print = print
        def print(*args, **kwargs):
            plain_print(">", *args, **kwargs)
        # %% step:b
        print("one")
        # %% step:c
        print("two", end="!\n")
    """),
    Row("builtin-shadowed-for-later-functions", r"""
        # %% step:a
        def size(items):
            return len(items)
        # %% step:b
        before = size([1, 2])
        def len(items):
            return -1
        # %% step:c
        print(before, size([1, 2]))
    """),
    Row("input-shadowed", r"""
        # %% step:a
        answers = iter(["yes", "no"])
        def input(prompt=""):
            print(prompt, end=" ")
            return next(answers)
        # %% step:b
        first = input("sure?")
        # %% step:c
        print(first, input("really?"))
    """),
    Row("walrus", r"""
        # %% step:a
        data = [1, 5, 9]
        # %% step:b
        if (n := len(data)) > 2:
            big = [last := item for item in data]
        # %% step:c
        print(n, last, big)
    """),
    Row("match-captures", r"""
        # %% step:a
        command = {"verb": "move", "by": [3, 4, 5], "how": "fast"}
        # %% step:b
        match command:
            case {"verb": "stop"}:
                kind = "stop"
            case {"verb": verb, "by": [x, *tail], **others} if x > 2:
                kind = "move"
        # %% step:c
        print(kind, verb, x, tail, others)
    """),
    Row("with-binds-several", r"""
        # %% step:a
        import contextlib
        @contextlib.contextmanager
        def room(name):
            print("open", name)
            yield name.upper()
            print("close", name)
        # %% step:b
        with room("a") as one, room("b") as (two, ):
            pass
        # %% step:c
        print(one, two)
    """),
    Row("unpacking-targets", r"""
        # %% step:a
        first, *middle, (last, deep) = 1, 2, 3, (4, 5)
        box = [0, 0]
        # %% step:b
        box[0], middle[1:], first = first, [9, 9], "new"
        # %% step:c
        print(first, middle, last, deep, box)
    """),
    Row("augmented-assignment-reads", r"""
        # %% step:a
        total, text, seen = 1, "a", {1}
        # %% step:b
        total += 2
        text *= 3
        seen |= {2}
        # %% step:c
        total -= 10
        # %% step:d
        print(total, text, sorted(seen))
    """),
    Row("star-import", r"""
        # %% step:a
        from math import *
        # %% step:b
        r = sqrt(16) + floor(pi)
        # %% step:c
        print(r, gcd(12, 18), e > 2.7)
    """),
    Row("star-import-overrides-a-variable", r"""
        # %% step:a
        size = "mine"
        # %% step:b
        from shapes import *
        # %% step:c
        print(size, area(2), "_hidden" in globals())
    """, files={"shapes.py": """
        size = 7
        _hidden = 1
        def area(x):
            return x * size
    """}),
    Row("import-as-and-rebinding-it", r"""
        # %% step:a
        import math as m
        from math import tau as turn
        # %% step:b
        half = turn / 2 == m.pi
        m = "no module now"
        # %% step:c
        print(half, m)
    """),
    Row("annotation-without-value", r"""
        # %% step:a
        count: int
        size: float = 2.5
        # %% step:b
        print("count" in globals(), size, sorted(__annotations__))
    """),
    Row("conditional-definition", r"""
        # %% step:a
        fast = False
        # %% step:b
        if fast:
            def work(x):
                return x
        else:
            def work(x):
                return x * 2
        # %% step:c
        print(work(4))
    """),
    Row("name-that-does-not-exist-is-swallowed", r"""
        # %% step:a
        x = 1
        # %% step:b
        try:
            cached_model
        except NameError:
            cached_model = "trained"
            print("training")
        # %% step:c
        print(cached_model)
    """),
    Row("name-that-exists-is-not-made-again", r"""
        # %% step:a
        cached_model = "loaded"
        # %% step:b
        try:
            cached_model
        except NameError:
            cached_model = "trained"
            print("training")
        # %% step:c
        print(cached_model)
    """),
    Row("name-defined-only-below", r"""
        # %% step:a
        try:
            print(later)
        except NameError as error:
            print(error)
        # %% step:b
        later = 3
        # %% step:c
        print(later)
    """),
    Row("conditional-expression-and-short-circuit", r"""
        # %% step:a
        use = None
        # %% step:b
        value = use or "default"
        kind = missing if use else "none"
        # %% step:c
        print(value, kind)
    """),
    Row("dunder-and-private-names", r"""
        # %% step:a
        _private = 1
        __very = 2
        __all__ = ["x"]
        # %% step:b
        _private += __very
        # %% step:c
        print(_private, __very, __all__)
    """),
    Row("unicode-names-are-normalised", r"""
        # %% step:a
        ﬁt = 1
        größe = 2
        # %% step:b
        fit += größe
        # %% step:c
        print(fit, größe)
    """),
    Row("type-alias-and-literal-string-names", r"""
        # %% step:a
        from typing import Optional
        Number = Optional[int]
        def half(x: "Number") -> "Number":
            return None if x is None else x // 2
        # %% step:b
        print(half(9), half(None), half.__annotations__)
    """),
    Row("lambda-default-freezes-a-name", r"""
        # %% step:a
        k = 1
        late = lambda: k
        early = lambda k=k: k
        # %% step:b
        k = 2
        # %% step:c
        print(late(), early())
    """),
    # -- names that several steps bind anew
    Row("one-variable-for-the-loops-of-all-steps", r"""
        # %% imports
        import time
        # %% step:a
        total = 0
        for i in range(4):
            time.sleep(0.05); total += i
        print(total)
        # %% step:b
        squares = [0] * 7
        for i in range(7): squares[i] = i * i
        print(squares)
        # %% step:c
        for i, word in enumerate(["x", "y"]): print(i, word)
        # %% step:d
        print(i, word, total, squares)
    """),
    Row("an-empty-loop-leaves-its-variable-as-it-was", r"""
        # %% imports
        import time
        # %% step:a
        for row in [1, 2, 3]: time.sleep(0.05)
        print(row)
        # %% step:b
        n = 0
        for row in []: n += row
        print(n)
        # %% step:c
        for row in (): pass
        else: print("nothing")
        # %% step:d
        print(row)
    """),
    Row("a-loop-ends-with-the-value-from-before-the-last-step", r"""
        # %% imports
        import time
        # %% step:first
        i = 4; rows = list(range(3)); print(i)
        # %% step:a
        for i in rows: time.sleep(0.1)
        print(rows)
        # %% step:b
        n = 0
        for i in range(5): n += i
        print(n)
        # %% step:c
        print(i)
    """),
    Row("one-name-for-the-files-of-all-steps", r"""
        # %% imports
        import time
        # %% step:a
        with open("a.txt") as f: a = f.read()
        time.sleep(0.1); print(a)
        # %% step:b
        with open("b.txt") as f: b = f.read()
        print(b)
        # %% step:c
        print(f.name, f.closed, a + b)
        # %% step:d
        with open("a.txt") as f:
            for line in f: print(line)
        # %% step:e
        print(f.name, f.closed, line)
    """, files={"a.txt": "one", "b.txt": "two"}),
    Row("a-name-that-one-branch-binds", r"""
        # %% imports
        import time
        # %% parameters
        flag = False
        # %% step:a
        t = [1]; time.sleep(0.1); print(t)
        # %% step:b
        if flag:
            t = [2]; print(t)
        print(flag)
        # %% step:c
        try:
            t = int("no")
        except ValueError as e:
            print(e)
        # %% step:d
        print(t)
        try: e
        except NameError as error: print(error)
    """),
    Row("a-name-that-is-not-bound-since-its-cell-fails", r"""
        # %% imports
        import time
        # %% step:a
        x = 1
        with open("a.txt") as f: time.sleep(0.1); print(f.read())
        # %% step:b raises-exception
        1 / 0; x = 2
        with open("a.txt") as f: print("never")
        # %% step:b
        try: print("x is", x, f.name)
        except NameError as error: print(error)
        # %% step:c raises-exception
        for x in [int("no")]: print(x)
        # %% step:d
        print(x, f.closed)
    """, files={"a.txt": "one"}),
    Row("a-function-reads-the-variable-of-a-loop", r"""
        # %% imports
        import time
        # %% functions
        def shown(): return f"i is {i}"
        # %% step:a
        for i in range(3): time.sleep(0.05)
        print(i)
        # %% step:b
        before = shown()
        for i in range(9): pass
        print(before)
        # %% step:c
        for i in []: pass
        print(shown())
    """),
    Row("the-variable-of-a-loop-shares-objects", r"""
        # %% imports
        import time
        # %% step:a
        first = {"x": [1], "y": [2]}
        for key, value in first.items(): value.append(0); time.sleep(0.05)
        print(first)
        # %% step:b
        second = {"z": [3]}
        for key, value in second.items(): value.append(9)
        print(second)
        # %% step:c
        value.append(7); print(first, second, key, value is second["z"], value is first["y"])
        # %% step:d
        for value in []: pass
        first["y"].append(5); print(value, first)
    """),
    Row("the-variable-of-a-loop-is-deleted", r"""
        # %% imports
        import time
        # %% step:a
        for i in range(3): time.sleep(0.05)
        print(i)
        # %% step:b
        for i in "ab": print(i)
        del i
        # %% step:c
        try: print(i)
        except NameError as error: print(error)
    """),
]
