"""`jupyter mlops stop`: stops a run, or all runs of a backfill or sweep."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mlops.cli.run import positive_int
from jupyter_mlops.cli.workspace import print_result, workspace
from jupyter_mlops.errors import InvalidInputError


def add(verbs: Any) -> None:
    parser = verbs.add_parser("stop", help="stop a run")
    parser.add_argument("run", metavar="RUN", nargs="?", default="", help="id of the run, or its beginning")
    parser.add_argument("--batch", type=positive_int, metavar="NUMBER", help="all runs of a backfill or a sweep")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.cli.runs import render_batch
    from jupyter_mlops.service import batches, runs

    with workspace() as space:
        if arguments.batch:
            return print_result(arguments, batches.stop_batch(space, arguments.batch), render_batch)
        if not arguments.run:
            raise InvalidInputError("which run?", remedy="`jupyter mlops runs` lists them.")
        payload = runs.stop(space, arguments.run)
    return print_result(
        arguments, payload, lambda t: f"{t['id']}: {'stopping' if t['state'] == 'running' else t['state']}"
    )  # fmt: skip
