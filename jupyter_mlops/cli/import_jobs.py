"""`jupyter mlops import-jobs`: imports the jobs of jupyter-scheduler."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from jupyter_mlops.cli.workspace import print_result, workspace


def add(verbs: Any) -> None:
    parser = verbs.add_parser("import-jobs", help="import the jobs of jupyter-scheduler")
    parser.add_argument("database", type=Path, nargs="?", help="its database (default: its usual location)")
    parser.add_argument("--activate", action="store_true", help="activate their schedules immediately")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import versions

    with workspace() as space:
        entries = versions.import_jobs(space, arguments.database, activate=arguments.activate)
    return print_result(arguments, entries, _render)


def _render(entries: list[dict[str, Any]]) -> str:
    lines = []
    for entry in entries:
        lines.append(f"{entry['job']} {entry.get('version', '')}".rstrip())
        lines += [f"  {note}" for note in entry["notes"]]
    return "\n".join(lines) or "there are no job definitions"
