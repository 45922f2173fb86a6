"""`jupyter mlops demote`: takes the version away from a stage."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mlops.cli.workspace import print_result, workspace


def add(verbs: Any) -> None:
    parser = verbs.add_parser("demote", help="remove an alias, so that no version is at that stage")
    parser.add_argument("job", metavar="JOB")
    parser.add_argument("--from", dest="stage", required=True, metavar="STAGE", help="the stage or alias")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for the history")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import aliases

    with workspace() as space:
        change = aliases.remove_alias(space, arguments.job, arguments.stage, reason=arguments.reason)
    return print_result(
        arguments, change, lambda c: f"{arguments.job}: {c['previous']} is no longer at {c['alias']}"
    )  # fmt: skip
