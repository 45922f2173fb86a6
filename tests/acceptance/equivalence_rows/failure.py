"""Cells that fail: allowed to, or not."""

from __future__ import annotations

from tests.acceptance.row import Row

ROWS = [
    Row("failing-step", r"""
        # %% step:a
        x = 1
        # %% step:b
        print("before")
        x / 0
        # %% step:c
        print("never", x)
    """, compare="error"),
    Row("failing-step-with-an-independent-one", r"""
        # %% step:a
        raise ValueError("bad data in row 3")
        # %% step:b
        print("independent")
    """, compare="error"),
    Row("name-error-for-a-name-below", r"""
        # %% step:a
        print(total)
        # %% step:b
        total = 3
    """, compare="error"),
    Row("name-deleted-then-read", r"""
        # %% step:a
        x = 1
        # %% step:b
        del x
        # %% step:c
        print(x)
    """, compare="error"),
    Row("own-exception-class", r"""
        # %% step:a
        class DataError(Exception):
            def __str__(self): return f"data is bad: {self.args[0]}"
        # %% step:b
        def check(n):
            if n > 2:
                raise DataError(n)
        check(1)
        # %% step:c
        check(3)
    """, compare="error"),
    Row("exception-chain", r"""
        # %% step:a
        def load(key):
            try:
                return {}[key]
            except KeyError as error:
                raise RuntimeError("could not load") from error
        # %% step:b
        load("x")
    """, compare="error"),
    Row("failure-after-a-mutation", r"""
        # %% step:a
        log = []
        # %% step:b raises-exception
        log.append("half")
        raise RuntimeError("in the middle")
        # %% step:c
        print(log)
    """),
    Row("allowed-failure-keeps-earlier-bindings", r"""
        # %% step:a raises-exception
        x = 1
        y = 1 / 0
        z = 3
        # %% step:b
        print(x, "y" in globals(), "z" in globals())
    """),
    Row("allowed-failure-through-an-earlier-function", r"""
        # %% step:a
        def half(x):
            # the line below is shown in the traceback
            return x / 2
        # %% step:b
        def quarter(x):
            return half(half(x))
        # %% step:c raises-exception
        quarter("four")
        # %% step:d
        print(quarter(4))
    """),
    Row("allowed-failure-through-a-module", r"""
        # %% step:a
        import fragile_module
        # %% step:b raises-exception
        fragile_module.snap()
        # %% step:c
        print("after")
    """, files={"fragile_module.py": "def snap():\n    raise OSError(5, 'snapped')\n"}),
    Row("allowed-failure-from-a-callback", r"""
        # %% step:a
        handlers = {}
        def on(name): return lambda f: handlers.setdefault(name, f)
        # %% step:b
        @on("go")
        def go(x):
            return x["missing"]
        # %% step:c raises-exception
        handlers["go"]({})
    """),
    Row("exception-group", r"""
        # %% step:a
        def many(): raise ExceptionGroup("several", [ValueError(1), TypeError("t")])
        # %% step:b
        try:
            many()
        except* ValueError as group:
            print(len(group.exceptions))
        except* TypeError:
            print("types too")
        # %% step:c raises-exception
        many()
    """),
    Row("tag-raises-exception-but-nothing-fails", r"""
        # %% step:a raises-exception
        print("fine")
        # %% step:b
        print("goes on")
    """),
    Row("assertion-with-a-message", r"""
        # %% step:a
        score = 0.4
        # %% step:gate
        assert score > 0.5, f"score {score} is too low"
        # %% step:b
        print("deployed")
    """, compare="error"),
    Row("syntax-error-allowed", r"""
        # %% step:a
        x = 1
        # %% step:b raises-exception
        eval("x +")
        # %% step:c
        print(x)
    """),
    Row("system-exit-with-a-message", r"""
        # %% step:a
        x = 1
        # %% step:b
        raise SystemExit("stop here")
        # %% step:c
        print(x)
    """, compare="error"),
    Row("sys-exit-allowed", r"""
        # %% step:a
        import sys
        x = 1
        # %% step:b raises-exception
        sys.exit(0)
        # %% step:c
        print("the kernel lives on", x)
    """),
    Row("sys-exit-stops", r"""
        # %% step:a
        import sys
        print("done early")
        # %% step:b
        sys.exit(0)
        # %% step:c
        print("not reached")
    """, compare="error"),
    Row("keyboard-interrupt-raised", r"""
        # %% step:a
        raise KeyboardInterrupt
        # %% step:b
        print("not reached")
    """, compare="error"),
    Row("import-error", r"""
        # %% step:a
        x = 1
        # %% step:b
        import a_module_that_is_not_there
    """, compare="error"),
    Row("optional-import", r"""
        # %% step:a
        try:
            import a_module_that_is_not_there as fast
        except ImportError:
            fast = None
        # %% step:b
        print(fast)
    """),
    Row("input-has-nobody-to-ask", r"""
        # %% step:a
        x = 1
        # %% step:b
        name = input("who? ")
    """, compare="error"),
    Row("fails-only-on-what-a-branch-left", r"""
        # %% step:a
        items = []
        # %% step:left
        items.append("x")
        # %% step:right
        assert not items, f"expected none, got {items}"
    """, compare="error"),
    Row("fails-only-when-not-run-early", r"""
        # %% step:a
        import os
        # %% step:left
        os.mkdir("once")
        # %% step:right
        os.mkdir("once")
        # %% step:c
        print("not reached")
    """, compare="error"),
    Row("error-text-holds-objects", r"""
        # %% step:a
        rows = [{"id": 1}, {"id": 2}]
        # %% step:b raises-exception
        raise LookupError("no such row", rows[1])
        # %% step:c
        print(rows)
    """),
    Row("failure-in-the-imports-cell", r"""
        # %% imports
        from math import no_such_function
        # %% step:a
        print(1)
    """, compare="error"),
    Row("failure-in-a-later-cell-of-a-step", r"""
        # %% step:a
        print("first cell")
        # %% step:a
        int("x1")
        # %% step:a
        print("third cell")
        # %% step:b
        print("second step")
    """, compare="error"),
    Row("failure-by-a-parameter", r"""
        # %% parameters
        n = 2
        # %% step:a
        print([10, 20, 30][n])
    """, params={"n": 5}, compare="error"),
    Row("failure-shown-by-hand", r"""
        # %% step:a
        import traceback
        def fail(): raise ValueError("shown by hand")
        # %% step:b
        try:
            fail()
        except ValueError:
            print(traceback.format_exc().splitlines()[-1])
            get_ipython().showtraceback()
        print("in the same cell")
        # %% step:c
        print("and on")
    """),
    Row("custom-exception-handler", r"""
        # %% step:a
        def calm(shell, kind, value, tb, tb_offset=None): print("calmly:", value)
        get_ipython().set_custom_exc((ValueError,), calm)
        # %% step:b raises-exception
        raise ValueError("handled")
        # %% step:c
        print("next")
    """),
]
