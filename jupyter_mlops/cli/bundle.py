"""`jupyter mlops bundle` and `unbundle`: a version as one zip file, and its import."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from jupyter_mlops.cli.workspace import print_result, workspace


def add(verbs: Any) -> None:
    parser = verbs.add_parser("bundle", help="write a version as one zip file that runs anywhere")
    parser.add_argument("job", metavar="JOB[@VERSION]")
    parser.add_argument("version", metavar="VERSION", nargs="?", default="", help="v3, or @production")
    parser.add_argument("-o", "--output", type=Path, help="the zip file (default: JOB-v3.zip in the current folder)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(do=do)
    unbundle_parser = verbs.add_parser("unbundle", help="publish what is in a bundle")
    unbundle_parser.add_argument("bundle", type=Path)
    unbundle_parser.add_argument("--job", default="", metavar="NAME", help="the job (default: its original name)")
    unbundle_parser.add_argument("--json", action="store_true", help="print one JSON object")
    unbundle_parser.set_defaults(do=do_unbundle)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import versions

    job = f"{arguments.job}@{arguments.version.lstrip('@')}" if arguments.version else arguments.job
    with workspace() as space:
        return print_result(
            arguments, versions.bundle(space, job, arguments.output), lambda payload: str(payload["path"])
        )


def do_unbundle(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import versions

    with workspace() as space:
        payload = versions.unbundle(space, arguments.bundle, arguments.job)
    return print_result(
        arguments, payload, lambda t: f"{t['job']} {t['version']}" + ("" if t["new"] else " (already published)")
    )
