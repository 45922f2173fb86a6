"""`jupyter mlops demo`: copies the demo project to the current folder and runs it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from jupyter_mlops.cli import run


def add(verbs: Any) -> None:
    parser = verbs.add_parser("demo", help="copy the demo project to the current folder and run it, end to end")
    run.options(parser)
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    import sys

    from jupyter_mlops import service

    notebook = service.demo(Path.cwd())
    print(f"the demo project is in {notebook.parent}", file=sys.stderr)
    return run.run_notebook(notebook, arguments)
