"""`jupyter mlops show`: what a notebook is as a pipeline."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add(verbs: Any) -> None:
    made = verbs.add_parser("show", help="parameters, steps, and edges with the variables on them")
    made.add_argument("notebook", type=Path)
    form = made.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object")
    form.add_argument("--dot", action="store_true", help="Graphviz")
    made.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops import service
    from jupyter_mlops.pipeline.outline import dot, tree

    pipeline = service.show(arguments.notebook)
    if arguments.json:
        import json

        print(json.dumps(pipeline.to_dict(), indent=1, ensure_ascii=False, default=str))
    else:
        print(dot(pipeline) if arguments.dot else tree(pipeline))
    return 0
