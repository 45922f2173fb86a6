"""What is exported: a version as tasks, parameters and schedules, in the terms that all engines share. Pure data."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export.identifiers import unique_identifiers
from jupyter_mlops.notebook.parameter import Parameter
from jupyter_mlops.states import MissedPolicy, OverlapPolicy


@dataclass(frozen=True)
class ExportTask:
    """One process on the engine: a step, or several that must share a kernel.

    :param name: unique in the plan; the step's name where there is one step.
    :param steps: the steps it runs, in notebook order.
    :param after: names of the tasks that must have succeeded before it starts, without those that follow from others.
    :param variables: task in `after` -> names that travel from it, for labels and comments.
    :param retries: how often a failed attempt is repeated; `backoff`: seconds before the first repetition, twice as
        long before each later one; `timeout`: seconds an attempt may take.
    :param limits: resources, as in `limit:` tags: `cpu`, `memory`, `nvidia.com/gpu`.
    :param secrets: names of environment variables.
    :param gate: whether nothing later may run unless it succeeds.
    :param acts: why it may act on the outside world ("writes model.pkl"), "" if nothing shows that it does.
    """

    name: str
    steps: tuple[str, ...]
    after: tuple[str, ...] = ()
    variables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    retries: int = 0
    backoff: float = 1.0
    timeout: float | None = None
    limits: Mapping[str, str] = field(default_factory=dict)
    image: str = ""
    secrets: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    gate: bool = False
    acts: str = ""

    @property
    def title(self) -> str:
        """The steps, for people."""
        return ", ".join(self.steps)


@dataclass(frozen=True)
class ExportSchedule:
    """A schedule of the job.

    :param cron: five fields; `zone`: IANA time zone.
    :param missed: what happens to slots that passed while nothing could run: only the `latest` runs, `all` run, or
        all are `skip`ped.
    :param overlap: what happens to a slot whose predecessor still runs: it waits in a `queue`, is `skip`ped, runs
        beside it (`allow`), or `replace`s it.
    :param parameters: values that differ from the defaults; texts may hold `{{ scheduled_time }}`, which
        `jupyter mlops step` fills in.
    """

    cron: str
    zone: str = "UTC"
    missed: MissedPolicy = "latest"
    overlap: OverlapPolicy = "queue"
    parameters: Mapping[str, object] = field(default_factory=dict)
    paused: bool = False


@dataclass(frozen=True)
class ExportPlan:
    """A version to export.

    :param job: its name; `version`: its number; `digest`: of its manifest; `created`: UTC, ISO 8601.
    :param notebook: file name; `source`: its JSON text.
    :param tasks: in notebook order, which is a topological order.
    :param retries: how often a failed run is repeated as a whole; `backoff`: seconds before the first time.
    :param concurrency: runs of the job at once.
    :param python: version of the kernel's interpreter; `packages`: name -> pinned version or address.
    :param lock: file name of the environment's lock in the bundle, "" if the version has none.
    :param files: paths of the files that belong to the version, relative to the notebook.
    :param bundle: the bytes of the version as one zip, from which `jupyter mlops step` runs.
    :param prefix: the folder below which cron and systemd find a folder of the job.
    """

    job: str
    version: int
    digest: str
    notebook: str
    source: str
    tasks: tuple[ExportTask, ...]
    parameters: tuple[Parameter, ...] = ()
    schedules: tuple[ExportSchedule, ...] = ()
    author: str = ""
    message: str = ""
    created: str = ""
    kernel: str = "python3"
    python: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)
    lock: str = ""
    files: tuple[str, ...] = ()
    retries: int = 0
    backoff: float = 30.0
    cell_timeout: float | None = None
    run_timeout: float | None = None
    concurrency: int = 1
    notify: tuple[str, ...] = ()
    bundle: bytes = b""
    prefix: str = "/opt"

    @property
    def label(self) -> str:
        """Job and version, for people: `churn v3`."""
        return f"{self.job} v{self.version}"

    def header(self, target: str) -> str:
        """What every file says on top, as lines without a comment sign."""
        return (
            f"{self.label}, from {self.notebook}\n"
            f"Version digest: {self.digest}\n"
            f"Written by jupyter_mlops. To change it, change the notebook, publish it and export it again:\n"
            f"  jupyter mlops export {shlex.quote(self.job)} --to {target} -o DIR"
        )

    @cached_property
    def slug(self) -> str:
        """The job's name in lowercase ASCII letters, digits and hyphens: valid in file names, DNS and YAML."""
        return unique_identifiers([self.job], "dns")[self.job]

    @property
    def folder(self) -> str:
        """The folder of the job on a machine that runs it by cron or systemd."""
        return f"{self.prefix}/{self.slug}"

    @property
    def bundle_file(self) -> str:
        """File name of the bundle."""
        return f"{self.slug}-v{self.version}.zip"

    @cached_property
    def secrets(self) -> tuple[str, ...]:
        """Names of all secrets, in order of first use."""
        return tuple(dict.fromkeys(name for task in self.tasks for name in task.secrets))

    @cached_property
    def waits(self) -> Mapping[str, tuple[str, ...]]:
        """Task -> the tasks that wait for it."""
        return {t.name: tuple(other.name for other in self.tasks if t.name in other.after) for t in self.tasks}

    def task(self, name: str) -> ExportTask:
        """The task of that name. Raises InvalidInputError."""
        for task in self.tasks:
            if task.name == name:
                return task
        raise InvalidInputError(f"the plan has no task {name!r}")
