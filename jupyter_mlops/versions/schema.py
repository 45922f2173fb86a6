"""The parameters of a pipeline as a JSON schema, for forms and validation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jupyter_mlops.notebook.parameter import Parameter, json_form

TYPES: dict[str, dict[str, Any]] = {
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "str": {"type": "string"},
    "Path": {"type": "string"},
    "list": {"type": "array"},
    "tuple": {"type": "array"},
    "set": {"type": "array", "uniqueItems": True},
    "dict": {"type": "object"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
}


def parameter_schema(parameters: Iterable[Parameter]) -> dict[str, Any]:
    """JSON schema (draft 2020-12); the declared types are in `x-type`."""
    properties: dict[str, Any] = {}
    required_names = []
    for parameter in parameters:
        property_schema = dict(TYPES.get(parameter.type, {}))
        if parameter.choices:
            property_schema = {"enum": [json_form(choice) for choice in parameter.choices]}
        if parameter.literal and not parameter.is_required:
            property_schema["default"] = json_form(parameter.default)
        if parameter.help:
            property_schema["description"] = parameter.help
        properties[parameter.name] = {**property_schema, "x-type": parameter.type}
        if parameter.is_required:
            required_names.append(parameter.name)
    return {"type": "object", "properties": properties, "required": required_names, "additionalProperties": False}
