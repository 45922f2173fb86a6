"""What every store of versions has to do, whatever it stands on."""

from __future__ import annotations

import hashlib
import os
import threading
import time
import tracemalloc
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pytest

from jupyter_mlops.errors import StoreError
from jupyter_mlops.storage.local import ObjectStore, digest_file
from jupyter_mlops.storage.remote import RemoteStore
from jupyter_mlops.storage.store import Store, open_store

NOWHERE = "00" * 20
Make = Callable[..., Store]


@pytest.fixture(params=["folder", "file", "memory", "chain"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where the store is: a folder; a file system that renames; one that doesn't; one through another."""
    if request.param in ("folder", "file"):
        yield f"{'' if request.param == 'folder' else 'rename-'}{tmp_path / 'store'}"
        return
    root = f"memory://{uuid.uuid4().hex}/versions"
    yield root if request.param == "memory" else f"dir::{root}"
    memory = fsspec.filesystem("memory")
    memory.rm(root, recursive=True) if memory.exists(root) else None


@pytest.fixture
def make(url: str, tmp_path: Path) -> Make:
    """The store as one machine sees it; others have other names, and another folder for what they fetched."""

    def made(machine: str = "one", user: str = "") -> Store:
        if url.startswith("rename-"):  # as any file system with folders is reached
            kept = ObjectStore(tmp_path / machine / "fetched")
            return RemoteStore(f"file://{url.removeprefix('rename-')}", kept, user)
        return open_store(url, tmp_path / machine, user)

    return made


@pytest.fixture
def store(make: Make) -> Store:
    return make()


@pytest.fixture
def damage(url: str) -> Callable[[str, bytes], None]:
    """Let other bytes stand where an object is."""

    def do(digest: str, data: bytes) -> None:
        fs, path = fsspec.url_to_fs(url.removeprefix("rename-"))
        fs.pipe_file(f"{path}/{digest[:2]}/{digest[2:]}", data)

    return do


def test_what_is_put_is_got_anywhere(store: Store, make: Make) -> None:
    for data in (b"", b"x", bytes(range(256)) * 5000):
        digest = store.put(data)
        assert digest == hashlib.blake2b(data, digest_size=20).hexdigest() == store.put(data)
        assert digest in store
        assert store.get(digest) == make("two").get(digest) == data
    assert len({kept.name for kept in store.listing()}) == len(list(store.listing())) == 3


def test_files_go_in_and_come_out(store: Store, make: Make, tmp_path: Path) -> None:
    path = tmp_path / "data.bin"
    path.write_bytes(os.urandom(3_000_000))
    digest = store.put_file(path)
    assert digest == digest_file(path) == store.put_file(path)
    make("two").fetch(digest, tmp_path / "deep" / "out.bin")
    assert (tmp_path / "deep" / "out.bin").read_bytes() == path.read_bytes()
    assert sorted(p.name for p in (tmp_path / "deep").iterdir()) == ["out.bin"]
    assert [(k.name, k.size) for k in store.listing()] == [(digest, 3_000_000)]


def test_what_is_not_there(store: Store, tmp_path: Path) -> None:
    assert NOWHERE not in store
    assert list(store.listing()) == [] and store.users() == set()
    for ask in (store.get, lambda digest: store.fetch(digest, tmp_path / "out")):
        with pytest.raises(StoreError, match=f"no such object: {NOWHERE}") as caught:
            ask(NOWHERE)
        assert store.location in str(caught.value)
    assert not (tmp_path / "out").exists()
    store.remove(NOWHERE)


@pytest.mark.parametrize("wrong", [b"changed", b"val", b""])
def test_damage_is_refused_named_and_mended(
    store: Store, make: Make, damage: Callable[[str, bytes], None], tmp_path: Path, wrong: bytes
) -> None:
    digest = store.put(b"content")
    damage(digest, wrong)
    (tmp_path / "out").write_bytes(b"before")
    other = make("two")
    for ask in (other.get, lambda digest: other.fetch(digest, tmp_path / "out")):
        with pytest.raises(StoreError, match=f"don't match its digest {digest}") as caught:
            ask(digest)
        assert other.locate(digest) in str(caught.value)
    assert (tmp_path / "out").read_bytes() == b"before"
    assert store.put(b"content") == digest
    assert make("three").get(digest) == b"content"


def test_a_large_object_that_was_cut_short_is_mended(
    store: Store, make: Make, damage: Callable[[str, bytes], None], tmp_path: Path
) -> None:
    path = tmp_path / "data.bin"
    path.write_bytes(b"large" * 400_000)
    digest = store.put_file(path)
    damage(digest, b"large" * 399_999)
    with pytest.raises(StoreError, match="don't match"):
        make("two").fetch(digest, tmp_path / "out")
    assert store.put_file(path) == digest
    make("two").fetch(digest, tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == path.read_bytes()


def test_removed_is_gone(store: Store, make: Make) -> None:
    digest, other = store.put(b"one"), store.put(b"other")
    store.remove(digest)
    assert digest not in store and other in store
    with pytest.raises(StoreError, match="no such object"):
        make("two").get(digest)
    assert [kept.name for kept in store.listing()] == [other]


def test_when_it_was_put_is_known(store: Store) -> None:
    before = time.time()
    store.put(b"x")
    [kept] = store.listing()
    assert kept.modified is not None
    assert before - 2 < kept.modified < time.time() + 2


def test_who_keeps_something_there_is_known(make: Make) -> None:
    one, two, reader = make("one", "first"), make("two", "second"), make("three", "reader")
    digest = one.put(b"same")
    assert two.put(b"same") == digest
    reader.get(digest)
    assert reader.users() == {"first", "second"}
    assert [kept.name for kept in reader.listing()] == [digest]


def test_many_put_the_same_at_once(make: Make) -> None:
    data = b"same" * 100_000
    failed: list[Exception] = []

    def put() -> None:
        try:
            for _ in range(5):
                store = make(threading.current_thread().name)
                assert store.get(store.put(data)) == data
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=put, name=f"machine-{n}") for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(list(make().listing())) == 1


def test_large_files_are_never_wholly_in_memory(store: Store, make: Make, url: str, tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    with path.open("wb") as stream:
        for block in range(64):
            stream.write(bytes([block]) * 1_000_000)
    digest = digest_file(path)
    tracemalloc.start()
    store.put_file(path)
    _, put = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    make("two").fetch(digest, tmp_path / "out.bin")
    _, fetched = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert digest_file(tmp_path / "out.bin") == digest
    if "memory://" not in url:  # which is memory
        assert max(put, fetched) < 40_000_000
