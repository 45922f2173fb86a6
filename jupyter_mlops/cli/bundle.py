"""`jupyter mlops bundle` and `unbundle`: a version as one zip, and back."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from jupyter_mlops.cli.space import answer, workspace


def add(verbs: Any) -> None:
    made = verbs.add_parser("bundle", help="write a version as one zip that runs anywhere")
    made.add_argument("job", metavar="JOB[@VERSION]")
    made.add_argument("version", metavar="VERSION", nargs="?", default="", help="v3, or @production")
    made.add_argument("-o", "--output", type=Path, help="the zip (default: JOB-v3.zip here)")
    made.add_argument("--json", action="store_true", help="print one JSON object")
    made.set_defaults(do=do)
    back = verbs.add_parser("unbundle", help="publish what is in a bundle")
    back.add_argument("bundle", type=Path)
    back.add_argument("--job", default="", metavar="NAME", help="the job (default: as it was called)")
    back.add_argument("--json", action="store_true", help="print one JSON object")
    back.set_defaults(do=undo)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import versions

    job = f"{arguments.job}@{arguments.version.lstrip('@')}" if arguments.version else arguments.job
    with workspace() as space:
        return answer(arguments, versions.bundle(space, job, arguments.output), lambda told: str(told["path"]))


def undo(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import versions

    with workspace() as space:
        told = versions.unbundle(space, arguments.bundle, arguments.job)
    return answer(arguments, told, lambda t: f"{t['job']} {t['version']}" + ("" if t["new"] else " (it was here)"))
