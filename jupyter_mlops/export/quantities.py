"""Resource limits, as in `limit:` tags, in the units of other engines."""

from __future__ import annotations

import math
import re

from jupyter_mlops.errors import InvalidInputError

QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)([A-Za-z]*)", re.ASCII)
FACTORS = {
    "": 1, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60,
}  # fmt: skip


def quantity(text: str) -> float:
    """A quantity as Kubernetes writes it: `500m`, `4Gi`, `2`. Raises InvalidInputError."""
    match = QUANTITY.fullmatch(text.strip())
    if match is None or match[2] not in FACTORS:
        raise InvalidInputError(f"not a quantity: {text!r}", remedy="Examples: 2, 500m, 4Gi")
    return float(match[1]) * FACTORS[match[2]]


def whole(text: str) -> int:
    """A number of things that can't be shared, at least 1."""
    return max(1, math.ceil(quantity(text)))


def mebibytes(text: str) -> int:
    """A size in MiB, rounded up."""
    return max(1, math.ceil(quantity(text) / 2**20))
