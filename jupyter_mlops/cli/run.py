"""`jupyter mlops run`: run a notebook as a pipeline."""

from __future__ import annotations

import argparse
import base64
import binascii
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import BadInput

if TYPE_CHECKING:
    from jupyter_mlops.jobs.workspace import Workspace

NEGATIVE = re.compile(r"-(\d|\.\d|inf$).*")  # values, where argparse would take `-1e3` for an option


def add(verbs: Any) -> None:
    made = verbs.add_parser("run", help="run a notebook as a pipeline, or a version of a job")
    made.add_argument("notebook", type=Path, metavar="NOTEBOOK|JOB[@VERSION]|BUNDLE.zip")
    options(made)
    made.add_argument("-d", "--detach", action="store_true", help="a job: don't wait for the run")
    made.set_defaults(do=do)


def options(made: argparse.ArgumentParser) -> None:
    """The options of `run`, which `demo` shares."""
    value_options(made)
    made.add_argument("-o", "--output", type=Path, help="the executed notebook; without it, it is kept with the runs")
    made.add_argument(
        "--from", dest="from_step", default="", metavar="STEP", help="run this step and all after it again"
    )
    made.add_argument(
        "--only", dest="only_step", default="", metavar="STEP", help="run this step, and what it stands on"
    )
    made.add_argument("--no-cache", action="store_true", help="neither use nor keep results")
    made.add_argument("-j", "--jobs", type=positive, default=0, metavar="N", help="kernels at most (default: cores)")
    made.add_argument("--isolate", action="store_true", help="every step in a kernel of its own, as on a cluster")
    made.add_argument("--timeout", type=_seconds, metavar="S", help="seconds a cell may take")
    made.add_argument("--run-timeout", type=_seconds, metavar="S", help="seconds the run may take")
    made.add_argument("--report", type=Path, metavar="HTML", help="write one self-contained page")
    made.add_argument("--no-code", action="store_true", help="leave the code out of the report")
    made.add_argument("-k", "--kernel", default="", help="run in this kernel")
    made.add_argument("--cwd", type=Path, help="working directory (default: the notebook's folder)")
    made.add_argument("--json", action="store_true", help="print one JSON object")


