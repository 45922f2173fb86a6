"""`jupyter mlops jobs`: all jobs with their health and next fire time; shows and changes policies."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mlops.cli.table import SIGNS, format_state, format_time, table
from jupyter_mlops.cli.workspace import print_result, workspace
from jupyter_mlops.errors import InvalidInputError


def add(verbs: Any) -> None:
    parser = verbs.add_parser("jobs", help="list jobs, or change the policies of one")
    parser.add_argument("job", metavar="JOB", nargs="?", default="", help="show the policies of this job")
    parser.add_argument(
        "--set", dest="changes", action="append", default=[], metavar="POLICY=VALUE",
        help="change a policy, such as retries=2 (can be given several times)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import jobs

    with workspace() as space:
        if arguments.changes and not arguments.job:
            raise InvalidInputError("whose policies?", remedy="jupyter mlops jobs JOB --set retries=2")
        if arguments.job:
            policies = jobs.set_policies(space, arguments.job, _parse_changes(arguments.changes))
            return print_result(arguments, policies, lambda rules: "\n".join(f"{k}: {v}" for k, v in rules.items()))
        return print_result(arguments, jobs.jobs(space), _render)


def _parse_changes(texts: list[str]) -> dict[str, Any]:
    import yaml

    changes: dict[str, Any] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator:
            raise InvalidInputError(f"{text!r} sets nothing", where="--set", remedy="Write POLICY=VALUE.")
        try:
            changes[name] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise InvalidInputError(f"{value!r} can't be read", where=f"--set {name}") from None
    return changes


def _render(entries: list[dict[str, Any]]) -> str:
    rows = []
    for job in entries:
        last = job["last"]
        version = " ".join([job["version"] or "", *(f"@{a}=v{n}" for a, n in job["aliases"].items())])
        next_time = "paused" if job["paused"] else format_time(job["next"])
        health = "".join(SIGNS.get(s, "?") for s in job["health"])
        rows.append(
            (job["name"], health, version, next_time, format_state(last["state"]) if last else "", job["owner"])
        )
    return table(("JOB", "LAST RUNS", "VERSION", "NEXT", "LAST", "OWNER"), rows) if rows else "there are no jobs"
