"""`jupyter mlops compare`: the metrics of two versions on the same inputs."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mlops.cli.table import format_values, one_line, table
from jupyter_mlops.cli.workspace import print_result, workspace


def add(verbs: Any) -> None:
    parser = verbs.add_parser("compare", help="compare the metrics of two versions on the same inputs")
    parser.add_argument("job", metavar="JOB")
    parser.add_argument("candidate", metavar="CANDIDATE", help="v7, latest, or an alias")
    parser.add_argument(
        "champion", metavar="CHAMPION", nargs="?", default="production", help="the same (default: production)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import challenges

    with workspace() as space:
        payload = challenges.compare(space, arguments.job, arguments.candidate, arguments.champion)
    return print_result(arguments, payload, _render)


def _render(payload: dict[str, Any]) -> str:
    first, *others = payload["pairs"]
    lines = [f"{payload['job']}: {payload['candidate']} and {payload['champion']}"]
    lines.append(f"runs {first['candidate_run']} and {first['champion_run']}, {_inputs(payload, first)}")
    lines += _parameters(first["parameters"])
    rows = [
        (one_line(m["name"]), _number(m["candidate"]), _number(m["champion"]), _number(m["difference"], sign="+"))
        for m in first["metrics"]
    ]
    lines.append(
        table(("METRIC", payload["candidate"], payload["champion"], "DIFFERENCE"), rows) if rows else "no metrics"
    )
    if others:
        means = [(one_line(m["name"]), _number(m["mean_difference"], sign="+"), m["pairs"]) for m in payload["means"]]
        lines += ["", f"{len(payload['pairs'])} pairs of runs with the same parameters:"]
        lines.append(table(("METRIC", "MEAN DIFFERENCE", "PAIRS"), means))
    return "\n".join(lines)


def _inputs(payload: dict[str, Any], pair: dict[str, Any]) -> str:
    parameters = "same parameters" if payload["same_parameters"] else "NOT the same parameters: no runs have them"
    if pair["same_inputs"] is None:
        return f"{parameters}, inputs not recorded"
    if pair["same_inputs"]:
        return f"{parameters}, same inputs"
    return f"{parameters}, different inputs: {', '.join(map(one_line, pair['different_inputs'][:5]))}"


def _parameters(parameters: dict[str, Any]) -> list[str]:
    return [f"parameters: {one_line(format_values(parameters))}"] if parameters else []


def _number(value: Any, sign: str = "") -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:{sign}.6g}"
    return "–" if value is None else one_line(str(value))
