"""Code whose names can't be read off: it may touch everything."""

from __future__ import annotations

from tests.acceptance.row import Row

ROWS = [
    Row("eval-of-a-string", r"""
        # %% step:a
        width, height = 3, 4
        formula = "wid" + "th * height"
        # %% step:b
        area = eval(formula)
        # %% step:c
        print(area)
    """),
    Row("exec-binds-names", r"""
        # %% step:a
        base = 5
        # %% step:b
        exec("derived = base + 1\nbase = 50")
        # %% step:c
        print(derived, base)
    """),
    Row("exec-in-a-namespace-of-its-own", r"""
        # %% step:a
        space = {"x": 1}
        code = compile("y = x + 1", "<row>", "exec")
        # %% step:b
        exec(code, space)
        # %% step:c
        print(space["y"], "y" in globals())
    """),
    Row("globals-read-and-written", r"""
        # %% step:a
        x1, x2 = 1, 2
        # %% step:b
        total = sum(globals()[f"x{i}"] for i in (1, 2))
        globals()["x3"] = total
        # %% step:c
        print(x3, total)
    """),
    Row("globals-through-an-alias", r"""
        # %% step:a
        g = globals
        secret = 7
        # %% step:b
        space = g()
        space["made"] = space["sec" + "ret"] + 1
        # %% step:c
        print(made)
    """),
    Row("vars-locals-and-dir", r"""
        # %% step:a
        alpha, beta = 1, 2
        # %% step:b
        locals()["gamma"] = vars()["alpha"] + 10
        # %% step:c
        print(gamma, [n for n in dir() if n in ("alpha", "beta", "gamma", "delta")])
        # %% step:d
        delta = 1
    """),
    Row("all-public-names", r"""
        # %% step:a
        first, second = 1, 2
        # %% step:b
        third = 3
        # %% step:c
        print(sorted(n for n in globals() if not n.startswith("_")))
    """),
    Row("all-names-private-ones-too", r"""
        # %% step:a
        _mine = 1
        # %% step:b
        names = sorted(globals())
        # %% step:c
        print(names)
    """),
    Row("user-ns", r"""
        # %% step:a
        x = 3
        # %% step:b
        ns = get_ipython().user_ns
        ns["x"] += 1
        ns["y"] = "new"
        # %% step:c
        print(x, y)
        # %% step:d
        get_ipython().push({"z": 9})
        # %% step:e
        print(z, get_ipython().ev("z + x"))
    """),
    Row("run-cell-by-code", r"""
        # %% step:a
        n = 1
        # %% step:b
        result = get_ipython().run_cell("n += 1\nfresh = n * 10")
        # %% step:c
        print(n, fresh, result.success)
    """),
    Row("frame-tricks", r"""
        # %% functions
        import sys
        def bind(name, value):
            sys._getframe(1).f_globals[name] = value
        # %% step:a
        bind("conjured", 12)
        # %% step:b
        print(conjured)
    """),
    Row("function-globals-attribute", r"""
        # %% step:a
        k = 1
        def f(): return k
        # %% step:b
        f.__globals__["k"] = 8
        # %% step:c
        print(k, f())
    """),
    Row("import-by-name", r"""
        # %% step:a
        import importlib
        names = ["math", "json"]
        # %% step:b
        for name in names: globals()[name] = importlib.import_module(name)
        # %% step:c
        print(math.sqrt(4), json.dumps([1]), __import__("string").digits)
    """),
    Row("who-magics", r"""
        # %% step:a
        apple, pear = 1, "p"
        # %% step:b
        def plum(): pass
        # %% step:c
        %who
        # %% step:d
        %who_ls int
        # %% step:e
        %whos str
    """, python_only=False),
    Row("reset-everything", r"""
        # %% step:a
        x = 1
        # %% step:b
        %reset -f
        # %% step:c
        try:
            x
        except NameError as error:
            print(error)
    """, python_only=False),
    Row("reset-selected", r"""
        # %% step:a
        keep_me, drop_me, drop_it = 1, 2, 3
        # %% step:b
        %reset_selective -f ^drop
        # %% step:c
        print([n in globals() for n in ("keep_me", "drop_me", "drop_it")])
        # %% step:d
        %xdel keep_me
        # %% step:e
        print("keep_me" in globals())
    """, python_only=False),
    Row("query-and-eval-strings", r"""
        # %% step:a
        import pandas as pd
        df = pd.DataFrame({"a": [1, 5, 9], "b": [2, 2, 2]})
        k, col = 4, "a"
        # %% step:b
        big = df.query("a > @k")
        # %% step:c
        df.eval("c = a * b + @k", inplace=True)
        # %% step:d
        print(big[col].tolist(), df["c"].tolist(), pd.eval("k + 1"))
    """, needs=("pandas",)),
    Row("query-sees-the-latest-value", r"""
        # %% step:a
        import pandas as pd
        df = pd.DataFrame({"a": [1, 5, 9]})
        k = 0
        # %% step:b
        k = 6
        # %% step:c
        print(df.query("a > @k")["a"].tolist())
    """, needs=("pandas",)),
    Row("operator-names-in-strings", r"""
        # %% step:a
        import operator
        class Conf: depth = 2
        conf = Conf()
        # %% step:b
        setattr(conf, "de" + "pth", 5)
        # %% step:c
        print(getattr(conf, "depth"), operator.attrgetter("depth")(conf))
    """),
    Row("timeit-with-globals", r"""
        # %% step:a
        hits = []
        # %% step:b
        import timeit
        _ = timeit.timeit("hits.append(1)", number=3, globals=globals())
        # %% step:c
        print(hits)
    """),
    Row("code-module-and-runpy", r"""
        # %% step:a
        import runpy
        seed = 3
        # %% step:b
        space = runpy.run_path("piece.py", init_globals={"seed": seed})
        # %% step:c
        print(space["out"], seed)
    """, files={"piece.py": "out = seed * 2\nseed = 0\n"}),
    Row("gc-finds-objects", r"""
        # %% step:a
        class Needle:
            def __init__(self): self.found = False
        needle = Needle()
        # %% step:b
        import gc
        for obj in gc.get_objects():
            if type(obj).__name__ == "Needle":
                obj.found = True
        # %% step:c
        print(needle.found)
    """),
    Row("loop-over-a-copy-of-globals", r"""
        # %% step:a
        df_one, df_two, other = [1], [2, 3], "x"
        # %% step:b
        for name, value in list(globals().items()):
            if name.startswith("df_"):
                value.append(0)
        # %% step:c
        print(df_one, df_two)
    """),
]
