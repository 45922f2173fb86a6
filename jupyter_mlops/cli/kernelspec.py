"""`jupyter mlops kernelspec install`: the kernel "Python 3 (forked)"."""

from __future__ import annotations

import argparse
import sys
from typing import Any


def add(verbs: Any) -> None:
    made = verbs.add_parser("kernelspec", help='install "Python 3 (forked)", a kernel that is ready at once')
    made.add_argument("action", choices=["install"])
    made.add_argument("--name", default="python3-forked", help="its name (default: %(default)s)")
    place = made.add_mutually_exclusive_group()
    place.add_argument("--user", action="store_true", help="for this person (the default)")
    place.add_argument("--sys-prefix", action="store_true", help="in this environment")
    place.add_argument("--prefix", help="under this folder")
    made.add_argument("--preload", action="append", default=[], metavar="MODULE", help="import this ahead; repeatable")
    made.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops import service

    prefix = sys.prefix if arguments.sys_prefix else arguments.prefix
    print(service.install_kernelspec(arguments.name, prefix=prefix, preload=tuple(arguments.preload)))
    return 0
