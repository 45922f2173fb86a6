"""Cells, tags and how they make steps."""

from __future__ import annotations

from tests.acceptance.row import Row

ROWS = [
    Row("no-tags-at-all", r"""
        # %%
        x = 1
        # %%
        x += 1
        x
        # %%
        print(x)
    """),
    Row("untagged-cell-belongs-to-the-step-above", r"""
        # %% step:a
        x = [1]
        # %%
        x.append(2)
        # %% step:b
        print(x)
        # %%
        x.append(3)
        # %% step:c
        print(x)
    """),
    Row("untagged-cells-before-any-step", r"""
        # %%
        import math
        def area(r):
            return round(math.pi * r * r, 3)
        # %%
        radius = 2
        print("start")
        # %% step:a
        first = area(radius)
        # %% step:b
        print(first)
    """),
    Row("cells-of-a-step-stand-apart", r"""
        # %% step:a
        x = 1
        # %% step:b
        y = x + 10
        x = 5
        # %% step:a
        x += 100
        # %% step:c
        print(x, y)
    """),
    Row("cells-apart-on-two-steps", r"""
        # %% step:a
        log = ["a1"]
        # %% step:b
        log.append("b1")
        # %% step:a
        log.append("a2")
        # %% step:b
        log.append("b2")
        # %% step:c
        print(log)
    """),
    Row("empty-step-name", r"""
        # %% step:a
        x = 1
        # %% step:
        x += 1
        # %% step:b
        print(x)
    """),
    Row("first-special-tag-wins", r"""
        # %% imports skip
        import math
        # %% step:a skip
        1 / 0
        # %% skip imports
        1 / 0
        # %% step:b
        print(math.floor(2.5))
    """),
    Row("cells-that-no-client-executes", r"""
        # %% step:a
        x = 1
        # %% step:a skip-execution
        x = 1 / 0
        # %% step:b
        print(x)
        # %% step:b skip-execution
        print("never")
        # %%
        x + 1
        """),
    Row("skip-cells-never-run", r"""
        # %% step:a
        x = 1
        # %% skip
        x = 100
        print("explored")
        # %% step:b
        print(x)
        # %% skip
        1 / 0
    """),
    Row("markdown-and-raw-between", r"""
        # %% [markdown]
        # A title
        # %% step:a
        x = 1
        # %% [raw]
        \begin{equation} x = 2 \end{equation}
        # %% [markdown] step:z
        text with a tag
        # %% step:b
        print(x)
    """),
    Row("empty-code-cells-have-no-count", r"""
        # %% step:a
        x = 1
        # %%

        # %% step:b

        # %% step:c
        x
    """),
    Row("comment-only-cell-counts", r"""
        # %% step:a
        x = 1
        # %% step:b
        # nothing but a remark
        # %% step:c
        x
    """),
    Row("foreign-tags-are-kept", r"""
        # %% step:a hide-input my:tag
        x = 1
        # %% remove-cell step:b
        print(x)
        # %% slideshow
        print(x + 1)
    """),
    Row("block-tag-is-step", r"""
        # %% block:a
        x = 2
        # %% block:b
        print(x ** 2)
    """),
    Row("prev-without-data", r"""
        # %% step:a
        print("a")
        # %% step:b
        print("b")
        # %% step:c prev:a prev:b
        print("c")
    """),
    Row("imports-cell-in-the-middle", r"""
        # %% step:a
        x = 3
        # %% imports
        import math
        # %% step:b
        print(math.factorial(x))
        # %% step:c
        print(math.sqrt(x * 3))
    """),
    Row("imports-cell-with-side-effects-runs-once-to-see", r"""
        # %% imports
        import os
        print("imports", "FLAG" in os.environ)
        os.environ["FLAG"] = "1"
        # %% step:a
        x = os.environ["FLAG"]
        # %% step:b
        os.environ["FLAG"] = "2"
        # %% step:c
        print(x, os.environ["FLAG"])
    """),
    Row("functions-cell-reads-what-steps-make", r"""
        # %% functions
        def scaled(x):
            return x * factor
        # %% step:a
        factor = 3
        # %% step:b
        print(scaled(2))
        factor = 4
        # %% step:c
        print(scaled(2))
    """),
    Row("functions-cell-redefined-below", r"""
        # %% functions
        def f():
            return "first"
        # %% step:a
        a = f()
        # %% functions
        def f():
            return "second"
        # %% step:b
        print(a, f())
    """),
    Row("functions-cell-holds-a-mutable-global", r"""
        # %% functions
        calls = []
        def note(x):
            calls.append(x)
            return len(calls)
        # %% step:a
        a = note("a")
        # %% step:b
        b = note("b")
        # %% step:c
        print(a, b, calls)
    """),
    Row("kale-settings-tags", r"""
        # %% step:a limit:cpu:2 image:python label:team:x annotation:note:y
        x = 1
        # %% step:b cache:enabled
        y = x + 1
        # %% step:c cache:disabled
        print(x, y)
    """),
    Row("model-and-dataset-tags", r"""
        # %% step:a dataset:data
        data = {"x": [1, 2, 3]}
        # %% step:b model:model
        model = sum(data["x"])
        # %% step:c
        print(model)
    """),
    Row("metrics-and-gate-cells", r"""
        # %% step:a
        score = 0.5 + 0.25
        # %% metrics
        score
        # %% gate
        assert score > 0.7
        print("passed")
    """),
    Row("settings-in-the-last-step-only", r"""
        # %% step:only
        total = 0
        for i in range(10):
            total += i
        total
    """),
    Row("same-name-made-twice", r"""
        # %% step:a
        x = "a"
        # %% step:use_a
        print(x)
        # %% step:b
        x = "b"
        # %% step:use_b
        print(x)
    """),
    Row("write-after-read", r"""
        # %% step:a
        x = 1
        # %% step:b
        print(x)
        # %% step:c
        x = 2
        # %% step:d
        print(x)
    """),
    Row("many-steps-wide", "\n".join([
        "# %% step:start", "base = 2",
        *(f"# %% step:w{i}\nr{i} = base ** {i}" for i in range(8)),
        "# %% step:join", "print([" + ", ".join(f"r{i}" for i in range(8)) + "])",
    ])),
]
