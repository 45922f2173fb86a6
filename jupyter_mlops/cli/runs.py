"""`jupyter mlops runs`: lists the runs of jobs, or shows one of them."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

from jupyter_mlops.cli.run import positive_int
from jupyter_mlops.cli.table import format_duration, format_state, format_time, format_values, table
from jupyter_mlops.cli.workspace import print_result, workspace


def add(verbs: Any) -> None:
    parser = verbs.add_parser("runs", help="list runs, newest first")
    parser.add_argument(
        "job", metavar="JOB", nargs="?", default="", help="a job, or the path of a notebook with .ipynb"
    )
    parser.add_argument("--run", default="", metavar="RUN", help="show this run with its steps")
    parser.add_argument("--batch", type=positive_int, metavar="NUMBER", help="show a backfill or a sweep as a table")
    parser.add_argument("--state", action="append", default=[], metavar="STATE", help="only runs in this state")
    parser.add_argument("--limit", type=positive_int, default=50, metavar="N", help="how many runs (default: 50)")
    parser.add_argument("--before", default="", metavar="RUN", help="runs older than this one (the next page)")
    parser.add_argument(
        "--import", dest="artifacts", default="", metavar="URL",
        help="import runs of other engines: from the artifacts that their tasks share, or airflow+https://HOST",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import batches, runs

    with workspace() as space:
        if arguments.artifacts:
            from jupyter_mlops.service.external_runs import imported_runs

            return print_result(arguments, imported_runs(space, arguments.artifacts), _render_imported)
        if arguments.run:
            return print_result(arguments, runs.run(space, arguments.run), render_run)
        if arguments.batch:
            return print_result(arguments, batches.batch(space, arguments.batch), render_batch)
        entries = runs.runs(space, arguments.job, arguments.state, arguments.limit, arguments.before)
        return print_result(arguments, entries, partial(_render, where=runs.runs_location(space)))


def _render_imported(imported: dict[str, Any]) -> str:
    lines = [render_run(run) for run in imported["runs"]]
    lines += [f"skipped {skipped['run']}: {skipped['why']}" for skipped in imported["skipped"]]
    return "\n".join(lines) or "There are no new runs."


def render_run(run: dict[str, Any]) -> str:
    """A run as text for people."""
    head = f"{format_state(run['state'])}  {run['id']}  {run['job'] or run['notebook'] or ''} {run['version'] or ''}"
    lines = [head, f"  {run['trigger']}, attempt {run['attempt']}, {format_duration(run['seconds'])}"]
    if run["engine"]:
        lines.append(f"  on {run['engine']} {run['engine_url']}".rstrip())
    if run["slot"] is not None:
        lines.append(f"  for {format_time(run['slot'])}")
    lines += [f"  {k} = {v!r}" for k, v in run["parameters"].items()]
    lines += [
        f"  {format_state(s['state']):<12}  {s['name']}  {format_duration(s['seconds'])}{_attempt_text(s)}"
        for s in run["steps"]
    ]
    lines += [f"  {name}: {value}" for name, value in run["metrics"].items()]
    if run["error"]:
        error = run["error"]
        location = f"step {error['step']}, cell {error['cell'] + 1}: " if error.get("step") else ""
        lines.append(f"  {location}{error['ename']}: {error['evalue']}")
    lines += [f"  note: {note}" for note in run["notes"]]
    if run["verdict"]:
        lines.append(f"  {run['verdict']['words']}")
    if run["output"]:
        lines.append(f"  {run['output']}")
    return "\n".join(lines)


def _attempt_text(step: dict[str, Any]) -> str:
    return f", attempt {step['attempts']}" if step["attempts"] > 1 else ""


def render_batch(payload: dict[str, Any]) -> str:
    """A backfill or a sweep as a table: what differs between its runs, and their results."""
    runs = payload["runs"]
    names = [n for n in dict.fromkeys(k for r in runs for k in r["parameters"])
             if len({repr(r["parameters"].get(n)) for r in runs}) > 1]  # fmt: skip
    metrics = list(dict.fromkeys(k for r in runs for k in r["metrics"]))
    has_slots = any(r["slot"] is not None for r in runs)
    headers = (*(["SLOT"] if has_slots else []), *names, "STATE", "TIME", *metrics)
    rows = [
        (*([format_time(r["slot"])] if has_slots else []), *(r["parameters"].get(n) for n in names),
         format_state(r["state"]),
         format_duration(r["seconds"]), *(r["metrics"].get(m, "") for m in metrics))
        for r in runs
    ]  # fmt: skip
    return f"{payload['kind']} {payload['batch']} of {payload['job']}\n{table(headers, rows)}"


def _render(entries: list[dict[str, Any]], where: str) -> str:
    rows = [
        (r["id"], r["job"] or r["notebook"] or "", r["version"] or "", format_state(r["state"]),
         format_time(r["slot"] or r["created"]), format_duration(r["seconds"]), r["trigger"],
         format_values(r["parameters"]))
        for r in entries
    ]  # fmt: skip
    headers = ("RUN", "JOB OR NOTEBOOK", "VERSION", "STATE", "TIME", "TOOK", "BY", "PARAMETERS")
    return table(headers, rows) if rows else f"there are no such runs in {where}"
