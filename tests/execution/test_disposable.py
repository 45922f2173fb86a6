"""Values that may be dropped: nobody notices when they are deleted."""

from __future__ import annotations

import io
import weakref
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_mlops.execution.agent import here
from jupyter_mlops.execution.agent.disposable import is_disposable


@pytest.fixture(autouse=True)
def agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """An agent whose notebook is this module."""
    monkeypatch.setattr(here, "AGENT", SimpleNamespace(user_ns=globals()))


class Finalized:
    def __del__(self) -> None: ...


class Plain: ...


def figure() -> Any:
    from matplotlib.figure import Figure

    return Figure()


YES: dict[str, Callable[[], Any]] = {
    "figure": figure,
    "axes": lambda: figure().subplots(),
    "array of axes": lambda: figure().subplots(2, 2),
    "lines": lambda: figure().subplots().plot([1, 2]),
    "numbers": lambda: np.arange(3),
    "number": lambda: np.float64(1),
    "frame": lambda: pd.DataFrame({"a": [1]}),
    "series of texts": lambda: pd.Series(["a"]),
    "figures by name": lambda: {"a": figure(), "b": [figure(), 1, "text"]},
    "many numbers": lambda: list(range(5000)),
}
NO: dict[str, Callable[[], Any]] = {
    "an atom": lambda: 1,
    "a short list of atoms": lambda: [1, 2],
    "an object of a class of its own": Plain,
    "an object with a finalizer": Finalized,
    "a list with one of those": lambda: [figure(), Finalized()],
    "an array with one of those": lambda: np.array([Finalized()], dtype=object),
    "a stream": io.BytesIO,
    "an iterator": lambda: iter([1]),
    "a generator": lambda: (n for n in range(3)),
    "a deep nest": lambda: [[[[[figure()]]]]],
    "an empty list": list,
}


@pytest.mark.parametrize("make", YES.values(), ids=YES.keys())
def test_may_be_dropped(make: Callable[[], Any]) -> None:
    assert is_disposable(make())


@pytest.mark.parametrize("make", NO.values(), ids=NO.keys())
def test_may_not_be_dropped(make: Callable[[], Any]) -> None:
    assert not is_disposable(make())


def test_a_file_mapped_into_memory_may_not_be_dropped(tmp_path: Path) -> None:
    assert not is_disposable(np.memmap(tmp_path / "a", dtype=float, mode="w+", shape=3))


def test_what_a_callback_of_the_notebook_watches_may_not_be_dropped() -> None:
    value = figure()
    watch = weakref.ref(value, _noticed)
    assert not is_disposable(value)
    del watch


def _noticed(reference: Any) -> None: ...
