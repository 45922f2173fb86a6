"""`jupyter mlops logs`: the log of a run, while it is written if requested."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mlops.cli.workspace import workspace


def add(verbs: Any) -> None:
    parser = verbs.add_parser("logs", help="print what a run wrote")
    parser.add_argument("run", metavar="RUN", help="id of the run, or its beginning")
    parser.add_argument("-f", "--follow", action="store_true", help="follow the log until the run ends")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import runs

    with workspace() as space:
        for text in runs.logs(space, arguments.run, arguments.follow):
            print(text, end="", flush=True)
    return 0
