"""`jupyter mlops reproduce`: run a run again from its version, and compare every output."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mlops.cli.space import answer, workspace


def add(verbs: Any) -> None:
    made = verbs.add_parser("reproduce", help="run a run again, and compare every output")
    made.add_argument("run", metavar="RUN", help="its id, or how it begins")
    made.add_argument("--json", action="store_true", help="print one JSON object")
    made.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.cli.progress import progress
    from jupyter_mlops.service import versions

    with workspace() as space:
        with progress(quiet=arguments.json) as shown:
            told = versions.reproduce(space, arguments.run, shown.tell)
        answer(arguments, told, _plain)
    return 0 if told["state"] == "reproduced" else 1


def _plain(told: dict[str, Any]) -> str:
    found = told["difference"]
    if not found:
        return str(told["words"])
    return "\n".join([told["words"], *(f"- {line}" for line in found["before"].splitlines()[:8]),
                      *(f"+ {line}" for line in found["after"].splitlines()[:8])])  # fmt: skip
