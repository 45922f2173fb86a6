"""`jupyter mlops sweep`: runs a job for each combination of parameter values."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from jupyter_mlops.cli import runs
from jupyter_mlops.cli.run import NEGATIVE, cluster_choices, cluster_options, positive_int
from jupyter_mlops.cli.streams import to_json
from jupyter_mlops.cli.workspace import workspace
from jupyter_mlops.errors import InvalidInputError

if TYPE_CHECKING:
    from jupyter_mlops.jobs.workspace import Workspace


def add(verbs: Any) -> None:
    parser = verbs.add_parser("sweep", help="run a job for each combination of parameter values")
    parser._negative_number_matcher = NEGATIVE
    parser.add_argument("job", metavar="JOB[@VERSION]", help="the job, and a version such as v3 or production")
    parser.add_argument(
        "-p", "--parameters", nargs=2, action="append", default=[], metavar=("NAME", "VALUES"),
        help="values separated by commas: -p alpha 0.1,0.5,1; text in quotes or brackets is one value",
    )  # fmt: skip
    parser.add_argument(
        "-j",
        "--jobs",
        type=positive_int,
        default=1,
        metavar="N",
        help="maximum runs at once (default: 1)",
    )
    cluster_options(parser)
    parser.add_argument("--count", action="store_true", help="only report the number of runs")
    parser.add_argument("-d", "--detach", action="store_true", help="don't wait for them")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import batches

    axes = {name: _split_values(text) for name, text in arguments.parameters}
    if len(axes) < len(arguments.parameters):
        raise InvalidInputError(
            "a parameter is given twice", where="-p", remedy="Give all its values at once: -p alpha 0.1,0.5"
        )
    if not axes or not all(axes.values()):
        raise InvalidInputError("there is nothing to sweep over", where="-p", remedy="Example: -p alpha 0.1,0.5,1")
    with workspace() as space:
        payload = batches.sweep(
            space, arguments.job, axes, concurrency=arguments.jobs, only_count=arguments.count,
            run_options=cluster_choices(arguments),
        )  # fmt: skip
        return finish(space, payload, arguments)


def _split_values(text: str) -> list[str]:
    """`0.1,0.5`, `[1, 2],[3]`, `"a, b",c`: split at commas outside of quotes and brackets."""
    values, start, depth, quote = [], 0, 0, ""
    for index, char in enumerate([*text, ","]):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'" and (depth or not text[start:index].strip()):
            quote = char
        elif char in "[({":
            depth += 1
        elif char in "])}":
            depth -= 1
        elif char == "," and (depth <= 0 or index == len(text)):
            values.append(text[start:index].strip())
            start = index + 1
    values += [text[start:].strip()] if start <= len(text) else []
    return [v[1:-1] if len(v) > 1 and v[0] == v[-1] and v[0] in "\"'" else v for v in values if v]


def finish(space: Workspace, payload: dict[str, Any], arguments: argparse.Namespace) -> int:
    """Report the runs that were queued, and wait for them unless detached."""
    from jupyter_mlops.service import batches

    if not arguments.json:
        summary = f"{payload['runs']} run{'' if payload['runs'] == 1 else 's'} of {payload['job']} {payload['version']}"
        if not payload["runs"]:
            print(f"there are no slots in this range: {summary}")
        elif arguments.count:
            print(summary)
        else:
            print(f"{summary} begun", file=sys.stderr)
    result = payload
    if "batch" in payload and not arguments.detach:
        result = batches.wait_for_batch(space, payload["batch"])
        if not arguments.json:
            print(runs.render_batch(result))
    if arguments.json:
        print(to_json(result))
    return 0 if set(result.get("states", {})) <= {"completed"} else 1
