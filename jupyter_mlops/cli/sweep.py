"""`jupyter mlops sweep`: a run for each combination of parameter values."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from jupyter_mlops.cli import runs
from jupyter_mlops.cli.run import NEGATIVE, positive
from jupyter_mlops.cli.space import workspace
from jupyter_mlops.errors import BadInput

if TYPE_CHECKING:
    from jupyter_mlops.jobs.workspace import Workspace


def add(verbs: Any) -> None:
    made = verbs.add_parser("sweep", help="run a job for each combination of parameter values")
    made._negative_number_matcher = NEGATIVE
    made.add_argument("job", metavar="JOB[@VERSION]")
    made.add_argument(
        "-p", "--parameters", nargs=2, action="append", default=[], metavar=("NAME", "VALUES"),
        help="values with commas between them: -p alpha 0.1,0.5,1; what stands in quotes or brackets is one value",
    )  # fmt: skip
    made.add_argument("-j", "--jobs", type=positive, default=1, metavar="N", help="runs at once (1)")
    made.add_argument("--count", action="store_true", help="only tell how many runs that would be")
    made.add_argument("-d", "--detach", action="store_true", help="don't wait for them")
    made.add_argument("--json", action="store_true", help="print JSON")
    made.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import jobs

    axes = {name: _values(text) for name, text in arguments.parameters}
    if len(axes) < len(arguments.parameters):
        raise BadInput("a parameter is given twice", where="-p", remedy="Give all its values at once: -p alpha 0.1,0.5")
    if not axes or not all(axes.values()):
        raise BadInput("there is nothing to sweep over", where="-p", remedy="Example: -p alpha 0.1,0.5,1")
    with workspace() as space:
        told = jobs.sweep(
            space, arguments.job, axes, jobs_at_once=arguments.jobs, only_count=arguments.count
        )  # fmt: skip
        return finish(space, told, arguments)


def _values(text: str) -> list[str]:
    """`0.1,0.5`, `[1, 2],[3]`, `"a, b",c`: what is between commas that stand in no quotes and no brackets."""
    found, begin, depth, quote = [], 0, 0, ""
    for at, sign in enumerate([*text, ","]):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'" and (depth or not text[begin:at].strip()):
            quote = sign
        elif sign in "[({":
            depth += 1
        elif sign in "])}":
            depth -= 1
        elif sign == "," and (depth <= 0 or at == len(text)):
            found.append(text[begin:at].strip())
            begin = at + 1
    found += [text[begin:].strip()] if begin <= len(text) else []
    return [v[1:-1] if len(v) > 1 and v[0] == v[-1] and v[0] in "\"'" else v for v in found if v]


def finish(space: Workspace, told: dict[str, Any], arguments: argparse.Namespace) -> int:
    """Tell what was begun, and wait for it unless that is not wanted."""
    from jupyter_mlops.service import jobs

    if not arguments.json:
        many = f"{told['runs']} run{'' if told['runs'] == 1 else 's'} of {told['job']} {told['version']}"
        if not told["runs"]:
            print(f"no slot lies there: {many}")
        elif arguments.count:
            print(many)
        else:
            print(f"{many} begun", file=sys.stderr)
    done = told
    if "batch" in told and not arguments.detach:
        done = jobs.wait_for_batch(space, told["batch"])
        if not arguments.json:
            print(runs.batch(done))
    if arguments.json:
        print(json.dumps(done, ensure_ascii=False))
    return 0 if set(done.get("states", {})) <= {"completed"} else 1
