"""Values that no later step needs, and names that are bound again: they don't travel, and nobody may notice."""

from __future__ import annotations

from typing import Any

from tests.acceptance.row import Row

GRID = """
        import matplotlib.pyplot as plt
        import numpy as np
        x = np.linspace(0, 1, 20)
        cases = [1, 2, 3, 4]
"""
LOOP = """fig, axs = plt.subplots(2, 2, figsize=(3, 3))
        for ax, power in zip(axs.flat, cases):
            ax.plot(x, x ** power)
            ax.set_title(f'power={power}')
"""


def plots(name: str, text: str, **facts: Any) -> Row:
    """A row whose step `make` defines `x` and `cases` for plots."""
    return Row(name, f"        # %% step:make\n{GRID}\n{text}", needs=("matplotlib",), **facts)


ROWS = [
    plots("dead-figures-of-loops", f"""
        # %% step:one
        {LOOP}
        # %% step:two
        {LOOP}
        plt.show()
        # %% step:three
        {LOOP}
        print(len(fig.axes), ax.get_title(), power)
    """),
    plots("dead-loop-that-is-empty-keeps-its-variable", f"""
        # %% step:one
        {LOOP}
        # %% step:two
        for ax, power in zip([], cases):
            ax.plot(x, x)
        # %% step:three
        print(ax.get_title(), power, len(ax.lines))
    """),
    plots("dead-loop-whose-variable-is-read-two-steps-later", f"""
        # %% step:one
        {LOOP}
        # %% step:two
        for power in cases[:0]:
            print(power)
        # %% step:three
        for power in cases[:0]:
            print(power)
        # %% step:four
        print(power)
    """),
    plots("dead-figure-that-a-function-reads", f"""
        # %% step:two
        def axes():
            return len(fig.axes)
        # %% step:one
        {LOOP}
        # %% step:other
        total = x.sum()
        # %% step:three
        print(axes(), total)
        fig, axs = plt.subplots()
        print(axes())
    """),
    plots("dead-figure-whose-line-is-read", """
        # %% step:one
        fig, ax = plt.subplots()
        line, = ax.plot(x, x)
        # %% step:two
        ax.lines[0].set_ydata(x * 2)
        ax.set_title('changed')
        # %% step:three
        print(line.get_ydata().sum(), line.axes.get_title())
    """),
    plots("dead-figure-that-is-deleted-later", """
        # %% step:one
        fig, ax = plt.subplots()
        # %% step:two
        del fig
        print('fig' in dir(), x.sum())
        # %% step:three
        try:
            print(fig)
        except NameError as error:
            print(error)
    """),
    plots("dead-figure-bound-again-on-one-path", """
        # %% step:one
        fig, ax = plt.subplots()
        ax.set_title('first')
        # %% step:two
        if x.sum() < 0:
            fig, ax = plt.subplots()
        # %% step:three
        print(ax.get_title())
        # %% step:four
        fig, ax = plt.subplots()
        print(repr(ax.get_title()))
    """),
    plots("dead-figure-that-a-text-names", """
        # %% step:one
        fig, ax = plt.subplots()
        name = 'fig'
        # %% step:two
        total = x.sum()
        # %% step:three
        print(type(eval(name)).__name__, total)
    """),
    plots("dead-figures-in-a-list-and-a-dictionary", """
        # %% step:one
        figures = []
        by_name = {}
        for n in range(3):
            fig, ax = plt.subplots()
            ax.plot(x, x * n)
            figures.append(fig)
            by_name[n] = ax
        # %% step:two
        print(len(figures), sorted(by_name))
        # %% step:three
        figures = by_name = None
        print(figures)
    """, may_refuse=frozenset({"tasks of an engine"})),
    plots("dead-axes-of-an-open-figure", """
        # %% step:one
        %config InlineBackend.close_figures = False
        fig, ax = plt.subplots()
        ax.plot(x, x)
        # %% step:two
        print(x.sum())
        # %% step:three
        plt.plot(x, x ** 2)
        print(len(plt.gca().lines), len(plt.get_fignums()))
    """, python_only=False),
    plots("dead-artist-with-a-finalizer", """
        # %% step:class
        class Tell:
            def __del__(self):
                print('gone')
        # %% step:one
        fig, ax = plt.subplots()
        fig.tell = Tell()
        # %% step:two
        print(x.sum())
        # %% step:three
        import gc
        plt.close('all')
        fig, ax = plt.subplots()
        _ = gc.collect()  # a figure is a cycle: without this, Run All says `gone` at any time
        print('after')
    """),
    plots("dead-array-changed-in-place", """
        # %% step:one
        values = np.arange(10)
        # %% step:two
        values[3] = 100
        print(values.sum())
        # %% step:three
        values = np.zeros(3)
        print(values)
        # %% step:four
        for values in ([1], [2]):
            print(values)
    """),
    Row("dead-name-in-a-query-before-it-is-bound", """
        # %% imports
        import pandas as pd
        # %% step:make
        df = pd.DataFrame({'a': range(10)})
        limit = 3
        # %% step:one
        print(len(df.query('a > @limit')))
        for limit in (7, 8):
            print(len(df.query('a > @limit')))
        # %% step:two
        for limit in (1, 2):
            print(len(df.query('a > @limit')), f'limit={limit}')
        # %% step:three
        text = 'a > @limit'
        limit = 5
        print(len(df.query(text)))
        # %% step:four
        print(len(df.query(text)), limit)
    """, needs=("pandas",)),
    Row("dead-name-in-an-expression-before-it-is-bound", """
        # %% imports
        import pandas as pd
        # %% step:make
        a, b = pd.Series([1, 2]), pd.Series([10, 20])
        # %% step:one
        print(pd.eval('a + b').tolist())
        for a in [pd.Series([5, 5])]:
            print(pd.eval('a + b').tolist())
        # %% step:two
        def both():
            return f'{a.sum()} and {b.sum()}'
        for a in [pd.Series([7, 7])]:
            print(both(), 'a')
        # %% step:three
        print(both())
    """, needs=("pandas",)),
    Row("dead-frame-and-its-column", """
        # %% imports
        import pandas as pd
        # %% step:make
        df = pd.DataFrame({'a': range(5), 'b': range(5)})
        column = df['a']
        # %% step:change
        df.loc[0, 'a'] = 99
        print(df['a'].sum())
        # %% step:read
        print(column.sum())
        # %% step:again
        df = pd.DataFrame({'a': [1]})
        print(df.to_dict(), column.iloc[0])
    """, needs=("pandas",)),
    Row("dead-models", """
        # %% imports
        import numpy as np
        from sklearn.linear_model import LinearRegression, Ridge
        from sklearn.ensemble import RandomForestRegressor
        # %% step:data
        rng = np.random.default_rng(0)
        X = rng.normal(size=(60, 3))
        y = X @ [1, 2, 3]
        # %% step:linear
        model = LinearRegression().fit(X, y)
        print(model.coef_.round(3))
        # %% step:forest
        model = RandomForestRegressor(5, random_state=0).fit(X, y)
        print(round(model.score(X, y), 3))
        # %% step:ridge
        models = [Ridge(a).fit(X, y) for a in (0.1, 1)]
        for model in models:
            print(model.alpha, model.coef_.round(3))
        # %% step:last
        print(model.alpha)
    """, needs=("sklearn",)),
]  # fmt: skip
