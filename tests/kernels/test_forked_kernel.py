"""A forked kernel is what a cold one is, and its end is known."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlops.kernels.forkserver_client import ForkServer
from jupyter_mlops.kernels.forkserver_registry import SERVERS
from jupyter_mlops.kernels.launch import forkable
from jupyter_mlops.kernels.preload import SAFE, preload
from tests.kernels.kernel import kernel

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux"),
    pytest.mark.xdist_group("kernels"),
]

ADDRESS = re.compile(r"0x[0-9a-f]+")
# Run one after the other, in a cold kernel and in a forked one.
SAME = {
    "modules": "import sys; print(sorted(n for n in sys.modules if n.split('.')[0] in ('numpy', 'pandas', 'json')))",
    "argv": "print(sys.argv[0], len(sys.argv), sys.argv[1])",
    "original argv": "print(sys.orig_argv[1:-1])",
    "path": "print(sys.path)",
    "flags": "print(sys.flags)",
    "main": "import __main__; print(__main__.__name__, getattr(__main__, '__file__', None), __main__.__spec__)",
    "folder": "import os; print(os.getcwd().rsplit('/', 1)[-1])",
    "environment": "print(sorted(k for k in os.environ if k not in ('JPY_PARENT_PID',)))",
    "session": "print(os.getsid(0) == os.getpid(), os.getpgid(0) == os.getpid())",
    "signals": "import signal; print([signal.getsignal(n) for n in (2, 10, 12, 13, 14, 15, 17)])",
    "filters before": "import warnings; print(warnings.filters)",
    "numpy": "import numpy; print(numpy.arange(3).sum(), numpy.__spec__.origin, numpy.get_printoptions())",
    "filters after numpy": "print(warnings.filters)",
    "modules after numpy": "print(sorted(n for n in sys.modules if n.split('.')[0] == 'numpy'))",
    "a submodule": "import numpy.linalg as la; print(la.det(numpy.eye(2)))",
    "pandas": "import pandas as pd; print(pd.DataFrame({'a': [1, 2]}).describe())",
    "filters after pandas": "print(warnings.filters)",
    "pandas options": "print(pd.describe_option('', _print_desc=False))",
    "wide frame": "print(pd.DataFrame([range(40)], columns=[f'column{i}' for i in range(40)]))",
    "lazily loaded": "import scipy; print(hasattr(scipy, 'sparse'), 'scipy.sparse' in sys.modules)",
    "backend": "import matplotlib; print(matplotlib.get_backend(), matplotlib.rcParams['figure.dpi'])",
    "settings of matplotlib": "import matplotlib.pyplot as plt; print(plt.rcParams, plt.isinteractive())",
    "figures": "plt.plot([1]); print(plt.get_fignums(), get_ipython().events.callbacks.keys())",
    "widgets": "import ipywidgets; print(sorted(get_ipython().kernel.comm_manager.targets))",
    "seeded": "numpy.random.seed(3); import random; random.seed(3); print(numpy.random.rand(), random.random())",
    "logging": "import logging; print(logging.root.level, logging.root.handlers, logging.root.manager.disable)",
    "threads": "import threading; print(sorted(type(t).__name__ for t in threading.enumerate()))",
    "main thread": "print(threading.current_thread() is threading.main_thread())",
    "await": "import asyncio; print(await asyncio.sleep(0, 'slept'))",
    "subprocess": "import subprocess; print(subprocess.run(['echo', 'x'], capture_output=True).stdout)",
    "forked workers": "import multiprocessing as m; print(m.get_context('fork').Pool(2).map(abs, [-1, -2]))",
    "spawned workers": "print(m.get_context('spawn').Pool(1).map(abs, [-3]))",
    "limits": "import gc; print(sys.getrecursionlimit(), gc.isenabled(), gc.get_threshold())",
    "standard streams": "os.write(1, b'from below\\n'); print(sys.stdin.read() if False else 'read')",
    "error": "1 / 0",
    "locale": "import locale; print(locale.setlocale(locale.LC_ALL), sys.getdefaultencoding())",
    "hash of a text": "print(hash('a') == hash('a'), os.environ.get('PYTHONHASHSEED'), hash('a'))",
}


@pytest.fixture(autouse=True, scope="module")
def closed() -> Iterator[None]:
    yield
    SERVERS.close()


def test_a_forked_kernel_is_as_a_cold_one(tmp_path: Path) -> None:
    async def both() -> None:
        env, cwd = {"PYTHONHASHSEED": "7"}, tmp_path / "work"
        cwd.mkdir()
        async with (
            kernel(tmp_path / "cold", forked=False, env=env, cwd=cwd) as cold,
            kernel(tmp_path / "fork", forked=True, env=env, cwd=cwd) as fork,
        ):
            assert type(fork.process).__name__ == "ForkedProcess"
            different = {}
            for name, code in SAME.items():
                wanted, got = await cold.run(code), await fork.run(code)
                if ADDRESS.sub("", wanted) != ADDRESS.sub("", got):
                    left, right = wanted.split(), got.split()
                    missing, more = [w for w in left if w not in right], [w for w in right if w not in left]
                    different[name] = f"\n- {missing or wanted}\n+ {more or got}\n"
            assert not different, "".join(f"{k}{v}" for k, v in different.items())

    asyncio.run(both())


def test_every_package_imported_ahead_is_as_if_imported_in_a_cell(tmp_path: Path) -> None:
    names = [*sorted(SAFE), "tqdm.auto", "sklearn.linear_model", "matplotlib.pyplot", "IPython.display"]
    state = (
        "import sys, warnings, logging, os, signal, locale, gc\n"
        "print(warnings.filters, sorted(os.environ), sys.path, sys.argv[:2], locale.setlocale(locale.LC_ALL))\n"
        "print(sorted((n, g.level, len(g.handlers)) for n, g in logging.root.manager.loggerDict.items()"
        " if getattr(g, 'level', 0) or getattr(g, 'handlers', ())))\n"
        "print(gc.get_threshold(), sys.getrecursionlimit(), signal.getsignal(signal.SIGINT), sys.excepthook,"
        " sys.displayhook.__class__, sorted(get_ipython().kernel.comm_manager.targets))"
    )

    async def both() -> None:
        async with (
            kernel(tmp_path / "cold", forked=False) as cold,
            kernel(tmp_path / "fork", forked=True, preload=names) as fork,
        ):
            different = {}
            for name in names:
                for code in (f"import {name}", f"print(sorted(vars(sys.modules.get({name!r}))))", state):
                    wanted, got = await cold.run(code), await fork.run(code)
                    if ADDRESS.sub("", wanted) != ADDRESS.sub("", got):
                        different.setdefault(name, f"{wanted}\n!=\n{got}")
            assert not different, different

    asyncio.run(both())


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("print('said')", "wrote to stdout"),
        ("import warnings; warnings.warn('said')", "wrote to stderr"),
        ("import IPython; said = IPython.get_ipython()", "asked for the shell"),
        ("said = get_ipython().user_ns", "asked the shell for user_ns"),
        ("import os; said = os.path.abspath('data')", "looked at the working folder in speaker"),
        ("import random; said = random.choice(range(10))", "drew random numbers"),
        ("import random; said = random.Random()", "made a random generator in speaker"),
        ("import numpy; said = numpy.random.default_rng()", "made a random generator in speaker"),
    ],
)
def test_a_module_that_says_something_when_imported_says_it_in_the_cell(
    tmp_path: Path, source: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "speaker.py").write_text(source)
    env = {"PYTHONPATH": str(tmp_path)}

    async def both() -> None:
        async with (
            kernel(tmp_path / "cold", forked=False, env=env) as cold,
            kernel(tmp_path / "fork", forked=True, env=env, preload=["json", "speaker", "csv"]) as fork,
        ):
            for code in ("import speaker", "import csv, json; print(type(getattr(speaker, 'said', 0)), csv, json)"):
                wanted, got = await cold.run(code), await fork.run(code)
                assert got == wanted
            reasons = [
                server.started.result()["failed"].get("speaker", "")
                for servers in SERVERS.servers.values()
                for server in servers
                if server.ready
            ]
            assert any(why in reason for reason in reasons)

    asyncio.run(both())


def test_what_imports_take_from_a_process_is_taken_from_the_kernel(tmp_path: Path) -> None:
    """A process that is started afresh finds modules beside the notebook only if multiprocessing knows the folder."""
    pytest.importorskip("rich.style")
    codes = (
        "import random; random.seed(0); import rich.style; print(random.random(), next(rich.style._id_generator))",
        "import multiprocessing.process as m, os, rich; print(m.ORIGINAL_DIR == rich._IMPORT_CWD == os.getcwd())",
        "open('beside.py', 'w').write('def cube(x): return x ** 3'); import beside",
        "with __import__('multiprocessing').get_context('spawn').Pool(1) as p: print(p.map(beside.cube, [2], 1))",
        "print(os.getcwd.__name__, os.getcwd, __import__('taker').getcwd is os.getcwd)",
    )
    (tmp_path / "taker.py").write_text("from os import getcwd\n")
    env, preload = {"PYTHONPATH": str(tmp_path)}, ["rich.style", "multiprocessing.pool", "taker"]

    async def both() -> None:
        async with (
            kernel(tmp_path / "cold", forked=False, env=env) as cold,
            kernel(tmp_path / "fork", forked=True, env=env, preload=preload) as fork,
            kernel(tmp_path / "next", forked=True, env=env, preload=preload) as another,
        ):
            for code in codes:
                wanted, got = await cold.run(code), await fork.run(code)
                assert got == wanted
            told = [server.started.result()["failed"] for server in SERVERS._all() if server.has(preload)]
            assert told == [{}]
            secret = "import multiprocessing; print(bytes(multiprocessing.current_process().authkey))"
            assert await fork.run(secret) != await another.run(secret)

    asyncio.run(both())


def test_modules_that_imports_make_and_filters_are_there_in_order(tmp_path: Path) -> None:
    """`requests.packages` gives modules second names in between imports; what fails leaves its package behind."""
    sources = {
        "wide/__init__.py": "import sys, wide.first\nsys.modules['wide.alias'] = wide.first\n"
        "import wide.second, wide.third\nsys.modules['wide.other'] = wide.second\n"
        "try:\n    import gone.for_good\nexcept ImportError:\n    pass\n",
        "wide/first.py": "import warnings, wide.shared\nwarnings.filterwarnings('ignore', 'first')\n",
        "wide/second.py": "import warnings, wide.shared\nwarnings.filterwarnings('ignore', 'second')\n",
        "wide/third.py": "import wide.second, warnings, wide.shared\nwarnings.filterwarnings('ignore', 'third')\n",
        "wide/shared.py": "import warnings\nwarnings.filterwarnings('ignore', 'shared')\n",
        "gone/__init__.py": "",
    }
    for name, source in sources.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(source)
    code = (
        "import sys, warnings, wide\n"
        "print(sorted(n for n in sys.modules if n.startswith(('wide', 'gone'))), [f[1] for f in warnings.filters])"
    )
    env = {"PYTHONPATH": str(tmp_path)}

    async def both() -> None:
        async with (
            kernel(tmp_path / "cold", forked=False, env=env) as cold,
            kernel(tmp_path / "fork", forked=True, env=env, preload=["wide"]) as fork,
        ):
            wanted, got = await cold.run(code), await fork.run(code)
            assert got == wanted
            assert "'gone'" in got
            assert "wide.alias" in got

    asyncio.run(both())


def test_unseeded_numbers_differ_between_kernels(tmp_path: Path) -> None:
    async def draws(name: str) -> str:
        async with kernel(tmp_path / name, forked=True) as one:
            return await one.run("import random, numpy; print(random.random(), numpy.random.rand())")

    first, second = asyncio.run(draws("a")), asyncio.run(draws("b"))
    assert not set(first.split()) & set(second.split())


@pytest.mark.parametrize(
    ("code", "status"),
    [("import os; os._exit(3)", 3), ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
     ("import ctypes; ctypes.string_at(0)", -signal.SIGSEGV)],
)  # fmt: skip
def test_the_end_of_a_kernel_is_known(tmp_path: Path, code: str, status: int) -> None:
    async def end() -> int | None:
        async with kernel(tmp_path / "k", forked=True) as one:
            one.client.execute(code)
            return await one.status()

    assert asyncio.run(end()) == status


def test_a_request_to_end_that_a_dead_kernel_never_heard_does_not_reach_the_next(tmp_path: Path) -> None:
    """Forked, that one is there within the time that a socket goes on trying after it was closed."""

    async def go() -> None:
        async with kernel(tmp_path / "a", forked=True) as one:
            one.process.kill()
            assert await one.status() is not None
            await one.manager.request_shutdown(restart=True)
            assert one.manager._control_socket.linger == 0
            await one.manager.restart_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            assert await one.status(0.3) is None

    asyncio.run(go())


def test_a_busy_cell_is_interrupted(tmp_path: Path) -> None:
    async def interrupted() -> str:
        async with kernel(tmp_path / "k", forked=True) as one:
            work = asyncio.ensure_future(one.run("print('begun', flush=True)\nwhile True: pass"))
            await asyncio.sleep(0.5)
            await one.manager.interrupt_kernel()
            return await work

    assert "KeyboardInterrupt" in asyncio.run(interrupted())


def test_other_variables_mean_another_server(tmp_path: Path) -> None:
    async def seen(name: str, value: str) -> str:
        async with kernel(tmp_path / name, forked=True, env={"OMP_NUM_THREADS": value}) as one:
            return await one.run("import os; print(os.environ['OMP_NUM_THREADS'], os.getppid())")

    one, other, again = (asyncio.run(seen(n, v)).split() for n, v in (("a", "1"), ("b", "2"), ("c", "1")))
    assert (one[0], other[0]) == ("1", "2")
    assert one[1] == again[1] != other[1]


def test_variables_that_no_import_looks_at_are_a_kernels_own(tmp_path: Path) -> None:
    async def seen(name: str, value: str) -> str:
        async with kernel(tmp_path / name, forked=True, env={"ORDER_NUMBER": value}) as one:
            return await one.run("import os; print(os.environ['ORDER_NUMBER'], os.getppid())")

    one, other = (asyncio.run(seen(n, v)).split() for n, v in (("a", "1"), ("b", "2")))
    assert (one[0], other[0]) == ("1", "2")
    assert one[1] == other[1]


def test_a_variable_that_an_import_looks_at_means_another_server(tmp_path: Path) -> None:
    (tmp_path / "flavoured.py").write_text("import os\nflavour = os.environ.get('FLAVOUR')\n")

    async def seen(name: str, value: str) -> str:
        env = {"FLAVOUR": value, "PYTHONPATH": str(tmp_path)}
        async with kernel(tmp_path / name, forked=True, env=env, preload=["flavoured"]) as one:
            return await one.run("import flavoured; print(flavoured.flavour)")

    assert [asyncio.run(seen(n, v)) for n, v in (("a", "sweet"), ("b", "sour"))] == ["sweet\n", "sour\n"]


def test_a_variable_that_the_interpreter_s_start_looks_at_means_another_server(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import builtins, os\nbuiltins.flavour = os.environ.get('FLAVOUR')\n")

    async def seen(name: str, value: str) -> str:
        env = {"FLAVOUR": value, "PYTHONPATH": str(tmp_path)}
        async with kernel(tmp_path / name, forked=True, env=env, preload=()) as one:
            assert type(one.process).__name__ == "ForkedProcess"
            return await one.run("print(flavour)")

    assert [asyncio.run(seen(n, v)) for n, v in (("a", "sweet"), ("b", "sour"))] == ["sweet\n", "sour\n"]


def test_variables_that_an_import_sets_are_set_when_it_is_imported(tmp_path: Path) -> None:
    (tmp_path / "setter.py").write_text("import os\nos.environ.setdefault('SET_BY_IMPORT', 'yes')\n")
    (tmp_path / "outer.py").write_text("import setter\n")
    code = "import os; print(os.environ.get('SET_BY_IMPORT')); import outer; print(os.environ['SET_BY_IMPORT'])"

    async def seen(name: str, forked: bool) -> str:
        env = {"PYTHONPATH": str(tmp_path)}
        async with kernel(tmp_path / name, forked=forked, env=env, preload=["outer"]) as one:
            return await one.run(code)

    assert asyncio.run(seen("forked", True)) == asyncio.run(seen("cold", False)) == "None\nyes\n"


def test_a_server_that_lacks_a_module_serves_until_one_has_it(tmp_path: Path) -> None:
    async def parent(name: str, preload: list[str]) -> str:
        async with kernel(tmp_path / name, forked=True, preload=preload, env={"OMP_TEST": "1"}) as one:
            return await one.run("import os; print(os.getppid())")

    first = asyncio.run(parent("a", ["json"]))
    assert asyncio.run(parent("b", ["json", "csv"])) == first
    for known in SERVERS.servers.values():
        for server in known:
            server.started.result(30)
    assert asyncio.run(parent("c", ["csv"])) != first


def test_a_module_beside_the_notebook_comes_first(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "pandas.py").write_text("mine = 1\n")
    (tmp_path / "work" / "matplotlibrc").write_text("figure.dpi: 33\n")

    async def seen() -> str:
        async with kernel(tmp_path / "k", forked=True, cwd=tmp_path / "work") as one:
            return await one.run("import pandas, matplotlib; print(pandas.mine, matplotlib.rcParams['figure.dpi'])")

    assert asyncio.run(seen()) == "1 33.0\n"


def test_what_cant_be_imported_is_an_error_of_its_cell(tmp_path: Path) -> None:
    async def seen() -> str:
        async with kernel(tmp_path / "k", forked=True, preload=("numpy", "no_such_module")) as one:
            return await one.run("import no_such_module")

    assert "ModuleNotFoundError: No module named 'no_such_module'" in asyncio.run(seen())


def test_an_import_that_starts_threads_means_a_cold_kernel(tmp_path: Path) -> None:
    source = "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    (tmp_path / "threaded_thing.py").write_text(source)
    env = {"PYTHONPATH": str(tmp_path)}

    async def kind() -> str:
        async with kernel(tmp_path / "k", forked=True, preload=("threaded_thing",), env=env) as one:
            assert await one.run("print(1)") == "1\n"
            return type(one.process).__name__

    assert asyncio.run(kind()) == "Popen"


def test_server_and_kernels_end_with_their_owner(tmp_path: Path) -> None:
    server = ForkServer([sys.executable], dict(os.environ), ["json"])
    assert server.started.result(30)["failed"] == {}
    pid = server.process.pid
    os.kill(pid, 0)
    server.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not server.alive


def test_kernels_of_a_killed_server_are_dead_at_once(tmp_path: Path) -> None:
    async def ended() -> int | None:
        async with kernel(tmp_path / "k", forked=True, env={"OF_ITS_OWN": "1"}) as one:
            server = next(s for known in SERVERS.servers.values() for s in known if one.process.pid in s.kernels)
            server.process.kill()
            return await one.status()

    began = time.monotonic()
    assert asyncio.run(ended()) == -signal.SIGKILL
    assert time.monotonic() - began < 60


FORKABLE = {
    "usual": (["py", "-m", "ipykernel_launcher", "-f", "x"], ["py"]),
    "debian's": (["py", "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "x"], ["py", "-Xfrozen_modules=off"]),
    "another kernel": (["R", "--slave"], None),
    "wrapped": (["conda", "run", "python", "-m", "ipykernel_launcher"], None),
    "other module": (["py", "-m", "bash_kernel", "-f", "x"], None),
}


@pytest.mark.parametrize(("cmd", "interpreter"), FORKABLE.values(), ids=FORKABLE.keys())
def test_which_commands_can_be_forked(cmd: list[str], interpreter: list[str] | None) -> None:
    assert forkable(cmd) == interpreter


def test_what_is_imported_ahead() -> None:
    assert preload(["numpy", "mine", "numpy.linalg", "torch", "numpy", ".beside"]) == ("numpy", "numpy.linalg")


def test_what_an_extension_module_imports_with_keywords_is_imported(tmp_path: Path) -> None:
    """Matplotlib's font reader does; where that failed, the list of fonts that it kept for good was empty."""

    async def fonts() -> None:
        env = {"MPLCONFIGDIR": str(tmp_path / "settings")}
        async with kernel(tmp_path / "fork", forked=True, env=env, preload=["matplotlib.pyplot"]) as fork:
            code = "import matplotlib.font_manager as f; print('DejaVuSans.ttf' in f.findfont('DejaVu Sans'))"
            assert await fork.run(code) == "True\n"

    asyncio.run(fonts())
