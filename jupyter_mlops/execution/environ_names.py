"""Environment variables that a notebook's code reads by name, and digests of their values that give nothing away."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from pathlib import Path

NAME = r"""["']([A-Za-z_]\w*)["']"""
READS = re.compile(
    rf"\benvironb?\s*(?:\[|\.\s*(?:get|pop|setdefault)\s*\()\s*b?{NAME}|\bgetenvb?\s*\(\s*b?{NAME}|^\s*%env\s+([A-Za-z_]\w*)\s*$",
    re.MULTILINE,
)
SECRET = re.compile(
    r"(?i)secret|token|passw|passphrase|pwd|credential|auth|private|cookie|session|signature|bearer|dsn|salt|webhook"
    r"|(^|_)(key|keys|pat|pass|cert|pin|otp)($|_)|apikey|accesskey|connection_?string|(^|_)sas($|_)"
)
CREDENTIALS = re.compile(r"://[^/@\s]*@")
KEY_FILE = "capsule.key"
KEY_BYTES = 32


def names_in(source: str) -> list[str]:
    """The names of environment variables that code reads by a literal."""
    return list(dict.fromkeys(name for match in READS.findall(source) for name in match if name))


def looks_secret(name: str, value: str) -> bool:
    """Whether a variable may hold a secret, so that not even a digest of its value is stored."""
    return bool(SECRET.search(name) or CREDENTIALS.search(value))


def digests(values: Mapping[str, str | None], key: bytes, secrets: tuple[str, ...] = ()) -> dict[str, str | None]:
    """Digests of values, keyed so that short values can't be guessed; "" for a variable that is not set, None for one
    that may hold a secret.

    :param secrets: values that are secrets whatever their variables are called.
    """
    result: dict[str, str | None] = {}
    for name, value in values.items():
        if value is None:
            result[name] = ""
        elif looks_secret(name, value) or any(secret in value for secret in secrets if secret):
            result[name] = None
        else:
            data = value.encode("utf-8", "surrogateescape")
            result[name] = f"{key_name(key)}-{hmac.new(key, data, hashlib.sha256).hexdigest()[:40]}"
    return result


def key_name(key: bytes) -> str:
    """A name for a key: digests of different keys can't be compared."""
    return hashlib.sha256(b"name" + key).hexdigest()[:8]


def key_of(home: Path) -> bytes:
    """The key of a home folder, made on first use and readable by its owner only. A random one if it can't be kept."""
    path = home / KEY_FILE
    for _ in range(2):
        with contextlib.suppress(OSError):
            data = path.read_bytes()
            if len(data) == KEY_BYTES:
                return data
        part = path.with_name(f".{KEY_FILE}.{os.getpid()}")
        with contextlib.suppress(OSError):
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(os.urandom(KEY_BYTES))
            with contextlib.suppress(FileExistsError):
                os.link(part, path)  # whoever is first decides
            part.unlink(missing_ok=True)
    return os.urandom(KEY_BYTES)
