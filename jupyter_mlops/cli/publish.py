"""`jupyter mlops publish`: what the notebook is now becomes a version that never changes."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from jupyter_mlops.cli.space import answer, workspace


def add(verbs: Any) -> None:
    made = verbs.add_parser("publish", help="publish a notebook as a version of a job")
    made.add_argument("notebook", type=Path)
    made.add_argument("--job", default="", metavar="NAME", help="the job (default: the notebook's name)")
    made.add_argument("-m", "--message", default="", help="what changed, and why")
    made.add_argument(
        "--alias", default="", metavar="NAME", help="let this alias name the version: staging, production"
    )
    made.add_argument("-k", "--kernel", default="", help="the kernel it is to run in")
    made.add_argument("--json", action="store_true", help="print one JSON object")
    made.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.jobs.catalog import require_alias
    from jupyter_mlops.service import jobs

    if arguments.alias:
        require_alias(arguments.alias)
    with workspace() as space:
        told = jobs.publish(space, arguments.notebook, arguments.job, arguments.message, arguments.kernel)
        if arguments.alias:
            jobs.set_alias(space, told["job"], arguments.alias, told["version"])
    return answer(arguments, told, _plain)


def _plain(told: dict[str, Any]) -> str:
    lines = [f"{told['job']} {told['version']}" + ("" if told["new"] else " (it was published before)")]
    lines += [f"  {f['kind']}  {f['path']}" for f in told["files"]]
    return "\n".join([*lines, *(f"note: {note}" for note in told["notes"])])
