"""IPython's memory: past inputs and outputs."""

from __future__ import annotations

from tests.acceptance.row import Row

ROWS = [
    Row("underscore", r"""
        # %% step:a
        6 * 7
        # %% step:b
        print(_)
        # %% step:c
        _ + 1
        # %% step:d
        print(_, __, ___)
    """),
    Row("out-by-number", r"""
        # %% step:a
        "first"
        # %% step:b
        x = 1
        # %% step:c
        "third"
        # %% step:d
        print(Out[1], Out[3], sorted(Out), _1, _3)
    """),
    Row("out-is-the-object-itself", r"""
        # %% step:a
        items = [1]
        items
        # %% step:b
        Out[1].append(2)
        # %% step:c
        print(items, Out[1] is items, _oh[1] is _1)
    """),
    Row("in-and-previous-inputs", r"""
        # %% step:a
        a = 1  # first
        # %% step:b
        print(In[1], len(In), repr(_i))
        # %% step:c
        print(_i1, "|", _ii.splitlines()[0], "|", _ih[2] == In[2])
    """),
    Row("underscore-bound-by-a-loop", r"""
        # %% step:a
        10
        # %% step:b
        for _ in range(3): pass
        # %% step:c
        99
        # %% step:d
        print(_)
        # %% step:e
        del _
        # %% step:f
        7
        # %% step:g
        print(_)
    """),
    Row("underscore-as-gettext", r"""
        # %% step:a
        _ = lambda s: s.upper()
        # %% step:b
        "value"
        # %% step:c
        print(_("hello"), Out[2])
    """),
    Row("semicolon-keeps-out-of-the-memory", r"""
        # %% step:a
        1
        # %% step:b
        2;
        # %% step:c
        print(_, sorted(Out))
    """),
    Row("history-magic", r"""
        # %% step:a
        x = 1
        # %% step:b
        y = x + 1
        # %% step:c
        %history -n
        # %% step:d
        %history 1-2
    """, python_only=False),
    Row("rerun-and-macro", r"""
        # %% step:a
        count = 0
        # %% step:b
        count += 1
        # %% step:c
        %macro -q again 2
        # %% step:d
        again
        # %% step:e
        %rerun 2
        # %% step:f
        print(count)
    """, python_only=False),
    Row("execution-count-asked-for", r"""
        # %% step:a
        get_ipython().execution_count
        # %% step:b

        # %% skip
        1
        # %% step:c
        get_ipython().execution_count
    """),
    Row("history-accessed-through-the-shell", r"""
        # %% step:a
        marker = "a"
        # %% step:b
        ip = get_ipython()
        # %% step:c
        print(ip.history_manager.input_hist_raw[1], list(ip.history_manager.output_hist))
    """),
    Row("exit-code-and-last-error", r"""
        # %% step:a raises-exception
        1 / 0
        # %% step:b
        import sys
        print(sys.last_type.__name__, sys.last_value)
    """),
    Row("shell-exit-code", r"""
        # %% step:a
        !exit 3
        # %% step:b
        print(_exit_code)
    """, python_only=False),
    Row("output-cache-after-a-failing-cell", r"""
        # %% step:a
        "kept"
        # %% step:b raises-exception
        raise ValueError("no")
        # %% step:c
        print(_, sorted(Out), len(In))
    """),
]
