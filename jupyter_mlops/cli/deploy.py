"""`jupyter mlops deploy` and `undeploy`: an export at its place, and its removal."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from jupyter_mlops.cli.export import MARKS, render_diff
from jupyter_mlops.cli.workspace import print_result, workspace
from jupyter_mlops.errors import InvalidInputError

PLACE = "a folder, git+URL#BRANCH:FOLDER, kubectl:CONTEXT/NAMESPACE, crontab:FOLDER or systemd:FOLDER"


def add(verbs: Any) -> None:
    parser = verbs.add_parser(
        "deploy",
        help="export a version to a DAG folder, a Git branch, a cluster, a crontab",
        description="Export a version of a job to a place, and record it. `deployments` shows its state.",
    )
    parser.add_argument("job", metavar="JOB[@VERSION]", help="the job, and a version such as v3 or production")
    _add_place(parser)
    parser.add_argument("--dry-run", action="store_true", help="write nothing; show how the place would change")
    parser.add_argument("--force", action="store_true", help="replace what was edited since the last deployment")
    parser.add_argument(
        "--runs", default="", metavar="URL", help="the artifacts of its runs, which workers bring into the history"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(do=do)

    parser = verbs.add_parser("undeploy", help="remove what `deploy` wrote")
    parser.add_argument("job", metavar="JOB")
    _add_place(parser)
    parser.add_argument("--force", action="store_true", help="remove what was edited since, too")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(do=undo)


def _add_place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to", metavar="TARGET", default="", help="the engine; `export --list` shows all")
    parser.add_argument("--place", default="", help=f"{PLACE}; without it, the one configured for the target")


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import deployments

    _require_target(arguments)
    with workspace() as space:
        payload = deployments.deploy(
            space, arguments.job, arguments.to, arguments.place, dry_run=arguments.dry_run, force=arguments.force,
            runs=arguments.runs,
        )  # fmt: skip
    return print_result(arguments, payload, _render_changes if arguments.dry_run else _render)


def undo(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import deployments

    _require_target(arguments)
    with workspace() as space:
        payload = deployments.undeploy(
            space, arguments.job, arguments.to, arguments.place, force=arguments.force
        )  # fmt: skip
    return print_result(arguments, payload, _render_removed)


def _require_target(arguments: argparse.Namespace) -> None:
    if not arguments.to:
        raise InvalidInputError("no target is named", where="--to", remedy="`jupyter mlops export --list` lists them.")


def _render(payload: Mapping[str, Any]) -> str:
    subject = f"{payload['job']} {payload['version']} at {payload['place']}"
    if not payload["changed"]:
        lines = [f"nothing changed: {subject} is deployed already"]
    else:
        lines = [f"deployed {subject}", *_marked(payload)]
    lines += [f"  commit {payload['revision']}"] if payload["revision"] else []
    lines += [f"  note: {sentence}" for sentence in (*payload["notes"], *payload["omissions"])]
    return "\n".join(lines)


def _render_changes(payload: Mapping[str, Any]) -> str:
    edited = [file["path"] for file in payload["files"] if file["edited"]]
    lines = [*_marked(payload), render_diff(payload)] if payload["changed"] else ["nothing would change"]
    if edited:
        lines.append(f"edited since the last deployment, or never deployed: {', '.join(edited)}")
    return "\n".join(line for line in lines if line)


def _marked(payload: Mapping[str, Any]) -> list[str]:
    return [f"{MARKS[file['state']]} {file['path']}" for file in payload["files"]]


def _render_removed(payload: Mapping[str, Any]) -> str:
    lines = [f"removed {payload['job']} {payload['version']} from {payload['place']}"]
    return "\n".join([*lines, *(f"  note: {sentence}" for sentence in payload["notes"])])
