"""`jupyter mlops run`: run a notebook as a pipeline."""

from __future__ import annotations

import argparse
import base64
import binascii
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import InvalidInputError

if TYPE_CHECKING:
    from jupyter_mlops.jobs.workspace import Workspace

NEGATIVE = re.compile(r"-(\d|\.\d|inf$).*")  # values, where argparse would take `-1e3` for an option


def add(verbs: Any) -> None:
    parser = verbs.add_parser("run", help="run a notebook as a pipeline, or a version of a job")
    parser.add_argument("notebook", type=Path, metavar="NOTEBOOK|JOB[@VERSION]|BUNDLE.zip", help="what to run")
    options(parser)
    parser.add_argument("-d", "--detach", action="store_true", help="with a job: don't wait for the run")
    parser.set_defaults(do=do)


def options(parser: argparse.ArgumentParser) -> None:
    """The options of `run`, which `demo` shares."""
    value_options(parser)
    parser.add_argument(
        "-o", "--output", type=Path, help="path of the executed notebook (default: in the run directory)"
    )
    parser.add_argument(
        "--from", dest="from_step", default="", metavar="STEP", help="run this step and all later ones again"
    )
    parser.add_argument(
        "--only", dest="only_step", default="", metavar="STEP", help="run this step, and the steps that it depends on"
    )
    parser.add_argument("--no-cache", action="store_true", help="neither use nor store cached results")
    parser.add_argument(
        "-j",
        "--jobs",
        type=positive_int,
        default=0,
        metavar="N",
        help="maximum number of kernels (default: one per core)",
    )
    parser.add_argument("--isolate", action="store_true", help="run every step in its own kernel, as on a cluster")
    cluster_options(parser)
    parser.add_argument("--timeout", type=_seconds, metavar="S", help="maximum seconds for a cell")
    parser.add_argument("--run-timeout", type=_seconds, metavar="S", help="maximum seconds for the run")
    parser.add_argument("--report", type=Path, metavar="HTML", help="write a self-contained HTML page")
    parser.add_argument("--no-code", action="store_true", help="leave the code out of the report")
    parser.add_argument("-k", "--kernel", default="", help="run in this kernel")
    parser.add_argument("--cwd", type=Path, help="working directory (default: the notebook's folder)")
    parser.add_argument(
        "--explain", action="store_true", help="explain for each step why it ran where it did, or was not cached"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def cluster_options(parser: argparse.ArgumentParser) -> None:
    """The options that say what executes a run."""
    parser.add_argument(
        "--executor",
        choices=("local", "dask"),
        default="",
        help="local (the default), or dask: each step is a task",
    )
    parser.add_argument(
        "--scheduler",
        default="",
        metavar="ADDRESS",
        help="address of the Dask scheduler, or a scheduler file (default: start a cluster on this machine)",
    )
    parser.add_argument(
        "--artifacts", default="", metavar="URL", help="folder or URL through which steps on a cluster transfer results"
    )


def cluster_choices(arguments: argparse.Namespace) -> dict[str, str]:
    """The cluster options that were given, as options of a run."""
    choices = {name: getattr(arguments, name) for name in ("executor", "scheduler", "artifacts")}
    return {name: value for name, value in choices.items() if value}


def value_options(parser: argparse.ArgumentParser) -> None:
    """The options that give parameters their values."""
    parser._negative_number_matcher = NEGATIVE
    values = parser.add_argument_group("parameters (as papermill's)")
    values.add_argument(
        "-p", "--parameters", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"),
        help="a parameter; the value is read by its declared type",
    )  # fmt: skip
    values.add_argument(
        "-r", "--parameters_raw", nargs=2, action="append", default=[], metavar=("NAME", "TEXT"),
        help="a parameter, always as text",
    )  # fmt: skip
    values.add_argument(
        "-f", "--parameters_file", action="append", default=[], metavar="YAML_FILE", help="parameters from a YAML file"
    )
    values.add_argument(
        "-y", "--parameters_yaml", action="append", default=[], metavar="YAML",
        help="parameters as YAML on the command line",
    )  # fmt: skip
    values.add_argument(
        "-b", "--parameters_base64", action="append", default=[], metavar="BASE64_YAML",
        help="the same, base64-encoded",
    )  # fmt: skip


def positive_int(text: str) -> int:
    if not re.fullmatch("0*[1-9][0-9]{0,8}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 999999999")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds") from None
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value


def do(arguments: argparse.Namespace) -> int:
    text = str(arguments.notebook)
    if text.endswith(".zip") and arguments.notebook.is_file():
        return run_bundle(arguments.notebook, arguments)
    is_job_name = not text.endswith(".ipynb") and os.sep not in text
    if is_job_name and (not arguments.notebook.exists() or (arguments.notebook.is_dir() and _is_job(text))):
        return run_job(text, arguments)
    if arguments.detach:
        raise InvalidInputError("a notebook is waited for", where="-d", remedy="Publish it, and run the job.")
    return run_notebook(arguments.notebook, arguments)


def _is_job(text: str) -> bool:
    """Whether a job has the name of a folder in the current folder."""
    from jupyter_mlops.cli.workspace import workspace
    from jupyter_mlops.service import run_values

    with workspace() as space:
        return run_values.split_selector(text)[0] in {job.name for job in space.catalog.jobs()}


def run_bundle(path: Path, arguments: argparse.Namespace) -> int:
    """Publish the content of a bundle, and run it."""
    from jupyter_mlops.cli.workspace import workspace
    from jupyter_mlops.service import versions

    _require_version_options(arguments)
    with workspace() as space:
        payload = versions.unbundle(space, path)
    return run_job(f"{payload['job']}@{payload['version']}", arguments)


def run_job(job: str, arguments: argparse.Namespace) -> int:
    """Run a version of a job, by a worker or here."""
    from jupyter_mlops.cli.workspace import workspace
    from jupyter_mlops.service import runs

    _require_version_options(arguments)
    values, texts = parameters(arguments)
    run_options = {
        "from_step": arguments.from_step, "only_step": arguments.only_step, "use_cache": not arguments.no_cache,
        "jobs": arguments.jobs, "isolate": arguments.isolate, "timeout": arguments.timeout,
        "run_timeout": arguments.run_timeout, **cluster_choices(arguments),
    }  # fmt: skip
    with workspace() as space:
        run = runs.start(space, job, values, texts, {k: v for k, v in run_options.items() if v or k == "use_cache"})
        return follow_run(space, run, arguments, _export_outputs)


def _require_version_options(arguments: argparse.Namespace) -> None:
    """Raises InvalidInputError for options that only runs of a notebook have."""
    for option, value, remedy in (
        ("-k", arguments.kernel, "A version runs in its own environment. Publish it with another kernel: publish -k."),
        ("--cwd", arguments.cwd, "A version runs in its own folder, with the files that were published."),
    ):
        if value:
            raise InvalidInputError("that is for notebooks, not for versions", where=option, remedy=remedy)
    if arguments.explain and arguments.detach:
        raise InvalidInputError(
            "with --detach there is nothing to explain yet", where="--explain", remedy="Leave one of them out."
        )
    for option, path in (("-o", arguments.output), ("--report", arguments.report)):
        if path is not None and arguments.detach:
            raise InvalidInputError(
                "with --detach there is nothing to write yet", where=option, remedy="Leave one of them out."
            )
        if path is not None and not os.access(path.absolute().parent, os.W_OK):
            raise InvalidInputError(
                "no file can be written there", where=f"{option} {path}", remedy="Name a file in a folder."
            )
    if arguments.report is not None and arguments.report.is_dir():
        raise InvalidInputError("this is a folder", where=f"--report {arguments.report}", remedy="Name a file in it.")


def _export_outputs(run: dict[str, Any], arguments: argparse.Namespace) -> None:
    """Copy the executed notebook of a version's run, and its report, to the requested files."""
    from jupyter_mlops import service
    from jupyter_mlops.execution.report import write_report
    from jupyter_mlops.notebook.writer import write_notebook

    if not run["output"] or not (arguments.output or arguments.report):
        return
    nb, source_path = service.read(Path(run["output"])), Path(run["output"])
    if arguments.report:
        write_report(nb, arguments.report, source_path.stem, code=not arguments.no_code)
    if arguments.output:
        path = arguments.output.absolute()
        path = path / source_path.name if path.is_dir() else path
        write_notebook(nb, path)
        run["output"] = str(path)


def explanation(steps: Iterable[Mapping[str, Any]], decisions: Iterable[Mapping[str, Any]] = ()) -> str:
    """Each step with a line for each reason, followed by the history of its decisions."""
    history: dict[str, list[str]] = {}
    for decision in decisions:
        history.setdefault(decision["step"], []).append(f"    {_decision_line(decision)}")
    lines: list[str] = []
    for step in steps:
        lines += [f"{step['name']}  {step['state']}", *(f"  {reason}" for reason in step.get("why", ()))]
        lines += history.get(step["name"], [])
    return "\n".join(lines)


def _decision_line(decision: Mapping[str, Any]) -> str:
    """`0.52 s  Cell 3: a cached result was looked for: use no cached result (it changes the state of x)`"""
    from jupyter_mlops.execution.reasons import named

    reason = f" ({decision['reason']})" if decision["reason"] else ""
    cells = named(decision["cells"])
    return f"{decision['seconds']:.2f} s  {cells}: {decision['event']}: {decision['instruction']}{reason}"


def follow_run(
    space: Workspace, run: dict[str, Any], arguments: argparse.Namespace,
    on_finish: Callable[[dict[str, Any], argparse.Namespace], None] = lambda run, arguments: None,
) -> int:  # fmt: skip
    """Wait for a run of a job unless it is detached, then write its outputs and report its result."""
    from jupyter_mlops.cli.progress import progress
    from jupyter_mlops.cli.runs import render_run
    from jupyter_mlops.cli.streams import to_json
    from jupyter_mlops.service import runs

    if not arguments.detach:
        with progress(quiet=arguments.json) as display:
            run = runs.follow(space, run["id"], display.handle_event)
        on_finish(run, arguments)
        if getattr(arguments, "explain", False) and not arguments.json:
            print(explanation(run["steps"]))
    print(to_json(run) if arguments.json else render_run(run))
    return 0 if run["state"] in ("completed", "queued") else 1


def run_notebook(notebook: Path, arguments: argparse.Namespace) -> int:
    """Run one notebook with the options of `run`."""
    from jupyter_mlops import service
    from jupyter_mlops.cli.progress import progress
    from jupyter_mlops.execution.request import RunRequest

    values, texts = parameters(arguments)
    request = RunRequest(
        notebook=notebook,
        given=values,
        texts=texts,
        output=arguments.output,
        from_step=arguments.from_step,
        only_step=arguments.only_step,
        use_cache=not arguments.no_cache,
        jobs=arguments.jobs,
        isolate=arguments.isolate,
        timeout=arguments.timeout,
        run_timeout=arguments.run_timeout,
        report=arguments.report,
        report_code=not arguments.no_code,
        kernel=arguments.kernel,
        cwd=arguments.cwd,
        executor=arguments.executor,
        scheduler=arguments.scheduler,
        artifacts=arguments.artifacts,
    )
    with progress(quiet=arguments.json) as display:
        record = service.run(request, on_event=display.handle_event)
    for part in ("points", "inputs", "frames"):  # of runs that are recorded
        record.pop(part, None)
    if not arguments.explain:
        record.pop("decisions", None)
    if arguments.json:
        from jupyter_mlops.cli.streams import to_json

        print(to_json(record))
    else:
        if arguments.explain:
            print(explanation(record["steps"], record.get("decisions", ())))
        display.summary(record)
    return 0 if record["state"] == "completed" else 1


def parameters(arguments: argparse.Namespace) -> tuple[dict[str, object], dict[str, str]]:
    """The values of the parameter flags: typed ones, and texts to be read by their declared type."""
    from jupyter_mlops.service import yaml_values

    values: dict[str, object] = {}
    for text in arguments.parameters_base64:
        try:
            yaml_text = base64.b64decode(text, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            raise InvalidInputError("not base64 of UTF-8 text", where="-b") from None
        values.update(yaml_values(yaml_text, "-b"))
    for name in arguments.parameters_file:
        try:
            text = Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidInputError(
                f"can't be read: {getattr(error, 'strerror', None) or error}", where=f"-f {name}"
            ) from None
        values.update(yaml_values(text, f"-f {name}"))
    for text in arguments.parameters_yaml:
        values.update(yaml_values(text, "-y"))
    texts = dict(arguments.parameters)
    for name in texts:
        values.pop(name, None)
    for name, value in arguments.parameters_raw:
        texts.pop(name, None)
        values[name] = value
    return values, texts
