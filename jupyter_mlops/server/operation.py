"""What all verbs of the REST API have in common: parsing requests, typed responses, and errors."""

from __future__ import annotations

import errno
import functools
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http.client import responses
from typing import Any

from jupyter_core.utils import ensure_async
from jupyter_server.base.handlers import APIHandler
from pydantic import BaseModel, TypeAdapter, ValidationError
from tornado.web import HTTPError

from jupyter_mlops import errors
from jupyter_mlops.server.context import ServerContext
from jupyter_mlops.server.schemas.base import Problem

MAX_BODY_BYTES = 64 << 20  # bytes of a request
LARGE_BODY_BYTES = 1 << 16  # bytes of a request that is parsed in a thread
STATUS: tuple[tuple[type[errors.MlopsError], int], ...] = (
    (errors.NotFoundError, 404),
    (errors.ConflictError, 409),
    (errors.GateError, 409),
    (errors.InvalidInputError, 422),
    (errors.DatabaseError, 503),
    (errors.UnreachableError, 503),
    (errors.MlopsError, 500),
)


@dataclass(frozen=True)
class Operation:
    """A verb and its description in the OpenAPI document."""

    summary: str
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    response: type[BaseModel] | None = None
    status: int = 200
    media: str = "application/json"


def operation(
    summary: str, *, body: type[BaseModel] | None = None, query: type[BaseModel] | None = None,
    response: type[BaseModel] | None = None, status: int = 200, media: str = "application/json",
) -> Callable[[Callable[..., Awaitable[Any]]], Callable[..., Awaitable[None]]]:  # fmt: skip
    """Declare a verb of a handler: it receives the parts of the path, then body and query, and returns the response."""

    def decorator(verb: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[None]]:
        @functools.wraps(verb)
        async def wrapper(self: Handler, *parts: str) -> None:
            if len(self.request.body) > MAX_BODY_BYTES:
                raise HTTPError(413, f"a request can have at most {MAX_BODY_BYTES >> 20} MB")
            arguments = [] if body is None else [await self.parse_body(body)]
            arguments += [] if query is None else [self.parse_query(query)]
            result = await verb(self, *parts, *arguments)
            if status != 204:
                result = await self.context.run_io(serialize, result, response)
            self.respond(result, status, media)

        wrapper.operation = Operation(summary, body, query, response, status, media)  # type: ignore[attr-defined]
        return wrapper

    return decorator


def serialize(payload: Any, response: type[BaseModel] | None) -> str | bytes:
    """A response as bytes. It may be large: call this in a thread."""
    if response is not None:
        return str(TypeAdapter(response).validate_python(payload).model_dump_json(by_alias=True))
    return payload if isinstance(payload, str | bytes) else json.dumps(payload)


class Handler(APIHandler):
    """A resource.

    Each handler declares its own verbs and its resource for the authorizer, because `authorized` caches the first
    resource for which a verb was called.
    """

    auth_resource: str
    is_abandoned = False  # whether the client has gone, so that its work may end

    def on_connection_close(self) -> None:
        self.is_abandoned = True
        super().on_connection_close()

    @property
    def context(self) -> ServerContext:
        result: ServerContext = self.settings["mlops"]
        return result

    @property
    def author(self) -> str:
        """The name of the user, for records; "" if the server gave the user an arbitrary name."""
        name = str(getattr(self.current_user, "username", "") or "")
        is_anonymous = str(getattr(self.current_user, "name", "")).startswith("Anonymous ")
        return "" if is_anonymous else name

    async def require_right(self, resource: str) -> None:
        """Raises HTTPError 403 unless the user may write another resource than the handler's."""
        is_allowed = await ensure_async(self.authorizer.is_authorized(self, self.current_user, "write", resource))
        if not is_allowed:
            raise HTTPError(403, f"this needs the right to write {resource}")

    async def parse_body(self, kind: type[BaseModel]) -> BaseModel:
        return (
            await self.context.run_io(self.validate, kind)
            if len(self.request.body) > LARGE_BODY_BYTES
            else self.validate(kind)
        )

    def validate(self, kind: type[BaseModel]) -> BaseModel:
        """The body. A ValidationError becomes status 400 if the body is not JSON, 422 if it is invalid."""
        return kind.model_validate_json(self.request.body or b"{}")

    def parse_query(self, kind: type[BaseModel]) -> BaseModel:
        """The arguments of the query; those declared as lists may be repeated."""
        raw_values = {
            name: [self.decode_argument(value, name) for value in values]
            for name, values in self.request.query_arguments.items()
            if name != "token" and not name.isdigit()  # JupyterLab says the time, to get by caches
        }
        arguments = {
            name: values if name in kind.model_fields and _is_list(kind, name) else values[-1]
            for name, values in raw_values.items()
        }
        return kind.model_validate(arguments)

    def respond(self, content: str | bytes, status: int, media: str) -> None:
        self.set_status(status)
        if status == 204:
            self.finish()
        else:
            self.finish(content, set_content_type=media)

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
        """Do not log errors that the client can correct."""
        if not isinstance(value, errors.InvalidInputError | ValidationError):
            super().log_exception(typ, value, tb)


def problem_of(error: BaseException | None, status: int) -> tuple[int, Problem]:
    """The status and the content of the response to an error."""
    if isinstance(error, errors.MlopsError):
        error_status = next(code for kind, code in STATUS if isinstance(error, kind))
        message = error.message if error.field or not error.where else f"{error.where}: {error.message}"
        return error_status, Problem(message=message, reason=error.code, field=error.field, remedy=error.remedy)
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(item) for item in first["loc"])
        is_invalid_json = first["type"] == "json_invalid"
        text = "the request is not JSON" if is_invalid_json else f"{field}: {first['msg']}" if field else first["msg"]
        return (400 if is_invalid_json else 422), Problem(message=text, reason=first["type"], field=field)
    if isinstance(error, HTTPError):
        text = error.log_message or responses.get(status, "")
        if error.args:
            text = text % error.args if "%" in text else text
        return status, Problem(message=text, reason=error.reason or responses.get(status, ""))
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return 422, Problem(message="a name is too long for the file system", reason="BadInput", remedy="Shorten it.")
    if isinstance(error, UnicodeEncodeError):
        return 422, Problem(message="a text contains half a surrogate pair", reason="BadInput")
    if status >= 500:
        return status, Problem(message="internal error; the server's log has details", reason="Defect")
    return status, Problem(message=responses.get(status, ""), reason=responses.get(status, ""))


def _is_list(kind: type[BaseModel], name: str) -> bool:
    return "list" in str(kind.model_fields[name].annotation)
