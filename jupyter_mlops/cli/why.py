"""`jupyter mlops why`: which difference between a run and the last good one changed a metric, or makes it fail."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from jupyter_mlops.cli.run import positive_int
from jupyter_mlops.cli.workspace import print_result, workspace


def add(verbs: Any) -> None:
    parser = verbs.add_parser("why", help="find out why a metric changed, or a run fails, by running hybrids")
    parser.add_argument("run", metavar="RUN", help="id of the run, or its beginning")
    parser.add_argument("--metric", default="", metavar="NAME", help="the metric (default: the one that changed most)")
    parser.add_argument("--good", default="", metavar="RUN", help="compare with this run (default: the last good one)")
    parser.add_argument(
        "--repeats", type=int, default=2, metavar="N",
        help="further runs of the two, and runs of each hybrid, if the metric is not deterministic (2)",
    )  # fmt: skip
    parser.add_argument("--budget", type=float, metavar="SECONDS", help="the longest time that the hybrids may take")
    parser.add_argument("-j", "--jobs", type=positive_int, default=1, metavar="N", help="runs at once (1)")
    parser.add_argument(
        "--allow-writes", action="store_true",
        help="run hybrids although the runs write files outside of their folder",
    )  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="list the hybrids and their cost; run nothing")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import why, why_plan

    request = why.Request(
        arguments.metric, arguments.good, arguments.repeats, arguments.budget, arguments.jobs, arguments.allow_writes
    )
    with workspace() as space:
        if arguments.dry_run:
            return print_result(arguments, why_plan.plan(space, arguments.run, request), _render_plan)
        answer = why.why(space, arguments.run, request, progress_lines(quiet=arguments.json))
        return print_result(arguments, answer, lambda payload: "\n".join(payload["words"]))


def progress_lines(*, quiet: bool) -> Callable[[dict[str, Any]], None]:
    """Prints a line to standard error whenever more runs of a batch have finished."""
    latest = ""

    def handle_event(event: dict[str, Any]) -> None:
        nonlocal latest
        if quiet or event["event"] not in ("hybrids", "replays"):
            return
        states = {name: number for name, number in event.items() if name != "event"}
        active = states.get("queued", 0) + states.get("running", 0)
        line = f"{sum(states.values()) - active} of {sum(states.values())} {event['event']}"
        if line != latest:
            latest = line
            print(line, file=sys.stderr)

    return handle_event


def _render_plan(payload: dict[str, Any]) -> str:
    about = payload["metric"] or f"failure with {payload['error']}"
    lines = [f"{about}: {payload['run']} against {payload['good']}"]
    for axis, differences in payload["axes"].items():
        lines += [f"{axis}:", *(f"  {text}" for text in differences)]
    if not payload["axes"]:
        lines.append("nothing that is recorded differs")
    hybrids = payload["hybrids"]
    lines += [f"{len(hybrids)} hybrid{'' if len(hybrids) == 1 else 's'}", *(f"  {name}" for name in hybrids)]
    lines.append(f"{payload['repeats']} repeats of the two runs, more if they differ")
    if payload["environments"]:
        lines.append(f"{payload['environments']} environments to build")
    lines.append(f"about {payload['seconds']:.1f} s without the cache; narrowing down comes on top")
    return "\n".join([*lines, *(f"note: {note}" for note in payload["notes"])])
