"""What counts as the same output."""

from __future__ import annotations

import base64
import io
from typing import Any

import pytest
from PIL import Image

from jupyter_mlops.versions.compare import first_difference, mask_volatile


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
        ("02:21:22,732 INFO", "02:21:23,001 INFO"),
        ("Wed Nov 25 02:21:12 2026", "Thu Dec  3 12:01:02 2026"),
        ("Wed Nov 25 02:21:12 UTC 2026", "Thu Dec  3 12:01:02 UTC 2026"),
        ("[datetime.datetime(2026, 11, 25, 2, 21)]", "[datetime.datetime(2026, 11, 26, 3, 0, 1)]"),
        ("11.9 μs ± 1 µs (7 runs, 100,000 loops each)", "12 μs ± 3 µs (7 runs, 1 loop each)"),
        ("100%|█| 3/3 [01:30<00:00, 15.54it/s, loss=0.5]", "100%|█| 3/3 [01:31<00:00, 1.2s/it, loss=0.5]"),
        ("7it [00:00, 15.54it/s]", "7it [00:01, 9.1it/s]"),
        ("same  \n", "same\n"),
    ],
)
def test_what_changes_each_time_is_masked(one: str, two: str) -> None:
    assert mask_volatile(one) == mask_volatile(two)
    assert first_difference(notebook([text(one)]), notebook([text(two)])) is None


@pytest.mark.parametrize(
    ("one", "two"),
    [("0.815", "0.816"), ("5 rows", "6 rows"), ("a", "b"), ("1.0", "1.00"), ("1[10:30, 5]", "1[10:31, 5]"),
     ("3/3 [00:01<00:00, 5it/s, loss=0.5]", "3/3 [00:01<00:00, 5it/s, loss=0.6]"), ("1795573272", "1795573273")],
)  # fmt: skip
def test_numbers_are_not(one: str, two: str) -> None:
    found = first_difference(notebook([text("x")], [text(one)]), notebook([text("x")], [text(two)]))
    assert found is not None
    assert (found.cell, found.aspect, found.before, found.after) == (1, "text on stdout", one, two)


def test_images_are_compared_by_their_pixels() -> None:
    first = notebook([shown(**{"image/png": png((1, 2, 3), 0)})])
    assert first_difference(first, notebook([shown(**{"image/png": png((1, 2, 3), 9)})])) is None
    found = first_difference(first, notebook([shown(**{"image/png": png((1, 2, 4), 9)})]))
    assert found is not None
    assert found.aspect == "image/png"


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
    assert found.aspect == what


def test_pieces_of_a_stream_are_one() -> None:
    assert first_difference(notebook([text("a"), text("b")]), notebook([text("ab")])) is None
    missing = first_difference(notebook([text("a")], []), notebook([text("a")]))
    assert missing is not None
    assert missing.aspect == "number of cells"


def test_which_stream_cuts_into_which_is_chance() -> None:
    before = notebook(
        [text("a"), text("50%", "stderr"), text("b"), text("100%", "stderr"), shown(**{"text/plain": "x"})]
    )
    after = notebook([text("50%100%", "stderr"), text("ab"), shown(**{"text/plain": "x"})])
    assert first_difference(before, after) is None


def html(name: str, value: str) -> dict[str, Any]:
    return shown(
        **{"text/html": f'<style>#{name}_0 {{}}</style><td id="{name}_0">{value}</td>', "text/plain": "<Styler>"}
    )


def test_ids_that_libraries_make_up_are_left_out_and_what_they_name_is_not() -> None:
    assert first_difference(notebook([html("T_a1", "5")]), notebook([html("T_b2", "5")])) is None
    found = first_difference(notebook([html("T_a1", "5")]), notebook([html("T_b2", "6")]))
    assert found is not None
    assert (found.aspect, ">5<" in found.before, ">6<" in found.after) == ("text/html", True, True)
    widgets = [
        shown(**{"application/vnd.jupyter.widget-view+json": {"model_id": name, "version_major": 2}}) for name in "ab"
    ]
    assert first_difference(notebook([widgets[0]]), notebook([widgets[1]])) is None


@pytest.mark.parametrize(("one", "two"), [("1795573272.41", "1795580000.2"), ("1795573272410", "1795580000201")])
def test_seconds_are_a_time_if_it_ran_then(one: str, two: str) -> None:
    before, after = notebook([text(one)]), notebook([text(two)])
    assert first_difference(before, after) is not None
    before["metadata"] = {"papermill": {"start_time": "2026-11-25T02:21:10", "end_time": "2026-11-25T02:21:20"}}
    assert first_difference(before, after) is not None
    after["metadata"] = {
        "papermill": {"start_time": "2026-11-25T04:13:19+00:00", "end_time": "2026-11-25T04:13:21+00:00"}
    }
    assert first_difference(before, after) is None


def test_what_differs_is_told_from_the_line_where_it_does() -> None:
    lines = [f"line {n}\n" for n in range(200)]
    found = first_difference(notebook([text("".join(lines) + "end 1")]), notebook([text("".join(lines) + "end 2")]))
    assert found is not None
    assert (found.before, found.after) == ("end 1", "end 2")
