"""`jupyter mlops kernelspec install`: the kernel "Python 3 (forked)"."""

from __future__ import annotations

import argparse
import sys
from typing import Any


def add(verbs: Any) -> None:
    parser = verbs.add_parser("kernelspec", help='install "Python 3 (forked)", a kernel that starts at once')
    parser.add_argument("action", choices=["install"])
    parser.add_argument("--name", default="python3-forked", help="name of the kernel (default: %(default)s)")
    location = parser.add_mutually_exclusive_group()
    location.add_argument("--user", action="store_true", help="install for the current user (default)")
    location.add_argument("--sys-prefix", action="store_true", help="install in this environment")
    location.add_argument("--prefix", help="install below this folder")
    parser.add_argument(
        "--preload", action="append", default=[], metavar="MODULE", help="import this module ahead; repeatable"
    )
    parser.set_defaults(do=do)


def do(arguments: argparse.Namespace) -> int:
    from jupyter_mlops import service

    prefix = sys.prefix if arguments.sys_prefix else arguments.prefix
    print(service.install_kernelspec(arguments.name, prefix=prefix, preload=tuple(arguments.preload)))
    return 0
