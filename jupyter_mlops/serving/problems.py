"""Why a request can't be answered, with its HTTP status. Messages name columns and rows, and never show data."""

from __future__ import annotations

from http import HTTPStatus

from jupyter_mlops.errors import InvalidInputError


class RequestError(InvalidInputError):
    """The request can't be answered."""

    code = "BadRequest"

    def __init__(
        self, message: str, *, status: int = HTTPStatus.BAD_REQUEST, remedy: str = "", field: str = ""
    ) -> None:
        self.status = int(status)
        super().__init__(message, remedy=remedy, field=field, data={"status": int(status)})

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (self.message, self.status, self.remedy, self.field))


def _rebuild(message: str, status: int, remedy: str, field: str) -> RequestError:
    return RequestError(message, status=status, remedy=remedy, field=field)


def quoted(name: object, limit: int = 80) -> str:
    """A name of the request for an error message: one line, of bounded length."""
    text = str(name)
    plain = "".join(c if c.isprintable() else "?" for c in text[:limit])
    return f"`{plain}{'…' if len(text) > limit else ''}`"
