"""Reads a notebook. An error states in one sentence what is wrong with the file and what to do."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import itertools
import json
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import InvalidNotebookError

if TYPE_CHECKING:
    from nbformat import NotebookNode

NOT_A_NOTEBOOK = "This is not a Jupyter notebook."
MERGE = re.compile(rb"^(<<<<<<<|=======|>>>>>>>)( |$)", re.MULTILINE)
SCRIPT = re.compile(rb"\s*(#|import |from |def |class |\"\"\"|''')")


def read_notebook(path: Path) -> NotebookNode:
    """The notebook in a file, with multi-line texts joined.

    :raises InvalidNotebookError: the file is missing, unreadable, or not a notebook.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InvalidNotebookError(
            "there is no such file", where=str(path), remedy=_missing_file_remedy(path)
        ) from None
    except IsADirectoryError:
        notebook_names = sorted(p.name for p in path.glob("*.ipynb"))[:5]
        hint = f"It holds {', '.join(notebook_names)}." if notebook_names else "Pass the path of a notebook in it."
        raise InvalidNotebookError("this is a folder, not a notebook", where=str(path), remedy=hint) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InvalidNotebookError(f"can't be read: {reason}", where=str(path)) from None
    return parse_notebook(data, str(path))


def parse_notebook(data: bytes, location: str) -> NotebookNode:
    """The notebook in a file's content; missing and duplicate cell ids are replaced.

    :param location: names the file in errors.
    :raises InvalidNotebookError: the content is not a notebook.
    """
    content = _load_json(data, location)
    _require_version(content, location)
    for number, cell in enumerate(content["cells"], 1):
        _require_cell(cell, number, location)
    nb = _to_node(content)
    _repair_ids(nb)
    _validate(nb, location)
    return nb


def _missing_file_remedy(path: Path) -> str:
    try:
        names = [p.name for p in path.parent.iterdir() if p.suffix == ".ipynb" and p.exists()]
    except OSError:
        return f"The folder {path.parent} does not exist."
    matches = difflib.get_close_matches(path.name, names, 1) or [n for n in names if n == f"{path.name}.ipynb"]
    return f"Did you mean {matches[0]}?" if matches else "Check the name."


def _load_json(data: bytes, location: str) -> Any:
    if not data.strip():
        raise InvalidNotebookError("the file is empty", where=location, remedy=NOT_A_NOTEBOOK)
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        import orjson

        return orjson.loads(data)
    except ValueError:
        pass
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidNotebookError(
            f"the file is not UTF-8 text (byte {error.start})",
            where=location,
            remedy=f"{NOT_A_NOTEBOOK} Save it as UTF-8.",
        ) from None
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        remedy = _json_remedy(data)
        raise InvalidNotebookError(
            f"the file is not JSON: {error.msg} at line {error.lineno}, column {error.colno}",
            where=location,
            remedy=remedy,
        ) from None
    except RecursionError:
        raise InvalidNotebookError(
            "the file's JSON is nested too deep", where=location, remedy=NOT_A_NOTEBOOK
        ) from None


def _json_remedy(data: bytes) -> str:
    if MERGE.search(data):
        return "It has conflict markers: resolve the merge conflict first (`nbdime mergetool` helps)."
    if not data.lstrip().startswith((b"{", b"[")):
        hint = "A script becomes a notebook with `jupytext --to ipynb FILE`." if SCRIPT.match(data) else ""
        return f"{NOT_A_NOTEBOOK} {hint}".strip()
    return "It may be truncated: restore it from a backup, a checkpoint or version control."


def _require_version(content: Any, location: str) -> None:
    if not isinstance(content, dict):
        raise InvalidNotebookError("the file is JSON, but not a notebook", where=location, remedy=NOT_A_NOTEBOOK)
    major = content.get("nbformat")
    if "worksheets" in content or (isinstance(major, int) and major < 4):
        version = major if isinstance(major, int) else 3
        raise InvalidNotebookError(
            f"the notebook has the old format {version}; format 4 is needed",
            where=location,
            remedy=f"`jupyter nbconvert --to notebook --inplace '{location}'` brings it up to date.",
        )
    if isinstance(major, int) and major > 4:
        raise InvalidNotebookError(
            f"the notebook has format {major}, which is newer than this program supports",
            where=location,
            remedy="Upgrade jupyter_mlops and nbformat.",
        )
    if not isinstance(content.get("cells"), list):
        raise InvalidNotebookError("the file is JSON, but it has no cells", where=location, remedy=NOT_A_NOTEBOOK)
    if not isinstance(major, int):
        raise InvalidNotebookError(
            "the notebook does not state its format (`nbformat`)", where=location, remedy=NOT_A_NOTEBOOK
        )
    if not isinstance(content.setdefault("metadata", {}), dict):
        raise InvalidNotebookError("`metadata` is not an object", where=location, remedy="Remove or correct it.")
    _repair_kernelspec(content["metadata"])
    if not isinstance(content.setdefault("nbformat_minor", 0), int):
        raise InvalidNotebookError("`nbformat_minor` is not a number", where=location, remedy="Remove or correct it.")


