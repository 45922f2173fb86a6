"""The OpenAPI 3.1 document of the REST surface, made of the types that validate its requests.

`python -m jupyter_mlops.server.document FILE` writes it.
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
from jupyter_mlops.server.wire.base import Problem

PART = re.compile(r"\{(\w+)\}")
VERBS = ("get", "post", "put", "patch", "delete")
Mode = Any


@cache
def document() -> dict[str, Any]:
    """The document as JSON."""
    wanted: dict[tuple[type[BaseModel], str], None] = {(Problem, "serialization"): None}
    for _, handler in ROUTES:
        for known in operations(handler).values():
            for kind, mode in ((known.body, "validation"), (known.answer, "serialization")):
                if kind is not None:
                    wanted[(kind, mode)] = None
    names, schemas = models_json_schema(list(wanted), ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    paths: dict[str, Any] = {}
    for path, handler in ROUTES:
        paths[path] = {
            verb: _told(path, verb, known, handler.auth_resource, names) for verb, known in operations(handler).items()
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
    """The verbs that a handler has."""
    found = {verb: getattr(getattr(handler, verb), "operation", None) for verb in VERBS}
    return {verb: known for verb, known in found.items() if known is not None}


def _told(path: str, verb: str, known: Operation, resource: str, names: Any) -> dict[str, Any]:
    parts = PART.findall(path)
    told: dict[str, Any] = {
        "operationId": _name(verb, path),
        "summary": known.summary,
        "tags": [resource],
        "parameters": [
            *({"name": p, "in": "path", "required": True, "schema": {"type": "string"}} for p in parts),
            *_query(known),
        ],
        "responses": {str(known.status): _answer(known, names)},
    }
    problems = {
        400,
        403,
        *({404} if parts or _names_something(known) else ()),
        *({413, 422} if known.body else ()),
        *({422} if known.query else ()),
    }
    if verb in ("post", "patch", "put") and parts:
        problems |= {404, 409}
    content = {"application/json": {"schema": names[(Problem, "serialization")]}}
    told["responses"] |= {str(n): {"description": responses[n], "content": content} for n in sorted(problems)}
    if known.body is not None:
        schema = names[(known.body, "validation")]
        told["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return told


def _names_something(known: Operation) -> bool:
    """Whether a request names a job or a notebook, which may not be there."""
    return any(kind and {"job", "notebook"} & kind.model_fields.keys() for kind in (known.body, known.query))


def _query(known: Operation) -> list[dict[str, Any]]:
    if known.query is None:
        return []
    schema = known.query.model_json_schema()
    required = schema.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in required, "schema": told}
        for name, told in schema["properties"].items()
    ]


def _answer(known: Operation, names: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"description": responses[known.status]}
    if known.status != 204:
        schema = names[(known.answer, "serialization")] if known.answer else {}
        told["content"] = {known.media.split(";")[0]: {"schema": schema}}
    return told


def _name(verb: str, path: str) -> str:
    words = [part.strip("{}").replace(".", "_") for part in path.split("/")[2:]]
    return "_".join([verb, *words])


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(document(), indent=2) + "\n", encoding="utf-8")
