"""Process state: what is no variable and crosses steps all the same."""

from __future__ import annotations

from tests.acceptance.row import Row

ROWS = [
    Row("environment-variable", r"""
        # %% step:a
        import os
        os.environ["STAGE"] = "test"
        # %% step:b
        print(os.environ.get("STAGE"), os.getenv("STAGE"))
        # %% step:c
        del os.environ["STAGE"]
        # %% step:d
        print(os.environ.get("STAGE"))
    """),
    Row("warning-filters", r"""
        # %% step:a
        import warnings
        warnings.filterwarnings("ignore", message="quiet.*")
        # %% step:b
        warnings.warn("quiet please")
        warnings.warn("loud")
        # %% step:c
        warnings.simplefilter("error")
        # %% step:d
        try:
            warnings.warn("as an error")
        except UserWarning as error:
            print("raised", error)
    """),
    Row("warnings-once-per-location", r"""
        # %% step:a
        import warnings
        def old():
            warnings.warn("old is old", UserWarning)
        # %% step:b
        old(); old()
        # %% step:c
        old()
        print("silent now")
    """),
    Row("warnings-once-per-location-in-a-module", r"""
        # %% step:a
        import legacy
        # %% step:b
        legacy.call()
        # %% step:c
        legacy.call()
        print("done")
    """, files={"legacy.py": """
        import warnings
        def call():
            warnings.warn("legacy is deprecated", FutureWarning)
    """}),
    Row("warnings-once-filter", r"""
        # %% step:a
        import warnings
        warnings.simplefilter("once")
        warnings.warn("say it once")
        # %% step:b
        warnings.warn("say it once")
        # %% step:c
        warnings.warn("say it twice")
    """),
    Row("warnings-shown-by-own-function", r"""
        # %% step:a
        import warnings
        def show(message, category, *rest, **more):
            print(category.__name__, "-", message)
        warnings.showwarning = show
        # %% step:b
        warnings.warn("first")
        # %% step:c
        warnings.warn("second", RuntimeWarning)
    """),
    Row("logging-level-and-handler", r"""
        # %% step:a
        import logging, sys
        logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(levelname)s:%(name)s:%(message)s")
        # %% step:b
        logging.getLogger("job").info("hello")
        logging.getLogger("job").debug("not shown")
        # %% step:c
        logging.getLogger("job").setLevel(logging.DEBUG)
        # %% step:d
        logging.getLogger("job").debug("shown now")
    """),
    Row("logging-own-handler-collects", r"""
        # %% step:a
        import logging
        class Keep(logging.Handler):
            def __init__(self): super().__init__(); self.records = []
            def emit(self, record): self.records.append(record.getMessage())
        keep = Keep()
        log = logging.getLogger("kept"); log.addHandler(keep); log.propagate = False
        # %% step:b
        log.warning("one %d", 1)
        # %% step:c
        logging.getLogger("kept").error("two")
        # %% step:d
        print(keep.records)
    """),
    Row("logging-disabled-and-level-names", r"""
        # %% step:a
        import logging
        logging.addLevelName(25, "NOTICE")
        logging.disable(logging.ERROR)
        # %% step:b
        logging.getLogger("x").error("hidden")
        print(logging.getLevelName(25))
        # %% step:c
        logging.disable(logging.NOTSET)
        logging.getLogger("x").error("seen")
    """),
    Row("locale", r"""
        # %% step:a
        import locale
        locale.setlocale(locale.LC_ALL, "C.UTF-8")
        # %% step:b
        print(locale.setlocale(locale.LC_NUMERIC), locale.format_string("%d", 1234567, grouping=True))
        # %% step:c
        locale.setlocale(locale.LC_ALL, "C")
        # %% step:d
        print(locale.setlocale(locale.LC_NUMERIC))
    """),
    Row("decimal-context", r"""
        # %% step:a
        import decimal
        decimal.getcontext().prec = 6
        decimal.getcontext().rounding = decimal.ROUND_DOWN
        # %% step:b
        print(decimal.Decimal(2) / 3)
        # %% step:c
        with decimal.localcontext() as ctx:
            ctx.prec = 2
            print(decimal.Decimal(2) / 3)
        print(decimal.Decimal(2) / 3)
    """),
    Row("rcparams-set-first-shown-third", r"""
        # %% step:a
        import matplotlib.pyplot as plt
        plt.rcParams["figure.figsize"] = (3, 2)
        plt.rcParams["axes.facecolor"] = "lightyellow"
        # %% step:b
        data = [1, 3, 2]
        # %% step:c
        plt.plot(data)
        print(plt.rcParams["figure.figsize"])
    """, needs=("matplotlib",)),
    Row("matplotlib-style-and-colormap", r"""
        # %% step:a
        import matplotlib as mpl, matplotlib.pyplot as plt
        plt.style.use("ggplot")
        mpl.colormaps.register(mpl.colors.ListedColormap(["red", "blue"]), name="mine")
        # %% step:b
        x = 1
        # %% step:c
        print(mpl.rcParams["axes.grid"], mpl.colormaps["mine"](0))
        # %% step:d
        mpl.rcdefaults()
        # %% step:e
        print(mpl.rcParams["axes.grid"])
    """, needs=("matplotlib",)),
    Row("pandas-options", r"""
        # %% step:a
        import pandas as pd
        pd.set_option("display.max_rows", 4)
        pd.options.display.float_format = "{:.1f}".format
        # %% step:b
        df = pd.DataFrame({"v": [i / 3 for i in range(20)]})
        # %% step:c
        df
        # %% step:d
        pd.reset_option("display.max_rows")
        # %% step:e
        print(len(str(df).splitlines()))
    """, needs=("pandas",)),
    Row("numpy-printoptions-and-errors", r"""
        # %% step:a
        import numpy as np
        np.set_printoptions(precision=2, suppress=True)
        np.seterr(divide="ignore", over="raise")
        # %% step:b
        a = np.array([1.23456, 1e-9]) / np.array([1, 0])
        # %% step:c
        print(a)
        try:
            np.float64(1e308) * 10
        except FloatingPointError as error:
            print(error)
    """, needs=("numpy",)),
    Row("sklearn-config", r"""
        # %% step:a
        import sklearn
        sklearn.set_config(transform_output="pandas")
        # %% step:b
        from sklearn.preprocessing import StandardScaler
        import pandas as pd
        out = StandardScaler().fit_transform(pd.DataFrame({"a": [1.0, 2.0, 3.0]}))
        # %% step:c
        print(type(out).__name__, sklearn.get_config()["transform_output"])
    """, needs=("sklearn", "pandas")),
    Row("attribute-patched-onto-a-class", r"""
        # %% step:a
        import pandas as pd
        pd.DataFrame.shout = lambda self: "rows: " + "!" * len(self)
        # %% step:b
        df = pd.DataFrame({"a": [1, 2, 3]})
        # %% step:c
        print(df.shout())
    """, needs=("pandas",)),
    Row("constant-patched-onto-a-module", r"""
        # %% step:a
        import math
        math.tau = 3
        # %% step:b
        import math
        print(math.tau)
        # %% step:c
        from math import tau
        print(tau)
    """),
    Row("function-patched-onto-a-module", r"""
        # %% step:a
        import json
        real = json.dumps
        json.dumps = lambda obj, **kw: real(obj, sort_keys=True, **kw)
        # %% step:b
        text = json.dumps({"b": 1, "a": 2})
        # %% step:c
        json.dumps = real
        # %% step:d
        print(text, json.dumps({"b": 1, "a": 2}))
    """),
    Row("builtins-patched", r"""
        # %% step:a
        import builtins
        builtins.answer = 42
        builtins.bin, real = (lambda x: real(x).upper()), builtins.bin
        # %% step:b
        print(answer, bin(5))
        # %% step:c
        builtins.bin = real
        print(bin(5))
    """),
    Row("mock-started-here-stopped-there", r"""
        # %% step:a
        from unittest import mock
        patcher = mock.patch("os.getlogin", return_value="nobody-special")
        patcher.start();
        # %% step:b
        import os
        print(os.getlogin())
        # %% step:c
        _ = patcher.stop()
        # %% step:d
        print(isinstance(os.getlogin, mock.Mock))
    """),
    Row("pandas-accessor-registered", r"""
        # %% step:a
        import pandas as pd
        @pd.api.extensions.register_series_accessor("money")
        class Money:
            def __init__(self, series): self.series = series
            def total(self): return f"{self.series.sum():.2f} EUR"
        # %% step:b
        s = pd.Series([1.5, 2])
        # %% step:c
        print(s.money.total())
    """, needs=("pandas",)),
    Row("registries-of-the-standard-library", r"""
        # %% step:a
        import codecs, csv, mimetypes, copyreg
        csv.register_dialect("semi", delimiter=";")
        codecs.register_error("star", lambda e: ("*", e.end))
        mimetypes.add_type("text/x-row", ".row")
        csv.field_size_limit(99)
        # %% step:b
        rows = list(csv.reader(["a;b"], dialect="semi"))
        # %% step:c
        print(rows, "ä".encode("ascii", "star"), mimetypes.guess_type("x.row")[0], csv.field_size_limit())
    """),
    Row("interpreter-limits", r"""
        # %% step:a
        import sys, gc
        sys.setrecursionlimit(4321)
        sys.set_int_max_str_digits(5000)
        gc.disable()
        # %% step:b
        print(sys.getrecursionlimit(), sys.get_int_max_str_digits(), gc.isenabled())
        # %% step:c
        gc.enable()
        print(gc.isenabled())
    """),
    Row("module-made-by-hand", r"""
        # %% step:a
        import sys, types
        fake = types.ModuleType("made_by_hand")
        fake.value = 3
        sys.modules["made_by_hand"] = fake
        # %% step:b
        import made_by_hand
        made_by_hand.value += 1
        # %% step:c
        from made_by_hand import value
        print(value, fake.value)
    """),
]
