"""Which store a URL means, what it keeps here, and what it says when it can't be reached."""

from __future__ import annotations

import errno
import uuid
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from jupyter_mlops.config import RunConfig
from jupyter_mlops.errors import InvalidInputError, StoreError
from jupyter_mlops.storage.local import ObjectStore
from jupyter_mlops.storage.remote import RemoteStore
from jupyter_mlops.storage.store import open_store


class Broken(MemoryFileSystem):  # type: ignore[misc]
    """A file system that can't be reached."""

    protocol = "broken"
    error: Exception = RuntimeError("no route to host")

    def _fail(self, *args: object, **kwargs: object) -> Any:
        raise self.error

    info = find = ls = cat_file = pipe_file = put_file = rm_file = _open = _fail


@pytest.fixture
def memory() -> str:
    return f"memory://{uuid.uuid4().hex}"


@pytest.mark.parametrize(
    ("url", "root"),
    [("/srv/x", "/srv/x"), ("file:///srv/x", "/srv/x"), ("local:///srv/x", "/srv/x"), ("C:/x", None), ("rel", None)],
)
def test_a_folder_is_a_folder(url: str, root: str | None, tmp_path: Path) -> None:
    made = open_store(url, tmp_path)
    assert isinstance(made, ObjectStore)
    assert made.root.is_absolute()
    if root is not None:
        assert made.root == Path(root)


def test_the_store_is_told_or_in_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert RunConfig(home=str(tmp_path)).store == str(tmp_path / "store")
    monkeypatch.setenv("JUPYTER_MLOPS_STORE", "memory://x")
    assert RunConfig(home=str(tmp_path)).store == "memory://x"


def test_a_driver_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def gone(protocol: str) -> None:
        raise ImportError("Install it to access that")

    monkeypatch.setattr(fsspec, "get_filesystem_class", gone)
    for url, package in (("s3://bucket/x", "s3fs"), ("gs://bucket", "gcsfs"), ("sftp://host/x", "paramiko")):
        with pytest.raises(InvalidInputError, match=f"needs {package}") as caught:
            open_store(url, tmp_path)
        assert caught.value.remedy == f"pip install {package}"


def test_the_module_that_a_driver_lacks_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def gone(protocol: str) -> None:
        raise ImportError("needs two") from ModuleNotFoundError("No module named 'aiohttp'", name="aiohttp")

    monkeypatch.setattr(fsspec, "get_filesystem_class", gone)
    with pytest.raises(InvalidInputError, match="needs aiohttp") as caught:
        open_store("http://example.org/x", tmp_path)
    assert caught.value.remedy == "pip install aiohttp"


@pytest.mark.parametrize("url", [" ", "file://", "local:// "])
def test_a_folder_without_a_name_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="is not a valid folder"):
        open_store(url, tmp_path)


@pytest.mark.parametrize("url", ["zip:///nothing/here", "reference://x"])
def test_what_can_not_even_be_begun_says_where(url: str, tmp_path: Path) -> None:
    made = open_store(url, tmp_path, "me")
    (tmp_path / "a.txt").write_text("x")
    for ask in (lambda: made.put(b"x"), lambda: made.put_file(tmp_path / "a.txt"), lambda: made.get("00" * 20)):
        with pytest.raises(StoreError, match="the store can't be reached") as caught:
            ask()
        assert caught.value.where == url


def test_what_is_no_protocol_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="'nonsense' is not a protocol"):
        open_store("nonsense://bucket", tmp_path)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (RuntimeError("no route to host"), "no route to host"),
        (PermissionError(errno.EACCES, "Access Denied"), "Access Denied"),
        (FileNotFoundError(errno.ENOENT, "The specified bucket does not exist"), "bucket does not exist"),
        (TimeoutError(), "TimeoutError"),
        (OSError(errno.ENOSPC, "x"), "the store is full"),
    ],
)
def test_a_store_that_can_not_be_reached_says_where(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception, says: str
) -> None:
    fsspec.register_implementation("broken", Broken, clobber=True)
    monkeypatch.setattr(Broken, "error", error)
    made = open_store("broken://me:secret@bucket/x", tmp_path)
    with pytest.raises(StoreError, match=says) as caught:
        made.put(b"x")
    assert caught.value.where == "broken://bucket/x"
    assert "secret" not in str(caught.value)
    assert caught.value.remedy
    if not isinstance(error, FileNotFoundError):
        for ask in (made.get, made.__contains__, made.remove):
            with pytest.raises(StoreError, match=says):
                ask("00" * 20)
        with pytest.raises(StoreError, match=says):
            list(made.listing())
        with pytest.raises(StoreError, match=says):
            made.users()


def test_what_was_fetched_is_kept_here(memory: str, tmp_path: Path) -> None:
    digest = open_store(memory, tmp_path / "one").put(b"x" * 100)
    two = open_store(memory, tmp_path / "two")
    two.get(digest)
    fsspec.filesystem("memory").rm(memory, recursive=True)
    assert two.get(digest) == b"x" * 100
    two.fetch(digest, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"x" * 100


def test_what_is_kept_here_and_damaged_is_fetched_again(memory: str, tmp_path: Path) -> None:
    store = open_store(memory, tmp_path)
    assert isinstance(store, RemoteStore)
    digest = store.put(b"x" * 100)
    for ask in (lambda: store.get(digest), lambda: store.fetch(digest, tmp_path / "out")):
        store.cache.path(digest).write_bytes(b"y" * 100)
        ask()
        assert store.cache.get(digest) == b"x" * 100
    assert (tmp_path / "out").read_bytes() == b"x" * 100


def test_a_file_that_changes_while_it_is_put_is_refused(
    memory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "data"
    path.write_bytes(b"before")
    put = MemoryFileSystem.put_file

    def change(self: MemoryFileSystem, source: str, target: str, **options: Any) -> None:
        path.write_bytes(b"after, and longer")
        put(self, source, target, **options)

    monkeypatch.setattr(MemoryFileSystem, "put_file", change)
    store = open_store(memory, tmp_path)
    with pytest.raises(StoreError, match="changed while it was read"):
        store.put_file(path)
    assert list(store.listing()) == []


def test_nothing_half_written_is_left_where_there_are_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fsspec.implementations.local import LocalFileSystem

    def full(self: LocalFileSystem, path: str, data: bytes, **options: object) -> None:
        Path(path).write_bytes(data[:2])
        raise OSError(errno.ENOSPC, "No space left on device")

    store = RemoteStore(f"file://{tmp_path / 'store'}", ObjectStore(tmp_path / "fetched"))
    with monkeypatch.context() as patch:
        patch.setattr(LocalFileSystem, "pipe_file", full)
        with pytest.raises(StoreError, match="full"):
            store.put(b"content")
    assert [p for p in (tmp_path / "store").rglob("*") if p.is_file()] == []
    assert store.get(store.put(b"content")) == b"content"
