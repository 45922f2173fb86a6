"""What every verb of the REST surface has in common: its request is parsed, its answer typed, its errors told."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http.client import responses
from typing import Any

from jupyter_server.base.handlers import APIHandler
from pydantic import BaseModel, TypeAdapter, ValidationError
from tornado.web import HTTPError

from jupyter_mlops import errors
from jupyter_mlops.server.desk import Desk
from jupyter_mlops.server.wire.base import Problem

MOST_BODY = 64 << 20  # bytes of a request
BIG = 1 << 16  # bytes of a request that is parsed in a thread
PARAMETER = re.compile(r"parameters? `([^`]+)`")
FIELD = re.compile(r"[\w.-]{1,100}")
STATUS: tuple[tuple[type[errors.MlopsError], int], ...] = (
    (errors.Unknown, 404),
    (errors.Conflict, 409),
    (errors.BadInput, 422),
    (errors.DatabaseError, 503),
    (errors.MlopsError, 500),
)


@dataclass(frozen=True)
class Operation:
    """A verb, as the OpenAPI document tells it."""

    summary: str
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    answer: type[BaseModel] | None = None
    status: int = 200
    media: str = "application/json"


def operation(
    summary: str, *, body: type[BaseModel] | None = None, query: type[BaseModel] | None = None,
    answer: type[BaseModel] | None = None, status: int = 200, media: str = "application/json",
) -> Callable[[Callable[..., Awaitable[Any]]], Callable[..., Awaitable[None]]]:  # fmt: skip
    """Of a handler's verb: it gets its path's parts, then its body and its query, and returns the answer."""

    def wrap(verb: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[None]]:
        @functools.wraps(verb)
        async def inner(self: Handler, *parts: str) -> None:
            if len(self.request.body) > MOST_BODY:
                raise HTTPError(413, f"a request may have {MOST_BODY >> 20} MB")
            given = [] if body is None else [await self.asked(body)]
            given += [] if query is None else [self.queried(query)]
            told = await verb(self, *parts, *given)
            if status != 204:
                told = await self.desk.do(written, told, answer)
            self.tell(told, status, media)

        inner.operation = Operation(summary, body, query, answer, status, media)  # type: ignore[attr-defined]
        return inner

    return wrap


def written(told: Any, answer: type[BaseModel] | None) -> str | bytes:
    """An answer as it is sent. It may be large: to be called in a thread."""
    if answer is not None:
        return str(TypeAdapter(answer).validate_python(told).model_dump_json(by_alias=True))
    return told if isinstance(told, str | bytes) else json.dumps(told)


class Handler(APIHandler):
    """A resource. Each says what it is for an authorizer, and has its verbs itself: `authorized` remembers the first
    resource that a verb was called for."""

    auth_resource: str

    @property
    def desk(self) -> Desk:
        found: Desk = self.settings["mlops"]
        return found

    async def asked(self, kind: type[BaseModel]) -> BaseModel:
        return await self.desk.do(self.parsed, kind) if len(self.request.body) > BIG else self.parsed(kind)

    def parsed(self, kind: type[BaseModel]) -> BaseModel:
        """The body. ValidationError is answered with 400 where it isn't JSON, 422 where it doesn't fit."""
        return kind.model_validate_json(self.request.body or b"{}")

    def queried(self, kind: type[BaseModel]) -> BaseModel:
        """The query's arguments; those that a list is declared for may come several times."""
        raw = {
            name: [self.decode_argument(value, name) for value in values]
            for name, values in self.request.query_arguments.items()
            if name != "token" and not name.isdigit()  # JupyterLab says the time, to get by caches
        }
        single = {
            name: values if name in kind.model_fields and _is_list(kind, name) else values[-1]
            for name, values in raw.items()
        }
        return kind.model_validate(single)

    def tell(self, told: str | bytes, status: int, media: str) -> None:
        self.set_status(status)
        if status == 204:
            self.finish()
        else:
            self.finish(told, set_content_type=media)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """An error as JSON: `message`, `reason`, `field`, `remedy`."""
        error = (kwargs.get("exc_info") or (None, None))[1]
        status, problem = problem_of(error, status_code)
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        if status >= 500:
            self.log.warning("%s %s: %s", self.request.method, self.request.path, problem.message)
        self.finish(problem.model_dump_json())

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """What a person can mend is no event of the server's log."""
        if not isinstance(value, errors.BadInput | ValidationError):
            super().log_exception(typ, value, tb)


def problem_of(error: BaseException | None, status: int) -> tuple[int, Problem]:
    """How an error is answered: its status, and what is told."""
    if isinstance(error, errors.MlopsError):
        found = next(code for kind, code in STATUS if isinstance(error, kind))
        message = error.message
        if error.where and not _field(error.where):
            message = f"{error.where}: {message}"
        return found, Problem(
            message=message, reason=type(error).__name__, field=_field(error.where), remedy=error.remedy
        )
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        malformed = first["type"] == "json_invalid"
        words = "the request is not JSON" if malformed else f"{field}: {first['msg']}" if field else first["msg"]
        return (400 if malformed else 422), Problem(message=words, reason=first["type"], field=field)
    if isinstance(error, HTTPError):
        words = error.log_message or responses.get(status, "")
        if error.args:
            words = words % error.args if "%" in words else words
        return status, Problem(message=words, reason=error.reason or responses.get(status, ""))
    if status >= 500:
        return status, Problem(message="something went wrong in the server; its log says more", reason="Defect")
    return status, Problem(message=responses.get(status, ""), reason=responses.get(status, ""))


def _field(where: str) -> str:
    parameter = PARAMETER.fullmatch(where)
    if parameter:
        return f"parameters.{parameter[1]}"
    return where if FIELD.fullmatch(where) and not where[0].isdigit() else ""


def _is_list(kind: type[BaseModel], name: str) -> bool:
    return "list" in str(kind.model_fields[name].annotation)
