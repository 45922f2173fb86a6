"""`jupyter mlops show`: shows a notebook as a pipeline, or what a run read."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add(verbs: Any) -> None:
    parser = verbs.add_parser("show", help="show parameters, steps, and edges with their variables")
    parser.add_argument("notebook", metavar="NOTEBOOK|RUN", help="a notebook; with --inputs, a run")
    parser.add_argument("--inputs", action="store_true", help="what each step of a run read, by digest")
    output_format = parser.add_mutually_exclusive_group()
    output_format.add_argument("--json", action="store_true", help="print one JSON object")
    output_format.add_argument("--dot", action="store_true", help="print the graph for Graphviz")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops import service
    from jupyter_mlops.pipeline.outline import dot, tree

    if arguments.inputs:
        return _show_inputs(arguments)
    pipeline = service.show(Path(arguments.notebook))
    if arguments.json:
        from jupyter_mlops.cli.streams import to_json

        print(to_json(pipeline.to_dict(), indent=1, default=str))
    else:
        print(dot(pipeline) if arguments.dot else tree(pipeline))
    return 0


def _show_inputs(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.cli.workspace import print_result, workspace
    from jupyter_mlops.errors import InvalidInputError
    from jupyter_mlops.service import runs

    if arguments.dot:
        raise InvalidInputError("--dot is for notebooks", where="--inputs", remedy="Leave one of the two out.")
    with workspace() as space:
        return print_result(arguments, runs.inputs(space, arguments.notebook), _render_inputs)


def _render_inputs(capsule: dict[str, Any]) -> str:
    from jupyter_mlops.cli.table import format_state, format_values, table
    from jupyter_mlops.cli.text import printable

    environment = capsule["environment"]
    lines = [
        f"{capsule['run']} of {capsule['job'] or 'a notebook'}",
        f"parameters: {format_values(capsule['parameters']) or 'none'}",
        f"environment: Python {environment['python'] or '?'}, {len(environment['packages'])} packages",
    ]
    for name, step in capsule["steps"].items():
        rows = [(path, _short(entry["digest"]), _file_note(entry)) for path, entry in step["files"].items()]
        rows += [(variable, _short(digest), "variable") for variable, digest in step["variables"].items()]
        rows += [
            (variable, "not set" if digest == "" else _short(digest), "environment variable")
            for variable, digest in step["environ"].items()
        ]
        rows += [(address, "", "connection") for address in step["connections"]]
        lines.append(f"\n{name}  {format_state(step['state'])}")
        printed = [(printable(first), second, third) for first, second, third in rows]
        lines.append(table(("READ", "DIGEST", ""), printed) if printed else "reads nothing")
    return "\n".join(lines)


def _short(digest: str | None) -> str:
    return "unknown" if digest is None else digest[:12]


def _file_note(entry: dict[str, Any]) -> str:
    storage = ", kept" if entry["kept"] else ""
    note = f", {entry['note']}" if entry.get("note") else ""
    return f"{entry['bytes']:,} bytes{storage}{note}"
