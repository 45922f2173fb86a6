"""Secrets by name: read from the environment, a file or the keyring when a run begins, and stored nowhere."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.jobs.policies import SECRET

FILE = "secrets"
KEYRING = "jupyter_mlops"


def reveal(names: Iterable[str], home: Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The values of secrets, from environment variables `MLOPS_SECRET_NAME` or `NAME`, lines `NAME=value` of the file
    `secrets` in the home folder (readable by the owner only), or the keyring.

    :raises InvalidInputError: a secret was not found, or others can read the file.
    """
    unique_names = list(dict.fromkeys(names))
    filed = _filed(home / FILE) if unique_names else {}
    values = {}
    for name in unique_names:
        if not SECRET.fullmatch(name):
            raise InvalidInputError(f"{name!r} is not a valid name of a secret", remedy="Use letters, digits and '_'.")
        value = environ.get(f"MLOPS_SECRET_{name}", environ.get(name, filed.get(name)))
        if value is None:
            value = _in_keyring(name)
        if value is None:
            raise InvalidInputError(
                f"the secret {name} was not found",
                field="secrets",
                remedy=f"Set the worker's environment variable MLOPS_SECRET_{name}, write {name}=… into {home / FILE}, "
                f"or add it to the keyring: keyring set {KEYRING} {name}.",
            )
        values[name] = value
    return values


def _filed(path: Path) -> dict[str, str]:
    try:
        facts = path.stat()
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise InvalidInputError(f"the file of secrets is unreadable: {error.strerror}", where=str(path)) from None
    if os.name == "posix" and facts.st_mode & 0o077:
        raise InvalidInputError(
            "the file of secrets is readable by others", where=str(path), remedy=f"chmod 600 {path}"
        )
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, sign, value in pairs if sign}


def _in_keyring(name: str) -> str | None:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return None
    try:
        secret: str | None = keyring.get_password(KEYRING, name)
    except KeyringError:
        return None
    return secret
