"""Injects values into a notebook as a separate cell."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import InvalidParameterError
from jupyter_mlops.notebook.declaration import declared_parameters
from jupyter_mlops.notebook.parameter import json_form
from jupyter_mlops.notebook.rendering import to_source
from jupyter_mlops.notebook.tags import SPECIAL

if TYPE_CHECKING:
    from nbformat import NotebookNode

INJECTED = "injected-parameters"
PYTHON_KERNELS = ("", "python", "python3")


def inject(nb: NotebookNode, values: Mapping[str, object], kernel_name: str, language: str) -> NotebookNode:
    """The notebook with a cell that binds the values, in the position that papermill uses.

    That is the position of an earlier injected cell, or else after the `parameters` cell, or else the top. If cells
    that declare parameters are apart from each other, each is followed by a cell with its own values, so that a step
    between them sees them. The original notebook is not changed; the new one shares its outputs with it, and nothing
    else that a run changes.

    :param language: of the kernel, in papermill's spelling or in lower case.
    :raises InvalidParameterError: a value that the language can't express.
    """
    source_cells = [c for c in nb.cells if INJECTED not in _tags(c)]
    cells = [_copy_cell(c) for c in source_cells]
    for position, cell_values in reversed(_value_positions(nb, source_cells, values, language)):
        cells.insert(position, _new_cell(nb, _source(cell_values, kernel_name, language)))
    return _to_node({**nb, "metadata": _metadata(nb, values), "cells": cells})


def _value_positions(
    nb: NotebookNode, source_cells: list[Any], values: Mapping[str, object], language: str
) -> list[tuple[int, Mapping[str, object]]]:
    """The positions among the kept cells at which to inject which values, in notebook order."""
    groups: list[list[int]] = []
    is_separate = True
    for index, cell in enumerate(source_cells):
        if _declares(cell):
            if is_separate:
                groups.append([])
            groups[-1].append(index)
            is_separate = False
        elif cell.get("cell_type") == "code":
            is_separate = True
    if len(groups) < 2 or language.lower() != "python":
        return [(_default_position(nb, source_cells), values)]
    declared_names = [
        {p.name for p in declared_parameters((i, source_cells[i].source) for i in group)} for group in groups
    ]
    declared_names[-1] |= values.keys() - set().union(*declared_names)
    positions = [
        (g[-1] + 1, {n: v for n, v in values.items() if n in names})
        for g, names in zip(groups, declared_names, strict=True)
    ]
    return [(position, cell_values) for position, cell_values in positions if cell_values]


def _default_position(nb: NotebookNode, source_cells: list[Any]) -> int:
    """The position of the injected cell among the kept cells."""
    declaring = [i for i, c in enumerate(source_cells) if _declares(c)]
    next_index = declaring[-1] + 1 if declaring else 0
    first = next((i for i, c in enumerate(nb.cells) if INJECTED in _tags(c)), 0)
    return max(first, next_index)


def _declares(cell: Any) -> bool:
    return next((SPECIAL[t] for t in _tags(cell) if t in SPECIAL), "") == "parameters"


def _tags(cell: Any) -> list[str]:
    return list(cell.get("metadata", {}).get("tags") or ())


def _copy_cell(cell: Any) -> NotebookNode:
    result = _to_node({**cell, "metadata": copy.deepcopy(cell.get("metadata", {}))})
    if "outputs" in cell:
        result["outputs"] = list(cell["outputs"])
    return result


def _new_cell(nb: NotebookNode, source: str) -> NotebookNode:
    from nbformat import v4

    make_cell: Any = v4.new_code_cell
    cell: NotebookNode = make_cell(source, metadata={"tags": [INJECTED]})
    if (nb.get("nbformat", 4), nb.get("nbformat_minor", 0)) < (4, 5):
        cell.pop("id", None)
    return cell


def _metadata(nb: NotebookNode, values: Mapping[str, object]) -> NotebookNode:
    papermill = copy.deepcopy(dict(nb.metadata.get("papermill") or {}))
    papermill.setdefault("default_parameters", {})
    papermill.setdefault("environment_variables", {})
    papermill["parameters"] = json_form(values)
    return _to_node({**nb.metadata, "papermill": papermill})


def _to_node(content: dict[str, Any]) -> NotebookNode:
    """The content as nbformat represents it: dicts directly in it become nodes; nodes and lists are not copied."""
    from nbformat import NotebookNode, from_dict

    node_type: Any = NotebookNode
    to_node: Any = from_dict
    nodes = {k: v if isinstance(v, node_type) or not isinstance(v, dict) else to_node(v) for k, v in content.items()}
    result: NotebookNode = node_type(nodes)
    return result


def _source(values: Mapping[str, object], kernel_name: str, language: str) -> str:
    if kernel_name in PYTHON_KERNELS and language.lower() == "python":
        return to_source(values)
    from papermill.translators import PythonTranslator

    translator = _translator(kernel_name, language)
    if issubclass(translator, PythonTranslator):
        return to_source(values)
    for name in values:
        if not name.replace(".", "_").isidentifier():
            raise InvalidParameterError(
                f"{name!r} is not a valid name",
                where=f"parameter `{name}`",
                field=f"parameters.{name}",
                remedy="Use letters, digits and `_`.",
            )
    try:
        return str(translator.codify(values))
    except NotImplementedError as error:
        raise InvalidParameterError(
            f"papermill can't write these values in {language or kernel_name}: {error}",
            field="parameters",
            remedy="Use only numbers, texts, true and false.",
        ) from None


def _translator(kernel_name: str, language: str) -> Any:
    from papermill.exceptions import PapermillException
    from papermill.translators import papermill_translators

    for spelling in (language, language.lower(), language.upper(), DOTNET.get(language.lower(), language)):
        try:
            return papermill_translators.find_translator(kernel_name, spelling)
        except PapermillException:
            continue
    raise InvalidParameterError(
        f"papermill can't write parameters for the kernel {kernel_name!r} of the language {language!r}",
        field="parameters",
        remedy="Set the values in the notebook and run it without parameters.",
    )


DOTNET = {"c#": ".net-csharp", "f#": ".net-fsharp", "pwsh": ".net-powershell", "powershell": ".net-powershell"}
