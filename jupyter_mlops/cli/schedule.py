"""`jupyter mlops schedule`: runs a job on a schedule."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mlops.cli.run import parameters, positive_int, value_options
from jupyter_mlops.cli.workspace import print_result, workspace
from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.states import MISSED_POLICIES, OVERLAP_POLICIES


def add(verbs: Any) -> None:
    parser = verbs.add_parser("schedule", help="run a job on a schedule")
    parser.add_argument("job", metavar="JOB[@VERSION]", nargs="?", default="", help="the job, and a version such as v3")
    parser.add_argument(
        "--cron", help="cron expression: '0 6 * * MON-FRI', or hourly, daily, weekdays, weekly, monthly"
    )
    parser.add_argument("--tz", metavar="ZONE", help="time zone, such as Europe/Paris (default: UTC)")
    parser.add_argument(
        "--missed", choices=MISSED_POLICIES, help="runs that were due while no worker ran (default: latest)"
    )
    parser.add_argument(
        "--overlap",
        choices=OVERLAP_POLICIES,
        help="runs that are due while the previous one is unfinished (default: queue)",
    )
    parser.add_argument("--remove", type=positive_int, metavar="NUMBER", help="remove a schedule by its number")
    value_options(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import run_values, schedules

    values, texts = parameters(arguments)
    if arguments.cron is None and (values or texts or arguments.tz or arguments.missed or arguments.overlap):
        raise InvalidInputError("when?", where="--cron", remedy="Say --cron '0 6 * * MON-FRI', or daily.")
    if arguments.cron is not None and not arguments.job:
        raise InvalidInputError("which job?", remedy="jupyter mlops schedule JOB --cron daily")
    with workspace() as space:
        if arguments.remove:
            schedules.unschedule(space, arguments.remove)
            payload = schedules.schedules(space)
        elif arguments.cron is not None:
            payload = [
                schedules.schedule(
                    space, arguments.job, arguments.cron, "UTC" if arguments.tz is None else arguments.tz, values,
                    texts, arguments.missed or "latest", arguments.overlap or "queue",
                )
            ]  # fmt: skip
        else:
            payload = schedules.schedules(space, run_values.split_selector(arguments.job)[0])
    return print_result(arguments, payload, lambda rows: "\n".join(map(_render, rows)) or "there are no schedules")


def _render(entry: dict[str, Any]) -> str:
    head = f"{entry['id']}  {entry['job']}@{entry['version'].lstrip('@')}  {entry['words'] or entry['cron']}"
    details = [f"missed slots: {entry['missed']}; overlap: {entry['overlap']}"]
    if entry["parameters"]:
        details.append(" ".join(f"{k}={v}" for k, v in entry["parameters"].items()))
    if entry["problem"]:
        details.append(f"problem: {entry['problem']}")
    if entry["paused"]:
        details.append("paused")
    else:
        marks = (" (clocks change on this day)" if t["clocks_change"] else "" for t in entry["upcoming"])
        details += [f"next: {t['local']}{mark}" for t, mark in zip(entry["upcoming"], marks, strict=True)]
    return "\n   ".join([head, *details])
