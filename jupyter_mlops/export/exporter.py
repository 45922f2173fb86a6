"""What an exporter is, and which there are."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import ClassVar, Protocol

from jupyter_mlops.errors import InvalidInputError, NotFoundError
from jupyter_mlops.export.plan import ExportPlan

GROUP = "jupyter_mlops.exporters"
BUILT_IN = {
    name: f"jupyter_mlops.export.targets.{module}:{attribute}"
    for name, module, attribute in (
        ("airflow", "airflow", "AirflowExporter"),
        ("kubernetes", "kubernetes", "KubernetesExporter"),
        ("argo", "argo", "ArgoExporter"),
        ("kubeflow", "kubeflow", "KubeflowExporter"),
        ("github", "github", "GitHubExporter"),
        ("gitlab", "gitlab", "GitLabExporter"),
        ("docker", "docker", "DockerExporter"),
        ("slurm", "slurm", "SlurmExporter"),
        ("systemd", "systemd", "SystemdExporter"),
        ("cron", "cron", "CronExporter"),
        ("terraform", "terraform", "TerraformExporter"),
        ("dvc", "dvc", "DvcExporter"),
        ("script", "script", "ScriptExporter"),
    )
}


class Exporter(Protocol):
    """Writes a version for one engine.

    An exporter is pure: it reads nothing but the plan, and the same plan gives the same bytes. What the engine can't
    do is never dropped in silence: `omissions` names it, and the same sentences stand as comments in the files.
    """

    name: ClassVar[str]
    """The target, as in `--to NAME`."""
    label: ClassVar[str]
    """The engine, for people: `Apache Airflow`."""
    summary: ClassVar[str]
    """What is written, as a phrase: `a DAG file with a task for each step, and the bundle`. May be missing."""
    needs_bundle: ClassVar[bool]
    """Whether the version's bundle is written beside the files."""

    def files(self, plan: ExportPlan) -> Mapping[str, str | bytes]:
        """Relative path, with slashes -> content. A text ends with a newline. Does not include the bundle.

        :raises InvalidInputError: the engine can't run this plan at all; the message says why.
        """

    def omissions(self, plan: ExportPlan) -> tuple[str, ...]:
        """What of this plan the engine can't do, one sentence each."""


def exporter_names() -> list[str]:
    """The targets, built-in ones first."""
    return [*BUILT_IN, *sorted(point.name for point in _registered() if point.name not in BUILT_IN)]


def exporter(name: str) -> Exporter:
    """The exporter of a target. Raises NotFoundError for an unknown one, InvalidInputError if it can't be loaded."""
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        built_in: Exporter = getattr(import_module(module), attribute)()
        return built_in
    for point in _registered():
        if point.name == name:
            try:
                registered: Exporter = point.load()()
            except Exception as error:  # the package of someone else
                raise InvalidInputError(
                    f"the exporter {name!r} can't be loaded: {type(error).__name__}: {error}", where=point.value
                ) from error
            return registered
    names = exporter_names()
    nearest = difflib.get_close_matches(name, names, 1)
    hint = f"Did you mean {nearest[0]!r}? " if nearest else ""
    raise NotFoundError(
        f"there is no export target {name!r}", field="target", remedy=f"{hint}Targets: {', '.join(names)}."
    )


def _registered() -> list[EntryPoint]:
    return list(entry_points(group=GROUP))
