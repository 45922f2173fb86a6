"""What a version holds, and getting it back."""

from __future__ import annotations

import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_mlops.errors import InvalidInputError, StoreError
from jupyter_mlops.notebook.reader import parse_notebook, read_notebook
from jupyter_mlops.storage.local import ObjectStore, copy_with_digest
from jupyter_mlops.versions import checkout
from jupyter_mlops.versions.checkout import check_out, checkout_slot, collect_files
from jupyter_mlops.versions.diff import diff
from jupyter_mlops.versions.environment import Lock, differences
from jupyter_mlops.versions.manifest import Environment, Manifest
from jupyter_mlops.versions.snapshot import snapshot, without_outputs
from tests.jobs.workspace import write_notebook

PYTHON = Environment("3.11.7", "cpython", "linux-x86_64", {"numpy": "2.0.0"})


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "store")


def taken(path: Path, store: ObjectStore, **options: object) -> Manifest:
    return snapshot(read_notebook(path), path, store, PYTHON, "python3", **options)  # type: ignore[arg-type]


def test_modules_and_data_go_along(tmp_path: Path, store: ObjectStore) -> None:
    here = tmp_path / "work"
    (here / "package" / "deep").mkdir(parents=True)
    (here / "package" / "__init__.py").write_text("from .deep import thing\n")
    (here / "package" / "deep" / "__init__.py").write_text("import helper\nthing = helper.x\n")
    (here / "helper.py").write_text("x = 1\n")
    (here / "unused.py").write_text("y = 1\n")
    (here / "in.csv").write_text("a\n1\n")
    (here / "seen.bin").write_bytes(b"12")
    outside = tmp_path / "outside.csv"
    outside.write_text("b\n")
    path = write_notebook(
        here / "nb.ipynb",
        "import package\nimport json",
        "open('in.csv').read(); open('made.csv', 'w').write('x'); open('made.csv').read()",
    )
    made = taken(path, store, observed_files=[str(here / "seen.bin"), str(outside), str(here / "gone.csv")])
    assert {f.path: f.kind for f in made.files} == {
        "helper.py": "module", "package/__init__.py": "module", "package/deep/__init__.py": "module",
        "in.csv": "data", "seen.bin": "data", str(outside): "data",
    }  # fmt: skip


def test_the_same_content_has_the_same_digest_whatever_it_showed(tmp_path: Path, store: ObjectStore) -> None:
    path = write_notebook(tmp_path / "nb.ipynb", "print(1)")
    first = taken(path, store).put(store)
    book = nbformat.read(path, 4)
    book.cells[0].outputs = [nbformat.v4.new_output("stream", text="1\n")]
    book.cells[0].execution_count = 7
    book.metadata["papermill"] = {"start_time": "x"}
    nbformat.write(book, path)
    assert taken(path, store).put(store) == first
    book.cells[0].source = "print(2)"
    nbformat.write(book, path)
    assert taken(path, store).put(store) != first
    assert Manifest.get(store, first).name == "nb.ipynb"


def test_what_a_person_wrote_stays(tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "nb.ipynb", "# tags: step:a foreign\nprint(1)")
    book = nbformat.read(path, 4)
    book.cells[0].metadata["mine"] = {"x": 1}
    book.metadata["theirs"] = [1]
    made = without_outputs(book)
    assert made.cells[0].metadata == {"tags": ["step:a", "foreign"], "mine": {"x": 1}}
    assert made.metadata["theirs"] == [1]


def test_declared_files_have_to_be_there(tmp_path: Path, store: ObjectStore) -> None:
    path = write_notebook(tmp_path / "nb.ipynb", "1")
    book = nbformat.read(path, 4)
    book.metadata["jupyter_mlops"] = {"files": ["*.dat"]}
    nbformat.write(book, path)
    with pytest.raises(InvalidInputError, match=r"\*\.dat"):
        taken(path, store)
    (tmp_path / "a.dat").write_text("1")
    assert [f.path for f in taken(path, store).files] == ["a.dat"]


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (["data"], ["data/a[1].txt", "data/deep/b.txt"]),
        (["data/**"], ["data/a[1].txt", "data/deep/b.txt"]),
        (["**/b.txt"], ["data/deep/b.txt"]),
        (["data/a[1].txt"], ["data/a[1].txt"]),
        (["{}/data/*/*.txt"], ["data/deep/b.txt"]),
        (["."], ["data/a[1].txt", "data/deep/b.txt"]),
        (None, []),
        ([], []),
    ],
)
def test_files_are_declared_by_name_with_wildcards_or_as_a_folder(
    tmp_path: Path, store: ObjectStore, files: list[str] | None, found: list[str]
) -> None:
    here = tmp_path / "work"
    (here / "data" / "deep").mkdir(parents=True)
    (here / "data" / "a[1].txt").write_text("1")
    (here / "data" / "deep" / "b.txt").write_text("2")
    path = write_notebook(here / "nb.ipynb", "1")
    book = nbformat.read(path, 4)
    told = None if files is None else [name.format(here) for name in files]
    book.metadata["jupyter_mlops"] = {"files": told}
    nbformat.write(book, path)
    assert [f.path for f in taken(path, store).files] == found


