"""Writes a notebook: nbformat's text, without its intermediate copies, and atomically."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from json.encoder import encode_basestring
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import StoreError

if TYPE_CHECKING:
    from nbformat import NotebookNode

TRANSIENT = frozenset({"orig_nbformat", "orig_nbformat_minor", "signature"})
SPLIT_MIMES = frozenset({"application/javascript", "image/svg+xml"})
SURROGATE = re.compile("[\ud800-\udfff]")
REMEDIES = {
    errno.ENOSPC: "Free some space, or write to another location with -o.",
    errno.EDQUOT: "Free some space, or write to another location with -o.",
    errno.EACCES: "Write to another location with -o.",
    errno.EROFS: "Write to another location with -o.",
}


def write_notebook(nb: NotebookNode, path: Path) -> None:
    """Write a notebook atomically: `path` always has either the old content or the new.

    :raises StoreError: the notebook can't be written; the old content is unchanged, and no temporary file remains.
    """
    try:
        _replace_file(path, notebook_bytes(nb))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        remedy = REMEDIES.get(error.errno or 0, "")
        raise StoreError(f"the notebook can't be written: {reason}", where=str(path), remedy=remedy) from error


def notebook_bytes(nb: Mapping[str, Any]) -> bytes:
    """The text of `nbformat.writes` with the final newline of `nbformat.write`, in UTF-8."""
    text = "".join(_write_cells(nb)) + "\n"
    try:
        return text.encode()
    except UnicodeEncodeError:
        return SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text).encode()


def _write_cells(nb: Mapping[str, Any]) -> Iterator[str]:
    """The text in pieces; strings that nbformat splits into lines are split."""
    writers = {
        "cells": lambda cells, depth: _list(cells, depth, _cell),
        "metadata": lambda value, depth: _dict(value, depth, excluded_keys=TRANSIENT),
    }
    yield from _dict(nb, 0, writers)


def _cell(cell: Mapping[str, Any], depth: int) -> Iterator[str]:
    writers: dict[str, Any] = {
        "source": _lines,
        "metadata": lambda value, depth: _dict(value, depth, excluded_keys=frozenset({"trusted"})),
        "attachments": lambda value, depth: _dict(value, depth, dict.fromkeys(value, _bundle)),
    }
    if cell.get("cell_type") == "code":
        writers["outputs"] = lambda outputs, depth: _list(outputs, depth, _output)
    yield from _dict(cell, depth, writers)


def _output(output: Mapping[str, Any], depth: int) -> Iterator[str]:
    kind = output.get("output_type")
    writers: dict[str, Any] = {}
    if kind in ("execute_result", "display_data"):
        writers["data"] = _bundle
    elif kind == "stream":
        writers["text"] = _lines
    yield from _dict(output, depth, writers)


def _bundle(data: Mapping[str, Any], depth: int) -> Iterator[str]:
    split = {k: _lines for k in data if k.startswith("text/") or k in SPLIT_MIMES}
    yield from _dict(data, depth, split)


def _lines(value: Any, depth: int) -> Iterator[str]:
    if not isinstance(value, str):
        yield from _value(value, depth)
        return
    lines = value.splitlines(True)
    if not lines:
        yield "[]"
        return
    edge = "\n" + " " * (depth + 1)
    yield f"[{edge}"
    yield f",{edge}".join(map(_text, lines))
    yield "\n" + " " * depth + "]"


def _dict(
    value: Mapping[str, Any],
    depth: int,
    writers: Mapping[str, Any] | None = None,
    excluded_keys: frozenset[str] = frozenset(),
) -> Iterator[str]:
    keys = sorted(k for k in value if k not in excluded_keys)
    if not keys:
        yield "{}"
        return
    edge = "\n" + " " * (depth + 1)
    start = "{" + edge
    for key in keys:
        yield f"{start}{_key(key)}: "
        write = writers.get(key, _value) if writers else _value
        yield from write(value[key], depth + 1)
        start = f",{edge}"
    yield "\n" + " " * depth + "}"


def _list(value: Any, depth: int, write: Any = None) -> Iterator[str]:
    if not value:
        yield "[]"
        return
    edge = "\n" + " " * (depth + 1)
    start = f"[{edge}"
    for item in value:
        yield start
        yield from (write or _value)(item, depth + 1)
        start = f",{edge}"
    yield "\n" + " " * depth + "]"


def _value(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield _text(value)
    elif isinstance(value, Mapping):
        yield from _dict(value, depth)
    elif isinstance(value, list | tuple):
        yield from _list(value, depth)
    elif isinstance(value, bytes):
        yield encode_basestring(value.decode("ascii"))
    else:
        yield _scalar(value)


def _text(value: str) -> str:
    """A JSON string. orjson writes the same text a hundred times faster, but refuses lone surrogates."""
    if len(value) > 1000:
        import orjson

        with contextlib.suppress(TypeError):
            return orjson.dumps(value).decode()
    return encode_basestring(value)


def _scalar(value: Any) -> str:
    import json

    return json.dumps(value)


def _key(key: Any) -> str:
    if isinstance(key, str):
        return encode_basestring(key)
    return encode_basestring(_scalar(key))


def _replace_file(path: Path, data: bytes) -> None:
    """Replace a file by another, with the permissions of the old one."""
    target = path.resolve()
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:40]}.", suffix=".part", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(name, _file_mode(target))
        os.replace(name, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _file_mode(target: Path) -> int:
    try:
        return target.stat().st_mode & 0o7777
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
