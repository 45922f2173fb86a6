"""Local modules reach another kernel as they were imported, and what libraries replaced in others is noticed."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from jupyter_mlops.execution.agent.libraries import CLASSES, WATCHED, Libraries
from jupyter_mlops.execution.agent.registries import SETS_MODULES
from jupyter_mlops.execution.agent.sources import Sources

NAME = "module_of_the_sources_test"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield tmp_path
    sys.modules.pop(NAME, None)


def watched() -> Sources:
    shell = SimpleNamespace(magics_manager=SimpleNamespace(registry={}))
    return Sources(
        SimpleNamespace(
            base_path=list(sys.path), base_cwd=os.getcwd(), is_own_file=lambda path: path.endswith(f"{NAME}.py"),
            shell=shell,
        )
    )  # fmt: skip


def imported(folder: Path) -> Sources:
    """What notes a module with the text `value = 1`, which was just imported."""
    (folder / f"{NAME}.py").write_text("value = 1\n")
    importlib.invalidate_caches()
    importlib.import_module(NAME)
    found = watched()
    found.note(NAME)
    return found


def test_a_module_that_is_as_on_disk_needs_nothing(folder: Path) -> None:
    assert imported(folder).other() == {}


@pytest.mark.parametrize("change", ["rewrite", "remove", "rename", "hide", "path"])
def test_a_module_that_another_kernel_would_import_differently(folder: Path, change: str) -> None:
    found, path = imported(folder), folder / f"{NAME}.py"
    if change == "rewrite":
        path.write_text("value = 22\n")
    elif change == "remove":
        path.unlink()
    elif change == "rename":
        path.rename(folder / "elsewhere.py")
    elif change == "hide":
        (folder / "first").mkdir()
        (folder / "first" / f"{NAME}.py").write_text("value = 22\n")
        sys.path.insert(0, str(folder / "first"))
    else:
        sys.path.remove(str(folder))
    assert found.other() == {NAME: (str(path), b"value = 1\n", False)}
    assert found.stale() == (set() if change in ("hide", "path") else {NAME})


def test_a_text_that_was_written_again_unchanged_is_no_change(folder: Path) -> None:
    found = imported(folder)
    os.utime(folder / f"{NAME}.py", (1, 1))
    assert found.other() == {}
    assert found.stale() == set()


def test_another_kernel_imports_the_recorded_text(folder: Path) -> None:
    found = imported(folder)
    (folder / f"{NAME}.py").write_text("value = 22\n")
    texts = found.other()
    del sys.modules[NAME]
    other = watched()
    other.serve(texts)
    assert importlib.import_module(NAME).value == 1
    other.note(NAME)
    assert other.other() == texts


def test_a_kernel_that_holds_an_earlier_text_executes_the_later_one(folder: Path) -> None:
    found = imported(folder)
    module = sys.modules[NAME]
    found.serve({NAME: (str(folder / f"{NAME}.py"), b"value = 5\n", True)})
    assert sys.modules[NAME] is module
    assert module.value == 5
    assert found.other()[NAME][1] == b"value = 5\n"


def test_after_a_reload_the_new_text_counts(folder: Path) -> None:
    found = imported(folder)
    (folder / f"{NAME}.py").write_text("value = 2222\n")
    importlib.reload(sys.modules[NAME])
    found.note(NAME)
    assert found.other() == {NAME: (str(folder / f"{NAME}.py"), b"value = 2222\n", True)}
    assert found.stale() == set()


def test_an_import_of_what_is_loaded_does_not_read_the_file_again(folder: Path) -> None:
    found = imported(folder)
    (folder / f"{NAME}.py").write_text("value = 22\n")
    found.note(NAME)
    assert found.other()[NAME][1] == b"value = 1\n"


@pytest.mark.parametrize(
    ("cell", "calls"),
    [
        ("import gevent.monkey\ngevent.monkey.patch_all()", {"gevent patch_all"}),
        ("from gevent import monkey\nmonkey.patch_time()", {"gevent patch_time"}),
        ("from codecs import register_error\nregister_error('x', f)", {"codecs register_error"}),
        ("x = json.dumps(1)", {"json dumps"}),
        ("print(1)\nunknown.call()", set()),
        ("not python !", set()),
    ],
)
def test_calls_on_libraries(cell: str, calls: set[str]) -> None:
    assert Libraries(SimpleNamespace(user_ns={"json": json})).before_cell(cell) == calls


def test_a_function_that_another_library_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Libraries(SimpleNamespace(user_ns={}))
    found.begin()
    assert found.replaced() == {}
    monkeypatch.setattr(time, "sleep", shutil.copy)
    assert found.replaced() == {"time.sleep": "shutil"}


def test_a_replacement_that_comes_with_an_import_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Libraries(SimpleNamespace(user_ns={}))
    found.begin()
    found.loaded -= {"shutil"}
    monkeypatch.setattr(time, "sleep", shutil.copy)
    assert found.replaced() == {}


@pytest.mark.parametrize("name", sorted({*WATCHED, *(path.partition(":")[0] for path in CLASSES)}))
def test_watched_modules_of_the_standard_library_exist(name: str) -> None:
    assert name.startswith("requests") or importlib.util.find_spec(name) is not None


@pytest.mark.parametrize(
    ("cell", "sets"),
    [
        ("sys.modules['stub'] = stub", True),
        ("from sys import modules\nmodules.update(stub=stub)", True),
        ("mock.patch.dict('sys.modules', stub=stub).start()", True),
        ("monkeypatch.setitem(sys.modules, 'stub', stub)", True),
        ("sys.modules['json'].dumps(1)", False),
        ("found = sys.modules['json'] == json", False),
        ("print('json' in sys.modules)", False),
    ],
)
def test_cells_that_set_entries_of_sys_modules(cell: str, sets: bool) -> None:
    assert bool(SETS_MODULES.search(cell)) is sets
