"""Memory that frames, series and arrays share: who sees a write, and who copies first."""

from __future__ import annotations

from tests.acceptance.row import Row

WRITES = """
        # %% step:look
        print(one.sum().tolist(), two.sum().tolist(), base.sum())
        # %% step:write_frame
        one.iloc[0, 0] = 100
        print(one.iloc[0, 0], two.iloc[0, 0], base[0, 0])
        # %% step:write_array
        base[1, 1] = -1
        print(one.iloc[1, 1], two.iloc[1, 1])
        # %% step:write_other
        two.iloc[2, 0] = 7
        print(base.tolist(), one.to_numpy().tolist(), two.to_numpy().tolist())
"""


def frames(name: str, source: str, writes: str = WRITES, may_refuse: frozenset[str] = frozenset()) -> Row:
    """A row whose step `make` binds `one`, `two` (frames) and `base` (an array), which later steps write to."""
    lines = "\n".join(f"        {line}" for line in source.strip().splitlines())
    return Row(name, f"""
        # %% imports
        import numpy as np
        import pandas as pd
        # %% step:make
        base = np.arange(12.0).reshape(6, 2)
{lines}
{writes}
    """, needs=("pandas",), may_refuse=may_refuse)  # fmt: skip


ROWS = [
    frames("memory-two-frames-that-copy-on-write", "one = pd.DataFrame(base, copy=False)\ntwo = one[:]"),
    frames("memory-two-frames-that-do-not-know-each-other",
           "one = pd.DataFrame(base, copy=False)\ntwo = pd.DataFrame(base, copy=False)"),
    frames("memory-two-frames-and-a-part-of-the-array",
           "one = pd.DataFrame(base, copy=False)\ntwo = one[:]\nbase = base[:4]"),
    frames("memory-two-frames-of-a-larger-array", """
whole = np.zeros((10, 2))
whole[2:8] = base
base = whole[2:8]
one = pd.DataFrame(base, copy=False)
two = one[1:5]"""),
    frames("memory-a-frame-its-series-and-the-array", "one = pd.DataFrame(base, copy=False)\ntwo = one[0]", """
        # %% step:look
        print(two.tolist())
        # %% step:write_series
        two.iloc[3] = 50
        print(base.tolist(), one[0].tolist())
        # %% step:write_array
        base[:, 0] += 1
        print(two.tolist(), one[0].tolist())
        # %% step:write_frame
        one.loc[5, 0] = -5
        print(base[5, 0], two.tolist())
    """),
    frames("memory-two-frames-held-by-one-object", """
class Model:
    pass
model = Model()
model.frame = pd.DataFrame(base, copy=False)
model.same = model.frame[:]
model.values = base
one, two = model.frame, model.same""", may_refuse=frozenset({"tasks of an engine"})),
    frames("memory-two-frames-and-a-large-array", """
base = np.arange(40_000.0).reshape(20_000, 2)
one = pd.DataFrame(base, copy=False)
two = one[:]""", WRITES.replace("base.tolist()", "base[:4].tolist()").replace(".to_numpy().", ".head().to_numpy().")),
    frames("memory-a-frame-that-was-copied-on-write-already", """
one = pd.DataFrame(base, copy=False)
two = one[:]
two.iloc[0, 1] = 9"""),
    frames("memory-an-index-over-the-array", """
one = pd.DataFrame(base, copy=False)
two = one.set_index(pd.Index(base[:, 1], copy=False))"""),
    Row("memory-of-a-fitted-model", """
        # %% imports
        import numpy as np
        import pandas as pd
        import statsmodels.api as sm
        # %% step:data
        series = pd.Series(np.arange(20.0) ** 1.1, index=pd.date_range("2020", periods=20, freq="MS"))
        # %% step:fit
        fitted = sm.OLS(series, sm.add_constant(np.arange(20.0))).fit()
        # %% step:other
        print(series.sum())
        # %% step:show
        print(fitted.params.round(6).tolist(), fitted.fittedvalues.head(2).round(6).tolist())
        print(fitted.resid.round(6).tail(2).tolist())
    """, needs=("pandas", "statsmodels")),
    Row("memory-of-a-smoothed-series", """
        # %% imports
        import numpy as np
        import pandas as pd
        from statsmodels.tsa.api import SimpleExpSmoothing
        # %% step:data
        series = pd.Series(np.arange(20.0) ** 1.1, index=pd.date_range("2020", periods=20, freq="MS"))
        # %% step:fit
        fitted = SimpleExpSmoothing(series, initialization_method="heuristic").fit(smoothing_level=0.2, optimized=False)
        # %% step:other
        print(series.sum())
        # %% step:forecast
        print(fitted.forecast(3).round(6).tolist())
        # %% step:write
        series.iloc[0] = 100
        print(fitted.model.endog[0], fitted.model.data.orig_endog.iloc[0], fitted.fittedvalues.iloc[1].round(6))
    """, needs=("pandas", "statsmodels")),
]
