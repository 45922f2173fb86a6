"""Which readings of the clock only say how long something took."""

from __future__ import annotations

import pytest

from jupyter_mlops.analysis.effects import stopwatch_names

MODULES = {"time": "time", "datetime": "datetime.datetime", "dt": "datetime", "perf": "time.perf_counter"}
DECORATOR = """
def timed(f):
    def g(*a):
        t = perf()
        r = f(*a)
        print(perf() - t)
        return r
    return g
"""
STOPWATCHES = {
    "printed": ("t = time.time()\nwork()\nprint(time.time() - t)", {"t"}),
    "in an f-string": ("t = perf()\nx = work()\nprint(f'took {perf() - t:.2f} s')", {"t"}),
    "by a name": ("t0 = perf()\nt1 = perf()\ntook = t1 - t0\nprint('took', round(took, 2))", {"t0", "t1", "took"}),
    "in minutes": ("t = time.time()\nprint('%.1f min' % ((time.time() - t) / 60))", {"t"}),
    "of two values": ("t = time.time()\nprint('%s took %s' % ('fit', time.time() - t))", {"t"}),
    "formatted": ("t = time.time()\nprint('{:.1f}'.format(time.time() - t))", {"t"}),
    "as a timedelta": ("t = datetime.now()\nprint((datetime.now() - t).total_seconds())", {"t"}),
    "in a loop": ("for i in range(3):\n    t = perf()\n    f(i)\n    print(i, perf() - t)", {"t"}),
    "added up": (
        "total = 0\nfor i in a:\n    t = perf()\n    f(i)\n    total += perf() - t\nprint(total)",
        {"t", "total"},
    ),
    "in a decorator": (DECORATOR, set()),
    "logged": ("t = perf()\nlogging.info('took %s', perf() - t)", {"t"}),
    "at the end of a cell": ("t = perf()\nwork()\nperf() - t", {"t"}),
}
DATA = {
    "an instant is shown": "print(time.time())",
    "an instant is shown at the end": "time.time()",
    "an instant in a text": "print(f'{datetime.now()}')",
    "a duration is kept in a list": "t = perf()\nxs.append(perf() - t)",
    "a duration is kept in a dictionary": "t = perf()\nfound['seconds'] = perf() - t",
    "a duration decides": "t = perf()\nif perf() - t > 1:\n    x = 1",
    "a duration is returned": "def f():\n    t = perf()\n    return perf() - t",
    "an instant is returned": "def f():\n    return time.time()",
    "an instant is handed on": "f(time.time())",
    "a name for a file": "name = f'run-{time.time()}'",
    "a date": "today = datetime.now().date()",
    "a default": "def f(t=time.time()):\n    return t",
    "since a date": "print(time.time() - 1700000000)",
    "since something unknown": "print(time.time() - start)",
    "while it is early": "t = perf()\nwhile perf() - t < 1:\n    n += 1",
    "in a comprehension": "print([time.time() for _ in range(3)])",
    "kept by a class": "class Run:\n    started = time.time()",
    "kept by an inner class": "class A:\n    class B:\n        at: float = time.time()",
    "a decorator's argument": "@mark(time.time())\nclass A: pass",
}


@pytest.mark.parametrize(("source", "names"), STOPWATCHES.values(), ids=STOPWATCHES.keys())
def test_a_stopwatch_is_no_data(source: str, names: set[str]) -> None:
    assert stopwatch_names([source], MODULES) == names


@pytest.mark.parametrize("source", DATA.values(), ids=DATA.keys())
def test_a_reading_that_becomes_data_counts(source: str) -> None:
    assert stopwatch_names([source], MODULES) is None


def test_a_stopwatch_may_run_over_cells_of_a_block() -> None:
    assert stopwatch_names(["t = perf()", "print(perf() - t)"], MODULES) == {"t"}
