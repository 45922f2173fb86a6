"""Parameters, their defaults, and values that take their place."""

from __future__ import annotations

from tests.acceptance.row import Row

ROWS = [
    Row("defaults-only", r"""
        # %% parameters
        n = 3  # how many
        name = "x"
        # %% step:a
        items = [name] * n
        # %% step:b
        print(items)
    """),
    Row("values-injected", r"""
        # %% parameters
        n = 3
        name = "x"
        # %% step:a
        items = [name] * n
        # %% step:b
        print(items)
    """, params={"n": 2, "name": "it's \"quoted\"\n"}),
    Row("values-of-every-type", r"""
        # %% parameters
        i: int = 1
        f: float = 0.5
        b: bool = False
        s: str = ""
        l: list = []
        d: dict = {}
        none = None
        # %% step:a
        print([type(x).__name__ for x in (i, f, b, s, l, d, none)])
        # %% step:b
        print(i, f, b, repr(s), l, d, none)
    """, params={"i": -7, "f": 2.5, "b": True, "s": "1.10", "l": [1, "a"], "d": {"k": [1]}}),
    Row("parameter-computed-from-another", r"""
        # %% parameters
        n = 3
        m = n * 2
        # %% step:a
        print(n, m)
    """, params={"n": 10}),
    Row("parameter-reassigned-in-a-step", r"""
        # %% parameters
        n = 3
        # %% step:a
        n = n + 1
        # %% step:b
        print(n)
    """, params={"n": 10}),
    Row("parameter-reassigned-then-read-by-branches", r"""
        # %% parameters
        rate = 1
        # %% step:a
        one = rate * 10
        # %% step:b
        rate = 5
        # %% step:c
        two = rate * 10
        # %% step:d
        print(one, two, rate)
    """),
    Row("parameter-list-mutated", r"""
        # %% parameters
        columns = ["a"]
        # %% step:a
        columns.append("b")
        # %% step:b
        columns += ["c"]
        # %% step:c
        print(columns)
    """, params={"columns": ["z"]}),
    Row("parameter-read-inside-a-function", r"""
        # %% parameters
        factor = 2
        # %% functions
        def scaled(x):
            return x * factor
        # %% step:a
        print(scaled(4))
        # %% step:b
        factor = 100
        # %% step:c
        print(scaled(4))
    """, params={"factor": 3}),
    Row("parameters-cell-not-first", r"""
        # %% imports
        import math
        # %% step:zero
        start = 1
        # %% parameters
        n = 5
        # %% step:a
        print(start + math.factorial(n))
    """, params={"n": 4}),
    Row("parameters-cell-prints", r"""
        # %% parameters
        n = 5
        print("default", n)
        # %% step:a
        print("used", n)
    """, params={"n": 4}),
    Row("parameters-cell-with-a-call", r"""
        # %% parameters
        import os
        folder = os.path.join("data", "raw")
        sizes = tuple(range(3))
        # %% step:a
        print(folder.replace(os.sep, "/"), sizes)
    """),
    Row("two-parameters-cells", r"""
        # %% parameters
        a = 1
        # %% parameters
        b = 2
        # %% step:x
        print(a, b)
    """),
    Row("parameter-shadows-a-builtin", r"""
        # %% parameters
        max = 3
        # %% step:a
        kept = [i for i in range(10) if i < max]
        # %% step:b
        print(kept, max)
    """, params={"max": 2}),
    Row("enum-like-and-dates", r"""
        # %% parameters
        from typing import Literal
        import datetime
        mode: Literal["fast", "slow"] = "fast"
        day = datetime.date(2024, 2, 29)
        # %% step:a
        print(mode, day.isoformat(), day + datetime.timedelta(days=1))
    """, params={"mode": "slow"}),
    Row("parameter-unused-and-executed-twice", r"""
        # %% parameters
        unused = 1
        # %% step:a
        import sys
        print(len(In), unused)
    """, params={"unused": 2}),
    Row("parameter-into-query-string", r"""
        # %% parameters
        limit = 2
        # %% step:a
        import pandas as pd
        df = pd.DataFrame({"v": [1, 2, 3, 4]})
        # %% step:b
        print(df.query("v > @limit"))
    """, needs=("pandas",), params={"limit": 3}),
]