def _repair_kernelspec(metadata: dict[str, Any]) -> None:
    """A blank kernelspec means the default kernel, but the schema requires two names."""
    spec = metadata.get("kernelspec", {})
    if spec is None:
        del metadata["kernelspec"]
    elif isinstance(spec, dict) and "kernelspec" in metadata:
        spec.setdefault("name", "")
        spec.setdefault("display_name", spec["name"])


def _require_cell(cell: Any, number: int, location: str) -> None:
    def make_error(message: str) -> InvalidNotebookError:
        return InvalidNotebookError(
            message, where=f"{location}, cell {number}", remedy="Open it in Jupyter and save it, or correct the file."
        )

    if not isinstance(cell, dict):
        raise make_error("the cell is not an object")
    kind = cell.get("cell_type")
    if kind not in ("code", "markdown", "raw"):
        raise make_error(f"unknown cell type {kind!r}")
    source = cell.get("source")
    if not isinstance(source, str) and not (isinstance(source, list) and all(isinstance(s, str) for s in source)):
        raise make_error("the cell has no source" if source is None else "the cell's source is not text")
    if not isinstance(cell.setdefault("metadata", {}), dict):
        raise make_error("the cell's metadata is not an object")
    if kind == "code":
        cell.setdefault("execution_count", None)
        if not isinstance(cell.setdefault("outputs", []), list):
            raise make_error("the cell's outputs are not a list")


def _to_node(content: dict[str, Any]) -> NotebookNode:
    from nbformat.notebooknode import from_dict
    from nbformat.v4.rwbase import rejoin_lines, strip_transient

    nb: NotebookNode = from_dict(content)
    with contextlib.suppress(AttributeError, TypeError):  # what is wrong with its outputs the schema says
        nb = strip_transient(rejoin_lines(nb))
    return nb


def _repair_ids(nb: NotebookNode) -> None:
    """Replaces missing and duplicate ids by ids derived from the cells' text, so that a notebook always gets the same
    ones.
    """
    if (nb.nbformat, nb.nbformat_minor) < (4, 5):
        for cell in nb.cells:
            cell.pop("id", None)
        return
    used_ids = {str(cell["id"]) for cell in nb.cells if "id" in cell}
    visited_ids: set[str] = set()
    for cell in nb.cells:
        if "id" not in cell or str(cell["id"]) in visited_ids:
            text = str(cell.source).encode("utf-8", "surrogatepass")
            candidates = (hashlib.blake2b(text, digest_size=4, salt=b"%d" % n).hexdigest() for n in itertools.count())
            cell["id"] = next(candidate for candidate in candidates if candidate not in used_ids)
        visited_ids.add(str(cell["id"]))
        used_ids.add(str(cell["id"]))


def _validate(nb: NotebookNode, location: str) -> None:
    """Validates against nbformat's schema, without large texts, which the schema only requires to be texts."""
    from nbformat.validator import iter_validate

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        error = next(iter(iter_validate(_without_large_texts(nb), relax_add_props=True) or ()), None)
    if error is None:
        return
    error_path: Any = getattr(error, "absolute_path", None) or getattr(error, "path", None) or ()
    parts = [str(p) for p in error_path]
    cell_location, field = location, ".".join(parts)
    if len(parts) > 1 and parts[0] == "cells":
        cell_location, field = f"{location}, cell {int(parts[1]) + 1}", ".".join(parts[2:])
    message = str(error.message).split("\n")[0]
    message = message if len(message) < 200 else f"{message[:100]} … {message[-80:]}"
    raise InvalidNotebookError(
        f"not a valid notebook: {f'`{field}`: ' if field else ''}{message}",
        where=cell_location,
        remedy="Open it in Jupyter and save it, or correct the file.",
    )


def _without_large_texts(nb: NotebookNode) -> dict[str, Any]:
    cells = []
    for cell in nb.cells:
        cell_copy = dict(cell)
        if "outputs" in cell_copy:
            cell_copy["outputs"] = [_output_without_texts(o) for o in cell_copy["outputs"]]
        cells.append(cell_copy)
    return {**nb, "cells": cells}


def _output_without_texts(output: Any) -> Any:
    if not isinstance(output, dict):
        return output
    result = dict(output)
    if isinstance(result.get("text"), str):
        result["text"] = ""
    if isinstance(result.get("data"), dict):
        result["data"] = {k: "" if isinstance(v, str) else v for k, v in result["data"].items()}
    return result
