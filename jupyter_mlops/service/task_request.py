"""The request to one process of a run on another engine, from options and environment variables."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import InvalidInputError

TIME = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class TaskRequest:
    """One process of a run on another engine.

    :param bundle: the zip of the version.
    :param steps: the steps to execute; none: collect the results of all steps.
    :param artifacts: folder or fsspec URL that all processes of the run share.
    :param run_id: the run's name in the engine.
    :param parameters: values that differ from the defaults; `{{ scheduled_time }}` in them is filled in.
    :param texts: values as written on a command line, read by declared type.
    :param attempt: number of the attempt, from 1.
    :param scheduled_time: ISO 8601 time of the slot, "" for a run outside of any schedule.
    :param engine: its name; `engine_url`: its page of the run.
    :param from_step: this step and all after it are executed, whatever is cached.
    :param cell_timeout: seconds that a cell may take.
    :param longest_wait: seconds that a step waits for those above it before it acts; None: as exported files do.
    :param block: position of the only block to execute, for a main line elsewhere, which has put the results of all
        blocks above it into the artifacts; None: all blocks of the steps. `part_of`: the name of that run.
    :param has_templates: whether templates in parameter values are filled in.
    """

    bundle: Path
    steps: tuple[str, ...]
    artifacts: str
    run_id: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    attempt: int = 1
    scheduled_time: str = ""
    engine: str = ""
    engine_url: str = ""
    use_cache: bool = True
    from_step: str = ""
    cell_timeout: float | None = None
    longest_wait: float | None = None
    has_templates: bool = True
    block: int | None = None
    part_of: str = ""


def environment_request(
    bundle: Path, steps: Sequence[str], options: Mapping[str, object], environ: Mapping[str, str] = os.environ
) -> TaskRequest:
    """The request from environment variables and options; options override variables.

    :param options: fields of TaskRequest that were given as options.
    :raises InvalidInputError: a variable is missing or can't be read.
    """
    from jupyter_mlops.export import step_command as contract

    texts = {
        "artifacts": environ.get(contract.ARTIFACTS, ""), "run_id": environ.get(contract.RUN_ID, ""),
        "scheduled_time": environ.get(contract.SCHEDULED_TIME, ""), "engine": environ.get(contract.ENGINE, ""),
        "engine_url": environ.get(contract.ENGINE_URL, ""),
    }  # fmt: skip
    values: dict[str, Any] = {
        **texts,
        "parameters": contract.decode_parameters(environ.get(contract.PARAMETERS, "")),
        "attempt": contract.attempt_number(environ.get(contract.ATTEMPT, "")),
        **options,
    }
    for name, option, variable in (
        ("artifacts", "--artifacts", contract.ARTIFACTS), ("run_id", "--run-id", contract.RUN_ID)
    ):  # fmt: skip
        if not values[name]:
            raise InvalidInputError(f"{option} is missing", where=option, remedy=f"Or set {variable}.")
    if values["scheduled_time"] and not TIME.match(values["scheduled_time"]):
        raise InvalidInputError(
            f"{values['scheduled_time']!r} is not an ISO 8601 time", where=contract.SCHEDULED_TIME,
            remedy="Example: 2026-01-31T06:00:00+00:00",
        )  # fmt: skip
    return TaskRequest(bundle, tuple(steps), **values)
