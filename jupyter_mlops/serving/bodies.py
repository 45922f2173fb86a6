"""Bodies of requests: JSON and compressed ones, within bounds. Pure."""

from __future__ import annotations

import json
import zlib
from http import HTTPStatus
from typing import Any

from jupyter_mlops.serving.problems import RequestError

MOST_LEVELS = 64  # of nested lists and objects
WINDOWS = {"gzip": 31, "deflate": 47}  # of zlib; 47 reads both forms of deflate that have a header


def parse_json(body: bytes, *, with_nan: bool = False) -> Any:
    """The value of JSON.

    :param with_nan: whether it may contain NaN and Infinity.
    :raises RequestError: it is not JSON, or nested deeper than MOST_LEVELS.
    """
    import orjson

    try:
        value = orjson.loads(body)
        return value if body.count(b"[") + body.count(b"{") <= MOST_LEVELS else _within_levels(value)
    except orjson.JSONDecodeError as error:
        if with_nan and (b"NaN" in body or b"Infinity" in body):
            try:
                return _within_levels(json.loads(body))
            except (ValueError, RecursionError):
                pass
        raise RequestError(f"the body is not valid JSON: character {error.pos}") from None


def _within_levels(value: Any) -> Any:
    level, current = 0, [value] if isinstance(value, list | dict) else []
    while current:
        level += 1
        if level > MOST_LEVELS:
            raise RequestError(f"the JSON is nested deeper than {MOST_LEVELS} levels")
        deeper: list[Any] = []
        for item in current:
            children = item.values() if isinstance(item, dict) else item
            deeper += [child for child in children if type(child) is list or type(child) is dict]
        current = deeper
    return value


def decompress(body: bytes, encoding: str, limit: int) -> bytes:
    """The body without its content encoding (`gzip`, `deflate`, `identity`).

    :raises RequestError: another encoding, damaged data, or more than `limit` bytes.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding not in WINDOWS:
        raise RequestError(
            "this content encoding is not supported",
            status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            remedy="Use gzip, deflate or none.",
        )
    stream = zlib.decompressobj(WINDOWS[encoding])
    try:
        data = stream.decompress(body, limit + 1)
    except zlib.error:
        raise RequestError(f"the body is not valid {encoding} data") from None
    if len(data) > limit:
        raise RequestError(f"the body is larger than {limit} bytes", status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    if not stream.eof:
        raise RequestError(f"the {encoding} data of the body is cut off")
    return data
