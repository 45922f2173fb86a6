"""The OpenAPI 3.1 document of the REST API, generated from the types that validate its requests.

`python -m jupyter_mlops.server.openapi FILE` writes it.
"""

from __future__ import annotations

import json
import re
import sys
from functools import cache
from http.client import responses
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from jupyter_mlops import __version__
from jupyter_mlops.server.operation import Operation
from jupyter_mlops.server.routes import ROUTES
from jupyter_mlops.server.schemas.base import Problem

PART = re.compile(r"\{(\w+)\}")
VERBS = ("get", "post", "put", "patch", "delete")
Mode = Any


@cache
def document() -> dict[str, Any]:
    """The document as JSON."""
    models: dict[tuple[type[BaseModel], str], None] = {(Problem, "serialization"): None}
    for _, handler in ROUTES:
        for operation in operations(handler).values():
            for kind, mode in ((operation.body, "validation"), (operation.response, "serialization")):
                if kind is not None:
                    models[(kind, mode)] = None
    names, schemas = models_json_schema(list(models), ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    paths: dict[str, Any] = {}
    for path, handler in ROUTES:
        paths[path] = {
            verb: _operation_object(path, verb, operation, handler.auth_resource, names)
            for verb, operation in operations(handler).items()
        }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "jupyter_mlops",
            "version": __version__,
            "description": "Paths begin at the server's base URL. Progress travels as Jupyter events.",
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"token": {"type": "apiKey", "in": "header", "name": "Authorization"}},
        },
    }


def operations(handler: type[Any]) -> dict[str, Operation]:
    """The verbs of a handler."""
    by_verb = {verb: getattr(getattr(handler, verb), "operation", None) for verb in VERBS}
    return {verb: operation for verb, operation in by_verb.items() if operation is not None}


def _operation_object(path: str, verb: str, operation: Operation, resource: str, names: Any) -> dict[str, Any]:
    parts = PART.findall(path)
    result: dict[str, Any] = {
        "operationId": _operation_id(verb, path),
        "summary": operation.summary,
        "tags": [resource],
        "parameters": [
            *({"name": p, "in": "path", "required": True, "schema": {"type": "string"}} for p in parts),
            *_query_parameters(operation),
        ],
        "responses": {str(operation.status): _response_object(operation, names)},
    }
    problems = {
        400,
        403,
        *({404} if parts or _names_resource(operation) else ()),
        *({413, 422} if operation.body else ()),
        *({422} if operation.query else ()),
    }
    if verb in ("post", "patch", "put") and parts:
        problems |= {404, 409}
    content = {"application/json": {"schema": names[(Problem, "serialization")]}}
    result["responses"] |= {str(n): {"description": responses[n], "content": content} for n in sorted(problems)}
    if operation.body is not None:
        schema = names[(operation.body, "validation")]
        result["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return result


def _names_resource(operation: Operation) -> bool:
    """Whether a request names a job or a notebook, which may not exist."""
    return any(kind and {"job", "notebook"} & kind.model_fields.keys() for kind in (operation.body, operation.query))


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    schema = operation.query.model_json_schema()
    required_names = schema.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in required_names, "schema": property_schema}
        for name, property_schema in schema["properties"].items()
    ]


def _response_object(operation: Operation, names: Any) -> dict[str, Any]:
    response: dict[str, Any] = {"description": responses[operation.status]}
    if operation.status != 204:
        schema = names[(operation.response, "serialization")] if operation.response else {}
        response["content"] = {operation.media.split(";")[0]: {"schema": schema}}
    return response


def _operation_id(verb: str, path: str) -> str:
    words = [segment.strip("{}").replace(".", "_") for segment in path.split("/")[2:]]
    return "_".join([verb, *words])


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(document(), indent=2) + "\n", encoding="utf-8")
