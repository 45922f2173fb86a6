"""`jupyter mlops versions`: the versions of a job."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mlops.cli.table import format_time, table
from jupyter_mlops.cli.workspace import print_result, workspace


def add(verbs: Any) -> None:
    parser = verbs.add_parser("versions", help="list the versions of a job, or set an alias")
    parser.add_argument("job", metavar="JOB", help="the job, or JOB@v3 for a version")
    parser.add_argument("--alias", default="", metavar="NAME", help="set this alias to the version")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import jobs, run_values

    with workspace() as space:
        name, selector = run_values.split_selector(arguments.job)
        if arguments.alias:
            jobs.set_alias(space, name, arguments.alias, selector)
        entries = jobs.versions(space, name)
        if "@" in arguments.job and not arguments.alias:
            version_name = jobs.version(space, name, selector)
            entries = [entry for entry in entries if entry["version"] == version_name]
    return print_result(arguments, entries, _render)


def _render(entries: list[dict[str, Any]]) -> str:
    rows = [
        (v["version"], " ".join(f"@{a}" for a in v["aliases"]), format_time(v["created"]), v["author"],
         v["commit"][:10] + ("+" if v["dirty"] else ""), v["message"])
        for v in entries
    ]  # fmt: skip
    return table(("VERSION", "ALIASES", "PUBLISHED", "BY", "COMMIT", "MESSAGE"), rows)
