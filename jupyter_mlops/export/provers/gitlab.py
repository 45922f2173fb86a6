"""The pipeline of GitLab: the scripts of its job, with the variables that the file and the schedule give them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from jupyter_mlops.export.provers.process import notebook_run, run_process
from jupyter_mlops.export.provers.prover import Engine, EngineRun, ProofRequest
from jupyter_mlops.export.provers.workflow import find_shell, job_variables, script_text
from jupyter_mlops.export.step_command import encode_parameters


class GitLabProver:
    """Runs the scripts of the job that runs the version, as for a schedule, in one shell."""

    name: ClassVar[str] = "gitlab"

    def find(self, request: ProofRequest) -> Engine:
        return find_shell(request, "GitLab")

    def run(self, request: ProofRequest, engine: Engine) -> EngineRun:
        import yaml

        path = request.folder / f"{request.plan.slug}.gitlab-ci.yml"
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        [job] = [job for name, job in document.items() if name.endswith(":run")]
        common = document[job["extends"]]
        prefix = next(name for name in document["variables"] if name.endswith("_RUN")).removesuffix("_RUN")
        variables = {name: _value(value) for name, value in {**document["variables"], **common["variables"]}.items()}
        parameters = encode_parameters(request.values)
        variables |= {f"{prefix}_RUN": "yes", f"{prefix}_PARAMETERS": parameters}
        variables |= {"CI_PIPELINE_SOURCE": "schedule", "GITLAB_CI": "true", "CI_PROJECT_DIR": str(request.folder)}
        script = script_text([*common["before_script"], *job["script"]])
        call = [engine.program, "-e", "-o", "pipefail", "-c", script]
        finished = run_process(call, request.folder, job_variables(request, variables))
        return notebook_run(finished, [*request.folder.glob("results/*.ipynb")])


def _value(variable: str | Mapping[str, Any]) -> str:
    """The text of a variable; `$$` in it stands for `$`."""
    text = variable if isinstance(variable, str) else str(variable.get("value", ""))
    return text.replace("$$", "$")
