"""`jupyter mlops schedule`: let a job run again and again."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mlops.cli.run import parameters, positive, value_options
from jupyter_mlops.cli.space import answer, workspace
from jupyter_mlops.errors import BadInput


def add(verbs: Any) -> None:
    made = verbs.add_parser("schedule", help="let a job run by a schedule")
    made.add_argument("job", metavar="JOB[@VERSION]", nargs="?", default="")
    made.add_argument("--cron", help="when: '0 6 * * MON-FRI', or hourly, daily, weekdays, weekly, monthly")
    made.add_argument("--tz", metavar="ZONE", help="time zone, such as Europe/Paris (UTC)")
    made.add_argument(
        "--missed", choices=("latest", "all", "skip"), help="slots that passed while nothing ran (latest)"
    )
    made.add_argument(
        "--overlap", choices=("queue", "skip", "allow", "replace"), help="while the run before goes on (queue)"
    )
    made.add_argument("--remove", type=positive, metavar="NUMBER", help="remove a schedule by its number")
    value_options(made)
    made.add_argument("--json", action="store_true", help="print JSON")
    made.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import jobs

    given, texts = parameters(arguments)
    if arguments.cron is None and (given or texts or arguments.tz or arguments.missed or arguments.overlap):
        raise BadInput("when?", where="--cron", remedy="Say --cron '0 6 * * MON-FRI', or daily.")
    if arguments.cron is not None and not arguments.job:
        raise BadInput("which job?", remedy="jupyter mlops schedule JOB --cron daily")
    with workspace() as space:
        if arguments.remove:
            jobs.unschedule(space, arguments.remove)
            told = jobs.schedules(space)
        elif arguments.cron is not None:
            told = [
                jobs.schedule(
                    space, arguments.job, arguments.cron, "UTC" if arguments.tz is None else arguments.tz, given,
                    texts, arguments.missed or "latest", arguments.overlap or "queue",
                )
            ]  # fmt: skip
        else:
            told = jobs.schedules(space, jobs.split_selector(arguments.job)[0])
    return answer(arguments, told, lambda many: "\n".join(map(_plain, many)) or "there are no schedules")


def _plain(told: dict[str, Any]) -> str:
    head = f"{told['id']}  {told['job']}@{told['version'].lstrip('@')}  {told['words'] or told['cron']}"
    rest = [f"missed slots: {told['missed']}; overlap: {told['overlap']}"]
    if told["parameters"]:
        rest.append(" ".join(f"{k}={v}" for k, v in told["parameters"].items()))
    if told["problem"]:
        rest.append(f"problem: {told['problem']}")
    if told["paused"]:
        rest.append("paused")
    else:
        marks = (" (clocks change on this day)" if t["clocks_change"] else "" for t in told["upcoming"])
        rest += [f"next: {t['local']}{mark}" for t, mark in zip(told["upcoming"], marks, strict=True)]
    return "\n   ".join([head, *rest])
