"""Exports in folders: nothing that a person wrote is lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_mlops.errors import ConflictError, InvalidInputError
from jupyter_mlops.export.folder import RECORD, changes, require_safe_paths, write

FACTS = {"target": "airflow", "job": "churn", "version": 3, "digest": "abc"}


def states(files: dict[str, bytes], folder: Path) -> dict[str, tuple[str, bool]]:
    return {change.path: (change.state, change.edited) for change in changes(files, folder)}


def test_a_new_folder(tmp_path: Path) -> None:
    files = {"a.py": b"x\n", "sub/b.sh": b"#!/bin/sh\n"}
    assert states(files, tmp_path / "new") == {"a.py": ("new", False), "sub/b.sh": ("new", False)}
    write(files, tmp_path / "new", FACTS)
    assert (tmp_path / "new/a.py").read_bytes() == b"x\n"
    assert (tmp_path / "new/sub/b.sh").stat().st_mode & 0o111
    assert json.loads((tmp_path / "new" / RECORD).read_text())["digest"] == "abc"
    assert states(files, tmp_path / "new") == {"a.py": ("same", False), "sub/b.sh": ("same", False)}


def test_the_next_export_replaces_and_removes(tmp_path: Path) -> None:
    write({"a.py": b"1\n", "b.py": b"1\n"}, tmp_path, FACTS)
    assert states({"a.py": b"2\n"}, tmp_path) == {"a.py": ("changed", False), "b.py": ("removed", False)}
    write({"a.py": b"2\n"}, tmp_path, FACTS)
    assert (tmp_path / "a.py").read_bytes() == b"2\n"
    assert not (tmp_path / "b.py").exists()


@pytest.mark.parametrize("name", ["a.py", "b.py"])
def test_an_edited_file_is_not_replaced(tmp_path: Path, name: str) -> None:
    write({"a.py": b"1\n", "b.py": b"1\n"}, tmp_path, FACTS)
    (tmp_path / name).write_bytes(b"mine\n")
    with pytest.raises(ConflictError, match=name):
        write({"a.py": b"2\n"}, tmp_path, FACTS)
    assert (tmp_path / name).read_bytes() == b"mine\n"
    write({"a.py": b"2\n"}, tmp_path, FACTS, force=True)
    assert (tmp_path / "a.py").read_bytes() == b"2\n"


def test_a_file_that_was_there_before_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"mine\n")
    with pytest.raises(ConflictError, match=r"a\.py"):
        write({"a.py": b"1\n"}, tmp_path, FACTS)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.py"]


def test_the_difference_is_a_unified_diff(tmp_path: Path) -> None:
    write({"a.py": b"one\ntwo", "z.zip": b"\0\1"}, tmp_path, FACTS)
    by_path = {change.path: change for change in changes({"a.py": b"one\nthree\n", "z.zip": b"\0\2"}, tmp_path)}
    assert by_path["a.py"].diff == "--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n one\n-two\n+three\n"
    assert by_path["z.zip"].diff == ""


@pytest.mark.parametrize("record", ["", "[]", '{"files": 3}', '{"files": {"../x": "y"}}'])
def test_a_broken_record_deletes_nothing(tmp_path: Path, record: str) -> None:
    (tmp_path.parent / "x").write_text("outside")
    (tmp_path / RECORD).write_text(record)
    if ".." in record:
        with pytest.raises(InvalidInputError, match="outside"):
            write({"a.py": b"1\n"}, tmp_path, FACTS)
    else:
        write({"a.py": b"1\n"}, tmp_path, FACTS)
    assert (tmp_path.parent / "x").read_text() == "outside"


@pytest.mark.parametrize("name", ["/etc/passwd", "../a", "a/../../b", "a\\b", "", RECORD])
def test_files_outside_of_the_folder_are_refused(name: str) -> None:
    with pytest.raises(InvalidInputError, match="outside"):
        require_safe_paths({name: b""})
