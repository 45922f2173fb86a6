"""`jupyter mlops performance`: how good the predictions of a job's runs were, and the gaps between groups."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mlops.cli.run import positive_int
from jupyter_mlops.cli.table import format_time, one_line, table
from jupyter_mlops.cli.text import printable
from jupyter_mlops.cli.workspace import print_result, workspace


def add(verbs: Any) -> None:
    parser = verbs.add_parser("performance", help="show how good predictions were, by the labels that are known")
    parser.add_argument("job", metavar="JOB", help="a job, or the path of a notebook with .ipynb")
    parser.add_argument("--prediction", default="", metavar="COLUMN", help="the predicted values")
    parser.add_argument("--score", default="", metavar="COLUMN", help="the probabilities of the positive class")
    parser.add_argument("--variable", default="", metavar="VAR", help="the variable with the predictions")
    parser.add_argument("--positive", default="", metavar="LABEL", help="the label of the positive class")
    parser.add_argument("--last", type=positive_int, default=20, metavar="N", help="number of runs (20)")
    parser.add_argument("--as-of", default="", metavar="DATE", help="only what was known then")
    parser.add_argument(
        "--by", action="append", default=[], metavar="COLUMN", help="compare groups, by a column of the predictions"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import performance

    with workspace() as space:
        payload = performance.performance(
            space, arguments.job, prediction=arguments.prediction, score=arguments.score, variable=arguments.variable,
            positive=arguments.positive, last=arguments.last, as_of=arguments.as_of, by=arguments.by,
        )  # fmt: skip
    return print_result(arguments, payload, _render)


def _render(payload: dict[str, Any]) -> str:
    moment = f" as of {payload['as_of']}" if payload["as_of"] else ""
    lines = [f"{payload['job']}: labels of {payload['labels']:,} cases{moment}", "", _metrics(payload["runs"])]
    grouped = [run for run in payload["runs"] if run["rates"]]
    if grouped:
        lines += ["", _gaps(grouped, payload["least_group"])]
    notes = [*payload["notes"], *(f"{run['run']}: {note}" for run in payload["runs"] for note in run["notes"])]
    reasons = [m["reason"] for run in payload["runs"] for m in run["metrics"] if m["reason"]]
    notes += [f"estimates: {reason}" for reason in dict.fromkeys(reasons)]
    return "\n".join([*lines, *(["", *(f"note: {one_line(note)}" for note in notes)] if notes else [])])


def _metrics(runs: list[dict[str, Any]]) -> str:
    """A line for each run with labels, and one for each estimate."""
    names = list(dict.fromkeys(metric["metric"] for run in runs for metric in run["metrics"]))
    rows = []
    for run in runs:
        coverage = f"{run['labelled']:,} of {run['predictions']:,} ({run['coverage']:.1%})"
        for is_estimate, basis in ((False, "labels"), (True, "estimate")):
            metrics = {m["metric"]: m for m in run["metrics"] if m["estimated"] == is_estimate}
            if metrics or (not is_estimate and not run["metrics"]):
                cells = [_interval(metrics[name]) if name in metrics else "" for name in names]
                rows.append((run["run"], run["version"], format_time(run["created"]), coverage, basis, *cells))
    return table(("RUN", "VERSION", "CREATED", "LABELLED", "BY", *names), rows)


def _gaps(runs: list[dict[str, Any]], least: int) -> str:
    rows = [
        (run["run"], printable(gap["attribute"]), gap["rate"], printable(gap["highest"]), printable(gap["lowest"]),
         _interval(gap), gap["smallest"], "! alarm" if gap["alarm"] else "")
        for run in runs for gap in run["gaps"]
    ]  # fmt: skip
    if not rows:
        return f"no gaps: fewer than two groups have {least} cases"
    headers = ("RUN", "GROUPS BY", "RATE", "HIGHEST", "LOWEST", "GAP", "SMALLEST GROUP", "")
    return f"{table(headers, rows)}\ngroups of fewer than {least} cases are not compared"


def _interval(metric: dict[str, Any]) -> str:
    value, low, high = (metric[name] for name in ("value", "low", "high"))
    if isinstance(value, str):
        return "–"
    limits = "" if isinstance(low, str) or isinstance(high, str) else f" [{low:.3g}, {high:.3g}]"
    return f"{value:.3g}{limits}"
