"""`jupyter mlops suggest`: suggests tags for an untagged notebook."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any


def add(verbs: Any) -> None:
    parser = verbs.add_parser("suggest", help="tag an untagged notebook: steps and parameters")
    parser.add_argument("notebook", type=Path, metavar="NOTEBOOK", help="path of the notebook")
    parser.add_argument("-o", "--output", type=Path, help="write the tagged notebook here")
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops import service
    from jupyter_mlops.pipeline.suggest import describe

    nb, suggestion = service.suggest(arguments.notebook)
    print(describe(suggestion))
    if arguments.output is None:
        print("nothing was written; -o FILE writes the tagged notebook", file=sys.stderr)
    else:
        service.save(nb, arguments.output)
        print(f"written to {arguments.output}")
    return 0
