"""What a prover is, and which there are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, NoReturn, Protocol

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export.plan import ExportPlan

PROVERS = {
    "script": "jupyter_mlops.export.provers.script:ScriptProver",
    "dvc": "jupyter_mlops.export.provers.dvc:DvcProver",
    "cron": "jupyter_mlops.export.provers.cron:CronProver",
    "systemd": "jupyter_mlops.export.provers.systemd:SystemdProver",
    "airflow": "jupyter_mlops.export.provers.airflow:AirflowProver",
    "slurm": "jupyter_mlops.export.provers.slurm:SlurmProver",
    "kubeflow": "jupyter_mlops.export.provers.kubeflow:KubeflowProver",
    "docker": "jupyter_mlops.export.provers.docker:DockerProver",
    "github": "jupyter_mlops.export.provers.github:GitHubProver",
    "gitlab": "jupyter_mlops.export.provers.gitlab:GitLabProver",
}
NOT_LOCAL = {  # target -> why `--prove` can't run it
    "kubernetes": "its files need a cluster",
    "argo": "its files need a cluster with Argo Workflows",
    "terraform": "its module creates resources of a cloud",
}


@dataclass(frozen=True)
class ProofRequest:
    """An export that is to be run.

    :param folder: holds the files of the export, and may be written to.
    :param environment: variables of this process, with this installation first on PATH.
    :param engine: path of the engine's program, if one was named, "" to look for it.
    :param values: of parameters, for a run with others than the defaults. They travel as the engine's own do.
    """

    plan: ExportPlan
    folder: Path
    environment: Mapping[str, str]
    engine: str = ""
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Engine:
    """An engine on this machine."""

    program: str
    name: str
    version: str


@dataclass(frozen=True)
class EngineRun:
    """What a run on an engine left.

    :param outputs: the outputs of each code cell that ran, by its position among the code cells, from 0.
    :param text_only: whether the engine shows what cells print and no other form of their outputs.
    :param states: step -> state, as far as the executed notebook has them.
    :param problem: why there is no complete result, "" if there is.
    """

    outputs: Mapping[int, list[dict[str, Any]]]
    text_only: bool = False
    problem: str = ""
    states: Mapping[str, str] = field(default_factory=dict)


class Prover(Protocol):
    """Runs an export on its engine. The steps are those of the version: nothing replaces them."""

    name: ClassVar[str]

    def find(self, request: ProofRequest) -> Engine:
        """The engine on this machine. Raises InvalidInputError, which says what to install."""

    def run(self, request: ProofRequest, engine: Engine) -> EngineRun:
        """Run the export once, with the values of the request."""


def text_values(request: ProofRequest) -> dict[str, str]:
    """The values as a person types them: texts as they are, and others as JSON."""
    return {k: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for k, v in request.values.items()}


def prover(target: str) -> Prover:
    """The prover of a target. Raises InvalidInputError if its export can't be run on one machine."""
    if target not in PROVERS:
        cannot(target, NOT_LOCAL.get(target, "there is no prover for it"))
    module, _, attribute = PROVERS[target].partition(":")
    chosen: Prover = getattr(import_module(module), attribute)()
    return chosen


def cannot(target: str, reason: str, remedy: str = "") -> NoReturn:
    """Raise InvalidInputError: the export can't be proved here."""
    raise InvalidInputError(f"can't be proved on this machine: {reason}", where=target, remedy=remedy)
