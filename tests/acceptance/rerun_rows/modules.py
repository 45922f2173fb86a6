"""Modules beside the notebook, rewritten between two runs, and notebooks that are edited."""

from __future__ import annotations

from tests.acceptance.rerun import RerunRow, all_of, dated, remove, touch, write

BOTH, OUT = frozenset({"use", "out"}), frozenset({"out"})
USE = """
        # %% step:use
        import tools
        value = tools.f(2)
        # %% step:out
        print(value)
"""

ROWS = [
    RerunRow("module-rewritten", USE, files={"tools.py": "def f(x): return x"},
             change=write("tools.py", "def f(x): return x + 1"), not_kept=BOTH, moves=OUT),
    RerunRow("module-rewritten-with-equal-size-and-time", USE, files={"tools.py": "def f(x): return x + 1"},
             prepare=dated("tools.py", 1_700_000_000),
             change=all_of(write("tools.py", "def f(x): return x + 2"), dated("tools.py", 1_700_000_001)),
             not_kept=BOTH, moves=OUT),
    RerunRow("module-saved-again-as-it-is", USE, files={"tools.py": "def f(x): return x"}, change=touch("tools.py"),
             kept=BOTH),
    RerunRow("module-that-nobody-imports", USE, files={"tools.py": "def f(x): return x", "other.py": "x = 1"},
             change=write("other.py", "x = 2"), kept=BOTH),
    RerunRow("module-of-a-module-rewritten", USE, files={
        "tools.py": "from base import f", "base.py": "def f(x): return x"},
             change=write("base.py", "def f(x): return x * 10"), not_kept=BOTH, moves=OUT),
    RerunRow("module-imported-in-a-function-of-a-module", USE, files={
        "tools.py": "def f(x):\n    from base import g\n    return g(x)", "base.py": "def g(x): return x"},
        change=write("base.py", "def g(x): return x * 10"), not_kept=BOTH, moves=OUT),
    RerunRow("module-imported-by-its-name", USE, files={
        "tools.py": "import importlib\ndef f(x): return importlib.import_module('ba' + 'se').g(x)",
        "base.py": "def g(x): return x"}, change=write("base.py", "def g(x): return x * 10"), not_kept=BOTH, moves=OUT),
    RerunRow("module-loaded-from-its-file", """
        # %% step:use
        import importlib.util
        spec = importlib.util.spec_from_file_location("plugin", "plugins/a.py")
        plugin = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(plugin)
        value = plugin.X
        # %% step:out
        print(value)
    """, files={"plugins/a.py": "X = 1"}, change=write("plugins/a.py", "X = 2"), not_kept=BOTH, moves=OUT),
    RerunRow("module-of-a-package-rewritten", """
        # %% step:use
        from shop.prices import price
        value = price()
        # %% step:out
        print(value)
    """, files={"shop/__init__.py": "", "shop/prices.py": "def price(): return 1"},
        change=write("shop/prices.py", "def price(): return 2"), not_kept=BOTH, moves=OUT),
    RerunRow("module-in-a-folder-put-on-the-path", """
        # %% step:path
        import sys
        sys.path.insert(0, "src")
        # %% step:use
        import tools
        value = tools.f(2)
        # %% step:out
        print(value)
    """, files={"src/tools.py": "def f(x): return x"}, change=write("src/tools.py", "def f(x): return -x"),
        not_kept=BOTH, moves=OUT),
    RerunRow("module-outside-of-the-working-folder", """
        # %% step:path
        import sys
        sys.path.append("..")
        # %% step:use
        import tools
        value = tools.f(2)
        # %% step:out
        print(value)
    """, files={"../tools.py": "def f(x): return x"}, change=write("../tools.py", "def f(x): return -x"),
        not_kept=BOTH, moves=OUT),
    RerunRow("module-appears-that-was-tried", """
        # %% step:use
        try:
            from local_settings import LEVEL
        except ImportError:
            LEVEL = 1
        # %% step:out
        print(LEVEL)
    """, change=write("local_settings.py", "LEVEL = 2"), not_kept=BOTH, moves=OUT),
    RerunRow("module-disappears-that-was-tried", """
        # %% step:use
        try:
            from local_settings import LEVEL
        except ImportError:
            LEVEL = 1
        # %% step:out
        print(LEVEL)
    """, files={"local_settings.py": "LEVEL = 2"}, change=remove("local_settings.py"), not_kept=BOTH, moves=OUT),
    RerunRow("module-looked-for-by-find-spec", """
        # %% step:use
        import importlib.util
        value = importlib.util.find_spec("local_settings") is not None
        # %% step:out
        print(value)
    """, change=write("local_settings.py", "LEVEL = 2"), not_kept=BOTH, moves=OUT),
    RerunRow("module-shadows-a-package", """
        # %% step:use
        import tqdm
        value = getattr(tqdm, "MINE", 0)
        # %% step:out
        print(value)
    """, needs=("tqdm",), change=write("tqdm.py", "MINE = 1"), not_kept=BOTH, moves=OUT),
    RerunRow("module-that-shadows-no-standard-one", """
        # %% step:use
        import wave
        value = getattr(wave, "MINE", 0)
        # %% step:out
        print(value)
    """, change=write("wave.py", "MINE = 1"), kept=BOTH),
    RerunRow("data-of-a-local-package-by-resources", """
        # %% step:use
        from importlib import resources
        value = resources.files("shop").joinpath("prices.txt").read_text()
        # %% step:out
        print(value)
    """, files={"shop/__init__.py": "", "shop/prices.txt": "1"}, change=write("shop/prices.txt", "2"), not_kept=BOTH,
        moves=OUT),
    RerunRow("data-of-a-local-package-by-pkgutil", """
        # %% step:use
        import pkgutil
        value = pkgutil.get_data("shop", "prices.txt")
        # %% step:out
        print(value)
    """, files={"shop/__init__.py": "", "shop/prices.txt": "1"}, change=write("shop/prices.txt", "2"), not_kept=BOTH,
        moves=OUT),
    RerunRow("source-of-a-module-is-shown", """
        # %% step:use
        import inspect, tools
        value = inspect.getsource(tools.f)
        # %% step:out
        print(value)
    """, files={"tools.py": "def f(x): return x  # one\n"}, change=write("tools.py", "def f(x): return x  # two\n"),
        not_kept=BOTH, moves=OUT),
    RerunRow("cell-edited", """
        # %% step:use
        value = 1
        # %% step:out
        print(value)
        # %% step:other
        print("other")
    """, cells_after="""
        # %% step:use
        value = 2
        # %% step:out
        print(value)
        # %% step:other
        print("other")
    """, kept=frozenset({"other"}), not_kept=BOTH, moves=OUT),
    RerunRow("comment-edited", """
        # %% step:use
        # one
        value = 1
        # %% step:out
        print(value)
    """, cells_after="""
        # %% step:use
        # two
        value = 1
        # %% step:out
        print(value)
    """, kept=BOTH),
    # ../shared/cases: a loop patched by a library, and a step below it edited
    RerunRow("loop-patched-by-a-library", """
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
    """, cells_after="""
        # %% imports
        import asyncio
        import nest_asyncio2
        # %% step:setup
        nest_asyncio2.apply()
        ready = True
        # %% step:work
        async def f(n):
            await asyncio.sleep(0); return n
        x = asyncio.run(f(6))
        print(x)
    """, needs=("nest_asyncio2",), not_kept=frozenset({"work"}), moves=frozenset({"work"})),
    RerunRow("global-of-a-module-set-by-a-kept-step", """
        # %% imports
        import tools
        # %% step:setup
        tools.LEVEL = 5
        # %% step:out
        print(tools.f(2))
    """, cells_after="""
        # %% imports
        import tools
        # %% step:setup
        tools.LEVEL = 5
        # %% step:out
        print(tools.f(3))
    """, files={"tools.py": "LEVEL = 1\ndef f(x): return x * LEVEL\n"}, not_kept=OUT, moves=OUT),
    RerunRow("module-reloaded-by-the-magic", """
        # %% step:setup
        %load_ext autoreload
        %autoreload 2
        # %% step:use
        import tools
        value = tools.f(2)
        # %% step:out
        print(value)
    """, python_only=False, files={"tools.py": "def f(x): return x"}, change=write("tools.py", "def f(x): return -x"),
        not_kept=BOTH, moves=OUT),
]  # fmt: skip
