"""`jupyter mlops pause` and `resume`: let schedules rest, and go on."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from jupyter_mlops.cli.space import answer, workspace


def add(verbs: Any) -> None:
    for verb, says in (("pause", "let a job's schedules rest"), ("resume", "let them go on, from now")):
        made = verbs.add_parser(verb, help=says)
        made.add_argument("target", metavar="JOB", help="a job, or the number of one schedule")
        made.add_argument("--json", action="store_true", help="print JSON")
        made.set_defaults(do=partial(do, paused=verb == "pause"))


def do(arguments: argparse.Namespace, paused: bool) -> int:
    from jupyter_mlops.service import jobs

    with workspace() as space:
        told = jobs.pause(space, arguments.target, paused)
    return answer(arguments, told, lambda t: f"{t['job']}: {'paused' if t['paused'] else 'goes on'}")
