"""Reading a notebook: everything that is wrong with a file is told in one sentence, with what to do."""

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

from jupyter_mlops.errors import BadNotebook

if TYPE_CHECKING:
    from nbformat import NotebookNode

NOT_ONE = "This is not a Jupyter notebook."
MERGE = re.compile(rb"^(<<<<<<<|=======|>>>>>>>)( |$)", re.MULTILINE)
SCRIPT = re.compile(rb"\s*(#|import |from |def |class |\"\"\"|''')")


def read_notebook(path: Path) -> NotebookNode:
    """The notebook in a file, its multi-line texts joined.

    :raises BadNotebook: there is none, or it can't be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise BadNotebook("there is no such file", where=str(path), remedy=_nearest(path)) from None
    except IsADirectoryError:
        found = sorted(p.name for p in path.glob("*.ipynb"))[:5]
        hint = f"It holds {', '.join(found)}." if found else "Name a notebook in it."
        raise BadNotebook("this is a folder, not a notebook", where=str(path), remedy=hint) from None
    except OSError as error:
        said = (error.strerror or str(error)).lower()
        raise BadNotebook(f"can't be read: {said}", where=str(path)) from None
    return parse_notebook(data, str(path))


def parse_notebook(data: bytes, where: str) -> NotebookNode:
    """The notebook that a file's content is; missing and doubled cell ids are mended.

    :param where: names the file in errors.
    :raises BadNotebook: it is none.
    """
    found = _loaded(data, where)
    _require_version(found, where)
    for number, cell in enumerate(found["cells"], 1):
        _require_cell(cell, number, where)
    nb = _as_node(found)
    _mend_ids(nb)
    _validate(nb, where)
    return nb


def _nearest(path: Path) -> str:
    try:
        names = [p.name for p in path.parent.iterdir() if p.suffix == ".ipynb" and p.exists()]
    except OSError:
        return f"The folder {path.parent} does not exist."
    near = difflib.get_close_matches(path.name, names, 1) or [n for n in names if n == f"{path.name}.ipynb"]
    return f"Did you mean {near[0]}?" if near else "Check the name."


def _loaded(data: bytes, where: str) -> Any:
    if not data.strip():
        raise BadNotebook("the file is empty", where=where, remedy=NOT_ONE)
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        import orjson

        return orjson.loads(data)
    except ValueError:
        pass
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadNotebook(
            f"the file is not UTF-8 text (byte {error.start})", where=where, remedy=f"{NOT_ONE} Save it as UTF-8."
        ) from None
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        remedy = _why_not_json(data)
        raise BadNotebook(
            f"the file is not JSON: {error.msg} at line {error.lineno}, column {error.colno}",
            where=where,
            remedy=remedy,
        ) from None
    except RecursionError:
        raise BadNotebook("the file's JSON is nested too deep", where=where, remedy=NOT_ONE) from None


def _why_not_json(data: bytes) -> str:
    if MERGE.search(data):
        return "It has the marks of a merge conflict: settle that first (`nbdime mergetool` helps)."
    if not data.lstrip().startswith((b"{", b"[")):
        made = "A script becomes a notebook with `jupytext --to ipynb FILE`." if SCRIPT.match(data) else ""
        return f"{NOT_ONE} {made}".strip()
    return "It may have been cut short: take it from a backup, a checkpoint or the version control."


def _require_version(found: Any, where: str) -> None:
    if not isinstance(found, dict):
        raise BadNotebook("the file is JSON, but not a notebook", where=where, remedy=NOT_ONE)
    major = found.get("nbformat")
    if "worksheets" in found or (isinstance(major, int) and major < 4):
        version = major if isinstance(major, int) else 3
        raise BadNotebook(
            f"the notebook has the old format {version}; format 4 is needed",
            where=where,
            remedy=f"`jupyter nbconvert --to notebook --inplace '{where}'` brings it up to date.",
        )
    if isinstance(major, int) and major > 4:
        raise BadNotebook(
            f"the notebook has format {major}, which is later than this program",
            where=where,
            remedy="Upgrade jupyter_mlops and nbformat.",
        )
    if not isinstance(found.get("cells"), list):
        raise BadNotebook("the file is JSON, but it has no cells", where=where, remedy=NOT_ONE)
    if not isinstance(major, int):
        raise BadNotebook("the notebook does not say its format (`nbformat`)", where=where, remedy=NOT_ONE)
    if not isinstance(found.setdefault("metadata", {}), dict):
        raise BadNotebook("`metadata` is not an object", where=where, remedy="Remove it, or mend it.")
    _mend_kernelspec(found["metadata"])
    if not isinstance(found.setdefault("nbformat_minor", 0), int):
        raise BadNotebook("`nbformat_minor` is not a number", where=where, remedy="Remove it, or mend it.")


def _mend_kernelspec(metadata: dict[str, Any]) -> None:
    """A blank kernelspec means the default kernel; the schema wants its two names."""
    spec = metadata.get("kernelspec", {})
    if spec is None:
        del metadata["kernelspec"]
    elif isinstance(spec, dict) and "kernelspec" in metadata:
        spec.setdefault("name", "")
        spec.setdefault("display_name", spec["name"])


def _require_cell(cell: Any, number: int, where: str) -> None:
    def bad(what: str) -> BadNotebook:
        return BadNotebook(
            what, where=f"{where}, cell {number}", remedy="Open it in Jupyter and save it, or mend the file."
        )

    if not isinstance(cell, dict):
        raise bad("the cell is not an object")
    kind = cell.get("cell_type")
    if kind not in ("code", "markdown", "raw"):
        raise bad(f"there is no cell type {kind!r}")
    source = cell.get("source")
    if not isinstance(source, str) and not (isinstance(source, list) and all(isinstance(s, str) for s in source)):
        raise bad("the cell has no source" if source is None else "the cell's source is not text")
    if not isinstance(cell.setdefault("metadata", {}), dict):
        raise bad("the cell's metadata are not an object")
    if kind == "code":
        cell.setdefault("execution_count", None)
        if not isinstance(cell.setdefault("outputs", []), list):
            raise bad("the cell's outputs are not a list")


def _as_node(found: dict[str, Any]) -> NotebookNode:
    from nbformat.notebooknode import from_dict
    from nbformat.v4.rwbase import rejoin_lines, strip_transient

    nb: NotebookNode = from_dict(found)
    with contextlib.suppress(AttributeError, TypeError):  # what is wrong with its outputs the schema says
        nb = strip_transient(rejoin_lines(nb))
    return nb


def _mend_ids(nb: NotebookNode) -> None:
    """Ids that are missing or doubled are made of the cells' text: the same notebook gets the same each time."""
    if (nb.nbformat, nb.nbformat_minor) < (4, 5):
        for cell in nb.cells:
            cell.pop("id", None)
        return
    taken = {str(cell["id"]) for cell in nb.cells if "id" in cell}
    seen: set[str] = set()
    for cell in nb.cells:
        if "id" not in cell or str(cell["id"]) in seen:
            text = str(cell.source).encode("utf-8", "surrogatepass")
            made = (hashlib.blake2b(text, digest_size=4, salt=b"%d" % n).hexdigest() for n in itertools.count())
            cell["id"] = next(one for one in made if one not in taken)
        seen.add(str(cell["id"]))
        taken.add(str(cell["id"]))