@pytest.mark.parametrize("files", ["data", [""], [5], {"a": 1}])
def test_what_declares_no_files_is_told(tmp_path: Path, store: ObjectStore, files: object) -> None:
    path = write_notebook(tmp_path / "nb.ipynb", "1")
    book = nbformat.read(path, 4)
    book.metadata["jupyter_mlops"] = {"files": files}
    nbformat.write(book, path)
    with pytest.raises(InvalidInputError, match="not a list of names") as caught:
        taken(path, store)
    assert "jupyter_mlops.files" in caught.value.where


@pytest.mark.parametrize(("declared", "seen"), [(True, False), (False, True)])
def test_what_may_be_written_goes_along_if_a_person_or_a_run_says_that_it_is_read(
    tmp_path: Path, store: ObjectStore, declared: bool, seen: bool
) -> None:
    (tmp_path / "a.db").write_bytes(b"1")
    path = write_notebook(tmp_path / "nb.ipynb", "import sqlite3\nsqlite3.connect('a.db')")
    assert taken(path, store).files == ()
    book = nbformat.read(path, 4)
    book.metadata["jupyter_mlops"] = {"files": ["a.db"]} if declared else {}
    nbformat.write(book, path)
    made = taken(path, store, observed_files=[str(tmp_path / "a.db")] if seen else [])
    assert [f.path for f in made.files] == ["a.db"]


def test_large_files_are_known_by_their_digest(tmp_path: Path, store: ObjectStore) -> None:
    (tmp_path / "large.bin").write_bytes(b"x" * 1000)
    path = write_notebook(tmp_path / "nb.ipynb", "open('large.bin').read()")
    made = taken(path, store, large=1000)
    assert [(f.path, f.stored, f.digest in store) for f in made.files] == [("large.bin", False, False)]
    with pytest.raises(StoreError, match="is missing") as told:
        check_out(made, store, tmp_path / "out", tmp_path / "elsewhere")
    assert told.value.where == str(tmp_path / "elsewhere" / "large.bin") and made.files[0].digest in told.value.remedy
    check_out(made, store, tmp_path / "out", tmp_path)
    assert (tmp_path / "out" / "large.bin").read_bytes() == b"x" * 1000
    (tmp_path / "large.bin").write_bytes(b"y" * 1000)
    check_out(made, store, tmp_path / "out", tmp_path)  # it is there already
    with pytest.raises(StoreError, match="has changed"):
        check_out(made, store, tmp_path / "other", tmp_path)
    assert not list((tmp_path / "other").iterdir())


def test_a_checkout_is_what_was_published_and_nothing_else(tmp_path: Path, store: ObjectStore) -> None:
    (tmp_path / "in.csv").write_text("a\n")
    made = taken(write_notebook(tmp_path / "nb.ipynb", "open('in.csv').read()"), store)
    out = tmp_path / "out"
    notebook = check_out(made, store, out)
    (out / "in.csv").write_text("changed")
    (out / "sub").mkdir()
    (out / "sub" / "left.txt").write_text("by a run")
    check_out(made, store, out)
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*")) == ["in.csv", "nb.ipynb"]
    assert (out / "in.csv").read_text() == "a\n"
    assert parse_notebook(notebook.read_bytes(), "nb")["cells"][0]["source"] == "open('in.csv').read()"


def test_a_damaged_object_is_named(tmp_path: Path, store: ObjectStore) -> None:
    (tmp_path / "in.csv").write_text("a\n")
    made = taken(write_notebook(tmp_path / "nb.ipynb", "open('in.csv').read()"), store)
    store.path(made.files[0].digest).write_text("b\n")
    with pytest.raises(StoreError, match=made.files[0].digest):
        check_out(made, store, tmp_path / "out")


