"""What cells show: text, rich outputs, displays updated later, figures."""

from __future__ import annotations

from tests.acceptance.row import Row

ROWS = [
    Row("last-expression-and-execution-counts", r"""
        # %% step:a
        x = [1, 2]
        x
        # %% step:b
        x + [3]
        # %% step:c
        None
        # %% step:d
        x;
        # %% step:e
        {"a": x}
    """),
    Row("print-end-and-flush", r"""
        # %% step:a
        for i in range(3): print(i, end="", flush=True)
        # %% step:b
        print("no newline", end="")
        # %% step:c
        print("", "sep", sep="/")
    """),
    Row("carriage-return-progress", r"""
        # %% step:a
        for i in range(0, 101, 50): print(f"\r{i:3d}%", end="")
        # %% step:b
        import sys
        sys.stderr.write("\r[##  ]\r[####]\n")
        # %% step:c
        print("done")
    """),
    Row("stdout-and-stderr", r"""
        # %% step:a
        import sys
        print("out 1"); print("err 1", file=sys.stderr)
        print("out 2")
        # %% step:b
        print("only err", file=sys.stderr)
        # %% step:c
        sys.stdout.write("written\n")
    """),
    Row("many-outputs-in-a-cell", r"""
        # %% step:a
        from IPython.display import display, HTML, Markdown
        print("first")
        display(HTML("<b>second</b>"), Markdown("*third*"))
        print("fourth")
        "fifth"
        # %% step:b
        display({"a": 1}, [2])
    """),
    Row("rich-outputs", r"""
        # %% step:a
        from IPython.display import HTML, SVG, JSON, Latex, Image, Math, Javascript
        import base64
        pixel = base64.b64decode(
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
        # %% step:b
        Image(pixel, width=10)
        # %% step:c
        SVG('<svg xmlns="http://www.w3.org/2000/svg"><circle r="3"/></svg>')
        # %% step:d
        JSON({"a": [1]}, expanded=True)
        # %% step:e
        Math(r"x^2")
    """),
    Row("own-reprs", r"""
        # %% step:a
        class Money:
            def __init__(self, n): self.n = n
            def __repr__(self): return f"Money({self.n})"
            def _repr_html_(self): return f"<i>{self.n} EUR</i>"
            def _repr_mimebundle_(self, include=None, exclude=None): return {"application/x-money+json": {"n": self.n}}
        # %% step:b
        m = Money(3)
        m
        # %% step:c
        m.n = 4
        m
    """),
    Row("display-updated-from-a-later-step", r"""
        # %% step:a
        from IPython.display import display
        h = display("waiting", display_id="status")
        handle = display("first", display_id=True)
        # %% step:b
        print(type(h).__name__)
        # %% step:c
        handle.update("second")
        # %% step:d
        from IPython.display import update_display
        update_display("finished", display_id="status")
    """),
    Row("display-updated-by-two-steps", r"""
        # %% step:a
        from IPython.display import display, HTML
        bar = display(HTML("<p>0</p>"), display_id="bar")
        # %% step:b
        bar.update(HTML("<p>1</p>"))
        # %% step:c
        bar.update(HTML("<p>2</p>"))
        # %% step:d
        display("again", display_id="bar")
    """),
    Row("clear-output", r"""
        # %% step:a
        from IPython.display import clear_output
        print("gone")
        clear_output()
        print("stays")
        # %% step:b
        for i in range(3):
            clear_output(wait=True)
            print("round", i)
        # %% step:c
        clear_output()
        # %% step:d
        print("end")
    """),
    Row("figure-in-every-step", r"""
        # %% step:a
        import matplotlib.pyplot as plt
        plt.figure(figsize=(2, 1)); plt.plot([1, 2, 3])
        # %% step:b
        fig, ax = plt.subplots(figsize=(2, 1))
        ax.bar(["x", "y"], [1, 2]);
        # %% step:c
        plt.figure(figsize=(2, 1))
        plt.scatter([1, 2], [2, 1])
        plt.title("third")
        plt.show()
        # %% step:d
        print(plt.get_fignums())
    """, needs=("matplotlib",)),
    Row("figure-changed-in-a-later-step", r"""
        # %% step:a
        import matplotlib.pyplot as plt
        fig, ax = plt.subplots(figsize=(2, 1))
        ax.plot([1, 2])
        # %% step:b
        ax.set_title("later")
        fig
        # %% step:c
        print(len(ax.lines), ax.get_title(), ax.figure is fig)
    """, needs=("matplotlib",)),
    Row("figure-closed-before-it-shows", r"""
        # %% step:a
        import matplotlib.pyplot as plt
        fig = plt.figure(figsize=(2, 1)); plt.plot([3, 1])
        plt.close(fig)
        # %% step:b
        print("nothing was shown", plt.get_fignums())
        # %% step:c
        fig
    """, needs=("matplotlib",)),
    Row("figure-left-open-across-steps", r"""
        # %% step:a
        %config InlineBackend.close_figures = False
        import matplotlib.pyplot as plt
        plt.figure(figsize=(2, 1)); plt.plot([1, 2])
        # %% step:b
        plt.plot([2, 1])
        print(plt.get_fignums())
        # %% step:c
        plt.close("all")
        print(plt.get_fignums())
    """, needs=("matplotlib",), python_only=False),
    Row("figure-saved-to-a-file", r"""
        # %% step:a
        import matplotlib; matplotlib.use("agg")
        import matplotlib.pyplot as plt
        plt.figure(figsize=(2, 1)); plt.plot([1, 2])
        # %% step:b
        plt.savefig("plot.png")
        # %% step:c
        print(open("plot.png", "rb").read(4), matplotlib.get_backend())
    """, needs=("matplotlib",)),
    Row("inline-backend-configured", r"""
        # %% step:a
        %matplotlib inline
        %config InlineBackend.figure_format = "retina"
        # %% step:b
        import matplotlib.pyplot as plt
        # %% step:c
        plt.figure(figsize=(1, 1)); plt.plot([1, 2]);
    """, needs=("matplotlib",), python_only=False),
    Row("pandas-table-and-plot", r"""
        # %% step:a
        import pandas as pd
        df = pd.DataFrame({"a": [1, 2], "b": [0.5, None]}, index=pd.Index(["x", "y"], name="i"))
        # %% step:b
        df
        # %% step:c
        df.plot(figsize=(2, 1));
        # %% step:d
        df.style.format(precision=1).set_uuid("u")
    """, needs=("pandas", "matplotlib")),
    Row("formatters-registered", r"""
        # %% step:a
        text = get_ipython().display_formatter.formatters["text/plain"]
        _ = text.for_type(int, lambda n, p, cycle: p.text(f"int:{n}"))
        # %% step:b
        41
        # %% step:c
        [1, 2]
    """),
    Row("precision-and-pretty-printing", r"""
        # %% step:a
        %precision 3
        # %% step:b
        3.14159265
        # %% step:c
        %pprint
        # %% step:d
        list(range(40))
    """, python_only=False),
    Row("node-interactivity", r"""
        # %% step:a
        from IPython.core.interactiveshell import InteractiveShell
        InteractiveShell.ast_node_interactivity = "all"
        # %% step:b
        1 + 1
        2 + 2
        # %% step:c
        "x"
        "y"
    """),
    Row("displayhook-and-excepthook-replaced", r"""
        # %% step:a
        import sys
        shown = []
        original = sys.displayhook
        def note(value): shown.append(value)
        # %% step:b
        sys.displayhook = note
        # %% step:c
        123
        # %% step:d
        sys.displayhook = original
        shown
    """),
    Row("long-output-and-nested-containers", r"""
        # %% step:a
        data = {"k" * 30: list(range(30)), "t": ("a", {"b": {1, 2}})}
        # %% step:b
        data
        # %% step:c
        from pprint import pprint
        pprint(data, width=30)
    """),
    Row("output-captured-in-a-variable", r"""
        # %% step:a
        from IPython.utils.capture import capture_output
        with capture_output() as cap:
            print("hidden")
        # %% step:b
        print(repr(cap.stdout))
        # %% step:c
        cap.show()
    """),
    Row("redirect-stdout", r"""
        # %% step:a
        import contextlib, io
        buffer = io.StringIO()
        # %% step:b
        with contextlib.redirect_stdout(buffer):
            print("into the buffer")
        # %% step:c
        print(buffer.getvalue().upper())
    """),
    Row("publish-display-data-with-metadata", r"""
        # %% step:a
        from IPython.display import publish_display_data
        publish_display_data({"text/plain": "plain", "application/x-row+json": {"n": 1}}, {"isolated": True})
        # %% step:b
        from IPython.display import display
        display({"text/plain": "raw"}, raw=True, metadata={"m": 1})
    """),
]
