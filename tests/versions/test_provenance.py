"""Where a version came from, in every state that a git repository may be in."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.storage.local import ObjectStore
from jupyter_mlops.versions.provenance import provenance

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(tmp_path / "store")


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A notebook's place in a folder with a module, in no repository."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "none"))
    folder = tmp_path / "work" / "sub"
    folder.mkdir(parents=True)
    (folder / "a.py").write_text("x = 1\n")
    (folder / "nb.ipynb").write_text("{}")
    return folder / "nb.ipynb"


def git(book: Path, *words: str) -> str:
    command = ["git", "-c", "user.email=me@example.org", "-c", "user.name=me", "-C", str(book.parent.parent), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def committed(book: Path) -> str:
    git(book, "init", "--initial-branch", "main")
    git(book, "add", ".")
    git(book, "commit", "--message", "first")
    return git(book, "rev-parse", "HEAD")


def told(book: Path, store: ObjectStore) -> Any:
    return provenance(book, store).get("git")


def test_no_repository(book: Path, store: ObjectStore) -> None:
    assert told(book, store) is None
    assert provenance(book, store)["path"] == str(book)


def test_no_git(book: Path, store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    committed(book)
    monkeypatch.setenv("PATH", str(book.parent))
    assert told(book, store) is None


def test_nothing_committed_yet(book: Path, store: ObjectStore) -> None:
    git(book, "init", "--initial-branch", "main")
    assert told(book, store) == {"commit": "", "branch": "main", "remote": "", "path": "sub/nb.ipynb", "dirty": True}


def test_a_clean_repository_and_no_password(book: Path, store: ObjectStore) -> None:
    commit = committed(book)
    git(book, "remote", "add", "origin", "https://me:secret@example.org/x.git")
    assert told(book, store) == {
        "commit": commit, "branch": "main", "remote": "https://example.org/x.git", "path": "sub/nb.ipynb",
        "dirty": False,
    }  # fmt: skip


def test_no_branch_is_checked_out(book: Path, store: ObjectStore) -> None:
    commit = committed(book)
    git(book, "checkout", "--detach")
    assert (told(book, store)["commit"], told(book, store)["branch"]) == (commit, "")


def test_what_was_not_committed_can_be_applied(book: Path, store: ObjectStore, tmp_path: Path) -> None:
    committed(book)
    changed = {"a.py": "x = 2  # größer\n".encode("latin-1"), "data.bin": bytes(range(256))}
    for name, data in changed.items():
        (book.parent / name).write_bytes(data)
    git(book, "add", "sub/data.bin")
    found = told(book, store)
    assert found["dirty"]
    (tmp_path / "diff").write_bytes(store.get(found["diff"]))
    git(book, "reset", "--hard")
    assert not (book.parent / "data.bin").exists()
    git(book, "apply", str(tmp_path / "diff"))
    assert {name: (book.parent / name).read_bytes() for name in changed} == changed


def test_a_file_that_git_does_not_know_makes_it_dirty(book: Path, store: ObjectStore) -> None:
    committed(book)
    (book.parent / "new.py").write_text("y = 1\n")
    assert told(book, store)["dirty"] and "diff" not in told(book, store)


def test_a_diff_that_is_too_large_is_not_kept_in_part(
    book: Path, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    committed(book)
    (book.parent / "a.py").write_text("x = 2\n" * 10)
    monkeypatch.setattr("jupyter_mlops.versions.provenance.MAX_DIFF_BYTES", 50)
    found = told(book, store)
    assert found["dirty"] and found["too_large"] > 50 and "diff" not in found
    assert list(store.listing()) == []
