"""`jupyter mlops VERB`: the command line."""

from __future__ import annotations

import argparse
import os
import sys

from jupyter_mlops import __version__
from jupyter_mlops.errors import MlopsError

VERBS = (
    "show", "check", "suggest", "run", "demo", "publish", "versions", "schedule", "jobs", "runs", "pause", "resume",
    "stop", "repair", "logs", "backfill", "sweep", "diff", "reproduce", "bundle", "unbundle", "gc",
    "import-jobs", "worker", "kernelspec",
)  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """The parser, with a subcommand for each verb."""
    from jupyter_mlops.cli import (
        backfill,
        bundle,
        check,
        demo,
        diff,
        gc,
        import_jobs,
        jobs,
        kernelspec,
        logs,
        pause,
        publish,
        repair,
        reproduce,
        run,
        runs,
        schedule,
        show,
        stop,
        suggest,
        sweep,
        versions,
        worker,
    )  # fmt: skip

    made = argparse.ArgumentParser(
        prog="jupyter mlops",
        description="Run a tagged notebook as a pipeline, with the results of Run All.",
        epilog="Exit code 0: done; 1: the run failed or was stopped, or a check found an error; 2: the input was bad.",
    )
    made.add_argument("--version", action="version", version=__version__)
    verbs = made.add_subparsers(dest="verb", metavar="VERB", required=True)
    modules = (
        show, check, suggest, run, demo, publish, versions, schedule, jobs, runs, pause, stop, repair, logs, backfill,
        sweep, diff, reproduce, bundle, gc, import_jobs, worker, kernelspec,
    )  # fmt: skip
    for module in modules:
        module.add(verbs)
    return made


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    from jupyter_mlops.lean import lean

    lean()
    _open_streams()
    arguments = parser().parse_args(argv)
    try:
        code: int = arguments.do(arguments)
        return code
    except MlopsError as error:
        print(f"jupyter mlops {arguments.verb}: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        return 1
    except OSError as error:  # a disk that is full or read-only, a folder that is somebody else's
        from pathlib import Path

        from jupyter_mlops.objects import failed_to

        told = failed_to("be used", error, Path(error.filename or "."))
        print(f"jupyter mlops {arguments.verb}: {told}", file=sys.stderr)
        return told.exit_code
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 1


def _open_streams() -> None:
    """Python has None for a stream that was closed by whoever started us (`2>&-`), and prints elsewhere then."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115


def entry() -> None:
    """The console script."""
    sys.exit(main())
