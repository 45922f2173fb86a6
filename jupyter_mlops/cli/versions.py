"""`jupyter mlops versions`: the versions of a job."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mlops.cli.space import answer, workspace
from jupyter_mlops.cli.table import moment, table


def add(verbs: Any) -> None:
    made = verbs.add_parser("versions", help="list the versions of a job, or let an alias name one")
    made.add_argument("job", metavar="JOB", help="the job, or JOB@v3 for one of them")
    made.add_argument("--alias", default="", metavar="NAME", help="let this alias name the version")
    made.add_argument("--json", action="store_true", help="print JSON")
    made.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import jobs

    with workspace() as space:
        name, selector = jobs.split_selector(arguments.job)
        if arguments.alias:
            jobs.set_alias(space, name, arguments.alias, selector)
        told = jobs.versions(space, name)
        if "@" in arguments.job and not arguments.alias:
            chosen = jobs.version(space, name, selector)
            told = [one for one in told if one["version"] == chosen]
    return answer(arguments, told, _plain)


def _plain(told: list[dict[str, Any]]) -> str:
    rows = [
        (v["version"], " ".join(f"@{a}" for a in v["aliases"]), moment(v["created"]), v["author"],
         v["commit"][:10] + ("+" if v["dirty"] else ""), v["message"])
        for v in told
    ]  # fmt: skip
    return table(("VERSION", "ALIASES", "PUBLISHED", "BY", "COMMIT", "MESSAGE"), rows)
