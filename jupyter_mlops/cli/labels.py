"""`jupyter mlops labels`: store the labels that arrive after the predictions of a job."""

from __future__ import annotations

import argparse
from typing import Any

from jupyter_mlops.cli.table import format_time
from jupyter_mlops.cli.text import printable
from jupyter_mlops.cli.workspace import print_result, workspace


def add(verbs: Any) -> None:
    parser = verbs.add_parser("labels", help="store labels that arrive after the predictions of a job")
    parser.add_argument("job", metavar="JOB", help="a job, or the path of a notebook with .ipynb")
    parser.add_argument("file", metavar="FILE", help="CSV (UTF-8, commas, a header line) or Parquet")
    parser.add_argument("--key", default="", metavar="COLUMN", help="the keys (default: the key of the predictions)")
    parser.add_argument("--label", default="", metavar="COLUMN", help="the labels (default: a usual name)")
    parser.add_argument("--received", default="", metavar="DATE", help="when they became known (default: now)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops.service import labels

    with workspace() as space:
        payload = labels.add_file(
            space, arguments.job, arguments.file, key=arguments.key, label=arguments.label, received=arguments.received
        )
    return print_result(arguments, payload, _render)


def _render(payload: dict[str, Any]) -> str:
    columns = f"{printable(payload['label'])!r} by {printable(payload['key'])!r}"
    verb = "stored" if payload["new"] else "already stored:"
    received = format_time(payload["received"])
    lines = [f"{payload['job']}: {verb} {payload['rows']:,} labels {columns}, received {received}"]
    notes = (
        ("corrected", "differ from what was received earlier"),
        ("unlabelled", "have no value, and take earlier ones back"),
        ("repeated", "rows repeat an earlier row"),
        ("contradicting", "keys have several labels: the last row counts"),
    )
    lines += [f"  {payload[name]:,} {text}" for name, text in notes if payload[name]]
    return "\n".join(lines)
