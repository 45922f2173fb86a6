"""`jupyter mlops jobs`: every job, how it is and what comes next; and its policies."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mlops.cli.space import answer, workspace
from jupyter_mlops.cli.table import SIGNS, moment, state, table
from jupyter_mlops.errors import BadInput


def add(verbs: Any) -> None:
    made = verbs.add_parser("jobs", help="list jobs, or change the policies of one")
    made.add_argument("job", metavar="JOB", nargs="?", default="", help="show the policies of this job")
    made.add_argument(
        "--set", dest="changes", action="append", default=[], metavar="POLICY=VALUE",
        help="change a policy, such as retries=2 (can be given several times)",
    )  # fmt: skip
    made.add_argument("--json", action="store_true", help="print JSON")
    made.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import jobs

    with workspace() as space:
        if arguments.changes and not arguments.job:
            raise BadInput("whose policies?", remedy="jupyter mlops jobs JOB --set retries=2")
        if arguments.job:
            told = jobs.set_policies(space, arguments.job, _changes(arguments.changes))
            return answer(arguments, told, lambda rules: "\n".join(f"{k}: {v}" for k, v in rules.items()))
        return answer(arguments, jobs.jobs(space), _plain)


def _changes(texts: list[str]) -> dict[str, Any]:
    import yaml

    found: dict[str, Any] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign:
            raise BadInput(f"{text!r} sets nothing", where="--set", remedy="Write POLICY=VALUE.")
        try:
            found[name] = yaml.safe_load(value)
        except yaml.YAMLError:
            raise BadInput(f"{value!r} can't be read", where=f"--set {name}") from None
    return found


def _plain(told: list[dict[str, Any]]) -> str:
    rows = []
    for job in told:
        last = job["last"]
        version = " ".join([job["version"] or "", *(f"@{a}=v{n}" for a, n in job["aliases"].items())])
        upcoming = "paused" if job["paused"] else moment(job["next"])
        health = "".join(SIGNS.get(s, "?") for s in job["health"])
        rows.append((job["name"], health, version, upcoming, state(last["state"]) if last else "", job["owner"]))
    return table(("JOB", "LAST RUNS", "VERSION", "NEXT", "LAST", "OWNER"), rows) if rows else "there are no jobs"
