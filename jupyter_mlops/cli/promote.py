"""`jupyter mlops promote`: lets a version enter a stage if its gates pass."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mlops.cli.workspace import print_result, workspace


def add(verbs: Any) -> None:
    parser = verbs.add_parser("promote", help="let a version enter a stage, such as production, if its gates pass")
    parser.add_argument("job", metavar="JOB")
    parser.add_argument("version", metavar="VERSION", help="v7, latest, or @staging")
    parser.add_argument("--to", default="production", metavar="STAGE", help="the stage (default: production)")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for the history")
    parser.add_argument("--override", action="store_true", help="although gates have not passed; needs --reason")
    parser.add_argument(
        "--run", default="", metavar="RUN", help="the run by which it is judged (default: its latest completed run)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import promotions

    with workspace() as space:
        payload = promotions.promote(
            space, arguments.job, arguments.version, arguments.to, reason=arguments.reason,
            override=arguments.override, run_id=arguments.run,
        )  # fmt: skip
    return print_result(arguments, payload, render)


def render(payload: dict[str, Any]) -> str:
    """A promotion or a rollback in one or two lines."""
    change, undone = payload["change"], payload["undone"]
    before = f" (before: {change['previous']})" if change["previous"] else ""
    lines = [f"{payload['job']}: {change['version']} is at {change['alias']}{before}"]
    if change["action"] == "promote":
        count = len(change["gates"])
        judged = f", judged by {payload['run']}" if payload["run"] and count else ""
        gates = "overridden" if change["overridden"] else "passed" if count else "there are none"
        lines.append(f"gates: {gates}{judged}")
    if undone is not None:
        author = f" by {undone['author']}" if undone["author"] else ""
        subject = undone["version"] or "the removal"
        lines.append(f"undone: change {undone['number']} ({undone['action']} of {subject}{author})")
    return "\n".join(lines)