@pytest.mark.parametrize("name", ["../evil", "../../evil", "a/../../../evil", "./../evil"])
def test_what_lies_beside_the_folder_stays_in_the_checkout(tmp_path: Path, store: ObjectStore, name: str) -> None:
    made = taken(write_notebook(tmp_path / "nb.ipynb", "1"), store)
    evil = json.loads(made.to_bytes())
    evil["files"] = [{"path": name, "digest": store.put(b"x"), "size": 1, "kind": "data", "stored": True}]
    digest = store.put(json.dumps(evil, sort_keys=True, separators=(",", ":")).encode())
    before = {p for p in tmp_path.rglob("*") if not p.is_relative_to(store.root)}
    notebook = check_out(Manifest.get(store, digest), store, tmp_path / "deep" / "out")
    assert Path(os.path.normpath(notebook.parent / name)).read_bytes() == b"x"
    after = {p for p in tmp_path.rglob("*") if not p.is_relative_to(store.root)}
    assert all(p.is_relative_to(tmp_path / "deep") for p in after - before)


@pytest.mark.parametrize("name", ["../nb.ipynb", "/nb.ipynb", "."])
def test_a_notebook_that_leaves_the_folder_is_refused(tmp_path: Path, store: ObjectStore, name: str) -> None:
    made = replace(taken(write_notebook(tmp_path / "nb.ipynb", "1"), store), name=name)
    with pytest.raises(StoreError, match="leaves the folder"):
        check_out(made, store, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_what_is_read_beside_the_folder_goes_along(tmp_path: Path, store: ObjectStore) -> None:
    here = tmp_path / "project" / "notebooks"
    here.mkdir(parents=True)
    (tmp_path / "project" / "src").mkdir()
    (tmp_path / "project" / "src" / "tools.py").write_text("x = 1\n")
    (tmp_path / "project" / "in.csv").write_text("a\n")
    (tmp_path / "absolute.csv").write_text("b\n")
    (here / "real.csv").write_text("c\n")
    (here / "link.csv").symlink_to("real.csv")
    absolute = str(tmp_path / "absolute.csv")
    path = write_notebook(here / "nb.ipynb", f"open('../in.csv'); open('link.csv'); open({absolute!r})")
    book = nbformat.read(path, 4)
    book.metadata["jupyter_mlops"] = {"files": ["../src/*.py"]}
    nbformat.write(book, path)
    made = taken(path, store)
    assert [f.path for f in made.files] == ["../in.csv", "../src/tools.py", absolute, "link.csv"]
    out = tmp_path / "out"
    notebook = check_out(made, store, out)
    (notebook.parent / "made.txt").write_text("by a run")
    (out / "beside.txt").write_text("by a run")
    assert (notebook.parent / "../in.csv").read_text() == "a\n"
    assert (notebook.parent / "../src/tools.py").read_text() == "x = 1\n"
    assert (notebook.parent / "link.csv").read_text() == "c\n" and not (notebook.parent / "link.csv").is_symlink()
    assert collect_files(out, made, tmp_path / "kept") == ["beside.txt", "made.txt"]
    (notebook.parent / "link.csv").write_text("written over")
    assert collect_files(out, made, tmp_path / "kept") == ["beside.txt", "link.csv", "made.txt"]
    assert check_out(made, store, out) == notebook
    assert not (out / "beside.txt").exists() and not (notebook.parent / "made.txt").exists()


def test_two_that_share_a_folder_check_out_one_after_the_other(
    tmp_path: Path, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "large.bin").write_bytes(b"x" * 1000)
    made = taken(write_notebook(tmp_path / "nb.ipynb", "open('large.bin')"), store, large=1000)
    copying, copy = threading.Event(), copy_with_digest

    def slowly(source: Any, target: Any) -> str:
        copying.set()
        time.sleep(0.3)
        return copy(source, target)

    monkeypatch.setattr(checkout, "copy_with_digest", slowly)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(check_out, made, store, tmp_path / "out", tmp_path)
        assert copying.wait(10)
        second = pool.submit(check_out, made, store, tmp_path / "out", tmp_path)
        assert first.result() == second.result() == tmp_path / "out" / "nb.ipynb"
    assert (tmp_path / "out" / "large.bin").read_bytes() == b"x" * 1000


def test_lanes_are_held_by_one_run_each(tmp_path: Path) -> None:
    with checkout_slot(tmp_path, "d", shared=False) as first, checkout_slot(tmp_path, "d", shared=False) as second:
        assert first != second
    with checkout_slot(tmp_path, "d", shared=False) as again:
        assert again == first
    with checkout_slot(tmp_path, "d", shared=True) as one, checkout_slot(tmp_path, "d", shared=True) as two:
        assert one == two


def test_diff_tells_of_each_section(tmp_path: Path, store: ObjectStore) -> None:
    (tmp_path / "in.csv").write_text("a\n")
    cells = [
        "# tags: parameters\nalpha = 0.5",
        "# tags: step:load\nrows = open('in.csv').read()",
        "# tags: step:show\nprint(rows)",
    ]
    old = taken(write_notebook(tmp_path / "nb.ipynb", *cells), store)
    (tmp_path / "in.csv").write_text("a\nb\n")
    changed = [cells[0].replace("0.5", "0.7"), cells[1], "# tags: step:tell\nprint(rows, alpha)", "print('more')"]
    path = write_notebook(tmp_path / "nb.ipynb", *changed)
    later = Environment("3.12.1", "cpython", "linux-x86_64", {"numpy": "2.1.0", "scipy": "1"})
    new = snapshot(read_notebook(path), path, store, later, "python3")
    books = tuple(parse_notebook(store.get(m.notebook), m.name) for m in (old, new))
    told = diff(old, new, (books[0], books[1]), ({"auc": 0.8}, {"auc": 0.7}))
    assert [c["what"] for c in told["code"]][:1] == ["cell changed"]
    assert any("-alpha = 0.5" in c["diff"] for c in told["code"])
    assert {"step tell added", "step show removed", "parameter alpha: default"} <= {c["what"] for c in told["pipeline"]}
    assert [c["what"] for c in told["environment"]] == [
        "Python: 3.11.7 then, 3.12.1 now", "numpy: 2.0.0 then, 2.1.0 now", "scipy: not installed then, 1 now"
    ]  # fmt: skip
    assert [c["what"] for c in told["data"]] == ["in.csv changed"] and "diff" not in told["data"][0]
    (change,) = diff(old, new, (books[0], books[1]), store=store)["data"]
    assert (change["before"], change["after"]) == (
        f"2 bytes, {old.files[0].digest[:10]}",
        f"4 bytes, {new.files[0].digest[:10]}",
    )
    assert "+b" in change["diff"]
    assert told["metrics"] == [{"what": "auc", "before": 0.8, "after": 0.7}]
    same = diff(old, old, (books[0], books[0]))
    assert not any(same.values())


def test_versions_that_differ_are_never_told_to_be_the_same(tmp_path: Path, store: ObjectStore) -> None:
    path = write_notebook(
        tmp_path / "nb.ipynb", "# tags: parameters\nx = 1  # help", "# tags: step:a\nprint(x)", "# text"
    )
    first = taken(path, store)
    book = nbformat.read(path, 4)
    book.cells[0].source = "x = 1  # HELP"
    book.cells[1].metadata["jupyter_mlops"] = {"retries": 2}
    book.cells[1].metadata["mine"] = {"note": 1}
    book.cells[2] = nbformat.v4.new_markdown_cell(
        "# text", id=book.cells[2].id, attachments={"a.png": {"image/png": "eA=="}}
    )
    book.metadata["jupyter_mlops"] = {"defaults": {"timeout": 5}}
    nbformat.write(book, tmp_path / "other.ipynb")
    second = replace(taken(tmp_path / "other.ipynb", store), kernel="another")
    told = diff(first, second, (without_outputs(nbformat.read(path, 4)), without_outputs(book)))
    assert {c["what"] for c in told["code"]} == {
        "cell changed", "settings changed", "metadata changed", "kind of cell changed", "attachments changed",
        "notebook's metadata changed",
    }  # fmt: skip
    (settings,) = (c for c in told["code"] if c["what"] == "settings changed")
    assert settings["cell"] == 1 and any('"retries": 2' in line for line in settings["diff"])
    assert {c["what"] for c in told["pipeline"]} == {"notebook's name", "kernel", "parameter x: help"}


def test_differences_of_environments() -> None:
    assert differences(PYTHON, PYTHON) == []
    assert Lock("", "pins", False).notes == ()
