"""`jupyter mlops backfill`: a run for each slot of a range of dates."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mlops.cli.run import parameters, positive, value_options
from jupyter_mlops.cli.space import workspace
from jupyter_mlops.cli.sweep import finish


def add(verbs: Any) -> None:
    made = verbs.add_parser("backfill", help="run a job for each slot of a range of dates")
    made.add_argument("job", metavar="JOB[@VERSION]")
    made.add_argument("--from", dest="begin", required=True, metavar="DATE", help="2026-01-31, or 2026-01-31T06:00")
    made.add_argument("--to", dest="end", required=True, metavar="DATE", help="the last one, included")
    made.add_argument("--cron", default="", help="when there are slots (default: as the job's schedule says)")
    made.add_argument("--tz", default="", metavar="ZONE", help="time zone (default: the schedule's, or UTC)")
    made.add_argument("-j", "--jobs", type=positive, default=1, metavar="N", help="runs at once (1)")
    made.add_argument("--count", action="store_true", help="only tell how many runs that would be")
    made.add_argument("-d", "--detach", action="store_true", help="don't wait for them")
    value_options(made)
    made.add_argument("--json", action="store_true", help="print JSON")
    made.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import jobs

    given, texts = parameters(arguments)
    with workspace() as space:
        told = jobs.backfill(
            space, arguments.job, arguments.begin, arguments.end, cron=arguments.cron, zone=arguments.tz,
            given=given, texts=texts, jobs_at_once=arguments.jobs, only_count=arguments.count,
        )  # fmt: skip
        return finish(space, told, arguments)
