"""`python -m tests.benchmarks`: what things cost, side by side with the peers, in one run.

    --rounds N      times that each is measured (3); medians are shown
    --only CASE     one case (can be given several times)
    --quick         one round of small cases, to see that everything works; targets are not judged
    --frame GB      size of the DataFrame of the case `frame` (1)
    --json          one JSON object instead of the table
    --folder DIR    where notebooks and files are written: the disk that is measured (the folder for temporary files)
    --environments DIR   where the environments of Ploomber and jupyter-scheduler are kept

Exit code 0: measured; 1: a target was missed, or our own command failed; 2: no such option or case.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tests.benchmarks import demo, exports, frame, handoff, jobs, watching
from tests.benchmarks.cases import OURS, WORKER, cases
from tests.benchmarks.measure import Failed, Row
from tests.benchmarks.peers import runners
from tests.benchmarks.rounds import side_by_side
from tests.benchmarks.table import table

PACKAGES = ("papermill", "nbclient", "ipykernel", "jupyter_client", "numpy", "pandas", "scikit-learn")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and tell by the exit code."""
    arguments = _arguments(argv)
    if not hasattr(os, "wait4"):
        print("the benchmarks need os.wait4 (Linux, macOS)", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="benchmarks-", dir=arguments.folder, ignore_cleanup_errors=True) as base:
        rows = measure(arguments, Path(base), _teller())
    if arguments.json:
        print(json.dumps({**machine(), **_told(arguments), "rows": [asdict(row) for row in rows]}, ensure_ascii=False))
    else:
        print(table(rows))
        print("\n" + ", ".join(f"{k} {v}" for k, v in machine()["versions"].items()))
    return int(any(_bad(row) for row in rows))


def measure(arguments: argparse.Namespace, base: Path, tell: Callable[[str], None]) -> list[Row]:
    """The rows of all cases that were asked for."""
    rounds = 1 if arguments.quick else arguments.rounds
    peers = runners(base / "jupyter", arguments.environments)
    rows: list[Row] = []
    for case in cases(arguments.quick):
        if not arguments.only or case.name in arguments.only:
            try:
                rows += side_by_side(case, peers, rounds, base, tell, judge=not arguments.quick)
            except Failed as reason:
                rows.append(Row(case.title, OURS, note=str(reason)))
    size = round(arguments.frame * 1e9)
    measured: dict[str, Callable[[], list[Row]]] = {
        handoff.NAME: lambda: handoff.handoff(rounds, base, tell, quick=arguments.quick),
        frame.NAME: lambda: frame.frame(rounds, base, tell, quick=arguments.quick, size=size),
        demo.NAME: lambda: demo.demo(rounds, base, tell, quick=arguments.quick),
        exports.NAME: lambda: exports.export_rows(rounds, base, tell, quick=arguments.quick),
        watching.NAME: lambda: watching.watching(rounds, base, tell, quick=arguments.quick),
    }
    for name, rows_of in measured.items():
        if not arguments.only or name in arguments.only:
            try:
                rows += rows_of()
            except Failed as reason:
                rows.append(Row(name, OURS, note=str(reason)))
    if not arguments.only or jobs.NAME in arguments.only:
        rows += jobs.job_rows(base / "jobs", tell, arguments.environments, quick=arguments.quick)
    tell("")
    return rows


def machine() -> dict[str, Any]:
    """Where this was measured."""
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            versions[name] = version(name)
    return {"system": platform.system(), "cores": os.cpu_count(), "versions": versions}


def _told(arguments: argparse.Namespace) -> dict[str, Any]:
    return {"rounds": 1 if arguments.quick else arguments.rounds, "quick": arguments.quick}


def _bad(row: Row) -> bool:
    """Whether a row says that something is wrong with what is ours."""
    measured = row.wall is not None or row.peak is not None
    return row.met is False or (row.peer in (OURS, WORKER) and not measured)


def _teller() -> Callable[[str], None]:
    """Prints progress on a terminal, each line over the one before."""

    def tell(text: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)

    return tell


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    names = [case.name for case in cases()] + [
        handoff.NAME,
        frame.NAME,
        demo.NAME,
        exports.NAME,
        watching.NAME,
        jobs.NAME,
    ]
    kept = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jupyter_mlops-benchmarks"
    made = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", description="What things cost, side by side with the peers."
    )
    made.add_argument("--rounds", type=_positive, default=3, metavar="N", help="times that each is measured (3)")
    made.add_argument("--only", action="append", default=[], choices=names, metavar="CASE", help=", ".join(names))
    made.add_argument("--quick", action="store_true", help="one round of small cases; targets are not judged")
    made.add_argument("--frame", type=float, default=1.0, metavar="GB", help="size of the large DataFrame (1)")
    made.add_argument("--json", action="store_true", help="print one JSON object")
    made.add_argument("--folder", type=Path, metavar="DIR", help="where files are written: the disk that is measured")
    made.add_argument(
        "--environments",
        type=Path,
        default=kept,
        metavar="DIR",
        help="where Ploomber and jupyter-scheduler are installed",
    )
    return made.parse_args(argv)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
