"""`jupyter mlops check`: will it run headless?"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

MARKS = {"error": "✖", "warning": "⚠", "info": "·"}


def add(verbs: Any) -> None:
    made = verbs.add_parser("check", help="preflight: will it run headless?")
    made.add_argument("notebook", type=Path)
    made.add_argument("--json", action="store_true", help="one JSON object")
    made.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops import service

    found = service.check(arguments.notebook)
    bad = any(f.severity == "error" for f in found)
    if arguments.json:
        import json

        print(json.dumps({"ok": not bad, "findings": [f.to_dict() for f in found]}, indent=1, ensure_ascii=False))
        return int(bad)
    for finding in found:
        where = "" if finding.cell is None else f"cell {finding.cell + 1}"
        print(f"{MARKS.get(finding.severity, '·')} {finding.severity:7} {where:8} {finding.message}  [{finding.rule}]")
        if finding.fix:
            print(f"{'':19}{finding.fix}")
    count = len(found)
    print("no findings" if not count else f"{count} finding{'s' if count > 1 else ''}")
    return int(bad)
