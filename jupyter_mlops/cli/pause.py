"""`jupyter mlops pause` and `resume`: pauses and resumes schedules."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from jupyter_mlops.cli.workspace import print_result, workspace


def add(verbs: Any) -> None:
    for verb, help_text in (
        ("pause", "pause the schedules of a job"),
        ("resume", "resume the schedules of a job, from now on"),
    ):
        parser = verbs.add_parser(verb, help=help_text)
        parser.add_argument("target", metavar="JOB", help="job, or number of a schedule")
        parser.add_argument("--json", action="store_true", help="print JSON")
        parser.set_defaults(do=partial(do, paused=verb == "pause"))


def do(arguments: argparse.Namespace, paused: bool) -> int:
    from jupyter_mlops.service import schedules

    with workspace() as space:
        payload = schedules.pause(space, arguments.target, paused)
    return print_result(arguments, payload, lambda t: f"{t['job']}: {'paused' if t['paused'] else 'goes on'}")
