"""One notebook executed by a whole process: `jupyter execute` or `jupyter mlops run`, as a person starts them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jupyter_mlops import service
from jupyter_mlops.config import RunConfig
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.execution.request import RunRequest

HASH_SEED = "0"  # the one that pipelines run with
RUN_ALL = (sys.executable, "-c", "from nbclient.cli import main; main()", "--kernel_name=python3")  # jupyter execute
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
PIPELINE = (sys.executable, "-m", "jupyter_mlops.cli", "run", "--json", "--kernel", "python3")
ALONE = ("-j", "1", "--no-cache")


@dataclass(frozen=True)
class Executed:
    """What a process left.

    :param nb: the executed notebook, None if there is none.
    :param record: the JSON object that `jupyter mlops run` prints; {} for Run All.
    :param problem: why there is no complete result; "" if there is.
    """

    seconds: float
    nb: dict[str, Any] | None = None
    record: dict[str, Any] = field(default_factory=dict)
    problem: str = ""


def run_all(notebook: Path, output: Path, limit: float) -> Executed:
    """`jupyter execute` on a notebook, in its folder."""
    began = datetime.now(UTC)
    code, _, errors, seconds = _process([*RUN_ALL, f"--output={output}", str(notebook)], notebook.parent, {}, limit)
    nb = _read(output)
    if code or nb is None:
        return Executed(seconds, nb, problem=_ending(code, errors, limit))
    span = {"start_time": began.isoformat(), "end_time": datetime.now(UTC).isoformat()}
    nb["metadata"]["papermill"] = span  # as a pipeline's record says it: numbers in it are times of day
    return Executed(seconds, nb)


def pipeline(notebook: Path, output: Path, home: Path, limit: float, alone: bool) -> Executed:
    """`jupyter mlops run` on a notebook, in its folder.

    :param alone: in one kernel, and without the cache.
    """
    command = [*PIPELINE, *(ALONE if alone else ()), "-o", str(output), str(notebook)]
    code, told, errors, seconds = _process(command, notebook.parent, {"JUPYTER_MLOPS_HOME": str(home)}, limit)
    record = _object(told)
    problem = _problem(record) or _ending(code, errors, limit) if code != 0 else ""
    return Executed(seconds, _read(output), record, problem)


def pipeline_by_worker(notebook: Path, output: Path, home: Path, limit: float, alone: bool) -> Executed:
    """The same, handed by this process to the worker of that home: nothing has to start."""
    jobs = 1 if alone else 0
    request = RunRequest(
        notebook, output=output, kernel="python3", jobs=jobs, use_cache=not alone, run_timeout=limit
    )  # fmt: skip
    began = time.monotonic()
    try:
        record = service.run(request, RunConfig(home=str(home)))
    except MlopsError as error:
        return Executed(time.monotonic() - began, problem=" ".join(str(error).split()))
    problem = "" if record["state"] == "completed" else _problem(record) or str(record["state"])
    return Executed(time.monotonic() - began, _read(output), record, problem)


def _process(
    command: list[str], folder: Path, variables: dict[str, str], limit: float
) -> tuple[int | None, str, str, float]:
    """Exit code (None: stopped at the limit), both streams, and wall time."""
    env = {**os.environ, "PYTHONHASHSEED": HASH_SEED, **variables}
    began = time.monotonic()
    with subprocess.Popen(
        command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, errors="replace", start_new_session=True,
    ) as process:  # fmt: skip
        try:
            told, errors = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.communicate(timeout=20)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            return None, "", "", time.monotonic() - began
    return process.returncode, told, errors, time.monotonic() - began


def _problem(record: dict[str, Any]) -> str:
    error = record.get("error")
    return f"step {error.get('step')}: {error.get('ename')}: {error.get('evalue')}" if error else ""


def _ending(code: int | None, errors: str, limit: float) -> str:
    """Why a process ended without a complete result."""
    if code is None:
        return f"took over {limit:.0f} s"
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return _last_line(errors)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in COLOUR.sub("", text).splitlines() if line.strip()]
    return lines[-1][:300] if lines else "no word of a reason"


def _read(path: Path) -> dict[str, Any] | None:
    return _object(path.read_text(encoding="utf-8")) if path.exists() else None


def _object(text: str) -> dict[str, Any]:
    try:
        value: dict[str, Any] = json.loads(text)
    except ValueError:
        return {}
    return value
