"""`jupyter mlops versions`: the versions of a job, their aliases now and at a time."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import Any

from jupyter_mlops.cli.table import format_time, format_values, one_line, table
from jupyter_mlops.cli.workspace import print_result, workspace
from jupyter_mlops.errors import InvalidInputError

CHANGES = ("ALIAS", "CHANGE", "VERSION", "BEFORE", "WHEN", "BY", "ACTION", "REASON")


def add(verbs: Any) -> None:
    parser = verbs.add_parser("versions", help="list the versions of a job, or set an alias")
    parser.add_argument(
        "job", metavar="JOB", help="the job, JOB@v3 for a version, or @ALIAS for the versions of all jobs"
    )
    parser.add_argument("--alias", default="", metavar="NAME", help="set this alias to the version")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for the history of the alias")
    parser.add_argument(
        "--at", default="", metavar="TIME", help="show what each alias named then: 2026-03-01 (the end of that day) or"
        " 2026-03-01T12:00+02:00",
    )  # fmt: skip
    parser.add_argument("--history", action="store_true", help="show every change of the aliases")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import aliases, jobs, run_values

    _require_one_action(arguments)
    with workspace() as space:
        if arguments.job.startswith("@"):
            return print_result(arguments, aliases.search(space, arguments.job[1:]), _render_search)
        name, selector = run_values.split_selector(arguments.job)
        if arguments.at:
            return print_result(arguments, aliases.versions_at(space, name, arguments.at), _render_at)
        if arguments.history:
            alias = selector.removeprefix("@") if selector.startswith("@") else ""
            return print_result(arguments, aliases.history(space, name, alias), _render_history)
        if arguments.alias:
            aliases.set_alias(space, name, arguments.alias, selector, reason=arguments.reason)
        entries = jobs.versions(space, name)
        if "@" in arguments.job and not arguments.alias:
            version_name = jobs.version(space, name, selector)
            entries = [entry for entry in entries if entry["version"] == version_name]
    return print_result(arguments, entries, _render)


def _require_one_action(arguments: argparse.Namespace) -> None:
    chosen = [f"--{name}" for name in ("alias", "at", "history") if getattr(arguments, name)]
    if len(chosen) > 1:
        raise InvalidInputError(f"{' and '.join(chosen)} can't be combined", remedy="Use one of them.")
    if arguments.job.startswith("@") and (chosen or arguments.reason):
        raise InvalidInputError(
            f"{arguments.job} lists the versions of all jobs; the other options need a job",
            remedy=f"Write JOB{arguments.job}.",
        )
    if arguments.reason and not arguments.alias:
        raise InvalidInputError(
            "--reason needs --alias", remedy="jupyter mlops versions JOB@v3 --alias NAME --reason …"
        )


def _render(entries: list[dict[str, Any]]) -> str:
    rows = [
        (v["version"], " ".join(f"@{a}" for a in v["aliases"]), format_time(v["created"]), v["author"],
         v["commit"][:10] + ("+" if v["dirty"] else ""), one_line(v["message"]))
        for v in entries
    ]  # fmt: skip
    return table(("VERSION", "ALIASES", "PUBLISHED", "BY", "COMMIT", "MESSAGE"), rows)


def _render_search(entries: list[dict[str, Any]]) -> str:
    rows = [
        (e["job"], e["version"], format_time(e["changed"]), e["author"] or "?", e["run"],
         format_values(e["metrics"]), one_line(e["reason"]))
        for e in entries
    ]  # fmt: skip
    return table(("JOB", "VERSION", "SINCE", "BY", "LATEST RUN", "METRICS", "REASON"), rows)


def _render_at(payload: dict[str, Any]) -> str:
    lines = [f"{payload['job']} at {payload['at_text']}"]
    lines += [render_changes(payload["aliases"])] if payload["aliases"] else ["there was no alias"]
    return "\n".join([*lines, *(f"note: {note}" for note in payload["notes"])])


def _render_history(changes: list[dict[str, Any]]) -> str:
    return render_changes(changes) if changes else "the job never had an alias"


def render_changes(changes: Sequence[dict[str, Any]]) -> str:
    """Changes of aliases as a table."""
    rows = [
        (f"@{c['alias']}", c["number"], c["version"] or "–", c["previous"] or "–", format_time(c["changed"]),
         c["author"] or "?", _action(c), one_line(c["reason"]))
        for c in changes
    ]  # fmt: skip
    return table(CHANGES, rows)


def _action(change: dict[str, Any]) -> str:
    return " ".join(_action_words(change))


def _action_words(change: dict[str, Any]) -> Iterator[str]:
    yield change["action"]
    if change["undoes"] is not None:
        yield f"undoes {change['undoes']}"
    if change["overridden"]:
        yield "overridden"
