"""`jupyter mlops reproduce`: run a run again from its version, and compare every output."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mlops.cli.workspace import print_result, workspace


def add(verbs: Any) -> None:
    parser = verbs.add_parser("reproduce", help="run a run again, and compare every output")
    parser.add_argument("run", metavar="RUN", help="id of the run, or its beginning")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.cli.progress import progress
    from jupyter_mlops.service import versions

    with workspace() as space:
        with progress(quiet=arguments.json) as display:
            verdict = versions.reproduce(space, arguments.run, display.handle_event)
        print_result(arguments, verdict, _render)
    return 0 if verdict["state"] == "reproduced" else 1


def _render(verdict: dict[str, Any]) -> str:
    difference = verdict["difference"]
    if not difference:
        return str(verdict["words"])
    return "\n".join([verdict["words"], *(f"- {line}" for line in difference["before"].splitlines()[:8]),
                      *(f"+ {line}" for line in difference["after"].splitlines()[:8])])  # fmt: skip
