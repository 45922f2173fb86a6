"""`jupyter mlops repair`: resumes a failed run; completed steps don't run again."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mlops.cli.run import follow_run
from jupyter_mlops.cli.workspace import workspace


def add(verbs: Any) -> None:
    parser = verbs.add_parser("repair", help="run the failed steps of a run again, and what depends on them")
    parser.add_argument("run", metavar="RUN", help="id of the run, or its beginning")
    parser.add_argument("-d", "--detach", action="store_true", help="don't wait for the run")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import runs

    with workspace() as space:
        return follow_run(space, runs.repair(space, arguments.run), arguments)
