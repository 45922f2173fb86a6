"""Names of aliases."""

from __future__ import annotations

import re

from jupyter_mlops.errors import InvalidInputError

ALIAS = re.compile(r"[^\W\d_][\w-]{0,99}")


def require_alias(name: str) -> None:
    """Raises InvalidInputError for an invalid alias."""
    if not ALIAS.fullmatch(name):
        raise InvalidInputError(
            f"{name!r} is not a valid alias",
            remedy="Use at most 100 letters, digits, '_' and '-', and begin with a letter.",
        )
    if name == "latest" or re.fullmatch(r"v\d+", name):
        raise InvalidInputError(f"{name!r} cannot be an alias because it selects a version", remedy="Choose a word.")
