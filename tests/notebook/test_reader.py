"""Reading notebooks: what is wrong with a file is told, what can be mended is."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_mlops.errors import InvalidNotebookError
from jupyter_mlops.notebook.reader import parse_notebook, read_notebook
from jupyter_mlops.notebook.writer import write_notebook


def document(*cells: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells), **more}).encode()


def code(**more: Any) -> dict[str, Any]:
    cell = {
        "cell_type": "code",
        "id": "a",
        "metadata": {},
        "source": "x",
        "outputs": [],
        "execution_count": None,
        **more,
    }
    return {k: v for k, v in cell.items() if v is not ...}


BAD: dict[str, tuple[bytes, list[str]]] = {
    "empty": (b"", ["the file is empty"]),
    "blank": (b" \n", ["the file is empty"]),
    "text": (b"hello", ["not JSON", "line 1, column 1", "not a Jupyter notebook"]),
    "script": (b"import os\nprint(1)\n", ["not JSON", "jupytext --to ipynb"]),
    "cut short": (b'{"cells": [', ["not JSON", "line 1, column 12", "truncated"]),
    "merge conflict": (
        b'{"cells": [\n<<<<<<< HEAD\n1\n=======\n2\n>>>>>>> b\n]}',
        ["not JSON", "line 2", "merge conflict"],
    ),
    "latin-1": ('{"cells": "é"}'.encode("latin-1"), ["not UTF-8", "byte 11"]),
    "binary": (b"\x89PNG\r\n\x1a\n\x00", ["not UTF-8"]),
    "a list": (b"[1, 2]", ["not a notebook"]),
    "an object": (b'{"a": 1}', ["no cells"]),
    "cells of no list": (b'{"cells": {}, "nbformat": 4}', ["no cells"]),
    "no format": (b'{"cells": [], "metadata": {}}', ["does not state its format"]),
    "format 3": (
        b'{"worksheets": [], "nbformat": 3, "nbformat_minor": 0}',
        ["old format 3", "nbconvert --to notebook"],
    ),
    "format 2": (b'{"worksheets": [], "nbformat": 2}', ["old format 2"]),
    "format 5": (b'{"cells": [], "nbformat": 5, "metadata": {}}', ["format 5", "Upgrade"]),
    "deep": (b"[" * 100_000 + b"]" * 100_000, ["nested too deep"]),
    "a cell that is text": (document("x"), ["cell 1", "not an object"]),  # type: ignore[arg-type]
    "an unknown cell type": (document(code(), code(cell_type="heading")), ["cell 2", "'heading'"]),
    "no source": (document(code(source=...)), ["cell 1", "no source"]),
    "a source of numbers": (document(code(source=[1])), ["cell 1", "source is not text"]),
    "metadata of text": (document(code(metadata="x")), ["cell 1", "metadata"]),
    "outputs of no list": (document(code(outputs={})), ["cell 1", "outputs"]),
    "an output of no type": (document(code(), code(id="b", outputs=[{"text": "x"}])), ["cell 2", "outputs"]),
    "a broken output": (
        document(code(outputs=[{"output_type": "stream", "name": "stdout", "text": 3}])),
        ["cell 1", "outputs.0"],
    ),
    "tags of no list": (document(code(metadata={"tags": "step:a"})), ["cell 1", "tags"]),
    "a tag that is a number": (document(code(metadata={"tags": [1]})), ["cell 1", "tags"]),
    "a count of text": (document(code(execution_count="3")), ["cell 1", "execution_count"]),
    "a kernelspec of text": (document(metadata={"kernelspec": "python3"}), ["kernelspec"]),
}


@pytest.mark.parametrize(("data", "said"), BAD.values(), ids=BAD.keys())
def test_what_is_wrong_is_told(data: bytes, said: list[str], tmp_path: Path) -> None:
    path = tmp_path / "some.ipynb"
    path.write_bytes(data)
    with pytest.raises(InvalidNotebookError) as caught:
        read_notebook(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert all(part in message for part in said), message
    assert len(message.splitlines()) <= 2
    assert path.read_bytes() == data


def test_a_file_that_is_not_there_and_one_that_is_near(tmp_path: Path) -> None:
    write_notebook(nbformat.v4.new_notebook(), tmp_path / "churn.ipynb")
    with pytest.raises(InvalidNotebookError, match="no such file") as caught:
        read_notebook(tmp_path / "chrun.ipynb")
    assert "Did you mean churn.ipynb?" in str(caught.value)
    with pytest.raises(InvalidNotebookError, match="does not exist"):
        read_notebook(tmp_path / "none" / "a.ipynb")


def test_a_folder(tmp_path: Path) -> None:
    write_notebook(nbformat.v4.new_notebook(), tmp_path / "churn.ipynb")
    with pytest.raises(InvalidNotebookError, match="folder") as caught:
        read_notebook(tmp_path)
    assert "churn.ipynb" in str(caught.value)


def test_ids_are_mended_without_a_word() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nb = parse_notebook(document(code(), code(), code(id=...)), "test")
    assert nb.cells[0].id == "a"
    assert len({c.id for c in nb.cells}) == 3
    nbformat.validate(nb)


def test_mended_ids_are_the_same_each_time() -> None:
    data = document(code(id=...), code(id=...), code(id="a"), code(id="a", source="y"), code(id=..., source="\ud800"))
    first, second = (parse_notebook(data, "nb.ipynb") for _ in range(2))
    assert [c.id for c in first.cells] == [c.id for c in second.cells]
    assert len({c.id for c in first.cells}) == 5 and first.cells[2].id == "a"


def test_an_id_that_is_no_text_is_told() -> None:
    with pytest.raises(InvalidNotebookError, match="`id`"):
        parse_notebook(document(code(id=[1])), "nb.ipynb")


def test_an_older_minor_has_no_ids() -> None:
    nb = parse_notebook(document(code(id=...), nbformat_minor=2), "test")
    assert nb.nbformat_minor == 2 and "id" not in nb.cells[0]


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + document(code()),
        document(code(source=["x\n", "y"])),
        document(code(outputs=...)),
        document(code(execution_count=...)),
        document(code(metadata=...)),
        document(code(extra=1)),
        document(code(source="\ud800")),
        document(code(metadata={"n": float("nan"), "big": 10**30})),
        document(code(), nbformat_minor=9),
        document(metadata={"kernelspec": {"name": "x"}}),
    ],
)
def test_what_jupyter_bears_is_borne(data: bytes) -> None:
    nb = parse_notebook(data, "test")
    assert all(isinstance(c.source, str) and isinstance(c.outputs, list) for c in nb.cells)


@pytest.mark.parametrize("spec", [{}, {"name": ""}, {"name": "", "display_name": ""}, None])
def test_a_blank_kernelspec_is_fine(spec: object) -> None:
    nb = parse_notebook(document(code(), metadata={"kernelspec": spec}), "test")
    assert not nb.metadata.get("kernelspec", {}).get("name")
    nbformat.validate(nb)


def test_multi_line_texts_are_joined() -> None:
    output = {"output_type": "display_data", "metadata": {}, "data": {"text/plain": ["a\n", "b"], "image/png": "xyz"}}
    nb = parse_notebook(document(code(source=["x\n", "y"], outputs=[output])), "test")
    assert nb.cells[0].source == "x\ny"
    assert nb.cells[0].outputs[0].data == {"text/plain": "a\nb", "image/png": "xyz"}


@pytest.mark.slow
def test_two_hundred_megabytes(tmp_path: Path) -> None:
    image = nbformat.v4.new_output("display_data", data={"image/png": "iVBORw0KGgo" * 10_000_000})
    prints = nbformat.v4.new_output("stream", text="one line of many\n" * 6_000_000)
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=[image, prints])])
    write_notebook(nb, tmp_path / "large.ipynb")
    assert (tmp_path / "large.ipynb").stat().st_size > 200_000_000
    assert read_notebook(tmp_path / "large.ipynb") == nb
