"""Which rows of the tables one pass of all tests takes.

All rows in all modes take hours of kernels. A pass takes every eighth row, by a digest of its name, and the pass of the
next commit takes the next eighth. `EQUIVALENCE=all` takes everything.
"""

from __future__ import annotations

import functools
import hashlib
import os
import subprocess
from pathlib import Path

SHARES = 8


def takes_all() -> bool:
    return os.environ.get("EQUIVALENCE") == "all"


def number_of(name: str) -> int:
    """A number for a row that stays when rows come and go."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])


def in_turn(name: str) -> bool:
    """Whether this pass takes the row of that name."""
    return takes_all() or (number_of(name) // 64) % SHARES == turn() % SHARES


@functools.cache
def turn() -> int:
    """The number of commits so far; 0 outside of a repository. `EQUIVALENCE_TURN` sets another."""
    told = os.environ.get("EQUIVALENCE_TURN", "")
    if told.isdigit():
        return int(told)
    command = ["git", "rev-list", "--count", "HEAD"]
    try:
        done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return 0
    return int(done.stdout)
