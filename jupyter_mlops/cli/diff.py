"""`jupyter mlops diff`: what differs between two versions, or what changed since the last good run."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mlops.cli.space import answer, workspace
from jupyter_mlops.errors import BadInput

TITLES = {
    "code": "Code", "pipeline": "Pipeline and parameters", "environment": "Environment", "data": "Data",
    "metrics": "Metrics",
}  # fmt: skip


def add(verbs: Any) -> None:
    made = verbs.add_parser("diff", help="what differs between two versions of a job")
    made.add_argument("job", metavar="JOB", nargs="?", default="")
    made.add_argument("old", metavar="OLD", nargs="?", default="", help="v3, or @production")
    made.add_argument("new", metavar="NEW", nargs="?", default="latest", help="v7 (default: the latest)")
    made.add_argument("--run", default="", metavar="RUN", help="what changed since the last good run before this one")
    made.add_argument("--json", action="store_true", help="print JSON")
    made.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import versions

    with workspace() as space:
        if arguments.run:
            return answer(arguments, versions.suspects(space, arguments.run), _suspects)
        if not arguments.job or not arguments.old:
            raise BadInput("which versions?", remedy="jupyter mlops diff JOB v3 v7")
        return answer(arguments, versions.diff(space, arguments.job, arguments.old, arguments.new), _plain)


def _plain(told: dict[str, Any]) -> str:
    lines = [f"{told['job']}: {told['old']} to {told['new']}"]
    for name, changes in told["sections"].items():
        if changes:
            lines += ["", TITLES[name], *(line for change in changes for line in _change(change))]
    return "\n".join(lines if len(lines) > 1 else [*lines, "nothing differs"])


def _suspects(told: dict[str, Any]) -> str:
    lines = [f"{told['run']} ({told['new']}) against {told['good']} ({told['old']}), the last good one"]
    for at, change in enumerate(told["suspects"], 1):
        first, *rest = _change(change)
        lines += [f"{at}. {TITLES[change['section']].lower()}: {first.strip()}", *rest]
    return "\n".join(lines if told["suspects"] else [*lines, "nothing that is recorded differs"])


def _change(change: dict[str, Any]) -> list[str]:
    where = f" {change['cell'] + 1}" if "cell" in change else ""
    head = f"  {change['what']}{where}"
    if "before" in change:
        head += f": {change['before']} → {change['after']}"
    return [head, *(f"    {line}" for line in change.get("diff", ()))]
