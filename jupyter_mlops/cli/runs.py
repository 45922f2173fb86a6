"""`jupyter mlops runs`: the runs of jobs, or one of them."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mlops.cli.run import positive
from jupyter_mlops.cli.space import answer, workspace
from jupyter_mlops.cli.table import duration, moment, state, table, values


def add(verbs: Any) -> None:
    made = verbs.add_parser("runs", help="list runs, newest first")
    made.add_argument("job", metavar="JOB", nargs="?", default="")
    made.add_argument("--run", default="", metavar="RUN", help="show this run with its steps")
    made.add_argument("--batch", type=positive, metavar="NUMBER", help="show a backfill or a sweep as a table")
    made.add_argument("--state", action="append", default=[], metavar="STATE", help="only runs in this state")
    made.add_argument("--limit", type=positive, default=50, metavar="N", help="at most so many (50)")
    made.add_argument("--before", default="", metavar="RUN", help="those before this one: the next page")
    made.add_argument("--json", action="store_true", help="print JSON")
    made.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import jobs

    with workspace() as space:
        if arguments.run:
            return answer(arguments, jobs.run(space, arguments.run), one)
        if arguments.batch:
            return answer(arguments, jobs.batch(space, arguments.batch), batch)
        told = jobs.runs(space, arguments.job, arguments.state, arguments.limit, arguments.before)
        return answer(arguments, told, _plain)


def one(run: dict[str, Any]) -> str:
    """A run as a person reads it."""
    head = f"{state(run['state'])}  {run['id']}  {run['job']} {run['version'] or ''}"
    lines = [head, f"  {run['trigger']}, attempt {run['attempt']}, {duration(run['seconds'])}"]
    if run["slot"] is not None:
        lines.append(f"  for {moment(run['slot'])}")
    lines += [f"  {k} = {v!r}" for k, v in run["parameters"].items()]
    lines += [f"  {state(s['state']):<12}  {s['name']}  {duration(s['seconds'])}{_tries(s)}" for s in run["steps"]]
    lines += [f"  {name}: {value}" for name, value in run["metrics"].items()]
    if run["error"]:
        error = run["error"]
        where = f"step {error['step']}, cell {error['cell'] + 1}: " if error.get("step") else ""
        lines.append(f"  {where}{error['ename']}: {error['evalue']}")
    lines += [f"  note: {note}" for note in run["notes"]]
    if run["verdict"]:
        lines.append(f"  {run['verdict']['words']}")
    if run["output"]:
        lines.append(f"  {run['output']}")
    return "\n".join(lines)


def _tries(step: dict[str, Any]) -> str:
    return f", attempt {step['attempts']}" if step["attempts"] > 1 else ""


def batch(told: dict[str, Any]) -> str:
    """A backfill or a sweep: what differs between its runs, and what came of each."""
    runs = told["runs"]
    names = [n for n in dict.fromkeys(k for r in runs for k in r["parameters"])
             if len({repr(r["parameters"].get(n)) for r in runs}) > 1]  # fmt: skip
    metrics = list(dict.fromkeys(k for r in runs for k in r["metrics"]))
    slots = any(r["slot"] is not None for r in runs)
    heads = (*(["SLOT"] if slots else []), *names, "STATE", "TIME", *metrics)
    rows = [
        (*([moment(r["slot"])] if slots else []), *(r["parameters"].get(n) for n in names), state(r["state"]),
         duration(r["seconds"]), *(r["metrics"].get(m, "") for m in metrics))
        for r in runs
    ]  # fmt: skip
    return f"{told['kind']} {told['batch']} of {told['job']}\n{table(heads, rows)}"


def _plain(told: list[dict[str, Any]]) -> str:
    rows = [
        (r["id"], r["job"], r["version"] or "", state(r["state"]), moment(r["slot"] or r["created"]),
         duration(r["seconds"]), r["trigger"], values(r["parameters"]))
        for r in told
    ]  # fmt: skip
    heads = ("RUN", "JOB", "VERSION", "STATE", "TIME", "TOOK", "BY", "PARAMETERS")
    return table(heads, rows) if rows else "there are no runs"
