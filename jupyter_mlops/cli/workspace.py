"""The workspace of a command, and the output of its result."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from jupyter_mlops.cli.streams import to_json

if TYPE_CHECKING:
    from jupyter_mlops.jobs.workspace import Workspace


@contextmanager
def workspace() -> Iterator[Workspace]:
    """The workspace, closed after the command."""
    from jupyter_mlops.service import jobs

    space = jobs.open_workspace()
    try:
        yield space
    finally:
        space.close()


def print_result(arguments: argparse.Namespace, payload: Any, render: Callable[[Any], str]) -> int:
    """Print the value as JSON if requested; otherwise as `render` renders it."""
    text = to_json(payload) if arguments.json else render(payload)
    if text:
        print(text)
    return 0
