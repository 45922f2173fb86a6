"""`jupyter mlops import-jobs`: take over the jobs of jupyter-scheduler."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from jupyter_mlops.cli.space import answer, workspace


def add(verbs: Any) -> None:
    made = verbs.add_parser("import-jobs", help="take over the jobs of jupyter-scheduler")
    made.add_argument("database", type=Path, nargs="?", help="its database (default: where it keeps it)")
    made.add_argument("--activate", action="store_true", help="let their schedules fire here at once")
    made.add_argument("--json", action="store_true", help="print JSON")
    made.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import versions

    with workspace() as space:
        told = versions.import_jobs(space, arguments.database, activate=arguments.activate)
    return answer(arguments, told, _plain)


def _plain(told: list[dict[str, Any]]) -> str:
    lines = []
    for one in told:
        lines.append(f"{one['job']} {one.get('version', '')}".rstrip())
        lines += [f"  {note}" for note in one["notes"]]
    return "\n".join(lines) or "there are no job definitions"
