"""What can be seen of a path without opening it: in the kernel, and later when a cached result is looked up."""

from __future__ import annotations

import errno
import hashlib
import os
from typing import Any


def look_of(path: str, scope: str = "all") -> list[Any]:
    """[kind], [kind, size] or [kind, size, mode, time]; the time of a folder is left out.

    :param scope: "kind", "size" or "all".
    """
    try:
        facts = os.stat(path)
    except OSError as error:
        return ["" if error.errno in (errno.ENOENT, errno.ENOTDIR) else "unreadable"]
    kind: Any = facts.st_mode >> 12
    folder = os.path.isdir(path)
    if os.path.islink(path):
        kind = f"{kind} by {os.readlink(path)}"
    size, time = (0, 0) if folder else (facts.st_size, facts.st_mtime_ns)
    return {"kind": [kind], "size": [kind, size]}.get(scope, [kind, size, facts.st_mode, time])


def looks_again(path: str, look: list[Any]) -> bool:
    """Whether a path looks as it did."""
    now = look_of(path)
    return now[: len(look)] == look and (len(now) > 1) is (bool(look[0]) and look[0] != "unreadable")


def listing_of(folder: str) -> str:
    """A digest of the names in a folder; "" if it does not exist."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return ""
    return hashlib.blake2b("\0".join(names).encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
