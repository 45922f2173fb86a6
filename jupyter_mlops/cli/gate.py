"""`jupyter mlops gate`: the conditions on entering a stage."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mlops.cli.table import format_time, table
from jupyter_mlops.cli.workspace import print_result, workspace
from jupyter_mlops.errors import InvalidInputError

SIGNS = {"passed": "✓", "failed": "✖", "undecided": "?"}
EXAMPLE = 'jupyter mlops gate JOB add "accuracy >= 0.9"'


def add(verbs: Any) -> None:
    parser = verbs.add_parser("gate", help="list, add, remove or check the gates of a job's stages")
    parser.add_argument("job", metavar="JOB")
    parser.add_argument("action", nargs="?", default="list", choices=("list", "add", "remove", "check"))
    parser.add_argument(
        "subject", nargs="?", default="", metavar="GATE", help="add: a condition; remove: a number; check: a version"
    )
    parser.add_argument(
        "--to", default="", metavar="STAGE", help="the stage (default: production; of list: all stages)"
    )
    parser.add_argument("--run", default="", metavar="RUN", help="check: the run by which the version is judged")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import gates

    job, subject, stage = arguments.job, arguments.subject, arguments.to or gates.PRODUCTION
    if arguments.run and arguments.action != "check":
        raise InvalidInputError("--run needs the action check", remedy="jupyter mlops gate JOB check v7 --run RUN")
    with workspace() as space:
        if arguments.action == "check":
            payload = gates.check(space, job, subject or "latest", stage, arguments.run)
            print_result(arguments, payload, _render_check)
            return 0 if payload["state"] == "passed" else 1
        if arguments.action == "add":
            if not subject:
                raise InvalidInputError("which condition?", remedy=EXAMPLE)
            return print_result(arguments, gates.add(space, job, subject, stage), _render_added)
        if arguments.action == "remove":
            removed = gates.remove(space, job, _number(subject))
            return print_result(
                arguments,
                removed,
                lambda g: f"{g['job']}: removed gate {g['number']} of {g['stage']}: {g['expression']}",
            )
        if subject:
            raise InvalidInputError(f"list takes nothing after it, not {subject!r}", remedy=EXAMPLE)
        return print_result(arguments, gates.gates(space, job, arguments.to), _render_list)


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 9:
        raise InvalidInputError(f"{text!r} is not the number of a gate", remedy="jupyter mlops gate JOB lists them.")
    return int(text)


def _render_added(gate: dict[str, Any]) -> str:
    line = f"{gate['job']}: gate {gate['number']} of {gate['stage']}: {gate['expression']}"
    return "\n".join([line, *(f"note: {note}" for note in gate["notes"])])


def _render_list(gates: list[dict[str, Any]]) -> str:
    if not gates:
        return "there are no gates"
    rows = [(g["number"], g["stage"], g["expression"], format_time(g["created"]), g["author"]) for g in gates]
    return table(("GATE", "STAGE", "CONDITION", "ADDED", "BY"), rows)


def _render_check(payload: dict[str, Any]) -> str:
    run = f"judged by the run {payload['run']}" if payload["run"] else "which has no completed run"
    lines = [f"{payload['job']} {payload['version']} to {payload['stage']}, {run}: {payload['state']}"]
    for gate in payload["gates"]:
        number = "" if gate["number"] is None else f"{gate['number']}: "
        values = ", ".join(f"{name} = {value}" for name, value in gate["values"].items() if value is not None)
        lines.append(
            f"{SIGNS[gate['state']]} {gate['state']}  {number}{gate['expression']}"
            + (f"  [{values}]" if values else "")
        )
        lines += [f"    {reason}" for reason in gate["reasons"]]
    if not payload["gates"]:
        lines.append("there are no gates")
    if payload["remedy"]:
        lines.append(f"Run it: {payload['remedy']}")
    return "\n".join(lines)
