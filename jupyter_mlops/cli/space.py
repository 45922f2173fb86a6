"""The workspace of one command, and how its answer is printed."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_mlops.jobs.workspace import Workspace


@contextmanager
def workspace() -> Iterator[Workspace]:
    """Opened for the command, closed after it."""
    from jupyter_mlops.service import jobs

    space = jobs.open_workspace()
    try:
        yield space
    finally:
        space.close()


def answer(arguments: argparse.Namespace, told: Any, plain: Callable[[Any], str]) -> int:
    """Print JSON if that was asked for, or what `plain` makes of it."""
    text = json.dumps(told, ensure_ascii=False) if arguments.json else plain(told)
    if text:
        print(text)
    return 0
