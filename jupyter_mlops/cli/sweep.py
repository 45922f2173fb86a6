"""`jupyter mlops sweep`: a run for each combination of parameter values."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from jupyter_mlops.cli import runs
from jupyter_mlops.cli.space import workspace
from jupyter_mlops.errors import BadInput

if TYPE_CHECKING:
    from jupyter_mlops.jobs.workspace import Workspace


def add(verbs: Any) -> None:
    made = verbs.add_parser("sweep", help="run a job for each combination of parameter values")
    made.add_argument("job", metavar="JOB[@VERSION]")
    made.add_argument(
        "-p", "--parameters", nargs=2, action="append", default=[], metavar=("NAME", "VALUES"),
        help="values with commas between them: -p alpha 0.1,0.5,1",
    )  # fmt: skip
    made.add_argument("-j", "--jobs", type=int, default=1, metavar="N", help="runs at once (1)")
    made.add_argument("--count", action="store_true", help="only tell how many runs that would be")
    made.add_argument("-d", "--detach", action="store_true", help="don't wait for them")
    made.add_argument("--json", action="store_true", help="print JSON")
    made.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import jobs

    axes = {name: [v.strip() for v in values.split(",") if v.strip()] for name, values in arguments.parameters}
    if len(axes) < len(arguments.parameters):
        raise BadInput("a parameter is given twice", where="-p", remedy="Give all its values at once: -p alpha 0.1,0.5")
    if not axes or not all(axes.values()):
        raise BadInput("there is nothing to sweep over", where="-p", remedy="Example: -p alpha 0.1,0.5,1")
    with workspace() as space:
        told = jobs.sweep(
            space, arguments.job, axes, jobs_at_once=max(1, arguments.jobs), only_count=arguments.count
        )  # fmt: skip
        return finish(space, told, arguments)


def finish(space: Workspace, told: dict[str, Any], arguments: argparse.Namespace) -> int:
    """Tell what was begun, and wait for it unless that is not wanted."""
    from jupyter_mlops.service import jobs

    if not arguments.json:
        word = "would be" if arguments.count else "begun"
        print(f"{told['runs']} runs of {told['job']} {told['version']} {word}", file=sys.stderr)
    done = told
    if "batch" in told and not arguments.detach:
        done = jobs.wait_for_batch(space, told["batch"])
        if not arguments.json:
            print(runs.batch(done))
    if arguments.json:
        print(json.dumps(done, ensure_ascii=False))
    return 0 if set(done.get("states", {})) <= {"completed"} else 1
