"""`jupyter mlops publish`: publishes the notebook in its current state as an immutable version."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from jupyter_mlops.cli.workspace import print_result, workspace


def add(verbs: Any) -> None:
    parser = verbs.add_parser("publish", help="publish a notebook as a version of a job")
    parser.add_argument("notebook", type=Path, metavar="NOTEBOOK", help="path of the notebook")
    parser.add_argument("--job", default="", metavar="NAME", help="the job (default: the notebook's name)")
    parser.add_argument("-m", "--message", default="", help="what changed, and why")
    parser.add_argument(
        "--alias", default="", metavar="NAME", help="set this alias to the version, such as staging or production"
    )
    parser.add_argument("-k", "--kernel", default="", help="the kernel for its runs")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import aliases, jobs

    with workspace() as space:
        if arguments.alias:
            aliases.require_publishable(space, arguments.job or arguments.notebook.stem, arguments.alias)
        payload = jobs.publish(space, arguments.notebook, arguments.job, arguments.message, arguments.kernel)
        if arguments.alias:
            reason = arguments.message
            aliases.set_alias(space, payload["job"], arguments.alias, payload["version"], reason=reason)
    return print_result(arguments, payload, _render)


def _render(payload: dict[str, Any]) -> str:
    lines = [f"{payload['job']} {payload['version']}" + ("" if payload["new"] else " (already published)")]
    lines += [f"  {f['kind']}  {f['path']}" for f in payload["files"]]
    return "\n".join([*lines, *(f"note: {note}" for note in payload["notes"])])
