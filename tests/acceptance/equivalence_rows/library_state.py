"""State of the interpreter, of libraries and of local modules that no variable holds."""

from __future__ import annotations

from tests.acceptance.row import Row

ROWS = [
    Row("loop-patched-by-a-library", r"""
        # %% imports
        import asyncio
        import nest_asyncio2
        # %% step:setup
        nest_asyncio2.apply()
        ready = True
        # %% step:work
        async def f(n):
            await asyncio.sleep(0); return n
        x = asyncio.run(f(5))
        print(x)
    """, needs=("nest_asyncio2",)),
    Row("module-rewritten-after-import", r"""
        # %% step:a
        import helper_mod
        print(helper_mod.f())
        # %% step:b
        with open("helper_mod.py", "w") as f: f.write("def f(): return 22\n")
        # %% step:c
        print(helper_mod.f())
    """, files={"helper_mod.py": "def f(): return 1\n"}),
    Row("decimal-await-first", r"""
        # %% step:a
        import asyncio, decimal
        await asyncio.sleep(0)
        decimal.getcontext().prec = 5
        # %% step:b
        n = decimal.Decimal(1)
        # %% step:c
        print(n / 3, decimal.getcontext().prec)
    """),
    Row("decimal-await-after-use", r"""
        # %% step:z
        import asyncio, decimal
        print(decimal.Decimal(1) / 7)
        # %% step:a
        await asyncio.sleep(0)
        decimal.getcontext().prec = 5
        # %% step:b
        n = decimal.Decimal(1)
        # %% step:c
        print(n / 3, decimal.getcontext().prec)
    """),
    Row("decimal-await-setcontext", r"""
        # %% step:z
        import asyncio, decimal
        print(decimal.Decimal(1) / 7)
        # %% step:a
        await asyncio.sleep(0)
        decimal.setcontext(decimal.Context(prec=4))
        # %% step:b
        n = decimal.Decimal(1)
        # %% step:c
        print(n / 3, decimal.getcontext().prec)
        # %% step:d
        await asyncio.sleep(0)
        print(n / 3, decimal.getcontext().prec)
    """),
    Row("numpy-await", r"""
        # %% step:a
        import asyncio, numpy as np
        await asyncio.sleep(0)
        np.set_printoptions(precision=3); np.seterr(divide="ignore")
        # %% step:b
        n = np.array([1.23456789])
        # %% step:c
        print(n, np.geterr()["divide"])
        # %% step:d
        await asyncio.sleep(0)
        print(n, np.geterr()["divide"])
    """, needs=("numpy",)),
    Row("sync-then-await", r"""
        # %% step:a
        import asyncio, decimal
        decimal.getcontext().prec = 5
        # %% step:b
        n = decimal.Decimal(1)
        # %% step:c
        await asyncio.sleep(0)
        print(n / 3, decimal.getcontext().prec)
        decimal.getcontext().prec = 7
        # %% step:d
        print(n / 3, decimal.getcontext().prec)
    """),
    Row("module-deleted-after-import", r"""
        # %% step:a
        import helper_mod
        # %% step:b
        import os; os.remove("helper_mod.py")
        # %% step:c
        print(helper_mod.f())
    """, files={"helper_mod.py": "def f(): return 1\n"}),
    Row("module-renamed-after-import", r"""
        # %% step:a
        import helper_mod
        # %% step:b
        import os; os.rename("helper_mod.py", "other_mod.py")
        # %% step:c
        print(helper_mod.f())
        # %% step:d
        import other_mod; print(other_mod.f(), other_mod is helper_mod)
    """, files={"helper_mod.py": "def f(): return 1\n"}),
    Row("pkg-init-rewritten", r"""
        # %% step:a
        import pk.sub
        print(pk.v, pk.sub.w)
        # %% step:b
        open("pk/__init__.py", "w").write("v = 22\n"); n = 1
        # %% step:c
        print(pk.v, pk.sub.w, pk.get())
        # %% step:d
        import pk.late; print(pk.late.z)
    """, files={
        "pk/__init__.py": "v = 1\ndef get(): return 'old'\n",
        "pk/sub.py": "w = 5\n",
        "pk/late.py": "from pk import get\nz = get()\n",
    }),
    Row("reload-after-rewrite", r"""
        # %% step:a
        import helper_mod, importlib
        print(helper_mod.f())
        # %% step:b
        with open("helper_mod.py", "w") as f: f.write("def f(): return 2222\n")
        # %% step:c
        importlib.reload(helper_mod)
        print(helper_mod.f())
        # %% step:d
        with open("helper_mod.py", "w") as f: f.write("def f(): return 33333\n")
        # %% step:e
        print(helper_mod.f())
    """, files={"helper_mod.py": "def f(): return 1\n"}),
    Row("reload-name-imported", r"""
        # %% step:a
        from importlib import reload
        import helper_mod
        print(helper_mod.f())
        with open("helper_mod.py", "w") as f: f.write("def f(): return 2222\n")
        # %% step:b
        reload(helper_mod)
        with open("helper_mod.py", "w") as f: f.write("def f(): return 33333\n")
        # %% step:c
        print(helper_mod.f())
    """, files={"helper_mod.py": "def f(): return 1\n"}),
    Row("rewritten-in-the-same-step", r"""
        # %% step:a
        import helper_mod
        with open("helper_mod.py", "w") as f: f.write("def f(): return 22\n")
        # %% step:b
        n = 1
        # %% step:c
        print(helper_mod.f())
    """, files={"helper_mod.py": "def f(): return 1\n"}),
    Row("from-import-rewritten", r"""
        # %% step:a
        from helper_mod import f
        # %% step:b
        with open("helper_mod.py", "w") as h: h.write("def f(): return 22\n")
        # %% step:c
        print(f())
        # %% step:d
        from helper_mod import f as g
        print(g(), f is g)
    """, files={"helper_mod.py": "def f(): return 1\n"}),
    Row("imported-by-another", r"""
        # %% step:a
        import outer_mod
        print(outer_mod.g())
        # %% step:b
        with open("helper_mod.py", "w") as h: h.write("def f(): return 22\n")
        # %% step:c
        print(outer_mod.g())
    """, files={
        "helper_mod.py": "def f(): return 1\n",
        "outer_mod.py": "import helper_mod\ndef g(): return helper_mod.f() + 100\n",
    }),
    Row("sys-path-order", r"""
        # %% step:a
        import sys
        sys.path.insert(0, "one")
        import tool_mod
        # %% step:b
        sys.path.insert(0, "two")
        # %% step:c
        print(tool_mod.f())
    """, files={'one/tool_mod.py': "def f(): return 'one'\n", 'two/tool_mod.py': "def f(): return 'two'\n"}),
    Row("sys-path-taken-back", r"""
        # %% step:a
        import sys
        sys.path.insert(0, "one")
        import tool_mod
        sys.path.pop(0)
        # %% step:b
        n = 1
        # %% step:c
        print(tool_mod.f())
    """, files={'one/tool_mod.py': "def f(): return 'one'\n"}),
    Row("chdir-other-module", r"""
        # %% step:a
        import helper_mod
        # %% step:b
        import os; os.chdir("sub")
        # %% step:c
        print(helper_mod.f())
    """, files={'helper_mod.py': 'def f(): return 1\n', 'sub/helper_mod.py': "def f(): return 'sub'\n"}),
    Row("sys-modules-deleted-and-imported-again", r"""
        # %% step:a
        import helper_mod, sys
        old = helper_mod.f
        # %% step:b
        with open("helper_mod.py", "w") as h: h.write("def f(): return 22222\n")
        # %% step:c
        del sys.modules["helper_mod"]
        import helper_mod
        print(helper_mod.f(), old())
        # %% step:d
        print(helper_mod.f(), old())
    """, files={"helper_mod.py": "def f(): return 1\n"}),
    Row("autoreload-of-a-rewritten-module", r"""
        # %% step:a
        %load_ext autoreload
        %autoreload 2
        import helper_mod
        print(helper_mod.f())
        # %% step:b
        with open("helper_mod.py", "w") as h: h.write("def f(): return 22222\n")
        # %% step:c
        print(helper_mod.f())
        # %% step:d
        print(helper_mod.f())
    """, python_only=False, files={"helper_mod.py": "def f(): return 1\n"}),
    Row("class-of-rewritten-module", r"""
        # %% step:a
        from shape import Sq
        s = Sq(3)
        # %% step:b
        with open("shape.py", "w") as h: h.write("class Sq:\n    def area(self): return 'new'\n")
        # %% step:c
        print(s.area())
        # %% step:d
        print(type(s) is Sq, Sq(2).area())
    """, files={
        "shape.py": "class Sq:\n    def __init__(self, n): self.n = n\n    def area(self): return self.n**2\n",
    }),
    Row("writefile-magic", r"""
        # %% step:a
        import helper_mod
        # %% step:b
        %%writefile helper_mod.py
        def f(): return 22
        # %% step:c
        print(helper_mod.f())
    """, python_only=False, files={"helper_mod.py": "def f(): return 1\n"}),
    Row("module-with-state-rewritten", r"""
        # %% step:a
        import st_mod
        st_mod.bump()
        # %% step:b
        with open("st_mod.py", "w") as h: h.write("count = 100\ndef bump(): raise SystemError\n")
        # %% step:c
        st_mod.bump()
        # %% step:d
        print(st_mod.count)
    """, files={"st_mod.py": "count = 0\ndef bump():\n    global count\n    count += 1\n"}),
    Row("getsource-of-rewritten", r"""
        # %% step:a
        import helper_mod
        # %% step:b
        with open("helper_mod.py", "w") as h: h.write("def g(): return 22\n")
        # %% step:c
        import inspect
        print(inspect.getsource(helper_mod))
    """, files={"helper_mod.py": "def f(): return 1\n"}),
    Row("traceback-of-rewritten", r"""
        # %% step:a
        import helper_mod
        # %% step:b
        with open("helper_mod.py", "w") as h: h.write("def f(): return 22\n")
        # %% step:c
        print(helper_mod.f(0))
    """, compare="error", files={"helper_mod.py": "def f(x):\n    return 1/x\n"}),
    Row("socket-timeout", r"""
        # %% imports
        import socket
        # %% step:a
        socket.setdefaulttimeout(7.5)
        # %% step:b
        n = 2
        # %% step:c
        print(socket.getdefaulttimeout())
    """),
    Row("gc-threshold", r"""
        # %% imports
        import gc
        # %% step:a
        gc.set_threshold(500, 5, 5)
        # %% step:b
        n = 2
        # %% step:c
        print(gc.get_threshold())
    """),
    Row("switchinterval", r"""
        # %% imports
        import sys
        # %% step:a
        sys.setswitchinterval(0.25)
        # %% step:b
        n = 2
        # %% step:c
        print(sys.getswitchinterval())
    """),
    Row("int-digits", r"""
        # %% imports
        import sys
        # %% step:a
        sys.set_int_max_str_digits(700)
        # %% step:b
        n = 2
        # %% step:c
        try: print(len(str(10**800)))
        except ValueError as e: print(e)
    """),
    Row("csv-dialect", r"""
        # %% imports
        import csv, io
        # %% step:a
        csv.register_dialect('pipes', delimiter='|', quoting=csv.QUOTE_ALL)
        # %% step:b
        n = 2
        # %% step:c
        out=io.StringIO(); csv.writer(out,'pipes').writerow([1,'a']); print(out.getvalue(), csv.list_dialects())
    """),
    Row("csv-limit", r"""
        # %% imports
        import csv
        # %% step:a
        csv.field_size_limit(20)
        # %% step:b
        n = 2
        # %% step:c
        try: print(list(csv.reader(['x'*30])))
        except csv.Error as e: print(e)
    """),
    Row("mimetypes", r"""
        # %% imports
        import mimetypes
        # %% step:a
        mimetypes.add_type('text/x-mine','.mine')
        # %% step:b
        n = 2
        # %% step:c
        print(mimetypes.guess_type('a.mine'), mimetypes.guess_extension('text/x-mine'))
    """),
    Row("start-method", r"""
        # %% imports
        import multiprocessing
        # %% step:a
        multiprocessing.set_start_method('spawn', force=True)
        # %% step:b
        n = 2
        # %% step:c
        print(multiprocessing.get_start_method())
    """),
    Row("stack-size", r"""
        # %% imports
        import threading
        # %% step:a
        threading.stack_size(1 << 20)
        # %% step:b
        n = 2
        # %% step:c
        print(threading.stack_size())
    """),
    Row("threading-excepthook", r"""
        # %% imports
        import threading
        # %% step:a
        def hook(args): print("caught", args.exc_value)
        threading.excepthook = hook
        # %% step:b
        n = 2
        # %% step:c
        t=threading.Thread(target=lambda: 1/0); t.start(); t.join()
    """),
    Row("showwarning", r"""
        # %% imports
        import warnings
        # %% step:a
        def show(message, category, filename, lineno, file=None, line=None): print("W:", message)
        warnings.showwarning = show
        # %% step:b
        n = 2
        # %% step:c
        warnings.warn('look')
    """),
    Row("formatwarning", r"""
        # %% imports
        import warnings
        # %% step:a
        warnings.formatwarning = lambda m, c, f, l, line=None: f'<{m}>'
        # %% step:b
        n = 2
        # %% step:c
        warnings.warn('look')
    """),
    Row("print-replaced", r"""
        # %% imports

        # %% step:a
        import builtins
        old = print
        def loud(*a, **k): old(*(str(x).upper() for x in a), **k)
        builtins.print = loud
        # %% step:b
        n = 2
        # %% step:c
        print('quiet')
    """),
    Row("json-default", r"""
        # %% imports
        import json
        # %% step:a
        json.JSONEncoder.default = lambda self, o: sorted(o)
        # %% step:b
        n = 2
        # %% step:c
        print(json.dumps({'a': {2,1}}))
    """),
    Row("sys-modules-stub", r"""
        # %% imports
        import sys
        # %% step:a
        import types
        stub = types.ModuleType('my_stub'); stub.x = 5
        sys.modules['my_stub'] = stub
        del stub
        # %% step:b
        n = 2
        # %% step:c
        import my_stub; print(my_stub.x)
    """),
    Row("sys-modules-replaces-real", r"""
        # %% imports
        import sys
        # %% step:a
        import types
        sys.modules['colorsys'] = types.SimpleNamespace(x=5)
        # %% step:b
        n = 2
        # %% step:c
        import colorsys; print(getattr(colorsys, 'x', None))
    """),
    Row("codecs-register", r"""
        # %% imports
        import codecs
        # %% step:a
        def search(name):
            if name == 'mycodec': return codecs.lookup('utf-8')
        codecs.register(search)
        # %% step:b
        n = 2
        # %% step:c
        print('abc'.encode('mycodec'))
    """),
    Row("codecs-error", r"""
        # %% imports
        import codecs
        # %% step:a
        codecs.register_error('mine', lambda e: ('?!', e.end))
        # %% step:b
        n = 2
        # %% step:c
        print('é'.encode('ascii','mine'))
    """),
    Row("linecache", r"""
        # %% imports
        import linecache
        # %% step:a
        linecache.cache['virtual.py'] = (4, None, ['one\n','two\n'], 'virtual.py')
        # %% step:b
        n = 2
        # %% step:c
        print(linecache.getline('virtual.py', 2))
    """),
    Row("tracemalloc", r"""
        # %% imports
        import tracemalloc
        # %% step:a
        tracemalloc.start(3)
        # %% step:b
        n = 2
        # %% step:c
        print(tracemalloc.is_tracing(), tracemalloc.get_traceback_limit())
    """),
    Row("faulthandler", r"""
        # %% imports
        import faulthandler
        # %% step:a
        faulthandler.enable(open('log.txt','w'))
        # %% step:b
        n = 2
        # %% step:c
        print(faulthandler.is_enabled())
    """),
    Row("resource-limit", r"""
        # %% imports
        import resource
        # %% step:a
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
        # %% step:b
        n = 2
        # %% step:c
        print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    """),
    Row("nice", r"""
        # %% imports
        import os
        # %% step:a
        os.nice(1)
        # %% step:b
        n = 2
        # %% step:c
        print(os.nice(0))
    """),
    Row("umask", r"""
        # %% imports
        import os
        # %% step:a
        os.umask(0o027)
        # %% step:b
        n = 2
        # %% step:c
        print(oct(os.umask(0o027)))
    """),
    Row("atexit", r"""
        # %% imports
        import atexit
        # %% step:a
        atexit.register(print, 'bye')
        # %% step:b
        n = 2
        # %% step:c
        print(atexit._ncallbacks() > 0, n)
    """),
    Row("signal-ignored", r"""
        # %% imports
        import signal
        # %% step:a
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        # %% step:b
        n = 2
        # %% step:c
        print(signal.getsignal(signal.SIGUSR1))
    """),
    Row("signal-handler-lib", r"""
        # %% imports
        import signal
        # %% step:a
        signal.signal(signal.SIGUSR1, signal.default_int_handler)
        # %% step:b
        n = 2
        # %% step:c
        print(signal.getsignal(signal.SIGUSR1))
    """),
    Row("setitimer", r"""
        # %% imports
        import signal
        # %% step:a
        signal.signal(signal.SIGALRM, signal.SIG_IGN); signal.setitimer(signal.ITIMER_REAL, 1000)
        # %% step:b
        n = 2
        # %% step:c
        print(signal.getitimer(signal.ITIMER_REAL)[0] > 0)
    """),
    Row("random-instance", r"""
        # %% imports
        import random
        # %% step:a
        random._inst.seed(4); random.random = random.Random(3).random
        # %% step:b
        n = 2
        # %% step:c
        print(random.random())
    """),
    Row("variable-by-putenv", r"""
        # %% imports
        import os, subprocess
        # %% step:a
        os.putenv('HIDDEN_ONE','1')
        # %% step:b
        n = 2
        # %% step:c
        print(subprocess.run('echo $HIDDEN_ONE', shell=True, capture_output=True, text=True).stdout)
    """),
    Row("pprint-magic", r"""
        # %% imports

        # %% step:a
        %pprint
        # %% step:b
        n = 2
        # %% step:c
        print(n)
        [1]*30
    """, python_only=False),
    Row("precision-magic", r"""
        # %% imports

        # %% step:a
        %precision 3
        # %% step:b
        n = 2
        # %% step:c
        3.14159265
    """, python_only=False),
    Row("xmode-magic", r"""
        # %% imports

        # %% step:a
        %xmode Minimal
        # %% step:b
        n = 2
        # %% step:c
        get_ipython().InteractiveTB.mode
    """, python_only=False),
    Row("alias-magic", r"""
        # %% imports

        # %% step:a
        %alias say echo hello
        # %% step:b
        n = 2
        # %% step:c
        %say you
    """, python_only=False),
    Row("alias_magic", r"""
        # %% imports

        # %% step:a
        %alias_magic t timeit
        # %% step:b
        n = 2
        # %% step:c
        print('t' in get_ipython().magics_manager.magics['line'])
    """, python_only=False),
    Row("ast-interactivity", r"""
        # %% imports

        # %% step:a
        get_ipython().ast_node_interactivity = 'all'
        # %% step:b
        n = 2
        # %% step:c
        n
        n+1
    """),
    Row("formatter", r"""
        # %% imports

        # %% step:a
        get_ipython().display_formatter.formatters['text/plain'].for_type(int, lambda o, p, c: p.text(f'<{o}>'))
        # %% step:b
        n = 2
        # %% step:c
        n
    """),
    Row("formatter-lib", r"""
        # %% imports

        # %% step:a
        import pprint
        get_ipython().display_formatter.formatters['text/html'].for_type(int, str)
        # %% step:b
        n = 2
        # %% step:c
        n
    """),
    Row("active-types", r"""
        # %% imports

        # %% step:a
        get_ipython().display_formatter.active_types = ['text/plain']
        # %% step:b
        n = 2
        # %% step:c
        import pandas as pd
        pd.DataFrame({'a':[1]})
    """, needs=("pandas",)),
    Row("html-repr", r"""
        # %% imports
        import pandas as pd
        # %% step:a
        pd.set_option('display.notebook_repr_html', False)
        # %% step:b
        n = 2
        # %% step:c
        pd.DataFrame({'a':[1]})
    """, needs=("pandas",)),
    Row("pandas-accessor", r"""
        # %% imports
        import pandas as pd
        # %% step:a
        @pd.api.extensions.register_dataframe_accessor('geo')
        class Geo:
            def __init__(self, df): self.df = df
            def size(self): return len(self.df)
        # %% step:b
        n = 2
        # %% step:c
        print(pd.DataFrame({'a':[1,2]}).geo.size())
    """, needs=("pandas",)),
    Row("pandas-backend", r"""
        # %% imports
        import pandas as pd
        # %% step:a
        pd.options.plotting.backend = 'matplotlib'; pd.options.display.precision = 2
        # %% step:b
        n = 2
        # %% step:c
        print(pd.Series([1.23456]), pd.options.plotting.backend)
    """, needs=("pandas",)),
    Row("polars-config", r"""
        # %% imports

        # %% step:a
        import polars as pl
        pl.Config.set_tbl_rows(2); pl.Config.set_float_precision(2)
        # %% step:b
        n = 2
        # %% step:c
        import polars as pl
        print(pl.DataFrame({'a':[1.234567,2,3,4]}))
    """, needs=("polars",)),
    Row("polars-config-use-elsewhere", r"""
        # %% imports

        # %% step:a
        import polars
        polars.Config.set_tbl_rows(2)
        df = polars.DataFrame({'a':[1.234567,2,3,4]})
        # %% step:b
        n = 2
        # %% step:c
        print(df)
    """, needs=("polars",)),
    Row("xarray-options", r"""
        # %% imports

        # %% step:a
        import xarray as xr
        xr.set_options(display_width=40, keep_attrs=True)
        ds = xr.DataArray([1,2.5], attrs={'u':'m'})
        # %% step:b
        n = 2
        # %% step:c
        print((ds+1).attrs)
    """, needs=("xarray",)),
    Row("plotly-template", r"""
        # %% imports

        # %% step:a
        import plotly.io as pio
        pio.templates.default = 'plotly_dark'
        # %% step:b
        n = 2
        # %% step:c
        import plotly.graph_objects as go
        print(go.Figure().layout.template.layout.paper_bgcolor)
    """, needs=("plotly",)),
]
