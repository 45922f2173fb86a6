"""The object store: named by content, whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.errors import StoreError
from jupyter_mlops.storage.local import ObjectStore


@given(st.binary(max_size=200))
def test_what_is_put_is_got(data: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        store = ObjectStore(Path(folder))
        digest = store.put(data)
        assert store.get(digest) == data and digest in store and store.verify(digest)
        assert store.put(data) == digest


def test_what_is_not_there(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path)
    assert "00" * 20 not in store and not store.verify("00" * 20)
    with pytest.raises(StoreError, match="no such object"):
        store.get("00" * 20)


def test_damage_is_seen(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path)
    digest = store.put(b"value")
    store.path(digest).write_bytes(b"other")
    assert not store.verify(digest)
    with pytest.raises(StoreError, match="don't match") as caught:
        store.get(digest)
    assert str(store.path(digest)) in str(caught.value)


def test_a_folder_that_can_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="can't be written"):
        ObjectStore(tmp_path / "file").put(b"x")


def test_clear(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path / "store")
    digest = store.put(b"x")
    store.clear()
    assert digest not in store
