"""The text of a YAML scalar, for errors about values that YAML reads as another type.

YAML 1.1 reads `no` as false, `1.10` as 1.1, `007` as 7 and `12:30` as 750. The error quotes the text as written, which
the value no longer shows.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlops.errors import InvalidParameterError
from jupyter_mlops.notebook.resolution import QUOTE_REMEDY

if TYPE_CHECKING:
    import yaml


def quote_source_text(error: InvalidParameterError, arguments: argparse.Namespace) -> InvalidParameterError:
    """The same error, with the text that the command line or the file contains where it asks for quotes."""
    if "keys" not in error.data:
        return error
    name, keys = error.data["parameter"], error.data["keys"]
    for source in _yaml_sources(arguments):
        text = scalar(source, [name, *keys])
        if text is not None:
            owner = name + "".join(f"[{key!r}]" for key in keys)
            remedy = f"{QUOTE_REMEDY}{owner}: {json.dumps(text, ensure_ascii=False)}"
            return InvalidParameterError(
                error.message, where=error.where, remedy=remedy, field=error.field, data=error.data
            )
    return error


def scalar(source: str, path: list[str | int]) -> str | None:
    """The text of a plain scalar in YAML, by keys and positions; None if there is no such scalar."""
    import yaml

    try:
        node: yaml.Node | None = yaml.compose(source, yaml.SafeLoader)
    except yaml.YAMLError:
        return None
    for component in path:
        node = _child(node, component)
    return str(node.value) if isinstance(node, yaml.ScalarNode) and node.style is None else None


def _child(node: yaml.Node | None, component: str | int) -> yaml.Node | None:
    import yaml

    if isinstance(node, yaml.SequenceNode) and isinstance(component, int) and component < len(node.value):
        child: yaml.Node = node.value[component]
        return child
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in reversed(node.value) if key.value == str(component)), None)
    return None


def _yaml_sources(arguments: argparse.Namespace) -> Iterator[str]:
    """The YAML of the parameter flags, in order of precedence."""
    yield from reversed(getattr(arguments, "parameters_yaml", []))
    for name in reversed(getattr(arguments, "parameters_file", [])):
        try:
            yield Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            continue
    for text in reversed(getattr(arguments, "parameters_base64", [])):
        try:
            yield base64.b64decode(text, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            continue
