"""`jupyter mlops backfill`: a run for each slot of a range of dates."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mlops.cli.run import cluster_choices, cluster_options, parameters, positive_int, value_options
from jupyter_mlops.cli.sweep import finish
from jupyter_mlops.cli.workspace import workspace


def add(verbs: Any) -> None:
    parser = verbs.add_parser("backfill", help="run a job for each slot of a range of dates")
    parser.add_argument("job", metavar="JOB[@VERSION]", help="the job, and a version such as v3 or production")
    parser.add_argument("--from", dest="begin", required=True, metavar="DATE", help="2026-01-31, or 2026-01-31T06:00")
    parser.add_argument("--to", dest="end", required=True, metavar="DATE", help="the last one, included")
    parser.add_argument("--cron", default="", help="when there are slots (default: as the job's schedule says)")
    parser.add_argument("--tz", default="", metavar="ZONE", help="time zone (default: the schedule's, or UTC)")
    parser.add_argument(
        "-j",
        "--jobs",
        type=positive_int,
        default=1,
        metavar="N",
        help="maximum runs at once (default: 1)",
    )
    cluster_options(parser)
    parser.add_argument("--count", action="store_true", help="only report the number of runs")
    parser.add_argument("-d", "--detach", action="store_true", help="don't wait for them")
    value_options(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import batches

    values, texts = parameters(arguments)
    with workspace() as space:
        payload = batches.backfill(
            space, arguments.job, arguments.begin, arguments.end, cron=arguments.cron, zone=arguments.tz,
            parameters=values, texts=texts, concurrency=arguments.jobs, only_count=arguments.count,
            run_options=cluster_choices(arguments),
        )  # fmt: skip
        return finish(space, payload, arguments)
