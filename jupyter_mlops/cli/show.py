"""`jupyter mlops show`: shows a notebook as a pipeline."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any


def add(verbs: Any) -> None:
    parser = verbs.add_parser("show", help="show parameters, steps, and edges with their variables")
    parser.add_argument("notebook", type=Path, metavar="NOTEBOOK", help="path of the notebook")
    output_format = parser.add_mutually_exclusive_group()
    output_format.add_argument("--json", action="store_true", help="print one JSON object")
    output_format.add_argument("--dot", action="store_true", help="print the graph for Graphviz")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops import service
    from jupyter_mlops.pipeline.outline import dot, tree

    pipeline = service.show(arguments.notebook)
    if arguments.json:
        from jupyter_mlops.cli.streams import to_json

        print(to_json(pipeline.to_dict(), indent=1, default=str))
    else:
        print(dot(pipeline) if arguments.dot else tree(pipeline))
    return 0
