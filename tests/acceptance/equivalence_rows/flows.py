"""Flows as data scientists write them: a table in, models and figures out."""

from __future__ import annotations

from tests.acceptance.row import Row

PD, SK, MPL, SM = ("pandas",), ("sklearn",), ("matplotlib",), ("statsmodels",)
SALES = {
    "sales.csv": """
        day,shop,item,amount,price
        2024-03-30,north,tea,3,2.5
        2024-03-30,south,tea,,2.5
        2024-03-31,north,Kaffee,5,4.0
        2024-03-31,south,Käse,1,9.9
        2024-04-01,north,tea,7,2.5
        2024-04-01,south,Kaffee,2,4.0
    """
}

ROWS = [
    Row("sales-read-cleaned-pivoted", r"""
        # %% [markdown]
        # # Sales
        # %% imports
        import pandas as pd
        # %% parameters
        path: str = "sales.csv"
        floor: float = 1.5
        # %% step:load
        raw = pd.read_csv(path, parse_dates=["day"])
        raw.head(3)
        # %% step:clean
        tidy = raw.dropna().assign(total=lambda d: d.amount * d.price)
        tidy["shop"] = tidy["shop"].astype("category")
        # %% step:clean
        tidy.dtypes
        # %% step:pivot
        table = tidy.pivot_table(index="day", columns="shop", values="total", aggfunc="sum", observed=False)
        table
        # %% step:top
        best = tidy.groupby("item", observed=True)["total"].agg(["sum", "mean"])
        best = best.query("sum > @floor").sort_values("sum")
        best
        # %% step:report
        joined = tidy.merge(best, left_on="item", right_index=True, suffixes=("", "_item"))
        print(joined.to_string())
        joined["shop"].cat.categories
    """, needs=PD, files=SALES),
    Row("sales-with-parameters-given", r"""
        # %% imports
        import pandas as pd
        # %% parameters
        shops: list = ["north"]
        name: str = "it's \"x\""
        limit: int = -1
        # %% step:load
        df = pd.read_csv("sales.csv")
        print(repr(name), shops, limit)
        # %% step:keep
        kept = df[df.shop.isin(shops)]
        if limit > 0:
            kept = kept.head(limit)
        # %% step:show
        kept
    """, needs=PD, files=SALES, params={"shops": ["south", "é\n"], "name": "a\\b'\"\n", "limit": 2}),
    Row("time-zones-and-resampling", r"""
        # %% step:a
        import pandas as pd
        at = pd.date_range("2024-03-30 22:00", periods=6, freq="h", tz="UTC").tz_convert("Europe/Paris")
        s = pd.Series(range(6), index=at, name="kW")
        # %% step:b
        daily = s.resample("D").sum()
        local = s.tz_localize(None)
        # %% step:c
        rolling = s.rolling("2h").mean()
        # %% step:d
        print(daily, local, rolling, sep="\n")
        s.index.freq, daily.index.freq, s.index.tz
    """, needs=PD),
    Row("categories-shared-and-renamed", r"""
        # %% step:a
        import pandas as pd
        kind = pd.CategoricalDtype(["low", "mid", "high"], ordered=True)
        a = pd.Series(["low", "high", "mid"], dtype=kind)
        # %% step:b
        b = a.cat.rename_categories({"mid": "middle"})
        # %% step:c
        print(a.max(), list(b), a.dtype == kind, b.dtype.ordered)
        # %% step:d
        print(a.dtype is kind, pd.Series(["mid"], dtype=kind).dtype is kind)
    """, needs=PD),
    Row("frame-subclass-with-metadata", r"""
        # %% functions
        import pandas as pd
        class Trips(pd.DataFrame):
            _metadata = ["city"]
            @property
            def _constructor(self): return Trips
            def longest(self): return self["km"].max()
        # %% step:a
        trips = Trips({"km": [1.0, 12.5, 3.2]})
        trips.city = "Wien"
        # %% step:b
        short = trips[trips.km < 5]
        # %% step:c
        print(type(short).__name__, short.city, short.longest(), trips.longest())
        trips
    """, needs=PD),
    Row("accessor-of-the-notebook-with-state", r"""
        # %% step:a
        import pandas as pd
        @pd.api.extensions.register_series_accessor("money")
        class Money:
            uses = 0
            def __init__(self, s): self.s = s
            def euros(self):
                Money.uses += 1
                return [f"{v:.2f} €" for v in self.s]
        s = pd.Series([1.5, 2])
        # %% step:b
        print(s.money.euros())
        # %% step:c
        print(s.money.euros(), Money.uses)
    """, needs=PD),
    Row("chunks-of-a-csv-read-across-steps", r"""
        # %% step:a
        import pandas as pd
        chunks = pd.read_csv("sales.csv", chunksize=2)
        total = 0
        # %% step:b
        total += len(next(chunks))
        # %% step:c
        total += sum(len(c) for c in chunks)
        # %% step:d
        print(total)
    """, needs=PD, files=SALES),
    Row("extension-types-of-pandas", r"""
        # %% step:a
        import pandas as pd
        df = pd.DataFrame({
            "n": pd.array([1, None, 3], dtype="Int64"), "s": pd.array(["a", None, "c"], dtype="string"),
            "b": pd.array([True, None, False], dtype="boolean"), "p": pd.period_range("2024-01", periods=3, freq="M"),
            "i": pd.interval_range(0, 3), "z": pd.arrays.SparseArray([0, 0, 5]),
        })
        # %% step:b
        df.loc[1, "n"] = 20
        # %% step:c
        print(df, df.dtypes, df["z"].sparse.density, sep="\n")
    """, needs=PD),
    Row("multi-index-and-stacking", r"""
        # %% step:a
        import pandas as pd
        ix = pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["letter", "digit"])
        df = pd.DataFrame({"v": range(4)}, index=ix)
        # %% step:wide
        wide = df.unstack()
        # %% step:cross
        cross = df.xs("b")
        # %% step:join
        wide.columns.names = ["what", "digit"]
        print(wide, cross, df.index.names, wide.stack(future_stack=True), sep="\n")
    """, needs=PD),
    Row("view-of-a-column-changed-by-numpy", r"""
        # %% step:a
        import numpy as np
        import pandas as pd
        df = pd.DataFrame({"x": [1.0, 2.0, 3.0]})
        a = df["x"].to_numpy()
        # %% step:b
        b = np.sqrt(a)
        print(a.flags.writeable)
        # %% step:c
        df.loc[0, "x"] = 100
        # %% step:d
        print(a, b, df)
    """, needs=PD),
    Row("styled-table-with-a-fixed-uuid", r"""
        # %% step:a
        import pandas as pd
        df = pd.DataFrame({"x": [1, 2]})
        # %% step:b
        style = df.style.set_uuid("u").highlight_max(color="red").format("{:.1f}")
        # %% step:c
        style
    """, needs=(*PD, "jinja2")),
    Row("own-transformer-in-a-searched-pipeline", r"""
        # %% imports
        import numpy as np
        from sklearn.base import BaseEstimator, TransformerMixin
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import GridSearchCV
        from sklearn.pipeline import make_pipeline
        # %% functions
        class Cut(TransformerMixin, BaseEstimator):
            def __init__(self, at=1.0): self.at = at
            def fit(self, X, y=None): self.n_features_in_ = X.shape[1]; return self
            def transform(self, X): return np.clip(X, -self.at, self.at)
        # %% step:data
        rng = np.random.default_rng(3)
        X = rng.normal(size=(60, 3)); y = (X[:, 0] + rng.normal(size=60) / 4 > 0).astype(int)
        # %% step:search
        search = GridSearchCV(make_pipeline(Cut(), LogisticRegression()), {"cut__at": [0.5, 2.0]}, cv=3).fit(X, y)
        # %% step:score
        print(search.best_params_, round(search.best_score_, 4))
        # %% step:use
        print(search.predict(X[:5]), search.best_estimator_.named_steps["cut"])
    """, needs=SK, may_refuse=frozenset({"tasks of an engine"})),
    Row("grid-search-on-two-processes", r"""
        # %% imports
        import numpy as np
        from sklearn.model_selection import GridSearchCV
        from sklearn.svm import SVC
        # %% step:data
        X = np.arange(40.0).reshape(20, 2); y = np.arange(20) % 2
        # %% step:fit
        search = GridSearchCV(SVC(), {"C": [0.1, 1.0]}, n_jobs=2, cv=2).fit(X, y)
        # %% step:show
        print(search.best_params_, search.cv_results_["mean_test_score"].round(3))
    """, needs=SK),
    Row("forest-with-a-shared-random-state-object", r"""
        # %% step:data
        import numpy as np
        from sklearn.ensemble import RandomForestClassifier
        rs = np.random.RandomState(0)
        X = rs.rand(40, 4); y = (X.sum(1) > 2).astype(int)
        # %% step:left
        left = RandomForestClassifier(5, random_state=rs).fit(X, y)
        # %% step:right
        right = RandomForestClassifier(5, random_state=rs).fit(X, y)
        # %% step:show
        print(left.feature_importances_.round(6), right.feature_importances_.round(6), rs.rand())
    """, needs=SK),
    Row("split-without-a-seed-after-a-global-seed", r"""
        # %% step:seed
        import numpy as np
        np.random.seed(7)
        # %% step:data
        X = np.arange(20).reshape(10, 2)
        from sklearn.model_selection import KFold, train_test_split
        a, b = train_test_split(X, test_size=3)
        # %% step:folds
        folds = [t.tolist() for _, t in KFold(3, shuffle=True).split(X)]
        # %% step:show
        print(a.tolist(), b.tolist(), folds, round(np.random.rand(), 8))
    """, needs=SK),
    Row("permutation-and-bootstrap-with-one-generator", r"""
        # %% step:setup
        import numpy as np
        rng = np.random.default_rng(11)
        data = rng.normal(size=50)
        # %% step:boot
        boots = [rng.choice(data, 50).mean() for _ in range(3)]
        # %% step:perm
        perms = [rng.permutation(data)[:2].round(4).tolist() for _ in range(2)]
        # %% step:show
        print(np.round(boots, 6), perms, rng.integers(100))
    """, needs=("numpy",)),
    Row("metadata-routing-and-set-output", r"""
        # %% step:a
        import pandas as pd
        import sklearn
        from sklearn.preprocessing import StandardScaler
        sklearn.set_config(transform_output="pandas")
        df = pd.DataFrame({"a": [1.0, 2.0, 3.0]})
        # %% step:b
        scaler = StandardScaler().fit(df)
        # %% step:c
        scaler.transform(df)
        # %% step:d
        sklearn.set_config(transform_output="default")
        print(type(scaler.transform(df)).__name__)
    """, needs=SK, may_refuse=frozenset({"tasks of an engine"})),
    Row("model-shown-as-html", r"""
        # %% step:a
        from sklearn.linear_model import Ridge
        model = Ridge(alpha=0.5)
        # %% step:b
        print(model.fit([[0], [1]], [0, 1]).coef_)
        # %% step:c
        print(model, model.get_params())
    """, needs=SK),
    Row("ordinary-least-squares-by-formula", r"""
        # %% step:data
        import numpy as np
        import pandas as pd
        rng = np.random.default_rng(1)
        df = pd.DataFrame({"x": np.arange(12.0), "g": list("ab") * 6})
        df["y"] = 2 * df.x + (df.g == "b") + rng.normal(size=12) / 10
        def half(v): return v / shrink
        # %% step:settings
        shrink = 2
        # %% step:fit
        import statsmodels.formula.api as smf
        model = smf.ols("y ~ half(x) + C(g)", df).fit()
        # %% step:show
        print(model.params.round(4))
        # %% step:predict
        shrink = 4
        print(model.predict(df.head(2)).round(4))
    """, needs=SM),
    Row("figure-built-up-over-four-steps", r"""
        # %% step:a
        %matplotlib inline
        import matplotlib.pyplot as plt
        fig, (left, right) = plt.subplots(1, 2, figsize=(3, 1.5))
        left.plot([1, 2, 3]);
        # %% step:b
        right.bar(["a", "b"], [2, 1])
        # %% step:c
        fig.suptitle("both")
        left.set_xlabel("x");
        # %% step:d
        fig
    """, needs=MPL, python_only=False),
    Row("pyplot-remembers-the-figure-of-another-step", r"""
        # %% step:a
        %matplotlib inline
        %config InlineBackend.close_figures = False
        import matplotlib.pyplot as plt
        plt.figure(figsize=(2, 1)); plt.plot([1, 2]);
        # %% step:b
        plt.title("later")
        # %% step:c
        print(plt.gca().get_title(), plt.get_fignums())
        plt.close("all")
    """, needs=MPL, python_only=False),
    Row("plots-on-two-branches-with-one-style", r"""
        # %% step:a
        %matplotlib inline
        import matplotlib.pyplot as plt
        plt.rcParams["figure.figsize"] = (2, 1)
        cycle = iter(plt.rcParams["axes.prop_cycle"])
        # %% step:left
        plt.plot([1, 2], color=next(cycle)["color"]);
        # %% step:right
        plt.plot([2, 1], color=next(cycle)["color"]);
        # %% step:end
        with plt.style.context("dark_background"):
            plt.scatter([1], [1])
        print(next(cycle))
    """, needs=MPL, python_only=False),
    Row("database-in-memory-asked-in-three-steps", r"""
        # %% step:load
        import sqlite3
        import pandas as pd
        con = sqlite3.connect(":memory:")
        pd.read_csv("sales.csv").to_sql("sales", con, index=False)
        # %% step:ask
        per_shop = pd.read_sql("select shop, sum(amount) n from sales group by shop", con)
        # %% step:change
        con.execute("delete from sales where item = 'tea'"); con.commit()
        # %% step:again
        print(per_shop, pd.read_sql("select count(*) n from sales", con), sep="\n")
        con.close()
    """, needs=PD, files=SALES),
    Row("database-file-by-two-connections", r"""
        # %% step:make
        import sqlite3
        with sqlite3.connect("shop.db") as con:
            con.execute("create table if not exists t (x)")
            con.execute("insert into t values (1)")
        con.close()
        # %% step:more
        con = sqlite3.connect("shop.db")
        con.execute("insert into t values (2)")
        # %% step:look
        other = sqlite3.connect("shop.db")
        print(other.execute("select count(*) from t").fetchone())
        # %% step:end
        con.commit()
        print(other.execute("select count(*) from t").fetchone())
        con.close(); other.close()
    """),
    Row("models-saved-by-joblib-and-read-back", r"""
        # %% functions
        class Doubler:
            def predict(self, x): return x * FACTOR
        # %% step:make
        import joblib
        FACTOR = 2
        joblib.dump({"m": [1, 2, 3]}, "model.joblib")
        # %% step:use
        back = joblib.load("model.joblib")
        FACTOR = 3
        # %% step:show
        print(back, Doubler().predict(4))
    """, needs=("joblib",)),
    Row("pickle-of-a-notebook-class-in-a-file", r"""
        # %% step:make
        import pickle
        class Model:
            def __init__(self, w): self.w = w
            def say(self): return f"w={self.w}"
        with open("m.pkl", "wb") as f: pickle.dump(Model(3), f)
        # %% step:load
        with open("m.pkl", "rb") as f: m = pickle.load(f)
        # %% step:show
        print(m.say(), type(m) is Model, type(m).__module__)
    """),
    Row("files-in-a-temporary-folder", r"""
        # %% step:a
        import tempfile
        from pathlib import Path
        box = tempfile.TemporaryDirectory()
        work = Path(box.name)
        (work / "x.txt").write_text("1")
        # %% step:b
        (work / "y.txt").write_text((work / "x.txt").read_text() + "2")
        # %% step:c
        print(sorted(p.name for p in work.iterdir()), (work / "y.txt").read_text())
        # %% step:d
        box.cleanup()
        print(work.exists())
    """),
    Row("shell-reads-what-python-wrote", r"""
        # %% step:a
        open("words.txt", "w").write("b\na\n") and None
        # %% step:b
        sorted_words = !sort words.txt
        # %% step:c
        !echo "c" >> words.txt
        print(sorted_words.n, sorted_words.l)
        # %% step:d
        %%bash
        wc -l < words.txt
        # %% step:e
        print(open("words.txt").read().split())
    """, python_only=False),
    Row("memory-mapped-array-across-steps", r"""
        # %% step:a
        import numpy as np
        m = np.memmap("m.bin", dtype="f8", mode="w+", shape=(4,))
        # %% step:b
        m[2] = 5
        m.flush()
        # %% step:c
        again = np.memmap("m.bin", dtype="f8", mode="r")
        print(again, m)
        # %% step:d
        m[0] = 1
        print(again[0], np.fromfile("m.bin")[2])
    """, needs=("numpy",)),
    Row("structured-and-masked-and-record-arrays", r"""
        # %% step:a
        import numpy as np
        s = np.zeros(3, dtype=[("x", "i4"), ("name", "U3"), ("p", "f8", (2,))])
        xs = s["x"]
        masked = np.ma.masked_less(np.arange(5), 2)
        r = s.view(np.recarray)
        big = np.arange(3, dtype=">i2")
        wide = np.broadcast_to(np.arange(2), (3, 2))
        # %% step:b
        xs[1] = 7
        masked[4] = np.ma.masked
        # %% step:c
        print(s, r.x, masked, masked.fill_value, big.dtype, wide.strides, wide.flags.writeable)
    """, needs=("numpy",)),
    Row("sparse-matrices-that-share-their-data", r"""
        # %% step:a
        import numpy as np
        from scipy import sparse
        base = sparse.random(5, 5, density=0.4, random_state=0, format="csr")
        other = sparse.csr_matrix((base.data, base.indices, base.indptr), shape=base.shape)
        # %% step:b
        base.data[:] = 1
        # %% step:c
        print(other.sum(), base.nnz, np.shares_memory(base.data, other.data))
    """, needs=("scipy",)),
    Row("cross-validation-with-progress", r"""
        # %% step:a
        from tqdm import tqdm
        import sys
        # %% step:b
        done = [i for i in tqdm(range(3), file=sys.stdout, bar_format="{l_bar}{n_fmt}/{total_fmt}", mininterval=0)]
        # %% step:c
        print(done)
    """, needs=("tqdm",)),
    Row("fitted-models-in-a-dictionary-grow-in-parallel-steps", r"""
        # %% step:setup
        import numpy as np
        models, scores = {}, []
        X = np.arange(10.0).reshape(-1, 1); y = X.ravel() * 2
        # %% step:ridge
        from sklearn.linear_model import Ridge
        models["ridge"] = Ridge().fit(X, y)
        scores.append(("ridge", round(models["ridge"].score(X, y), 4)))
        # %% step:tree
        from sklearn.tree import DecisionTreeRegressor
        models["tree"] = DecisionTreeRegressor(max_depth=2, random_state=0).fit(X, y)
        scores.append(("tree", round(models["tree"].score(X, y), 4)))
        # %% step:best
        best = max(scores, key=lambda s: s[1])
        print(best, list(models), scores)
        # %% step:best metrics
        r2 = best[1]
    """, needs=SK),
    Row("wide-features-then-one-matrix", r"""
        # %% imports
        import numpy as np
        import pandas as pd
        # %% step:raw
        df = pd.DataFrame({"t": pd.date_range("2024-01-01", periods=6, freq="D"), "v": [1, 2, np.nan, 4, 5, 6]})
        # %% step:lag
        df["lag"] = df["v"].shift()
        # %% step:dow
        df["dow"] = df["t"].dt.day_name()
        # %% step:fill
        filled = df["v"].interpolate()
        # %% step:dummies
        dummies = pd.get_dummies(df["dow"]).astype(int)
        # %% step:all
        print(pd.concat([df, filled.rename("filled"), dummies], axis=1).to_string())
    """, needs=PD),
]
