"""Which attributes of libraries count as replaced by the notebook."""

from __future__ import annotations

import threading
import types
from typing import Any

import pytest

from jupyter_mlops.execution.agent import patches

STORED: dict[str, set[str]] = {
    "plt.title('x')": set(),
    "plt.title = plt.xlabel": {"title"},
    "del plt.title": {"title"},
    "for plt.show in []: pass": {"show"},
    "setattr(plt, name, 1)": {"*"},
    "vars(plt)['title'] = 1": {"*"},
    "plt.__dict__.update(title=1)": {"*"},
    "mock.patch('a.b')": {"*"},
    "no python": {"*"},
}


@pytest.mark.parametrize(("source", "stored"), STORED.items())
def test_attributes_that_a_text_stores(source: str, stored: set[str]) -> None:
    assert patches.stored_attributes(source) == stored


def of(module: str) -> Any:
    def function() -> None: ...

    function.__module__ = module
    return function


class Monitor(threading.Thread):
    __module__ = "lib.monitor"


BY_ITSELF: dict[str, tuple[Any, str, bool]] = {
    "a function of its own": (of("lib.fast"), "", True),
    "a thread of its own": (Monitor(), "", True),
    "a function of the kernel's": (of("IPython.utils.decorators"), "", True),
    "a function of another library": (of("other"), "", False),
    "a function of the notebook": (of("__main__"), "", False),
    "a plain value": (1, "", False),
    "a function of its own that the notebook stores": (of("lib.fast"), "lib.f = lib.g", False),
    "another attribute is stored": (of("lib.fast"), "lib.g = 1", True),
}


@pytest.mark.parametrize(("value", "text", "expected"), BY_ITSELF.values(), ids=BY_ITSELF.keys())
def test_what_a_library_does_to_itself(value: Any, text: str, expected: bool) -> None:
    lib = types.ModuleType("lib")
    lib.f = value  # type: ignore[attr-defined]
    found = patches.Patches(None)
    found.stored = lambda: patches.stored_attributes(text)  # type: ignore[method-assign]
    assert found.by_itself("lib", lib, "f") is expected


def test_a_library_that_changes_itself_again_was_told_to() -> None:
    lib = types.ModuleType("lib")
    found = patches.Patches(None)
    found.stored = frozenset  # type: ignore[method-assign]
    for name, expected in (("lib.fast", True), ("lib.fast", False)):
        lib.f = of(name)  # type: ignore[attr-defined]
        assert found.by_itself("lib", lib, "f") is expected
