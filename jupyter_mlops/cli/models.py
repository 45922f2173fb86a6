"""`jupyter mlops models`: the models of a job."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from jupyter_mlops.cli.table import format_time, format_values, table
from jupyter_mlops.cli.workspace import print_result, workspace


def add(verbs: Any) -> None:
    parser = verbs.add_parser("models", help="list the models of a job, or export one")
    parser.add_argument("job", metavar="JOB", help="the job, or JOB@v3 or JOB@production for a version")
    parser.add_argument("--model", default="", metavar="NAME", help="the variable that holds the model")
    parser.add_argument("--export", default="", metavar="DIR", help="write the model and its facts to a new folder")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import models

    with workspace() as space:
        if arguments.export:
            exported = models.export(space, arguments.job, Path(arguments.export), arguments.model)
            return print_result(arguments, exported, lambda payload: "\n".join(payload["files"]))
        entries = models.models(space, arguments.job, arguments.model)
    return print_result(arguments, entries, _render)


def _render(entries: list[dict[str, Any]]) -> str:
    rows = [
        (m["name"], m["version"], " ".join(f"@{a}" for a in m["aliases"]), m["run"], format_time(m["finished"]),
         m["class"], _framework(m["framework"]), format_values(m["metrics"]))
        for m in entries
    ]  # fmt: skip
    return table(("MODEL", "VERSION", "ALIASES", "RUN", "FINISHED", "CLASS", "FRAMEWORK", "METRICS"), rows)


def _framework(framework: dict[str, str] | None) -> str:
    return "" if framework is None else f"{framework['name']} {framework['version']}"
