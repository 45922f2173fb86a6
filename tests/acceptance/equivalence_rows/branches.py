"""Steps side by side: what looks independent and is, and what looks so and is not."""

from __future__ import annotations

from tests.acceptance.row import Row

ROWS = [
    Row("diamond", r"""
        # %% step:load
        data = list(range(10))
        # %% step:left
        left = sum(data)
        print("left", left)
        # %% step:right
        right = max(data)
        print("right", right)
        # %% step:join
        print(left + right)
    """),
    Row("branches-mutate-one-list-through-a-function", r"""
        # %% step:load
        def add(items, x):
            items.append(x)
            return len(items)
        items = [0]
        # %% step:left
        left = add(items, "l")
        # %% step:right
        right = add(items, "r")
        # %% step:join
        print(left, right, items)
    """),
    Row("branch-mutates-what-the-other-only-reads", r"""
        # %% step:load
        data = [3, 1, 2]
        # %% step:left
        data.sort()
        # %% step:right
        first = data[0]
        # %% step:join
        print(first, data)
    """),
    Row("branches-through-aliases", r"""
        # %% step:load
        a = [1]
        b = a
        # %% step:left
        a.append("l")
        # %% step:right
        b.append("r")
        # %% step:join
        print(a, b, a is b)
    """),
    Row("branches-share-a-part", r"""
        # %% step:load
        part = {"n": 0}
        one, two = {"part": part}, {"part": part}
        # %% step:left
        one["part"]["n"] += 1
        # %% step:right
        two["part"]["n"] += 10
        # %% step:join
        print(one, two, part)
    """),
    Row("branches-share-a-counter-object", r"""
        # %% step:load
        import itertools
        ids = itertools.count(1)
        # %% step:left
        left = [next(ids), next(ids)]
        # %% step:right
        right = [next(ids)]
        # %% step:join
        print(left, right, next(ids))
    """),
    Row("branches-share-a-class-counter", r"""
        # %% step:load
        class Task:
            made = 0
            def __init__(self):
                Task.made += 1
                self.number = Task.made
        # %% step:left
        left = Task()
        # %% step:right
        right = Task()
        # %% step:join
        print(left.number, right.number, Task.made)
    """),
    Row("branches-share-a-mutable-default", r"""
        # %% step:load
        def remember(x, memory=[]):
            memory.append(x)
            return list(memory)
        # %% step:left
        left = remember("l")
        # %% step:right
        right = remember("r")
        # %% step:join
        print(left, right)
    """),
    Row("branches-share-a-cache", r"""
        # %% step:load
        from functools import lru_cache
        @lru_cache(maxsize=None)
        def slow(x):
            print("computing", x)
            return x * x
        # %% step:left
        left = slow(3)
        # %% step:right
        right = slow(3) + slow(4)
        # %% step:join
        print(left, right, slow.cache_info().hits)
    """),
    Row("branches-draw-from-one-generator", r"""
        # %% step:load
        import random
        random.seed(0)
        # %% step:left
        left = random.random()
        # %% step:right
        right = random.random()
        # %% step:join
        print(round(left, 6), round(right, 6), round(random.random(), 6))
    """),
    Row("branches-append-to-one-file", r"""
        # %% step:load
        open("log.txt", "w").close()
        # %% step:left
        with open("log.txt", "a") as file: file.write("left\n")
        # %% step:right
        with open("log.txt", "a") as file: file.write("right\n")
        # %% step:join
        print(open("log.txt").read())
    """),
    Row("branch-waits-for-a-file-only", r"""
        # %% step:load
        n = 3
        # %% step:left
        with open("n.txt", "w") as file: print(n, file=file)
        # %% step:right
        import os
        found = os.path.exists("n.txt")
        # %% step:join
        print(found)
    """),
    Row("branch-sees-an-option-set-by-the-other", r"""
        # %% step:load
        import decimal
        # %% step:left
        decimal.getcontext().prec = 5
        # %% step:right
        print(decimal.Decimal(1) / 3)
    """),
    Row("branch-sees-a-patched-class", r"""
        # %% step:load
        class Shape:
            def area(self): return 1
        # %% step:left
        Shape.area = lambda self: 42
        # %% step:right
        print(Shape().area())
    """),
    Row("branch-fails-when-run-early", r"""
        # %% step:prepare
        open("ready.flag", "w").write("go")
        # %% step:work
        with open("ready.flag") as flag:
            print("flag:", flag.read())
    """),
    Row("branch-fails-early-without-the-environment", r"""
        # %% step:prepare
        import os
        os.environ["TOKEN_FOR_THE_JOB"] = "t0"
        # %% step:work
        import os
        print(os.environ["TOKEN_FOR_THE_JOB"])
    """),
    Row("branch-fails-early-without-a-patched-module", r"""
        # %% step:prepare
        import math
        math.half = lambda x: x / 2
        # %% step:work
        import math
        print(math.half(5))
    """),
    Row("branch-fails-early-on-a-list-still-empty", r"""
        # %% step:make
        jobs = []
        def register(name): jobs.append(name)
        # %% step:fill
        register("first")
        # %% step:work
        print(jobs[0])
    """),
    Row("branch-fails-early-without-a-folder", r"""
        # %% step:make
        import os
        os.makedirs("out/deep")
        # %% step:work
        with open("out/deep/x.txt", "w") as file:
            print(file.write("four"))
    """),
    Row("branch-prints-through-a-redirected-stdout", r"""
        # %% step:make
        import io, sys
        buffer, real = io.StringIO(), sys.stdout
        sys.stdout = buffer
        # %% step:speak
        print("into the buffer")
        # %% step:restore
        sys.stdout = real
        # %% step:show
        print(repr(buffer.getvalue()))
    """),
    Row("arrays-on-two-branches", r"""
        # %% step:load
        import numpy as np
        data = np.arange(12.0).reshape(3, 4)
        # %% step:left
        means = data.mean(axis=0)
        # %% step:right
        data *= 2
        # %% step:join
        print(means, data.sum())
    """, needs=("numpy",)),
    Row("frames-on-two-branches", r"""
        # %% step:load
        import pandas as pd
        def tidy(frame):
            frame["z"] = frame["x"] * 2
        df = pd.DataFrame({"x": [1, 2, 3]})
        # %% step:left
        n = df.shape
        # %% step:right
        tidy(df)
        # %% step:more
        m = df.shape
        # %% step:join
        print(n, m, list(df))
    """, needs=("pandas",)),
    Row("three-models-side-by-side", r"""
        # %% step:load
        import numpy as np
        rng = np.random.default_rng(0)
        X = rng.normal(size=(50, 3)); y = X @ [1.0, -2.0, 0.5]
        scores = {}
        # %% step:plain
        scores["plain"] = round(float(np.linalg.lstsq(X, y, rcond=None)[0][0]), 6)
        # %% step:first
        scores["first"] = round(float(np.polyfit(X[:, 0], y, 1)[0]), 6)
        # %% step:second
        scores["second"] = round(float(np.polyfit(X[:, 1], y, 1)[0]), 6)
        # %% step:compare
        print(scores)
    """, needs=("numpy",)),
]
