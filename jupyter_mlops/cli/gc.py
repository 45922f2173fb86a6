"""`jupyter mlops gc`: let go of what nobody wants any more."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mlops.cli.space import answer, workspace


def add(verbs: Any) -> None:
    made = verbs.add_parser("gc", help="remove runs that policies don't keep, and what nothing refers to")
    made.add_argument("--dry-run", action="store_true", help="only tell how much that would be")
    made.add_argument("--json", action="store_true", help="print one JSON object")
    made.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import versions

    with workspace() as space:
        told = versions.gc(space, dry=arguments.dry_run)
    return answer(arguments, told, lambda told: _plain(told, "would go" if arguments.dry_run else "went"))


def _plain(told: dict[str, Any], word: str) -> str:
    size = f"{told['bytes'] / 1e6:.1f} MB"
    said = f"{told['runs']} runs, {told['objects']} objects ({size}), {told['folders']} folders {word}"
    return "\n".join([said, *(f"note: {note}" for note in told["notes"])])
