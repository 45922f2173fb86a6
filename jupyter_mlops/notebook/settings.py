"""Settings that tags can't express: `metadata.jupyter_mlops` in a cell's metadata, and `defaults` in the notebook's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import InvalidTagError

KEY = "jupyter_mlops"


@cache
def schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a step's settings."""
    result: dict[str, Any] = json.loads(Path(__file__).with_name("settings.schema.json").read_text(encoding="utf-8"))
    return result


def cell_settings(metadata: Mapping[str, Any], location: str, cell: int | None = None) -> dict[str, Any]:
    """The settings in a cell's metadata, `{}` if it has none.

    :raises InvalidTagError: a key that is not one, a value that does not fit.
    """
    settings = metadata.get(KEY)
    return {} if settings is None else _validate(settings, location, f"metadata.{KEY}", cell)


def notebook_defaults(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of all steps that do not override them."""
    settings = metadata.get(KEY)
    if not isinstance(settings, Mapping) or settings.get("defaults") is None:
        return {}
    return _validate(settings["defaults"], "the notebook's metadata", f"{KEY}.defaults")


def _validate(settings: Any, location: str, key_path: str, cell: int | None = None) -> dict[str, Any]:
    from jsonschema import Draft202012Validator

    for error in sorted(Draft202012Validator(schema()).iter_errors(settings), key=lambda e: list(map(str, e.path))):
        field = ".".join([key_path, *map(str, error.path)])
        setting_names = ", ".join(schema()["properties"])
        remedy = f"Settings of a step are {setting_names}."
        raise InvalidTagError(f"`{field}`: {error.message}", where=location, remedy=remedy, cell=cell)
    return dict(settings)
