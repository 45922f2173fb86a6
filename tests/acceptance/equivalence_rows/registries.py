"""State that libraries keep for themselves, changed by one step and felt by another."""

from __future__ import annotations

from tests.acceptance.row import Row

ROWS = [
    Row("calendar-first-weekday-through-an-imported-name", r"""
        # %% step:a
        from calendar import setfirstweekday
        import calendar
        setfirstweekday(6)
        # %% step:b
        n = 2
        # %% step:c
        print(calendar.month(2024, n), calendar.firstweekday())
    """),
    Row("calendar-first-weekday-set-inside-a-function", r"""
        # %% functions
        import calendar
        def american():
            calendar.setfirstweekday(calendar.SUNDAY)
        # %% step:a
        american()
        # %% step:b
        n = 2
        # %% step:c
        print(calendar.weekheader(n))
    """),
    Row("limits-of-reprlib", r"""
        # %% step:a
        import reprlib
        reprlib.aRepr.maxlist = 2
        # %% step:b
        words = list("abcdef")
        # %% step:c
        print(reprlib.repr(words))
    """),
    Row("namespace-of-elementtree", r"""
        # %% step:a
        import xml.etree.ElementTree as ET
        ET.register_namespace("my", "http://my.example/ns")
        # %% step:b
        root = ET.Element("{http://my.example/ns}root")
        # %% step:c
        print(ET.tostring(root).decode())
    """),
    Row("abstract-class-of-the-library-learns-a-class", r"""
        # %% step:a
        import collections.abc, numbers
        class Bag:
            pass
        collections.abc.Sequence.register(Bag)
        # %% step:b
        from numbers import Number
        Number.register(Bag)
        # %% step:c
        print(isinstance(Bag(), collections.abc.Sequence), isinstance(Bag(), numbers.Number))
    """),
    Row("generic-function-of-the-library-learns-a-type", r"""
        # %% step:a
        import functools, statistics
        from json import JSONEncoder
        old = JSONEncoder.default
        class Point:
            x = 3
        # %% step:b
        JSONEncoder.default = lambda self, o: o.x if isinstance(o, Point) else old(self, o)
        # %% step:c
        import json
        print(json.dumps({"p": Point()}))
    """),
    Row("table-in-a-library-module-grows", r"""
        # %% step:a
        import html, html.entities, urllib.parse
        html.entities.html5["smile;"] = ":-)"
        urllib.parse.uses_netloc.append("my")
        # %% step:b
        link = "my://host/x"
        # %% step:c
        print(html.unescape("&smile;"), urllib.parse.urljoin(link, "//other/y"))
    """),
    Row("adapters-of-sqlite", r"""
        # %% step:a
        import sqlite3
        class Money:
            def __init__(self, cents): self.cents = cents
        def adapt(m): return m.cents
        def convert(raw): return Money(int(raw))
        sqlite3.register_adapter(Money, adapt)
        sqlite3.register_converter("money", convert)
        # %% step:b
        con = sqlite3.connect(":memory:", detect_types=sqlite3.PARSE_DECLTYPES)
        con.execute("create table t (m money)")
        con.execute("insert into t values (?)", (Money(250),))
        # %% step:c
        print(con.execute("select m from t").fetchone()[0].cents)
    """),
    Row("adapters-of-sqlite-used-by-connections-of-their-own", r"""
        # %% step:a
        import sqlite3
        from fractions import Fraction
        sqlite3.register_adapter(Fraction, str)
        # %% step:b
        n = Fraction(1, 3)
        # %% step:c
        with sqlite3.connect(":memory:") as con:
            print(con.execute("select ?", (n,)).fetchone())
    """),
    Row("pickle-learns-how-through-copyreg", r"""
        # %% step:a
        import copyreg, pickle
        class Gate:
            def __init__(self, n): self.n = n
        copyreg.pickle(Gate, lambda g: (Gate, (g.n + 1,)))
        # %% step:b
        g = Gate(1)
        # %% step:c
        import copy
        print(copy.copy(g).n, g.n)
    """),
    Row("tqdm-teaches-pandas", r"""
        # %% step:a
        import io
        import pandas as pd
        from tqdm import tqdm
        bar = io.StringIO()
        tqdm.pandas(desc="rows", file=bar, ascii=True)
        # %% step:b
        s = pd.Series([1, 2, 3])
        # %% step:c
        print(s.progress_apply(lambda x: x * x).tolist())
    """, needs=("tqdm", "pandas")),
    Row("distribution-of-scipy-seeded", r"""
        # %% step:a
        import numpy as np
        from scipy import stats
        stats.norm.random_state = np.random.default_rng(5)
        # %% step:b
        first = stats.norm.rvs(size=2)
        # %% step:c
        print(first.round(6), stats.norm.rvs(size=2).round(6))
    """, needs=("scipy",)),
    Row("scipy-special-errors", r"""
        # %% step:a
        from scipy import special
        before = special.seterr(singular="raise")
        # %% step:b
        x = 0
        # %% step:c
        try:
            print(special.gammaln(x))
        except special.SpecialFunctionError as error:
            print(error)
    """, needs=("scipy",)),
    Row("numpy-error-callback", r"""
        # %% step:a
        import numpy as np
        seen = []
        old = np.seterrcall(lambda kind, flag: seen.append(kind))
        np.seterr(divide="call")
        # %% step:b
        y = np.array([1.0]) / 0
        # %% step:c
        print(seen, y)
    """, needs=("numpy",)),
    Row("matplotlib-registries", r"""
        # %% step:a
        import matplotlib as mpl
        import matplotlib.pyplot as plt
        from matplotlib.colors import ListedColormap
        mpl.colormaps.register(ListedColormap(["#ff0000", "#00ff00"], name="traffic"))
        # %% step:b
        x = 1.0
        # %% step:c
        print(plt.get_cmap("traffic")(x), "traffic" in mpl.colormaps)
        print(mpl.colormaps["traffic"].N)
    """, needs=("matplotlib",)),
    Row("matplotlib-scale-and-projection", r"""
        # %% step:a
        import matplotlib.projections, matplotlib.scale
        from matplotlib.axes import Axes
        class Mine(Axes):
            name = "mine"
        matplotlib.projections.register_projection(Mine)
        # %% step:b
        import matplotlib.pyplot as plt
        n = 1
        # %% step:c
        fig = plt.figure(figsize=(1, 1))
        print(type(fig.add_subplot(projection="mine")).__name__)
        plt.close(fig)
    """, needs=("matplotlib",)),
    Row("rc-context-open-across-steps", r"""
        # %% step:a
        import matplotlib.pyplot as plt
        context = plt.rc_context({"lines.linewidth": 9})
        context.__enter__()
        # %% step:b
        print(plt.rcParams["lines.linewidth"])
        # %% step:c
        context.__exit__(None, None, None)
        # %% step:d
        print(plt.rcParams["lines.linewidth"])
    """, needs=("matplotlib",)),
    Row("pandas-option-context-open-across-steps", r"""
        # %% step:a
        import pandas as pd
        shown = pd.option_context("display.max_rows", 4, "display.precision", 2)
        shown.__enter__()
        df = pd.DataFrame({"x": [i / 7 for i in range(9)]})
        # %% step:b
        print(df)
        # %% step:c
        shown.__exit__(None, None, None)
        # %% step:d
        print(df)
    """, needs=("pandas",)),
    Row("pandas-float-format-is-a-function", r"""
        # %% step:a
        import pandas as pd
        digits = 2
        pd.options.display.float_format = lambda v: f"{v:.{digits}f}!"
        # %% step:b
        df = pd.DataFrame({"x": [1 / 3]})
        digits = 4
        # %% step:c
        print(df)
    """, needs=("pandas",)),
    Row("numpy-formatter-is-a-function", r"""
        # %% step:a
        import numpy as np
        unit = "m"
        np.set_printoptions(formatter={"float": lambda v: f"{v:.1f}{unit}"})
        # %% step:b
        a = np.array([1.0, 2.0])
        # %% step:c
        unit = "km"
        # %% step:d
        print(a)
    """, needs=("numpy",)),
    Row("local-context-of-decimal-with-flags", r"""
        # %% step:a
        from decimal import Decimal, Inexact, getcontext, localcontext
        getcontext().prec = 5
        x = Decimal(1) / Decimal(3)
        # %% step:b
        print(getcontext().flags[Inexact], x)
        # %% step:c
        getcontext().clear_flags()
        getcontext().traps[Inexact] = True
        # %% step:d raises-exception
        Decimal(1) / Decimal(7)
        # %% step:e
        print(getcontext().flags[Inexact], getcontext().prec)
    """),
    Row("logging-file-handler-read-back", r"""
        # %% step:a
        import logging
        log = logging.getLogger("flow")
        log.setLevel(logging.INFO)
        handler = logging.FileHandler("flow.log", mode="w")
        handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
        log.addHandler(handler)
        # %% step:b
        log.info("loaded %d rows", 3)
        # %% step:c
        log.warning("one bad")
        # %% step:d
        handler.close(); log.removeHandler(handler)
        print(open("flow.log").read())
    """),
    Row("logging-filter-and-adapter-and-logger-class", r"""
        # %% step:a
        import logging, sys
        class Loud(logging.Logger):
            def shout(self, text): self.error(text.upper())
        logging.setLoggerClass(Loud)
        logging.basicConfig(stream=sys.stdout, format="%(name)s %(message)s", level=logging.INFO)
        # %% step:b
        log = logging.getLogger("late")
        # %% step:c
        log.shout("hello")
        logging.getLogger("later").shout("there")
    """),
    Row("logging-record-factory", r"""
        # %% step:a
        import logging, sys
        before = logging.getLogRecordFactory()
        def numbered(*args, **kwargs):
            record = before(*args, **kwargs)
            record.run = 42
            return record
        logging.setLogRecordFactory(numbered)
        # %% step:b
        logging.basicConfig(stream=sys.stdout, format="%(run)s %(message)s")
        # %% step:c
        logging.warning("hm")
    """),
    Row("warnings-turned-into-log-lines", r"""
        # %% step:a
        import logging, sys, warnings
        logging.basicConfig(stream=sys.stdout, format="%(name)s")
        logging.captureWarnings(True)
        # %% step:b
        n = 1
        # %% step:c
        warnings.warn("odd")
    """),
    Row("profile-and-thread-hooks", r"""
        # %% step:a
        import sys, threading
        def hook(args): print("thread died of", args.exc_type.__name__)
        threading.excepthook = hook
        # %% step:b
        def boom(): raise KeyError("x")
        # %% step:c
        t = threading.Thread(target=boom); t.start(); t.join()
    """),
    Row("switch-interval-and-gc-threshold", r"""
        # %% step:a
        import gc, sys
        sys.setswitchinterval(0.02)
        gc.set_threshold(123, 4, 5)
        # %% step:b
        n = 1
        # %% step:c
        print(sys.getswitchinterval(), gc.get_threshold())
    """),
    Row("importer-of-the-notebook", r"""
        # %% step:a
        import importlib.abc, importlib.util, sys
        class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
            def find_spec(self, name, path, target=None):
                return importlib.util.spec_from_loader(name, self) if name.startswith("magic_") else None
            def create_module(self, spec): return None
            def exec_module(self, module): module.answer = len(module.__name__)
        sys.meta_path.append(Finder())
        # %% step:b
        import magic_word
        # %% step:c
        print(magic_word.answer)
        import magic_other_word
        print(magic_other_word.answer)
    """),
    Row("opener-of-urllib", r"""
        # %% step:a
        import io, urllib.request, urllib.response
        class Memory(urllib.request.BaseHandler):
            def memory_open(self, request):
                return urllib.response.addinfourl(io.BytesIO(b"from memory"), {}, request.full_url)
        urllib.request.install_opener(urllib.request.build_opener(Memory))
        # %% step:b
        link = "memory://x"
        # %% step:c
        print(urllib.request.urlopen(link).read())
    """),
    Row("joblib-backend-and-config", r"""
        # %% step:a
        import joblib
        held = joblib.parallel_config(backend="threading", n_jobs=2)
        # %% step:b
        def square(x): return x * x
        # %% step:c
        print(joblib.Parallel()(joblib.delayed(square)(i) for i in range(4)), joblib.Parallel().n_jobs)
        # %% step:d
        held.unregister()
        print(joblib.Parallel().n_jobs)
    """, needs=("joblib",)),
    Row("method-of-multiprocessing", r"""
        # %% step:a
        import multiprocessing
        multiprocessing.set_start_method("spawn", force=True)
        # %% step:b
        n = 1
        # %% step:c
        print(multiprocessing.get_start_method())
    """),
    Row("date-parser-of-the-local-module-keeps-a-default", r"""
        # %% step:a
        from tools.settings import configure
        changed = configure(zone="Paris")
        # %% step:b
        n = 1
        # %% step:c
        from tools import settings
        print(settings.describe(), changed)
    """, files={"tools/__init__.py": "", "tools/settings.py": """
        __zone = "UTC"
        def configure(zone):
            global __zone
            old, __zone = __zone, zone
            return old
        def describe():
            return "zone " + __zone
    """}),
    Row("default-of-a-local-function-grows", r"""
        # %% step:a
        from basket import add
        add("a")
        # %% step:b
        n = 1
        # %% step:c
        print(add("c"), add.calls, n)
    """, files={"basket.py": """
        def add(item, into=[]):
            add.calls += 1
            into.append(item)
            return into
        add.calls = 0
    """}),
    Row("cache-of-a-local-function-that-prints", r"""
        # %% step:a
        from costly import load
        print(load(1))
        # %% step:b
        print(load(2))
        # %% step:c
        print(load(1), load(2), load.cache_info())
    """, files={"costly.py": """
        import functools
        @functools.cache
        def load(n):
            print("loading", n)
            return n * 10
    """}),
    Row("closure-in-a-local-module-counts", r"""
        # %% step:a
        from ticket import draw
        print(draw())
        # %% step:b
        print(draw())
        # %% step:c
        print(draw())
    """, files={"ticket.py": """
        def _make():
            n = 0
            def draw():
                nonlocal n
                n += 1
                return n
            return draw
        draw = _make()
    """}),
    Row("generator-of-a-local-module-goes-on", r"""
        # %% step:a
        import itertools
        from numbering import fresh, ids
        print(fresh(), next(ids))
        # %% step:b
        print(fresh(), next(ids))
        # %% step:c
        print(fresh(), next(ids))
    """, files={"numbering.py": """
        import itertools
        _counter = itertools.count(1)
        ids = (n * 100 for n in range(1, 9))
        def fresh():
            return next(_counter)
    """}),
    Row("singleton-of-a-local-module", r"""
        # %% step:a
        from single import Settings
        Settings.get().level = 7
        # %% step:b
        mine = Settings.get()
        # %% step:c
        print(mine is Settings.get(), Settings.get().level)
    """, files={"single.py": """
        class Settings:
            _one = None
            level = 0
            @classmethod
            def get(cls):
                if cls._one is None:
                    cls._one = cls()
                return cls._one
    """}),
    Row("two-steps-fill-a-registry-of-a-local-package", r"""
        # %% step:a
        from plugins import registry
        # %% step:left
        from plugins.core import plugin
        @plugin("left")
        def l(): return 1
        # %% step:right
        from plugins.core import plugin
        @plugin("right")
        def r(): return 2
        # %% step:c
        print({k: f() for k, f in registry.items()})
    """, files={"plugins/__init__.py": "from .core import registry\n", "plugins/core.py": """
        registry = {}
        def plugin(name):
            def add(f):
                registry[name] = f
                return f
            return add
    """}),
]
