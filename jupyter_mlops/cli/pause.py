"""`jupyter mlops pause` and `resume`: let schedules rest, and go on."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from jupyter_mlops.cli.workspace import print_result, workspace


def add(verbs: Any) -> None:
    for verb, help_text in (("pause", "let a job's schedules rest"), ("resume", "let them go on, from now")):
        parser = verbs.add_parser(verb, help=help_text)
        parser.add_argument("target", metavar="JOB", help="a job, or the number of one schedule")
        parser.add_argument("--json", action="store_true", help="print JSON")
        parser.set_defaults(do=partial(do, paused=verb == "pause"))


def do(arguments: argparse.Namespace, paused: bool) -> int:
    from jupyter_mlops.service import jobs

    with workspace() as space:
        payload = jobs.pause(space, arguments.target, paused)
    return print_result(arguments, payload, lambda t: f"{t['job']}: {'paused' if t['paused'] else 'goes on'}")
