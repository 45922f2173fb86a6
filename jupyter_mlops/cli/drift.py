"""`jupyter mlops drift`: how the data of a run differs from earlier runs, and where that begins."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mlops.cli.workspace import print_result, workspace


def add(verbs: Any) -> None:
    parser = verbs.add_parser("drift", help="compare the data of a run with earlier runs, at every step")
    parser.add_argument("job", metavar="JOB")
    parser.add_argument("run", metavar="RUN", nargs="?", default="", help="id of the run (default: the latest)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import monitoring

    with workspace() as space:
        return print_result(arguments, monitoring.drift(space, arguments.job, arguments.run), _render)


def _render(payload: dict[str, Any]) -> str:
    lines = []
    names = {"baseline": "the baseline", "previous": "the previous run"}
    if payload["baseline"] == payload["previous"]:
        names = {"baseline": "the baseline and previous run"}
    for basis, name in names.items():
        reference = payload[basis]
        if reference is None:
            continue
        findings = [finding for finding in payload["findings"] if finding["basis"] == basis]
        lines.append(f"{payload['run']} against {reference}, {name}")
        lines += [f"  {finding['text']}" for finding in findings] or ["  nothing differs"]
    if not lines:
        return f"{payload['run']} is the first run with profiles: there is nothing to compare it with"
    promise = f"At most {100 * payload['chance']:g}% of comparisons without a change have a finding."
    return "\n".join([*lines, promise])
