"""`jupyter mlops deployments`: what is deployed where, and how it drifted."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mlops.cli.table import format_time, table
from jupyter_mlops.cli.workspace import print_result, workspace

SIGNS = {"current": "✓", "behind": "!", "edited": "✖", "missing": "✖", "unreachable": "?"}


def add(verbs: Any) -> None:
    parser = verbs.add_parser("deployments", help="list what is deployed where, and whether it is still what it was")
    parser.add_argument("job", metavar="JOB", nargs="?", default="", help="only of this job")
    parser.add_argument("--check", action="store_true", help="exit code 1 unless every deployment is current")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import deployments

    with workspace() as space:
        entries = deployments.deployments(space, arguments.job)
    print_result(arguments, entries, _render)
    return 1 if arguments.check and any(entry["state"] != "current" for entry in entries) else 0


def _render(entries: list[dict[str, Any]]) -> str:
    if not entries:
        return "nothing is deployed"
    rows = [
        (e["job"], e["version"], e["target"], f"{SIGNS[e['state']]} {e['state']}", format_time(e["created"]),
         e["author"], e["place"])
        for e in entries
    ]  # fmt: skip
    listed = table(("JOB", "VERSION", "TARGET", "STATE", "DEPLOYED", "BY", "PLACE"), rows).split("\n")
    lines = [listed[0]]
    for line, entry in zip(listed[1:], entries, strict=True):
        lines += [line, *(f"    {reason}" for reason in entry["reasons"])]
    return "\n".join(lines)
