"""Settings that tags can't say: `metadata.jupyter_mlops` of a cell, and `defaults` in that of the notebook."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import BadTag

KEY = "jupyter_mlops"


@cache
def schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a step's settings."""
    loaded: dict[str, Any] = json.loads(Path(__file__).with_name("settings.schema.json").read_text(encoding="utf-8"))
    return loaded


def cell_settings(metadata: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The settings in a cell's metadata, `{}` if it has none.

    :raises BadTag: a key that is not one, a value that does not fit.
    """
    found = metadata.get(KEY)
    return {} if found is None else _checked(found, where, f"metadata.{KEY}")


def notebook_defaults(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What holds for every step that does not say otherwise."""
    found = metadata.get(KEY)
    if not isinstance(found, Mapping) or found.get("defaults") is None:
        return {}
    return _checked(found["defaults"], "the notebook's metadata", f"{KEY}.defaults")


def _checked(found: Any, where: str, at: str) -> dict[str, Any]:
    from jsonschema import Draft202012Validator

    for error in sorted(Draft202012Validator(schema()).iter_errors(found), key=lambda e: list(map(str, e.path))):
        field = ".".join([at, *map(str, error.path)])
        known = ", ".join(schema()["properties"])
        raise BadTag(f"`{field}`: {error.message}", where=where, remedy=f"Settings of a step are {known}.")
    return dict(found)
