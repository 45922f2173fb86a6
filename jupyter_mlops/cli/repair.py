"""`jupyter mlops repair`: go on with a run that failed; what completed is not run again."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mlops.cli.run import followed
from jupyter_mlops.cli.space import workspace


def add(verbs: Any) -> None:
    made = verbs.add_parser("repair", help="run what failed again, and what depends on it")
    made.add_argument("run", metavar="RUN", help="its id, or how it begins")
    made.add_argument("-d", "--detach", action="store_true", help="don't wait for it")
    made.add_argument("--json", action="store_true", help="print one JSON object")
    made.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import jobs

    with workspace() as space:
        return followed(space, jobs.repair(space, arguments.run), arguments)
