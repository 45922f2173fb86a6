"""numpy, pandas, scikit-learn and matplotlib as notebooks use them."""

from __future__ import annotations

from tests.acceptance.row import Row

NP, PD, SK = ("numpy",), ("numpy", "pandas"), ("numpy", "pandas", "sklearn")

ROWS = [
    Row("a-frame-wider-than-a-page", r"""
        # %% step:a
        import pandas as pd
        # %% step:b
        frame = pd.DataFrame([range(45), range(45)], columns=[f"column {i}" for i in range(45)])
        print(frame)
        # %% step:c
        frame
        # %% step:d
        print(pd.DataFrame({f"much longer name {i}": [i] for i in range(12)}), pd.options.display.max_columns)
    """, needs=PD),
    Row("the-backend-imported-by-hand", r"""
        # %% step:a
        import matplotlib_inline.backend_inline
        import matplotlib.pyplot as plt
        # %% step:b
        plt.plot([1, 2])
        # %% step:c
        plt.figure(figsize=(2, 1)); plt.plot([2, 1]); plt.show()
        print(plt.get_fignums())
    """, needs=("matplotlib",)),
    Row("imports-that-speak", r"""
        # %% step:a
        import tqdm.auto
        # %% step:b
        import ipywidgets
        print(sorted(get_ipython().kernel.comm_manager.targets), tqdm.auto.tqdm.__module__)
        # %% step:c
        print([n for n in tqdm.auto.trange(3, disable=True)])
    """, needs=("tqdm", "ipywidgets")),
    Row("big-array-changed-in-place-later", r"""
        # %% step:a
        import numpy as np
        a = np.arange(650_000, dtype="f8")
        # %% step:b
        total = a.sum()
        # %% step:c
        a[::2] = 0
        # %% step:d
        print(total, a.sum(), a[1], a.flags.writeable)
    """, needs=NP),
    Row("big-array-changed-by-a-function", r"""
        # %% step:a
        import numpy as np
        def scale(x):
            np.multiply(x, 2, out=x)
        a = np.ones(650_000)
        # %% step:b
        scale(a)
        # %% step:c
        scale(a[:10])
        # %% step:d
        print(a[:12], a.sum())
    """, needs=NP),
    Row("array-layouts", r"""
        # %% step:a
        import numpy as np
        f = np.asfortranarray(np.arange(6).reshape(2, 3))
        s = np.arange(10)[::-2]
        o = np.array([1, "x", None], dtype=object)
        r = np.zeros(2, dtype=[("id", "i4"), ("name", "U5")])
        m = np.ma.masked_array([1, 2, 3], mask=[0, 1, 0])
        frozen = np.ones(2); frozen.flags.writeable = False
        # %% step:b
        r["name"][1] = "row"; r["id"] += 1; o[2] = [1]
        # %% step:c
        print(f.flags.f_contiguous, f.strides, s, s.strides, o, r, m.sum(), frozen.flags.writeable)
        # %% step:d
        print(np.datetime64("2024-02-29") + 1, np.float32(0.1), repr(np.int8(5)), np.bool_(True))
    """, needs=NP),
    Row("numpy-ufunc-and-vectorized", r"""
        # %% step:a
        import numpy as np
        k = 2
        @np.vectorize
        def bump(x): return x + k
        # %% step:b
        k = 5
        # %% step:c
        print(bump([1, 2]), np.frompyfunc(lambda a, b: a * b + k, 2, 1)(2, 3))
    """, needs=NP),
    Row("frame-changed-in-place-by-a-function", r"""
        # %% step:a
        import pandas as pd
        def clean(df):
            df.dropna(inplace=True)
            df["y"] = df["x"] ** 2
        df = pd.DataFrame({"x": [1.0, None, 3.0]})
        # %% step:b
        clean(df)
        # %% step:c
        print(df)
    """, needs=PD),
    Row("frame-methods-in-place", r"""
        # %% step:a
        import pandas as pd
        df = pd.DataFrame({"b": [2, 1], "a": ["x", "y"]})
        # %% step:b
        df.sort_values("b", inplace=True)
        df.rename(columns={"a": "name"}, inplace=True)
        # %% step:c
        df.insert(0, "n", [0, 1])
        col = df.pop("b")
        # %% step:d
        df
        # %% step:e
        df.index.name = "idx"; df.columns = df.columns.str.upper()
        # %% step:f
        print(df, col.tolist())
    """, needs=PD),
    Row("frame-attrs-and-flags", r"""
        # %% step:a
        import pandas as pd
        df = pd.DataFrame({"x": [1]})
        df.attrs["source"] = "made here"
        # %% step:b
        df.attrs["unit"] = "m"
        # %% step:c
        print(df.attrs, df.copy().attrs)
    """, needs=PD),
    Row("frame-dtypes", r"""
        # %% step:a
        import pandas as pd
        df = pd.DataFrame({
            "c": pd.Categorical(["lo", "hi", "lo"], categories=["lo", "hi"], ordered=True),
            "t": pd.date_range("2024-01-01", periods=3, freq="D", tz="UTC"),
            "d": pd.to_timedelta([1, 2, 3], unit="h"),
            "i": pd.array([1, None, 3], dtype="Int64"),
            "s": ["a", None, "ç"],
            "p": pd.period_range("2024-01", periods=3, freq="M"),
            "v": pd.arrays.IntervalArray.from_breaks([0, 1, 2, 3]),
        })
        # %% step:b
        df.loc[1, "c"] = "lo"
        # %% step:c
        print(df.dtypes)
        print(df, df["t"].dt.freq, df["c"].min())
    """, needs=PD),
    Row("frame-indexes", r"""
        # %% step:a
        import pandas as pd
        idx = pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["k", "n"])
        s = pd.Series(range(4), index=idx, name="v")
        r = pd.DataFrame({"x": [1, 2]}, index=pd.DatetimeIndex(["2024-01-01", "2024-01-02"], freq="D"))
        # %% step:b
        s["a", 2] = 10
        # %% step:c
        print(s, s.unstack(), r.index.freq, sep="\n")
    """, needs=PD),
    Row("groupby-object-across-steps", r"""
        # %% step:a
        import pandas as pd
        df = pd.DataFrame({"g": list("aab"), "v": [1, 2, 3]})
        groups = df.groupby("g")
        # %% step:b
        sums = groups["v"].sum()
        # %% step:c
        print(sums, groups.ngroups, [k for k, _ in groups])
    """, needs=PD),
    Row("loc-chain-and-apply", r"""
        # %% step:a
        import pandas as pd
        rate = 2
        df = pd.DataFrame({"v": [1, 2, 3]})
        # %% step:b
        df.loc[df.v > 1, "v"] *= rate
        # %% step:c
        df["w"] = df.v.apply(lambda x: x * rate)
        rate = 0
        # %% step:d
        print(df.assign(z=lambda d: d.w + rate).to_dict("list"))
    """, needs=PD),
    Row("merge-pivot-and-write", r"""
        # %% step:orders
        import pandas as pd
        orders = pd.DataFrame({"id": [1, 2, 3], "who": ["a", "b", "a"], "n": [5, 6, 7]})
        # %% step:people
        import pandas as pd
        people = pd.DataFrame({"who": ["a", "b"], "city": ["Oslo", "Rome"]})
        # %% step:join
        both = orders.merge(people, on="who")
        both.pivot_table(index="city", values="n", aggfunc="sum")
        # %% step:write
        both.to_json("both.json", orient="records")
        # %% step:read
        print(pd.read_json("both.json").groupby("city").n.max())
    """, needs=PD),
    Row("sklearn-fit-then-predict", r"""
        # %% step:data
        from sklearn.datasets import make_classification
        from sklearn.model_selection import train_test_split
        X, y = make_classification(200, 5, random_state=0)
        X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=1)
        # %% step:forest
        from sklearn.ensemble import RandomForestClassifier
        model = RandomForestClassifier(10, random_state=2)
        # %% step:fit
        model.fit(X_train, y_train)
        # %% step:score
        print(round(model.score(X_test, y_test), 6), model.predict(X_test[:5]))
    """, needs=SK),
    Row("sklearn-models-in-parallel", r"""
        # %% imports
        from sklearn.linear_model import LogisticRegression
        from sklearn.tree import DecisionTreeClassifier
        from sklearn.preprocessing import StandardScaler
        from sklearn.datasets import load_iris
        # %% step:load
        X, y = load_iris(return_X_y=True, as_frame=True)
        # %% step:scale
        scaler = StandardScaler()
        Z = scaler.fit_transform(X)
        # %% step:tree model:tree
        tree = DecisionTreeClassifier(max_depth=2, random_state=0).fit(Z, y)
        # %% step:logistic model:logit
        logit = LogisticRegression(max_iter=200).fit(Z, y)
        # %% step:compare
        scores = {m.__class__.__name__: round(m.score(Z, y), 3) for m in (tree, logit)}
        print(scores)
    """, needs=SK),
    Row("sklearn-pipeline-refit-and-set-params", r"""
        # %% step:a
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import PolynomialFeatures
        from sklearn.linear_model import Ridge
        import numpy as np
        x = np.linspace(0, 1, 20)[:, None]; t = np.sin(3 * x[:, 0])
        pipe = make_pipeline(PolynomialFeatures(2), Ridge(1e-3))
        # %% step:b
        pipe.fit(x, t)
        first = pipe.score(x, t)
        # %% step:c
        pipe.set_params(polynomialfeatures__degree=5).fit(x, t)
        # %% step:d
        print(round(first, 5), round(pipe.score(x, t), 5), pipe["ridge"].coef_.shape)
    """, needs=SK),
    Row("sklearn-unseeded-but-global-seed", r"""
        # %% step:a
        import numpy as np
        np.random.seed(4)
        # %% step:b
        from sklearn.cluster import KMeans
        X = np.random.rand(30, 2)
        km = KMeans(3, n_init=2)
        # %% step:c
        km.fit(X)
        # %% step:d
        print(np.sort(km.cluster_centers_[:, 0]).round(6), round(np.random.rand(), 6))
    """, needs=SK),
    Row("sklearn-own-estimator", r"""
        # %% functions
        from sklearn.base import BaseEstimator, TransformerMixin
        class Clip(TransformerMixin, BaseEstimator):
            def __init__(self, top=1.0): self.top = top
            def fit(self, X, y=None): self.seen_ = len(X); return self
            def transform(self, X): return [[min(v, self.top, CEILING) for v in row] for row in X]
        # %% step:a
        CEILING = 3
        clip = Clip(5).fit([[1], [2]])
        # %% step:b
        from sklearn.base import clone
        twin = clone(clip)
        # %% step:c
        print(clip.transform([[9]]), clip.seen_, hasattr(twin, "seen_"), twin.get_params())
    """, needs=SK),
    Row("sparse-matrix", r"""
        # %% step:a
        from scipy import sparse
        m = sparse.eye(4, format="csr") * 2
        # %% step:b
        m.data[1] = 50
        # %% step:c
        print(m.sum(), m.toarray()[1], m.nnz)
    """, needs=("scipy",)),
    Row("joblib-memory-between-steps", r"""
        # %% step:a
        from joblib import Memory
        memory = Memory("joblib-cache", verbose=0)
        @memory.cache
        def slow(x):
            print("computing", x)
            return x * x
        # %% step:b
        print(slow(3))
        # %% step:c
        print(slow(3))
    """, needs=("joblib",), may_refuse=frozenset({"tasks of an engine"})),
    Row("axes-shared-by-functions", r"""
        # %% functions
        import matplotlib.pyplot as plt
        def mark(ax, x):
            ax.axvline(x)
            return len(ax.lines)
        # %% step:a
        fig, axes = plt.subplots(1, 2, figsize=(2, 1))
        plt.close(fig)
        # %% step:b
        n = mark(axes[0], 0.5)
        # %% step:c
        print(n, mark(axes[0], 0.7), fig.axes[0] is axes[0], len(axes[1].lines))
    """, needs=("matplotlib",)),
    Row("current-axes-drawn-in-one-cell-read-in-the-next", r"""
        # %% step:a
        import matplotlib.pyplot as plt
        plt.ioff()
        plt.figure(figsize=(2, 1)); plt.plot([1, 2])
        # %% step:b
        ax = plt.gca()
        print(len(ax.lines), plt.isinteractive())
        # %% step:c
        plt.close("all")
    """, needs=("matplotlib",)),
    Row("pandas-index-shared-and-then-named", r"""
        # %% step:a
        import pandas as pd
        X = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
        # %% step:b
        weights = pd.Series([0.1, 0.2], index=X.columns)
        # %% step:c
        X.columns.name = "feature"
        # %% step:d
        print(weights)
    """, needs=("pandas",)),
    Row("pandas-index-asked-whether-it-is-another", r"""
        # %% step:a
        import pandas as pd
        X = pd.DataFrame({"a": [1, 2], "b": [3, 4]})
        # %% step:b
        Y = X * 2
        # %% step:c
        print(X.columns is Y.columns, X.index is Y.index)
    """, needs=("pandas",)),
    Row("pandas-frames-made-from-one-another", r"""
        # %% step:a
        import pandas as pd
        df = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [3, 4, 5]}, index=["x", "y", "z"])
        X, y = df[["a"]], df["b"]
        # %% step:left
        left = pd.Series([1, 2, 3], index=X.index) + y
        # %% step:right
        right = (X * 2).assign(b=y)
        # %% step:join
        right.loc["x", "a"] = 100.0
        print(left.to_dict(), right, X, df, sep="\n")
    """, needs=("pandas",)),
    Row("enum-members-shared-by-steps", r"""
        # %% step:a
        import enum, re, datetime
        from http import HTTPStatus
        class Colour(enum.Enum):
            RED = 1
        first, code, word, zone = [Colour.RED], HTTPStatus.OK, re.compile("a+"), datetime.timezone.utc
        # %% step:b
        second = {"colour": Colour.RED, "code": HTTPStatus.OK, "word": word, "zone": datetime.timezone.utc}
        # %% step:c
        print(first[0] is second["colour"], code is second["code"], word is second["word"], zone is second["zone"])
    """),
]
