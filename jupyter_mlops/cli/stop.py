"""`jupyter mlops stop`: end a run, or all of a backfill or sweep."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mlops.cli import runs
from jupyter_mlops.cli.run import positive
from jupyter_mlops.cli.space import answer, workspace
from jupyter_mlops.errors import BadInput


def add(verbs: Any) -> None:
    made = verbs.add_parser("stop", help="stop a run")
    made.add_argument("run", metavar="RUN", nargs="?", default="", help="its id, or how it begins")
    made.add_argument("--batch", type=positive, metavar="NUMBER", help="all runs of a backfill or a sweep")
    made.add_argument("--json", action="store_true", help="print JSON")
    made.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import jobs

    with workspace() as space:
        if arguments.batch:
            return answer(arguments, jobs.stop_batch(space, arguments.batch), runs.batch)
        if not arguments.run:
            raise BadInput("which run?", remedy="`jupyter mlops runs` lists them.")
        told = jobs.stop(space, arguments.run)
    return answer(
        arguments, told, lambda t: f"{t['id']}: {'stopping' if t['state'] == 'running' else t['state']}"
    )  # fmt: skip
