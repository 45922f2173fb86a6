"""Writing notebooks: nbformat's bytes, whole files."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.errors import StoreError
from jupyter_mlops.notebook.reader import parse_notebook
from jupyter_mlops.notebook.writer import notebook_bytes, write_notebook

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
text |= st.sampled_from(
    ["a\nb\r\nc\x0bd\x0ce\x1cf\x85g\u2028h", '\x7f\x00\x1f"\\/', "x" * 1001 + "\n\x7f\x08é\u2029😀"]
)
scalar = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text
value = st.recursive(scalar, lambda v: st.lists(v, max_size=3) | st.dictionaries(text, v, max_size=3), max_leaves=6)
mime = st.sampled_from(["text/plain", "text/html", "image/png", "image/svg+xml", "application/javascript"])
bundle = st.dictionaries(mime, text, max_size=3)


@st.composite
def outputs(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(["stream", "display_data", "execute_result", "error"]))
    if kind == "stream":
        return {"output_type": kind, "name": "stdout", "text": draw(text)}
    if kind == "error":
        return {
            "output_type": kind,
            "ename": draw(text),
            "evalue": draw(text),
            "traceback": draw(st.lists(text, max_size=2)),
        }
    data = {**draw(bundle), **draw(st.dictionaries(st.just("application/json"), value, max_size=1))}
    made = {"output_type": kind, "data": data, "metadata": draw(st.dictionaries(text, value, max_size=2))}
    return {**made, "execution_count": 1} if kind == "execute_result" else made


@st.composite
def notebooks(draw: st.DrawFn) -> nbformat.NotebookNode:
    cells = []
    for number in range(draw(st.integers(0, 3))):
        cell: dict[str, Any] = {
            "id": f"c{number}",
            "source": draw(text),
            "metadata": {"x": draw(value), "trusted": True},
        }
        kind = draw(st.sampled_from(["code", "markdown", "raw"]))
        if kind == "code":
            cell |= {"outputs": draw(st.lists(outputs(), max_size=2)), "execution_count": None}
        elif draw(st.booleans()):
            cell["attachments"] = {"a.png": draw(bundle)}
        cells.append({"cell_type": kind, **cell})
    metadata = {**draw(st.dictionaries(st.just("custom"), value)), "signature": "x", "orig_nbformat": 4}
    made: nbformat.NotebookNode = nbformat.from_dict(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}
    )
    return made


@given(notebooks())
def test_the_bytes_are_those_of_nbformat_and_read_back_the_same(nb: nbformat.NotebookNode) -> None:
    written = notebook_bytes(nb)
    assert written.decode() == nbformat.v4.writes(nb) + "\n"
    again = parse_notebook(written, "test")
    for node in (nb, *nb.cells):
        for key in ("trusted", "signature", "orig_nbformat"):
            node.metadata.pop(key, None)
    assert again == nb


def test_lone_surrogates_are_kept() -> None:
    nb = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_raw_cell("a\ud800b"), nbformat.v4.new_raw_cell("\udfff" * 1001)]
    )
    assert parse_notebook(notebook_bytes(nb), "test") == nb


def test_numbers_that_json_has_no_word_for() -> None:
    nb = nbformat.v4.new_notebook(metadata={"a": float("nan"), "b": float("inf"), "c": 10**30})
    assert notebook_bytes(nb).decode() == nbformat.v4.writes(nb) + "\n"
    assert parse_notebook(notebook_bytes(nb), "test").metadata.c == 10**30


def test_what_stands_there_keeps_its_permissions_and_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.ipynb", tmp_path / "link.ipynb"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    write_notebook(nbformat.v4.new_notebook(), link)
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert nbformat.read(real, 4).cells == []
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link.ipynb", "real.ipynb"]


def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write_notebook(nbformat.v4.new_notebook(), tmp_path / "a.ipynb")
    assert (tmp_path / "a.ipynb").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EACCES])
def test_a_failed_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text("old")

    def fail(source: str, target: Path) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(StoreError, match=os.strerror(number).lower()) as caught:
        write_notebook(nbformat.v4.new_notebook(), path)
    assert str(path) in str(caught.value)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.ipynb"]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no such file or directory"):
        write_notebook(nbformat.v4.new_notebook(), tmp_path / "none" / "a.ipynb")
