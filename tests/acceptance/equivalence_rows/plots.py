"""Plots: figures that are closed or stay open, what draws them, progress bars, display handles, what is no change."""

from __future__ import annotations

from tests.acceptance.row import Row

MPL = ("matplotlib",)
FRAMES = ("matplotlib", "pandas")

ROWS = [
    # -- display handles
    Row("handle-updated-by-a-later-cell-of-the-step", r"""
        # %% step:slow
        print("slow")
        # %% step:b
        from IPython.display import display
        bar = display("0%", display_id="bar")
        total = 0
        # %%
        for i in range(3):
            total += i
            bar.update(f"{(i + 1) * 33}%")
        # %%
        print(total)
    """),
    Row("handle-updated-in-its-own-cell-and-later", r"""
        # %% step:a
        from IPython.display import display
        bar = display("first", display_id="bar")
        bar.update("second")
        print("between")
        display("again", display_id="bar")
        # %% step:b
        bar.update("third")
        # %% step:c
        print("nothing to do with it")
        # %%
        bar.update("fourth")
    """),
    Row("handle-shown-in-several-cells", r"""
        # %% step:a
        from IPython.display import display, update_display
        display("one", display_id="x")
        # %%
        display("two", display_id="x")
        display("other", display_id="y")
        # %% step:b
        display("three", display_id="x")
        # %% step:c
        update_display("four", display_id="x")
        # %%
        update_display("five", display_id="y")
    """),
    Row("handle-updated-by-steps-that-know-its-name-alone", r"""
        # %% step:a
        from IPython.display import display, update_display
        display("waiting", display_id="status")
        # %% step:b
        update_display("first", display_id="status")
        # %% step:c
        update_display({"text/plain": "raw"}, display_id="status", raw=True)
        # %% step:d
        update_display("nobody shows this", display_id="unknown")
        print("end")
    """),
    Row("handle-with-metadata-and-pictures", r"""
        # %% step:a
        from IPython.display import display, HTML, Markdown
        h = display(HTML("<b>0</b>"), display_id="h", metadata={"text/html": {"isolated": True}})
        # %% step:b
        h.update(Markdown("*1*"))
        # %% step:c
        h.display(HTML("<i>2</i>"))
    """),
    Row("handle-in-a-cell-that-clears-its-output", r"""
        # %% step:a
        from IPython.display import display, clear_output
        h = display("gone", display_id="h")
        clear_output()
        h2 = display("stays", display_id="h2")
        # %%
        h.update("nobody sees it")
        h2.update("seen")
        # %% step:b
        for i in range(3):
            clear_output(wait=True)
            display(i, display_id="round")
        # %%
        h2.update("seen again")
        h.display("shown after all")
    """),
    Row("handle-of-a-function-that-shows-progress", r"""
        # %% step:a
        from IPython.display import display
        def progress(steps, name):
            shown = display(f"{name}: 0", display_id=name)
            for number in range(steps):
                yield number
                shown.update(f"{name}: {number + 1}")
        # %% step:b
        print(sum(progress(3, "b")))
        # %% step:c
        values = [n * n for n in progress(4, "c")]
        # %%
        values
    """),
    Row("handle-updated-in-a-cell-that-fails-and-may", r"""
        # %% step:a
        from IPython.display import display
        h = display("start", display_id="h")
        # %% step:b raises-exception
        h.update("before the error")
        1 / 0
        # %% step:c
        h.update("after the error")
    """),
    Row("clear-output-in-all-its-ways", r"""
        # %% step:a
        from IPython.display import clear_output, display
        print("a"); clear_output(); print("b"); clear_output(wait=True)
        # %% step:b
        print("c"); clear_output(wait=True); print("d")
        # %% step:c
        display(1); display(2); clear_output(wait=True)
        # %%
        display(3); clear_output(wait=True); display(4)
    """),
    # -- figures that are closed at the end of their cell
    Row("plot-and-nothing-else", r"""
        # %% imports
        import matplotlib.pyplot as plt
        # %% step:a
        plt.plot([1, 2]); plt.show()
        # %% step:b
        plt.figure(figsize=(2, 1)); plt.plot([2, 1]); plt.show()
        # %% step:c
        plt.bar([1, 2], [3, 4]);
    """, needs=MPL),
    Row("plot-imported-by-each-step", r"""
        # %% step:a
        import matplotlib.pyplot as plt
        plt.figure(figsize=(2, 1)); plt.plot([1, 2])
        plt.show()
        # %% step:b
        from matplotlib import pyplot
        pyplot.figure(figsize=(2, 1)); pyplot.hist([1, 2, 2, 3])
        # %% step:c
        import pylab
        pylab.figure(figsize=(2, 1)); pylab.scatter([1], [2])
    """, needs=MPL),
    Row("figure-and-axes-used-later", r"""
        # %% step:a
        import matplotlib.pyplot as plt
        fig, ax = plt.subplots(figsize=(2, 1))
        line, = ax.plot([1, 2], label="one")
        # %% step:b
        ax.set_title("later"); ax.legend()
        fig
        # %% step:c
        line.set_ydata([2, 1]); ax.relim(); ax.autoscale_view()
        fig
        # %% step:d
        print(len(fig.axes), ax.get_title(), line.get_ydata(), fig.canvas.manager)
    """, needs=MPL),
    Row("figure-with-shared-and-twin-axes", r"""
        # %% step:a
        import matplotlib.pyplot as plt
        fig, axes = plt.subplots(2, 2, figsize=(3, 2), sharex=True, sharey="row")
        axes[0, 0].plot([0, 10], [0, 5]); twin = axes[0, 0].twinx(); twin.plot([0, 5], [100, 0])
        # %% step:b
        axes[1, 1].set_xlim(2, 4)
        print([ax.get_xlim() for ax in axes.flat], twin.get_xlim())
        fig
        # %% step:c
        axes[0, 0].set_ylim(-1, 1)
        print([tuple(map(float, ax.get_ylim())) for ax in axes.flat])
        fig
    """, needs=MPL),
    Row("colour-bar-follows-its-image-after-a-hand-off", r"""
        # %% step:a
        import numpy as np, matplotlib.pyplot as plt
        fig, ax = plt.subplots(figsize=(2, 2))
        image = ax.imshow(np.arange(12).reshape(3, 4)); bar = fig.colorbar(image)
        # %% step:b
        image.set_clim(2, 5)
        print(bar.vmin, bar.vmax, bar.ax.get_ylim())
        fig
        # %% step:c
        image.set_cmap("gray"); image.set_data(np.ones((3, 4)))
        fig
    """, needs=MPL),
    Row("figure-with-callbacks", r"""
        # %% step:a
        import matplotlib.pyplot as plt
        seen = []
        fig, ax = plt.subplots(figsize=(2, 1))
        cid = ax.callbacks.connect("xlim_changed", lambda axes: seen.append(axes.get_xlim()))
        drawn = fig.canvas.mpl_connect("draw_event", lambda event: seen.append("drawn"))
        # %% step:b
        ax.set_xlim(1, 5)
        print(seen, cid)
        # %% step:c
        fig.canvas.draw(); print(seen)
        # %% step:d
        ax.callbacks.disconnect(cid); ax.set_xlim(0, 1); print(len(seen))
        print(ax.callbacks.connect("ylim_changed", print))
    """, needs=MPL),
    Row("figure-with-subfigures-and-mosaic", r"""
        # %% step:a
        import matplotlib.pyplot as plt
        fig = plt.figure(figsize=(3, 2), layout="constrained")
        left, right = fig.subfigures(1, 2)
        one = left.subplots(); two = right.subplot_mosaic("A;B")
        # %% step:b
        one.plot([1, 2]); two["B"].bar([1], [2]); left.suptitle("left")
        fig
        # %% step:c
        print(len(fig.subfigs), sorted(two), one.get_figure(root=True).subfigs[0].get_suptitle())
        fig
    """, needs=MPL),
    Row("figure-of-dates-and-categories", r"""
        # %% step:a
        import datetime, matplotlib.pyplot as plt
        fig, (one, two) = plt.subplots(1, 2, figsize=(4, 1))
        one.plot([datetime.date(2024, 1, d) for d in (1, 5, 9)], [1, 3, 2])
        two.bar(["x", "y"], [1, 2])
        # %% step:b
        one.plot([datetime.date(2024, 1, 12)], [5], "o")
        two.bar(["z", "x"], [3, 1])
        fig.autofmt_xdate()
        fig
        # %% step:c
        print([t.get_text() for t in two.get_xticklabels()], one.get_xlim())
    """, needs=MPL),
    Row("figure-with-formatters-of-the-notebook", r"""
        # %% step:a
        import matplotlib.pyplot as plt
        from matplotlib.ticker import FuncFormatter, MultipleLocator
        unit = "EUR"
        fig, ax = plt.subplots(figsize=(3, 1)); ax.plot([0, 4], [0, 4])
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, at: f"{value:.0f} {unit}"))
        ax.xaxis.set_major_locator(MultipleLocator(2))
        # %% step:b
        unit = "USD"
        fig
        # %% step:c
        fig.canvas.draw(); print([t.get_text() for t in ax.get_yticklabels()])
    """, needs=MPL),
    Row("figure-in-three-dimensions-and-polar", r"""
        # %% step:a
        import numpy as np, matplotlib.pyplot as plt
        fig = plt.figure(figsize=(4, 2))
        space = fig.add_subplot(121, projection="3d"); round_ = fig.add_subplot(122, projection="polar")
        space.plot([0, 1], [0, 1], [0, 1])
        # %% step:b
        space.view_init(10, 20); round_.plot(np.linspace(0, 6, 20), np.linspace(0, 1, 20))
        fig
        # %% step:c
        print(space.elev, round_.name, space.get_zlim())
    """, needs=MPL),
    Row("figure-of-everything-at-once", r"""
        # %% step:a
        import numpy as np, matplotlib.pyplot as plt
        x = np.linspace(0, 3, 30)
        fig, axes = plt.subplots(2, 3, figsize=(6, 3))
        axes[0, 0].hist(np.sin(x)); axes[0, 1].scatter(x, x ** 2, c=x); axes[0, 2].fill_between(x, np.sin(x))
        axes[1, 0].errorbar(x[::9], x[::9], yerr=0.2); axes[1, 1].boxplot([x, x ** 2])
        axes[1, 2].contour(np.outer(x, x))
        # %% step:b
        for ax in axes.flat: ax.grid(True)
        axes[0, 0].annotate("here", (0, 1), (0.2, 2), arrowprops={"arrowstyle": "->"})
        axes[0, 0].text(0.1, 0.9, "text", transform=axes[0, 0].transAxes)
        axes[1, 1].axhline(2, color="red"); axes[0, 1].inset_axes([0.1, 0.6, 0.3, 0.3])
        fig.suptitle("all"); fig.tight_layout()
        fig
        # %% step:c
        axes[0, 1].secondary_xaxis("top"); fig.align_labels(); axes[1, 0].set_yscale("log")
        fig
    """, needs=MPL),
    Row("figures-in-a-list-and-made-by-a-function", r"""
        # %% functions
        import matplotlib.pyplot as plt
        def draw(values, title):
            fig, ax = plt.subplots(figsize=(2, 1))
            ax.plot(values); ax.set_title(title)
            return fig
        # %% step:a
        figures = [draw([1, 2], "first"), draw([2, 1], "second")]
        # %% step:b
        figures[1]
        # %% step:c
        figures.append(draw([1, 1], "third")); len(figures)
        # %% step:d
        [fig.axes[0].get_title() for fig in figures]
    """, needs=MPL),
    Row("figure-whose-data-the-notebook-changes", r"""
        # %% step:a
        import numpy as np, matplotlib.pyplot as plt
        data = np.arange(9.0).reshape(3, 3)
        fig, ax = plt.subplots(figsize=(2, 2)); image = ax.imshow(data); ax.plot(data[0], data[1])
        # %% step:b
        data[0, 0] = 100
        print(image.get_array()[0, 0], ax.lines[0].get_xdata()[0])
        fig
        # %% step:c
        image.get_array()[1, 1] = -5; print(data[1, 1])
    """, needs=MPL),
    Row("figure-made-without-pyplot", r"""
        # %% step:a
        import matplotlib.pyplot as plt
        plt.figure(figsize=(1, 1)); plt.plot([1])
        # %% step:b
        from matplotlib.figure import Figure
        fig = Figure(figsize=(2, 1)); ax = fig.subplots(); ax.plot([1, 2])
        fig
        # %% step:c
        ax.set_title("alone")
        fig
    """, needs=MPL),
    Row("figure-made-without-pyplot-or-a-backend", r"""
        # %% step:a
        from matplotlib.figure import Figure
        fig = Figure(figsize=(2, 1)); ax = fig.subplots()
        # %% step:b
        ax.plot([1, 2])
        fig
        # %% step:c
        import matplotlib.pyplot as plt
        plt.figure(figsize=(1, 1)); plt.plot([2, 1])
        # %% step:d
        fig
    """, needs=MPL),
    # -- figures that stay open
    Row("figure-left-open-and-drawn-on", r"""
        # %% step:a
        %config InlineBackend.close_figures = False
        import matplotlib.pyplot as plt
        fig, ax = plt.subplots(figsize=(2, 1))
        ax.plot([1, 2]); print(plt.get_fignums())
        # %% step:b
        plt.plot([2, 1]); print(plt.get_fignums(), len(ax.lines))
        plt.figure(7, figsize=(1, 1)); plt.plot([1, 3])
        # %% step:c
        print(plt.gcf().number, plt.get_fignums()); plt.figure(1); plt.title("one"); fig
        # %% step:d
        plt.close("all"); print(plt.get_fignums())
        # %% step:e
        print(plt.get_fignums(), ax.get_title())
        fig
    """, needs=MPL, python_only=False),
    Row("figure-left-open-under-a-name", r"""
        # %% step:a
        %config InlineBackend.close_figures = False
        import matplotlib.pyplot as plt
        plt.figure("main", figsize=(2, 1)); plt.plot([1, 2])
        # %% step:b
        plt.figure("other", figsize=(2, 1)); plt.plot([3, 4])
        # %% step:c
        plt.figure("main"); plt.plot([2, 1]); print(plt.get_figlabels(), plt.get_fignums(), len(plt.gca().lines))
        # %% step:d
        plt.close("other"); print(plt.get_figlabels(), plt.gcf().get_label())
    """, needs=MPL, python_only=False),
    Row("figure-open-with-agg", r"""
        # %% step:a
        import matplotlib
        matplotlib.use("agg")
        import matplotlib.pyplot as plt
        # %% step:b
        plt.figure(figsize=(2, 1)); plt.plot([1, 2])
        # %% step:c
        plt.plot([2, 1]); plt.title("x")
        print(plt.get_fignums(), matplotlib.get_backend(), plt.isinteractive(), len(plt.gca().lines))
        # %% step:d
        import io; buffer = io.BytesIO(); plt.savefig(buffer); print(len(buffer.getvalue()) > 1000)
        plt.close()
        # %% step:e
        print(plt.get_fignums()); plt.plot([5])
    """, needs=MPL),
    Row("backend-by-another-name", r"""
        # %% imports
        %matplotlib inline
        import matplotlib
        import matplotlib.pyplot as plt
        # %% step:a
        print(matplotlib.rcParams["backend"])
        # %% step:b
        plt.figure(figsize=(2, 1)); plt.plot([1, 2]); print(matplotlib.rcParams["backend"])
        # %% step:c
        plt.switch_backend("module://matplotlib_inline.backend_inline"); print(matplotlib.rcParams["backend"])
        # %% step:d
        plt.figure(figsize=(2, 1)); plt.plot([2, 1]); print(matplotlib.rcParams["backend"])
    """, needs=MPL, python_only=False),
    Row("backend-switched-and-back", r"""
        # %% step:a
        import matplotlib.pyplot as plt
        plt.figure(figsize=(2, 1)); plt.plot([1, 2])
        # %% step:b
        plt.switch_backend("agg")
        # %% step:c
        plt.figure(figsize=(2, 1)); plt.plot([2, 1]); print(plt.get_fignums())
        # %% step:d
        plt.close("all")
        %matplotlib inline
        # %% step:e
        plt.figure(figsize=(2, 1)); plt.plot([2, 2])
    """, needs=MPL, python_only=False),
    Row("interactive-mode-off", r"""
        # %% step:a
        import matplotlib.pyplot as plt
        plt.ioff()
        # %% step:b
        fig, ax = plt.subplots(figsize=(2, 1)); ax.plot([1, 2])
        # %% step:c
        plt.plot([2, 1]); print(plt.get_fignums())
        # %% step:d
        plt.show()
        # %% step:e
        print(plt.get_fignums(), plt.isinteractive()); plt.ion()
        # %% step:f
        plt.figure(figsize=(1, 1)); plt.plot([1])
    """, needs=MPL),
    Row("interactive-mode-off-after-a-first-plot", r"""
        # %% step:a
        import matplotlib.pyplot as plt
        plt.figure(figsize=(2, 1)); plt.plot([1, 2])
        # %% step:b
        plt.ioff()
        # %% step:c
        plt.figure(figsize=(2, 1)); plt.plot([2, 1])
        # %% step:d
        print(plt.get_fignums())
        plt.show()
    """, needs=MPL),
    Row("interactive-mode-asked-for", r"""
        # %% step:a
        import matplotlib.pyplot as plt
        print(plt.isinteractive())
        # %% step:b
        plt.figure(figsize=(2, 1)); plt.plot([1, 2]); plt.show()
        # %% step:c
        print(plt.isinteractive())
    """, needs=MPL),
    # -- how they look
    Row("style-for-the-rest-of-the-notebook", r"""
        # %% step:a
        import matplotlib.pyplot as plt
        plt.style.use("ggplot")
        # %% step:b
        plt.figure(figsize=(2, 1)); plt.plot([1, 2])
        # %% step:c
        with plt.style.context("dark_background"):
            plt.figure(figsize=(2, 1)); plt.plot([2, 1])
            plt.show()
        # %% step:d
        plt.rcParams["lines.linewidth"] = 4
        plt.rc("axes", grid=False)
        # %% step:e
        plt.figure(figsize=(2, 1)); plt.plot([2, 2])
        # %% step:f
        plt.rcdefaults(); plt.figure(figsize=(2, 1)); plt.plot([2, 3])
    """, needs=MPL),
    Row("formats-of-the-inline-backend", r"""
        # %% step:a
        %matplotlib inline
        %config InlineBackend.figure_formats = ["svg"]
        import matplotlib.pyplot as plt
        plt.rcParams["svg.hashsalt"] = "fixed"; plt.rcParams["svg.fonttype"] = "none"
        %config InlineBackend.print_figure_kwargs = {"metadata": {"Date": None}}
        # %% step:b
        plt.figure(figsize=(1, 1)); plt.axis("off"); plt.plot([1, 2]);
        # %% step:c
        %config InlineBackend.figure_formats = ["png"]
        # %% step:d
        plt.figure(figsize=(1, 1)); plt.plot([1, 2]);
    """, needs=MPL, python_only=False),
    Row("formats-set-by-a-function", r"""
        # %% step:a
        import matplotlib.pyplot as plt
        from matplotlib_inline.backend_inline import set_matplotlib_formats
        set_matplotlib_formats("jpeg")
        # %% step:b
        plt.figure(figsize=(1, 1)); plt.plot([1, 2]);
        # %% step:c
        plt.figure(figsize=(1, 1)); plt.plot([2, 1]);
    """, needs=MPL),
    Row("pyplot-patched-by-the-notebook", r"""
        # %% step:a
        import matplotlib.pyplot as plt
        plt.figure(figsize=(1, 1)); plt.plot([1]); plt.show()
        # %% step:b
        plt.title = plt.xlabel
        # %% step:c
        fig, ax = plt.subplots(figsize=(2, 1)); plt.title("below")
        # %% step:d
        print(repr(ax.get_title()), ax.get_xlabel())
    """, needs=MPL),
    Row("pyplot-patched-under-a-name-made-at-run-time", r"""
        # %% step:a
        import matplotlib.pyplot as plt
        for name in ("title",): setattr(plt, name, plt.ylabel)
        # %% step:b
        fig, ax = plt.subplots(figsize=(2, 1)); plt.title("left")
        # %% step:c
        print(repr(ax.get_title()), ax.get_ylabel())
    """, needs=MPL),
    # -- other libraries that draw
    Row("plots-of-pandas", r"""
        # %% imports
        import pandas as pd
        # %% step:a
        df = pd.DataFrame({"a": [1, 3, 2], "b": [2.5, 1, 4]}, index=pd.date_range("2024-01-01", periods=3))
        # %% step:b
        df.plot(figsize=(2, 1))
        # %% step:c
        axes = df.hist(figsize=(2, 1))
        # %% step:d
        ax = df.plot.bar(figsize=(2, 1), legend=False); ax.set_title("bars");
        # %% step:e
        df["a"].plot(kind="box", figsize=(2, 1)); print(ax.get_title(), axes.shape)
    """, needs=FRAMES),
    Row("plot-of-pandas-on-given-axes", r"""
        # %% step:a
        import pandas as pd, matplotlib.pyplot as plt
        df = pd.DataFrame({"g": list("aab"), "v": [1, 2, 3]})
        fig, ax = plt.subplots(1, 2, figsize=(4, 1))
        # %% step:b
        df.groupby("g")["v"].sum().plot.bar(ax=ax[0])
        fig
        # %% step:c
        df.v.plot(ax=ax[1]); df
        # %% step:d
        fig
        # %% step:e
        print(df.v.sum(), [len(a.patches) for a in ax])
    """, needs=FRAMES),
    Row("plots-of-statsmodels", r"""
        # %% step:a
        import numpy as np, statsmodels.api as sm
        x = sm.add_constant(np.arange(12.0)); y = np.arange(12.0) * 2 + np.sin(np.arange(12))
        result = sm.OLS(y, x).fit()
        # %% step:b
        fig = sm.graphics.plot_fit(result, 1)
        # %% step:c
        sm.qqplot(result.resid, line="s");
        # %% step:d
        from statsmodels.graphics.tsaplots import plot_acf
        plot_acf(y, lags=4); print(len(fig.axes))
        # %% step:e
        print(result.params.round(3))
    """, needs=("matplotlib", "statsmodels")),
    Row("plots-of-scikit-learn", r"""
        # %% step:a
        import numpy as np
        from sklearn.linear_model import LogisticRegression
        from sklearn.metrics import ConfusionMatrixDisplay, RocCurveDisplay
        x = np.arange(20.0).reshape(-1, 1); y = (np.arange(20) > 9).astype(int); y[3] = 1
        # %% step:b
        model = LogisticRegression().fit(x, y)
        # %% step:c
        shown = ConfusionMatrixDisplay.from_estimator(model, x, y)
        # %% step:d
        RocCurveDisplay.from_predictions(y, model.predict_proba(x)[:, 1]);
        # %% step:e
        print(shown.confusion_matrix)
    """, needs=("matplotlib", "sklearn")),
    Row("plots-of-seaborn", r"""
        # %% step:a
        import pandas as pd, seaborn as sns
        sns.set_theme(style="whitegrid")
        df = pd.DataFrame({"x": [1, 2, 3, 4], "y": [2, 1, 4, 3], "g": list("aabb")})
        # %% step:b
        ax = sns.scatterplot(df, x="x", y="y", hue="g")
        # %% step:c
        grid = sns.FacetGrid(df, col="g"); grid.map(sns.lineplot, "x", "y")
        # %% step:d
        sns.heatmap(df[["x", "y"]].corr(), annot=True);
        # %% step:e
        ax.set_title("later"); ax.figure
    """, needs=("seaborn", "matplotlib")),
    Row("plots-of-plotly", r"""
        # %% step:a
        import plotly.graph_objects as go, plotly.io as pio
        pio.renderers.default = "plotly_mimetype"
        fig = go.Figure(go.Scatter(y=[1, 2]))
        # %% step:b
        fig.add_bar(y=[2, 1]); fig
        # %% step:c
        fig.update_layout(title="later").show()
        # %% step:d
        print(len(fig.data), fig.layout.title.text)
    """, needs=("plotly",)),
    Row("charts-of-altair", r"""
        # %% step:a
        import altair as alt, pandas as pd
        df = pd.DataFrame({"x": [1, 2], "y": [2, 1]})
        chart = alt.Chart(df).mark_line().encode(x="x", y="y")
        # %% step:b
        chart
        # %% step:c
        chart.properties(width=100) | chart.mark_bar()
        # %% step:d
        print(chart.to_dict()["mark"])
    """, needs=("altair", "pandas")),
    # -- progress bars and widgets
    Row("progress-bar-of-tqdm", r"""
        # %% step:a
        from tqdm import tqdm
        total = 0
        for i in tqdm(range(3), bar_format="{desc}{n}/{total}", desc="a "): total += i
        # %% step:b
        for i in tqdm(range(2), bar_format="{n}"): total += i
        # %% step:c
        print(total)
    """, needs=("tqdm",)),
    Row("progress-bar-that-nobody-shows", r"""
        # %% step:a
        from tqdm.auto import tqdm
        squares = [i * i for i in tqdm(range(3), disable=True)]
        # %% step:b
        print(sum(squares))
        # %% step:c
        print(len(squares), [n for n in tqdm(squares, disable=True)])
    """, needs=("tqdm",)),
    Row("widgets-that-nobody-uses-later", r"""
        # %% step:a
        import ipywidgets as widgets
        widgets.HTML("<b>x</b>").close(); print("closed")
        # %% step:b
        with widgets.Output(): print("in it")
        print("out of it")
        # %% step:c
        print(widgets.IntSlider(value=3).value)
    """, needs=("ipywidgets",)),
    Row("widgets-in-variables-of-steps", r"""
        # %% imports
        import ipywidgets as widgets
        # %% step:slider
        slider = widgets.IntSlider(value=3); print(slider.value)
        # %% step:bar
        bar = widgets.IntProgress(max=3)
        for n in range(3): bar.value += 1
        print(bar.value)
        # %% step:box
        box = widgets.HBox([widgets.Text("x"), widgets.Button(description="go")]); print(len(box.children))
        # %% step:sum
        total = sum(range(9)); print(total)
        # %% step:linked
        left, right = widgets.IntText(1), widgets.IntText(2)
        link = widgets.link((left, "value"), (right, "value")); left.value = total; print(right.value)
    """, needs=("ipywidgets",)),
    Row("widget-whose-value-a-later-step-reads", r"""
        # %% step:slider
        import ipywidgets as widgets
        slider = widgets.IntSlider(value=3); print(slider.value)
        # %% step:other
        print(sum(range(9)))
        # %% step:slider
        slider.value = 7
        # %% step:read
        chosen = slider.value; print(chosen, slider.max)
        # %% step:after
        print(chosen + 1)
    """, needs=("ipywidgets",)),
    Row("widget-that-a-later-step-changes", r"""
        # %% step:a
        import ipywidgets as widgets
        slider = widgets.IntSlider(value=3); seen = []
        slider.observe(lambda change: seen.append(change["new"]), "value")
        # %% step:b
        slider.value = 5
        # %% step:c
        print(slider.value, seen)
    """, needs=("ipywidgets",)),
    # -- what is no change
    Row("frame-that-is-only-looked-at", r"""
        # %% step:a
        import pandas as pd
        df = pd.DataFrame({"a": [3, 1, 2], "b": [1.5, 2.5, None]}, index=list("xyz")); df["c"] = df.a * 2; df["d"] = 1.0
        # %% functions
        def look(frame):
            return frame.loc["y", "a"] + frame.index.is_unique + frame.to_numpy().shape[1] + frame.index.get_loc("z")
        # %% step:b
        print(look(df))
        # %% step:c
        print(df.mean(numeric_only=True).to_dict())
        # %% step:d
        print(look(df), df.columns.is_unique, df.isna().sum().sum())
    """, needs=("pandas",)),
    Row("frame-changed-by-a-function", r"""
        # %% step:a
        import pandas as pd
        df = pd.DataFrame({"a": [3, 1, 2]})
        # %% functions
        def sort(frame): frame.sort_values("a", inplace=True)
        def cast(frame): frame["a"] = frame["a"].astype("float64")
        # %% step:b
        sort(df)
        # %% step:c
        print(df)
        # %% step:d
        cast(df)
        # %% step:e
        print(df.dtypes.a, df.a.tolist())
    """, needs=("pandas",)),
    Row("properties-that-are-cached", r"""
        # %% functions
        import functools
        class Data:
            def __init__(self, values): self.values = values
            @functools.cached_property
            def total(self): return sum(self.values)
        # %% step:a
        data = Data([1, 2, 3])
        # %% step:b
        print(data.total)
        # %% step:c
        data.values.append(4); print(data.total, sorted(vars(data)))
        # %% step:d
        print(sum(data.values))
    """),
]
