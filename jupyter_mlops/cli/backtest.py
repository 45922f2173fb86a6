"""`jupyter mlops backtest`: how a version would have done on the inputs of past runs."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from jupyter_mlops.cli.run import positive_int
from jupyter_mlops.cli.streams import to_json
from jupyter_mlops.cli.table import format_time, table
from jupyter_mlops.cli.why import progress_lines
from jupyter_mlops.cli.workspace import workspace

MAX_ROWS = 20


def add(verbs: Any) -> None:
    parser = verbs.add_parser("backtest", help="run a version on the inputs of past runs, and compare its metrics")
    parser.add_argument("job", metavar="JOB[@VERSION]", help="the candidate (default: the latest version)")
    parser.add_argument("--last", type=positive_int, default=30, metavar="N", help="how many past runs (30)")
    parser.add_argument("--metric", default="", metavar="NAME", help="the metric to list (default: the first one)")
    parser.add_argument(
        "--own", action="append", default=[], metavar="PATTERN",
        help="data files that stay the candidate's own, such as a trained model",
    )  # fmt: skip
    parser.add_argument("-j", "--jobs", type=positive_int, default=1, metavar="N", help="runs at once (1)")
    parser.add_argument(
        "--allow-writes", action="store_true",
        help="replay runs although they write files outside of their folder",
    )  # fmt: skip
    parser.add_argument("--count", action="store_true", help="only report the number of replays and their cost")
    parser.add_argument("-d", "--detach", action="store_true", help="don't wait for them")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import backtests

    with workspace() as space:
        payload = backtests.begin(
            space, arguments.job, arguments.last, metric=arguments.metric, concurrency=arguments.jobs,
            own_files=arguments.own, allow_writes=arguments.allow_writes, only_count=arguments.count,
        )  # fmt: skip
        if not arguments.json:
            print(_render_count(payload), file=sys.stdout if arguments.count else sys.stderr)
        result = payload
        if not arguments.count and not arguments.detach:
            result = backtests.wait(space, payload["batch"], progress_lines(quiet=arguments.json))
            if not arguments.json:
                print(_render(result))
        if arguments.json:
            print(to_json(result))
    return 0 if set(result.get("states", {})) <= {"completed"} else 1


def _render_count(payload: dict[str, Any]) -> str:
    summary = (
        f"{payload['job']} {payload['version']} on {payload['runs']} past runs: {payload['replays']} replays, "
        f"{payload['reused']} made before, {len(payload['skipped'])} not possible; "
        f"without the cache about {payload['seconds']:.1f} s"
    )
    return "\n".join([summary, *(f"not replayed: {skip['run']}: {skip['reason']}" for skip in payload["skipped"])])


def _render(result: dict[str, Any]) -> str:
    rows = [
        [format_time(r["created"] if r["slot"] is None else r["slot"]), f"v{r['version']}", _text(r["production"]),
         _text(r["candidate"]), r["error"] or r["state"]]
        for r in result["runs"]
    ]  # fmt: skip
    lines = table(["run of", "version", "production", f"{result['version']}", "state"], rows[-MAX_ROWS:]).splitlines()
    if len(rows) > MAX_ROWS:
        lines.append(f"… and {len(rows) - MAX_ROWS} earlier runs (--json lists them)")
    for name, figures in result["metrics"].items():
        pairs = figures["pairs"]
        interval = "" if figures["low"] is None else f", 95% interval {figures['low']:+.4g} to {figures['high']:+.4g}"
        lines.append(
            f"{name}: production {figures['production']:.6g}, {result['version']} {figures['candidate']:.6g}, "
            f"difference {figures['mean']:+.4g}{interval}; "
            f"higher in {figures['higher']}, lower in {figures['lower']}, equal in {figures['equal']} of {pairs} runs"
        )
    lines.append(f"all metrics the same in {result['reproduced']} of {len(result['runs'])} runs")
    return "\n".join(lines)


def _text(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else "" if value is None else str(value)