def _validate(nb: NotebookNode, where: str) -> None:
    """Against nbformat's schema, its large texts left out: it says no more of them than that they are texts."""
    from nbformat.validator import iter_validate

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        error = next(iter(iter_validate(_light(nb), relax_add_props=True) or ()), None)
    if error is None:
        return
    at: Any = getattr(error, "absolute_path", None) or getattr(error, "path", None) or ()
    parts = [str(p) for p in at]
    place, field = where, ".".join(parts)
    if len(parts) > 1 and parts[0] == "cells":
        place, field = f"{where}, cell {int(parts[1]) + 1}", ".".join(parts[2:])
    said = str(error.message).split("\n")[0]
    said = said if len(said) < 200 else f"{said[:100]} … {said[-80:]}"
    raise BadNotebook(
        f"not a valid notebook: {f'`{field}`: ' if field else ''}{said}",
        where=place,
        remedy="Open it in Jupyter and save it, or mend the file.",
    )


def _light(nb: NotebookNode) -> dict[str, Any]:
    cells = []
    for cell in nb.cells:
        light = dict(cell)
        if "outputs" in light:
            light["outputs"] = [_light_output(o) for o in light["outputs"]]
        cells.append(light)
    return {**nb, "cells": cells}


def _light_output(output: Any) -> Any:
    if not isinstance(output, dict):
        return output
    light = dict(output)
    if isinstance(light.get("text"), str):
        light["text"] = ""
    if isinstance(light.get("data"), dict):
        light["data"] = {k: "" if isinstance(v, str) else v for k, v in light["data"].items()}
    return light
