"""`jupyter mlops VERB`: the command line."""

from __future__ import annotations

import argparse
import sys

from jupyter_mlops import __version__
from jupyter_mlops.errors import InvalidParameterError, MlopsError

VERBS = (
    "show", "check", "suggest", "run", "demo", "publish", "versions", "schedule", "jobs", "runs", "pause", "resume",
    "stop", "repair", "logs", "backfill", "sweep", "diff", "drift", "reproduce", "bundle", "unbundle", "export",
    "deploy", "undeploy", "deployments", "models", "serve", "metrics", "step", "gc", "import-jobs", "worker",
    "kernelspec", "promote", "rollback", "demote", "gate", "compare", "why", "backtest", "labels",
    "performance",
)  # fmt: skip


def parser() -> argparse.ArgumentParser:
    """The parser, with a subcommand for each verb."""
    from jupyter_mlops.cli import (
        backfill,
        backtest,
        bundle,
        check,
        compare,
        demo,
        demote,
        deploy,
        deployments,
        diff,
        drift,
        export,
        gate,
        gc,
        import_jobs,
        jobs,
        kernelspec,
        labels,
        logs,
        metrics,
        models,
        pause,
        performance,
        promote,
        publish,
        repair,
        reproduce,
        rollback,
        run,
        runs,
        schedule,
        serve,
        show,
        step,
        stop,
        suggest,
        sweep,
        versions,
        why,
        worker,
    )  # fmt: skip

    parser = argparse.ArgumentParser(
        prog="jupyter mlops",
        description="Run a tagged notebook as a pipeline, with the results of Run All.",
        epilog="Exit code 0: done; 1: the run failed or was stopped, or a check found an error; 2: the input was bad.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    modules = (
        show, check, suggest, run, demo, publish, versions, schedule, jobs, runs, pause, stop, repair, logs, backfill,
        sweep, diff, drift, reproduce, bundle, export, deploy, deployments, models, serve, metrics, step, gc,
        import_jobs, worker, kernelspec, promote, rollback, demote, gate, compare, why, backtest,
        labels, performance,
    )  # fmt: skip
    for module in modules:
        module.add(verbs)
    for action in verbs._choices_actions:
        verb = verbs.choices[action.dest]
        verb.description = verb.description or f"{str(action.help)[:1].upper()}{str(action.help)[1:]}."
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    from jupyter_mlops.cli import streams
    from jupyter_mlops.import_guard import block_unused

    block_unused()
    streams.prepare()
    try:
        try:
            return _run_command(argv)
        finally:
            streams.flush()
    except BrokenPipeError:
        return streams.discard_output()
    except OSError as error:  # what was still held back can't be written
        code = _report_os_error("jupyter mlops", error)
        streams.discard_output()
        return code


def _run_command(argv: list[str] | None) -> int:
    arguments = parser().parse_args(argv)
    try:
        code: int = arguments.do(arguments)
        return code
    except MlopsError as error:
        if isinstance(error, InvalidParameterError):
            from jupyter_mlops.cli.scalars import quote_source_text

            error = quote_source_text(error, arguments)
        print(f"jupyter mlops {arguments.verb}: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        raise
    except OSError as error:  # a disk that is full or read-only, a folder that is somebody else's
        return _report_os_error(f"jupyter mlops {arguments.verb}", error)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 1


def _report_os_error(command: str, error: OSError) -> int:
    from pathlib import Path

    from jupyter_mlops.storage.local import store_error

    failure = store_error("be used", error, Path(error.filename or "."))
    print(f"{command}: {failure}", file=sys.stderr)
    return failure.exit_code


def entry() -> None:
    """The console script."""
    sys.exit(main())
