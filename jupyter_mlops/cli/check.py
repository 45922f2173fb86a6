"""`jupyter mlops check`: will it run headless?"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

MARKS = {"error": "✖", "warning": "⚠", "info": "·"}


def add(verbs: Any) -> None:
    parser = verbs.add_parser("check", help="check whether a notebook will run headless")
    parser.add_argument("notebook", type=Path, metavar="NOTEBOOK", help="path of the notebook")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops import service

    findings = service.check(arguments.notebook)
    has_errors = any(f.severity == "error" for f in findings)
    if arguments.json:
        from jupyter_mlops.cli.streams import to_json

        print(to_json({"ok": not has_errors, "findings": [f.to_dict() for f in findings]}, indent=1))
        return int(has_errors)
    for finding in findings:
        location = "" if finding.cell is None else f"cell {finding.cell + 1}"
        print(
            f"{MARKS.get(finding.severity, '·')} {finding.severity:7} {location:8} {finding.message}  [{finding.rule}]"
        )
        if finding.fix:
            print(f"{'':19}{finding.fix}")
    count = len(findings)
    print("no findings" if not count else f"{count} finding{'s' if count > 1 else ''}")
    return int(has_errors)
