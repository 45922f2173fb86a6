"""The compiled pipeline of Kubeflow: the commands of its containers in a shell, in the order of its graph.

kfp's local runner executes components in Python without containers, and container components in Docker alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from jupyter_mlops.export.provers.process import notebook_run, run_process
from jupyter_mlops.export.provers.prover import Engine, EngineRun, ProofRequest, cannot, text_values

SHELL = "/bin/sh"
RUN_ID = "run-1"


class KubeflowProver:
    """Runs the containers' commands of the compiled pipeline, each when those before it have succeeded."""

    name: ClassVar[str] = "kubeflow"

    def find(self, request: ProofRequest) -> Engine:
        if request.engine or not Path(SHELL).exists():
            cannot(self.name, f"only the containers' commands are run, by {SHELL}", "Leave out --engine.")
        return Engine(SHELL, "the commands of the pipeline's containers, without containers", "POSIX")

    def run(self, request: ProofRequest, engine: Engine) -> EngineRun:
        import yaml

        path = request.folder / f"{request.plan.slug}.pipeline.yaml"
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        defaults = document["root"]["inputDefinitions"]["parameters"]
        texts = {name: str(item.get("defaultValue", "")) for name, item in defaults.items()}
        texts |= {"run_id": RUN_ID, "slot": "{{$.pipeline_job_schedule_time_utc}}"}
        texts |= {"artifacts": str(request.folder / "artifacts"), **text_values(request)}
        waiting = dict(document["components"]["comp-exit-handler-1"]["dag"]["tasks"])
        succeeded: set[str] = set()
        while waiting:
            name = next(n for n, task in waiting.items() if not set(task.get("dependentTasks", ())) & set(waiting))
            if set(waiting.pop(name).get("dependentTasks", ())) <= succeeded:
                finished = run_process(_command(document, name, texts, request), request.folder, request.environment)
                succeeded |= {name} if finished.returncode == 0 else set()
        finished = run_process(_command(document, "collect", texts, request), request.folder, request.environment)
        return notebook_run(finished, [*request.folder.glob(f"artifacts/runs/*/{request.plan.notebook}")])


def _command(document: Mapping[str, Any], name: str, texts: Mapping[str, str], request: ProofRequest) -> list[str]:
    """The command of a container, with its parameters filled in."""
    container = document["deploymentSpec"]["executors"][f"exec-{name}"]["container"]
    places = {f"{{{{$.inputs.parameters['{key}']}}}}": text for key, text in texts.items()}
    arguments = [places.get(argument, argument) for argument in container["args"]]
    return [word.replace("/bundle/", f"{request.folder}/") for word in container["command"]] + arguments
