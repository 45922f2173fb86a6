"""`jupyter mlops diff`: the differences between two versions, or the changes since the last good run."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mlops.cli.workspace import print_result, workspace
from jupyter_mlops.errors import InvalidInputError

TITLES = {
    "code": "Code", "pipeline": "Pipeline and parameters", "environment": "Environment", "data": "Data",
    "metrics": "Metrics",
}  # fmt: skip


def add(verbs: Any) -> None:
    parser = verbs.add_parser("diff", help="show the differences between two versions of a job")
    parser.add_argument("job", metavar="JOB", nargs="?", default="")
    parser.add_argument("old", metavar="OLD", nargs="?", default="", help="v3, or @production")
    parser.add_argument("new", metavar="NEW", nargs="?", default="latest", help="v7 (default: the latest)")
    parser.add_argument(
        "--run", default="", metavar="RUN", help="show the changes since the last good run before this one"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import versions

    with workspace() as space:
        if arguments.run:
            return print_result(arguments, versions.changes_since_success(space, arguments.run), _render_suspects)
        if not arguments.job or not arguments.old:
            raise InvalidInputError("which versions?", remedy="jupyter mlops diff JOB v3 v7")
        return print_result(arguments, versions.diff(space, arguments.job, arguments.old, arguments.new), _render)


def _render(payload: dict[str, Any]) -> str:
    lines = [f"{payload['job']}: {payload['old']} to {payload['new']}"]
    for name, changes in payload["sections"].items():
        if changes:
            lines += ["", TITLES[name], *(line for change in changes for line in _render_change(change))]
    return "\n".join(lines if len(lines) > 1 else [*lines, "nothing differs"])


def _render_suspects(payload: dict[str, Any]) -> str:
    lines = [f"{payload['run']} ({payload['new']}) against {payload['good']} ({payload['old']}), the last good one"]
    for rank, change in enumerate(payload["suspects"], 1):
        first, *details = _render_change(change)
        lines += [f"{rank}. {TITLES[change['section']].lower()}: {first.strip()}", *details]
    return "\n".join(lines if payload["suspects"] else [*lines, "nothing that is recorded differs"])


def _render_change(change: dict[str, Any]) -> list[str]:
    cell_number = f" {change['cell'] + 1}" if "cell" in change else ""
    head = f"  {change['what']}{cell_number}"
    if "before" in change:
        head += f": {change['before']} → {change['after']}"
    return [head, *(f"    {line}" for line in change.get("diff", ()))]
