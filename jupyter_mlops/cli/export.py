"""`jupyter mlops export`: a version as the files of another engine."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_mlops.cli.workspace import print_result, workspace
from jupyter_mlops.errors import InvalidInputError

MARKS = {"new": "+", "changed": "~", "same": " ", "removed": "-"}


def add(verbs: Any) -> None:
    parser = verbs.add_parser(
        "export",
        help="write a version as files of Airflow, Kubernetes, GitHub Actions and others",
        description="Write a version of a job, with its schedule, as files of another engine.",
    )
    parser.add_argument("job", metavar="JOB[@VERSION]", nargs="?", default="")
    parser.add_argument("--to", metavar="TARGET", default="", help="the engine; --list shows all")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="the folder to write to")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit code 1 if DIR differs from the export"
    )
    parser.add_argument("--diff", action="store_true", help="write nothing; show how DIR would change")
    parser.add_argument("--force", action="store_true", help="replace files that were edited since")
    parser.add_argument(
        "--prove", action="store_true", help="run the export on its engine, and compare each cell with Run All's"
    )
    parser.add_argument("--engine", default="", metavar="PATH", help="the engine's program, for --prove")
    parser.add_argument("--list", action="store_true", help="list the targets")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import export

    if arguments.list:
        return print_result(arguments, export.targets(), _render_targets)
    _require_options(arguments)
    read_only = arguments.check or arguments.diff
    with workspace() as space:
        payload = export.export(
            space, arguments.job, arguments.to, arguments.output, write=not read_only, force=arguments.force
        )
        proof = None
        if arguments.prove:
            from jupyter_mlops.service import proof as proofs

            proof = proofs.prove(space, arguments.job, arguments.to, arguments.output, engine=arguments.engine)
            payload["proof"] = proof
    print_result(arguments, payload, lambda p: render_diff(p) if arguments.diff else _render(p, arguments.check))
    if proof is not None and not arguments.json:
        print(_render_proof(proof))
    return 1 if (arguments.check and not payload["matches"]) or (proof and proof["verdict"] != "equal") else 0


def _require_options(arguments: argparse.Namespace) -> None:
    if not arguments.job:
        raise InvalidInputError("no job is named", where="JOB", remedy="`jupyter mlops jobs` lists them.")
    if not arguments.to:
        raise InvalidInputError("no target is named", where="--to", remedy="`jupyter mlops export --list` lists them.")
    if arguments.prove and (arguments.check or arguments.diff):
        raise InvalidInputError(
            "--prove writes PROOF.json, and --check and --diff write nothing", where="--prove",
            remedy="Call them one after the other.",
        )  # fmt: skip
    if arguments.engine and not arguments.prove:
        raise InvalidInputError("only --prove runs an engine", where="--engine", remedy="Add --prove.")
    if arguments.output is None:
        raise InvalidInputError("no folder is named", where="-o", remedy="Example: -o deploy")


def _render_targets(targets: list[dict[str, str]]) -> str:
    width = max(len(target["name"]) for target in targets)
    return "\n".join(f"{target['name']:<{width}}  {target['label']}" for target in targets)


def _render(payload: Mapping[str, Any], check: bool) -> str:
    folder = Path(payload["folder"])
    differing = [file for file in payload["files"] if file["state"] != "same"]
    if check:
        subject = f"{payload['job']} {payload['version']}"
        lines = [
            f"{folder} matches {subject}" if not differing else f"{folder} does not match {subject}:",
            *(f"{MARKS[file['state']]} {file['path']}" for file in differing),
        ]
        return "\n".join(lines)
    lines = [f"{MARKS[file['state']]} {folder / file['path']}" for file in payload["files"]]
    lines += [f"  note: {sentence}" for sentence in payload["omissions"]]
    return "\n".join(lines)


def _render_proof(proof: Mapping[str, Any]) -> str:
    counts = proof["counts"]
    engine = f"{proof['engine']} {proof['engine_version']}"
    sentence = {
        "equal": f"≡ proved on {engine}: {counts['equal']} cells show what Run All shows",
        "different": f"≠ not proved on {engine}: {counts['different']} cells differ from Run All",
    }[proof["verdict"]]
    lines = [sentence]
    lines += [f"  {proof['problem']}"] if proof["problem"] else []
    for cell in proof["cells"]:
        if cell["verdict"] != "equal":
            step = f" of step {cell['step']}" if cell["step"] else ""
            lines.append(f"  cell {cell['cell']}{step}: {cell['verdict']}: {cell['reason']}")
    return "\n".join(lines)


def render_diff(payload: Mapping[str, Any]) -> str:
    """The differences of an export, as unified diffs; other files by name."""
    parts = []
    for file in payload["files"]:
        if file["diff"]:
            parts.append(file["diff"].rstrip("\n"))
        elif file["state"] != "same":
            parts.append(f"{MARKS[file['state']]} {file['path']} ({file['size']} bytes)")
    return "\n".join(parts)