def value_options(made: argparse.ArgumentParser) -> None:
    """The options that give parameters their values."""
    made._negative_number_matcher = NEGATIVE
    values = made.add_argument_group("parameters (as papermill's)")
    values.add_argument("-p", "--parameters", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"))
    values.add_argument("-r", "--parameters_raw", nargs=2, action="append", default=[], metavar=("NAME", "TEXT"))
    values.add_argument("-f", "--parameters_file", action="append", default=[], metavar="YAML_FILE")
    values.add_argument("-y", "--parameters_yaml", action="append", default=[], metavar="YAML")
    values.add_argument("-b", "--parameters_base64", action="append", default=[], metavar="BASE64_YAML")


def positive(text: str) -> int:
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
    plain = not text.endswith(".ipynb") and os.sep not in text
    if plain and (not arguments.notebook.exists() or (arguments.notebook.is_dir() and _is_job(text))):
        return run_job(text, arguments)
    if arguments.detach:
        raise BadInput("a notebook is waited for", where="-d", remedy="Publish it, and run the job.")
    return run_notebook(arguments.notebook, arguments)


def _is_job(text: str) -> bool:
    """Whether a job is called like a folder that is here."""
    from jupyter_mlops.cli.space import workspace
    from jupyter_mlops.service import jobs

    with workspace() as space:
        return jobs.split_selector(text)[0] in {job.name for job in space.catalog.jobs()}


def run_bundle(path: Path, arguments: argparse.Namespace) -> int:
    """Publish what is in a bundle, and run it."""
    from jupyter_mlops.cli.space import workspace
    from jupyter_mlops.service import versions

    _require_of_version(arguments)
    with workspace() as space:
        told = versions.unbundle(space, path)
    return run_job(f"{told['job']}@{told['version']}", arguments)


def run_job(job: str, arguments: argparse.Namespace) -> int:
    """Run a version of a job, by a worker or here."""
    from jupyter_mlops.cli.space import workspace
    from jupyter_mlops.service import jobs

    _require_of_version(arguments)
    given, texts = parameters(arguments)
    asked = {
        "from_step": arguments.from_step, "only_step": arguments.only_step, "use_cache": not arguments.no_cache,
        "jobs": arguments.jobs, "isolate": arguments.isolate, "timeout": arguments.timeout,
        "run_timeout": arguments.run_timeout,
    }  # fmt: skip
    with workspace() as space:
        begun = jobs.start(space, job, given, texts, {k: v for k, v in asked.items() if v or k == "use_cache"})
        return followed(space, begun, arguments, _write_down)


def _require_of_version(arguments: argparse.Namespace) -> None:
    """Raises BadInput for options of a notebook's run that one of a version can't have."""
    for option, value, remedy in (
        ("-k", arguments.kernel, "A version runs in its own environment. Publish it with another kernel: publish -k."),
        ("--cwd", arguments.cwd, "A version runs in a folder of its own, with the files that were published."),
    ):
        if value:
            raise BadInput("that is for notebooks, not for versions", where=option, remedy=remedy)
    for option, path in (("-o", arguments.output), ("--report", arguments.report)):
        if path is not None and arguments.detach:
            raise BadInput("with --detach there is nothing to write yet", where=option, remedy="Leave one of them out.")
        if path is not None and not os.access(path.absolute().parent, os.W_OK):
            raise BadInput("no file can be written there", where=f"{option} {path}", remedy="Name a file in a folder.")
    if arguments.report is not None and arguments.report.is_dir():
        raise BadInput("this is a folder", where=f"--report {arguments.report}", remedy="Name a file in it.")


def _write_down(run: dict[str, Any], arguments: argparse.Namespace) -> None:
    """Put a version's executed notebook, and its report, where they are wanted."""
    from jupyter_mlops import service
    from jupyter_mlops.notebook.write import write_notebook
    from jupyter_mlops.run.report import write_report

    if not run["output"] or not (arguments.output or arguments.report):
        return
    nb, made = service.read(Path(run["output"])), Path(run["output"])
    if arguments.report:
        write_report(nb, arguments.report, made.stem, code=not arguments.no_code)
    if arguments.output:
        path = arguments.output.absolute()
        path = path / made.name if path.is_dir() else path
        write_notebook(nb, path)
        run["output"] = str(path)


def followed(
    space: Workspace, run: dict[str, Any], arguments: argparse.Namespace,
    then: Callable[[dict[str, Any], argparse.Namespace], None] = lambda run, arguments: None,
) -> int:  # fmt: skip
    """Wait for a run of a job, unless that is not wanted, do what is to be done then, and tell what came of it."""
    import json

    from jupyter_mlops.cli import runs
    from jupyter_mlops.cli.progress import progress
    from jupyter_mlops.service import jobs

    if not arguments.detach:
        with progress(quiet=arguments.json) as shown:
            run = jobs.follow(space, run["id"], shown.tell)
        then(run, arguments)
    print(json.dumps(run, ensure_ascii=False) if arguments.json else runs.one(run))
    return 0 if run["state"] in ("completed", "queued") else 1


def run_notebook(notebook: Path, arguments: argparse.Namespace) -> int:
    """Run one notebook with the options of `run`."""
    from jupyter_mlops import service
    from jupyter_mlops.cli.progress import progress
    from jupyter_mlops.run.request import RunRequest

    given, texts = parameters(arguments)
    request = RunRequest(
        notebook=notebook,
        given=given,
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
    )
    with progress(quiet=arguments.json) as shown:
        record = service.run(request, tell=shown.tell)
    if arguments.json:
        import json

        print(json.dumps(record, ensure_ascii=False))
    else:
        shown.summary(record)
    return 0 if record["state"] == "completed" else 1


def parameters(arguments: argparse.Namespace) -> tuple[dict[str, object], dict[str, str]]:
    """Values from the parameter flags: typed ones, and texts still to be read by declared type."""
    from jupyter_mlops.service import yaml_values

    given: dict[str, object] = {}
    for text in arguments.parameters_base64:
        try:
            plain = base64.b64decode(text, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            raise BadInput("not base64 of UTF-8 text", where="-b") from None
        given.update(yaml_values(plain, "-b"))
    for name in arguments.parameters_file:
        try:
            text = Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"can't be read: {getattr(error, 'strerror', None) or error}", where=f"-f {name}") from None
        given.update(yaml_values(text, f"-f {name}"))
    for text in arguments.parameters_yaml:
        given.update(yaml_values(text, "-y"))
    texts = dict(arguments.parameters)
    for name in texts:
        given.pop(name, None)
    for name, value in arguments.parameters_raw:
        texts.pop(name, None)
        given[name] = value
    return given, texts
