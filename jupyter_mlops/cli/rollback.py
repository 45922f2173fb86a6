"""`jupyter mlops rollback`: undoes the last promotion."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mlops.cli.promote import render
from jupyter_mlops.cli.workspace import print_result, workspace


def add(verbs: Any) -> None:
    parser = verbs.add_parser("rollback", help="undo the last promotion: the stage gets the version that it had before")
    parser.add_argument("job", metavar="JOB")
    parser.add_argument("--to", default="production", metavar="STAGE", help="the stage (default: production)")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for the history")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import promotions

    with workspace() as space:
        payload = promotions.rollback(space, arguments.job, arguments.to, reason=arguments.reason)
    return print_result(arguments, payload, render)
