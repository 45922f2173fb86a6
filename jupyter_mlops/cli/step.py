"""`jupyter mlops step`: what exported files run, one process for each task of another engine."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_mlops.cli.workspace import print_result
from jupyter_mlops.errors import InvalidInputError

EPILOG = """Each option can be an environment variable: JUPYTER_MLOPS_ARTIFACTS, _RUN_ID, _ATTEMPT, _SCHEDULED_TIME,
_ENGINE, _ENGINE_URL, and _PARAMETERS (base64 of a JSON object). Exit code 0: done; 1: the step failed, another attempt
may succeed; 2: the input is wrong, no other attempt can succeed."""


def add(verbs: Any) -> None:
    from jupyter_mlops.cli.run import value_options

    parser = verbs.add_parser(
        "step",
        help="run a step of a bundle, as exported files do",
        description="Run steps of an exported version as one process of a run on another engine.",
        epilog=EPILOG,
    )
    parser.add_argument("bundle", type=Path, help="the zip of the version")
    parser.add_argument("steps", nargs="*", metavar="STEP", help="the steps that this process runs")
    parser.add_argument("--collect", action="store_true", help="put the results of all steps together, and verify them")
    parser.add_argument("--artifacts", metavar="URL", help="folder or URL that all processes of the run share")
    parser.add_argument("--run-id", metavar="ID", help="name of the run, the same for all of its processes")
    parser.add_argument("--attempt", metavar="NUMBER", help="number of the attempt, from 1")
    parser.add_argument("--scheduled-time", metavar="TIME", help="ISO 8601 time of the slot")
    parser.add_argument("--no-cache", action="store_true", help="run the steps even if their results are cached")
    value_options(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import step
    from jupyter_mlops.service.task_request import environment_request

    if arguments.collect == bool(arguments.steps):
        raise InvalidInputError("name steps, or --collect", where="STEP", remedy="One of the two is needed.")
    if not arguments.bundle.is_file():
        raise InvalidInputError("there is no such bundle", where=str(arguments.bundle))
    request = environment_request(arguments.bundle, arguments.steps, _options(arguments))
    record = step.run(request, on_event=_on_event)
    print_result(arguments, record, _render)
    return 0 if record["state"] == "completed" else 1


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    """The fields of the request that were given as options."""
    from jupyter_mlops.cli.run import parameters
    from jupyter_mlops.export.step_command import attempt_number

    options: dict[str, Any] = {"use_cache": not arguments.no_cache}
    for name in ("artifacts", "run_id", "scheduled_time"):
        if getattr(arguments, name) is not None:
            options[name] = getattr(arguments, name)
    if arguments.attempt is not None:
        options["attempt"] = attempt_number(arguments.attempt)
    values, texts = parameters(arguments)
    if values or texts:
        options["parameters"], options["texts"] = values, texts
    return options


def _on_event(event: dict[str, Any]) -> None:
    """Show the outputs of cells as they come: the engine keeps them as the task's log."""
    from jupyter_mlops.notebook.output import text_of

    if event["event"] == "cell":
        print(f"-- {event['step']}, cell {event['cell'] + 1}", file=sys.stderr, flush=True)
    elif event["event"] == "output":
        text = text_of(event["output"])
        if text:
            print(text, end="" if text.endswith("\n") else "\n", file=sys.stderr, flush=True)


def _render(record: Mapping[str, Any]) -> str:
    lines = [f"{step['name']}  {step['state']}  {step['seconds']:.2f} s" for step in record["steps"]]
    error = record["error"]
    if error is not None:
        lines.append(f"{error['step']}, cell {error['cell'] + 1}: {error['ename']}: {error['evalue']}")
    if record["metrics"]:
        lines.append("  ".join(f"{name}={value}" for name, value in record["metrics"].items()))
    if record.get("output"):
        lines.append(str(record["output"]))
    return "\n".join(lines)
