"""What counts as the same output."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from PIL import Image

from jupyter_mlops.versions.compare import first_difference, masked


def text(value: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": value}


def shown(**data: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "metadata": {}, "data": data}


def notebook(*cells: list[dict[str, Any]]) -> dict[str, Any]:
    return {"cells": [{"cell_type": "code", "metadata": {}, "source": "", "outputs": outputs} for outputs in cells]}


def png(colour: tuple[int, int, int], level: int) -> str:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(stream, "PNG", compress_level=level)
    return base64.b64encode(stream.getvalue()).decode()


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("<object at 0x7f00aa>", "<object at 0x7fbbcc>"),
        ("took 1.25 s", "took 3.01 s"),
        ("at 2026-11-24 06:00:01.5 done", "at 2026-11-25 07:10:11 done"),
        ("10%|#   | 1/9\r100%|####| 9/9\n", "50%|##  | 5/9\r100%|####| 9/9\n"),
        ("file /tmp/abc/x", "file /tmp/def/x"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("pid 12", "pid 13"),
        ("same  \n", "same\n"),
    ],
)
def test_what_changes_each_time_is_masked(one: str, two: str) -> None:
    assert masked(one) == masked(two)
    assert first_difference(notebook([text(one)]), notebook([text(two)])) is None


@pytest.mark.parametrize(("one", "two"), [("0.815", "0.816"), ("5 rows", "6 rows"), ("a", "b"), ("1.0", "1.00")])
def test_numbers_are_not(one: str, two: str) -> None:
    found = first_difference(notebook([text("x")], [text(one)]), notebook([text("x")], [text(two)]))
    assert found is not None
    assert (found.cell, found.what, found.before, found.after) == (1, "text on stdout", one, two)


def test_images_are_compared_by_their_pixels() -> None:
    first = notebook([shown(**{"image/png": png((1, 2, 3), 0)})])
    assert first_difference(first, notebook([shown(**{"image/png": png((1, 2, 3), 9)})])) is None
    found = first_difference(first, notebook([shown(**{"image/png": png((1, 2, 4), 9)})]))
    assert found is not None
    assert found.what == "image/png"


@pytest.mark.parametrize(
    ("left", "right", "what"),
    [
        ([text("a")], [], "number of outputs"),
        ([text("a")], [text("a", "stderr")], "text on stdout"),
        ([text("a")], [shown(**{"text/plain": "a"})], "kind of output"),
        ([shown(**{"text/plain": "a"})], [shown(**{"text/html": "a"})], "forms of the output"),
        ([shown(**{"application/json": {"a": 1}})], [shown(**{"application/json": {"a": 2}})], "application/json"),
        ([{"output_type": "error", "ename": "A", "evalue": "x", "traceback": []}],
         [{"output_type": "error", "ename": "B", "evalue": "x", "traceback": []}], "error"),
    ],
)  # fmt: skip
def test_what_differs_is_named(left: list[Any], right: list[Any], what: str) -> None:
    found = first_difference(notebook(left), notebook(right))
    assert found is not None
    assert found.what == what


def test_pieces_of_a_stream_are_one() -> None:
    assert first_difference(notebook([text("a"), text("b")]), notebook([text("ab")])) is None
    missing = first_difference(notebook([text("a")], []), notebook([text("a")]))
    assert missing is not None
    assert missing.what == "number of cells"
