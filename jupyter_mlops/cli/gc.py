"""`jupyter mlops gc`: deletes what nothing refers to and no policy keeps."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mlops.cli.workspace import print_result, workspace


def add(verbs: Any) -> None:
    parser = verbs.add_parser("gc", help="delete runs that policies don't keep, and data that nothing refers to")
    parser.add_argument("--dry-run", action="store_true", help="only report how much would be deleted")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import versions

    with workspace() as space:
        payload = versions.gc(space, dry_run=arguments.dry_run)
    return print_result(
        arguments, payload, lambda counts: _render(counts, "would be deleted" if arguments.dry_run else "went")
    )


def _render(payload: dict[str, Any], verb: str) -> str:
    size = f"{payload['bytes'] / 1e6:.1f} MB"
    summary = f"{payload['runs']} runs, {payload['objects']} objects ({size}), {payload['folders']} folders {verb}"
    return "\n".join([summary, *(f"note: {note}" for note in payload["notes"])])
