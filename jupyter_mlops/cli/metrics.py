"""`jupyter mlops metrics`: the metrics of a job over its runs, or the points of one run."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mlops.cli.run import positive_int
from jupyter_mlops.cli.table import format_state, format_time, table
from jupyter_mlops.cli.text import printable
from jupyter_mlops.cli.workspace import print_result, workspace

MOST_COLUMNS = 12  # metrics in a table for people


def add(verbs: Any) -> None:
    parser = verbs.add_parser("metrics", help="show the metrics of a job over its runs, or those of one run")
    parser.add_argument("name", metavar="JOB|RUN", help="a job, the path of a notebook with .ipynb, or a run")
    parser.add_argument("--name", dest="names", action="append", default=[], metavar="METRIC", help="only this metric")
    parser.add_argument("--last", type=positive_int, default=20, metavar="N", help="number of runs (20)")
    output_format = parser.add_mutually_exclusive_group()
    output_format.add_argument("--csv", action="store_true", help="print a line for each value")
    output_format.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import metrics

    with workspace() as space:
        kind, payload = metrics.of_job_or_run(space, arguments.name, arguments.names, arguments.last)
    if arguments.csv:
        print(metrics.csv_of_series(payload) if kind == "job" else metrics.csv_of_points(payload), end="")
        return 0
    return print_result(arguments, payload, _render_series if kind == "job" else _render_points)


def _render_series(payload: dict[str, Any]) -> str:
    names = payload["names"][:MOST_COLUMNS]
    rows = [
        (run["run"], run["version"], format_time(run["created"]), format_state(run["state"]),
         *(_number(run["metrics"].get(name)) for name in names))
        for run in payload["runs"]
    ]  # fmt: skip
    if not rows:
        return f"{payload['job']} has no finished runs."
    lines = [table(("RUN", "VERSION", "CREATED", "STATE", *map(printable, names)), rows)]
    if rest := len(payload["names"]) - len(names):
        lines.append(f"… and {rest} more metrics: choose with --name METRIC, or use --csv.")
    return "\n".join(lines)


def _render_points(payload: dict[str, Any]) -> str:
    if not payload["points"]:
        return f"The run {payload['run']} has no metrics."
    rows = [
        (printable(point["name"]), point["step"], _number(point["value"]), format_time(point["at"]))
        for point in payload["points"]
    ]
    return table(("METRIC", "STEP", "VALUE", "TIME"), rows)


def _number(value: Any) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
