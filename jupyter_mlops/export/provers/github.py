"""The workflow of GitHub Actions: the scripts of its job, with the variables that the workflow gives them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from jupyter_mlops.export.provers.process import notebook_run, run_process
from jupyter_mlops.export.provers.prover import Engine, EngineRun, ProofRequest, text_values
from jupyter_mlops.export.provers.workflow import find_shell, job_variables, script_text

EXPRESSION = re.compile(r"\$\{\{ *(inputs|secrets|github\.event|vars)\.(\w+)[^}]*\}\}")


class GitHubProver:
    """Runs the scripts of the job `run` one after the other, as for `workflow_dispatch`. Actions are left out."""

    name: ClassVar[str] = "github"

    def find(self, request: ProofRequest) -> Engine:
        return find_shell(request, "GitHub Actions")

    def run(self, request: ProofRequest, engine: Engine) -> EngineRun:
        import yaml

        [path] = (request.folder / ".github" / "workflows").glob("*.yml")
        workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
        inputs = _inputs(workflow, request)
        temporary = request.folder.parent / "runner-temp"
        temporary.mkdir(exist_ok=True)
        runner = {"GITHUB_EVENT_NAME": "workflow_dispatch", "GITHUB_ACTIONS": "true", "RUNNER_TEMP": str(temporary)}
        for step in workflow["jobs"]["run"]["steps"]:
            if "run" not in step:
                continue
            given_variables = {**workflow.get("env", {}), **step.get("env", {})}
            variables = {name: _filled(str(text), inputs, request) for name, text in given_variables.items()}
            call = [engine.program, "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script_text([step["run"]])]
            finished = run_process(call, request.folder, job_variables(request, {**runner, **variables}))
            if finished.returncode:
                break
        return notebook_run(finished, [*request.folder.glob("results/*.ipynb")])


def _inputs(workflow: Mapping[Any, Any], request: ProofRequest) -> dict[str, str]:
    """The inputs of the form: its defaults, and the values of the request."""
    trigger = workflow.get("on", workflow.get(True, {}))  # YAML 1.1 reads the key as a truth value
    declared = (trigger.get("workflow_dispatch") or {}).get("inputs", {})
    inputs = {name: _text(facts.get("default", "")) for name, facts in declared.items()}
    return {**inputs, **{name: text for name, text in text_values(request).items() if name in inputs}}


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _filled(text: str, inputs: Mapping[str, str], request: ProofRequest) -> str:
    """A variable's text with the expressions of the workflow evaluated."""

    def value(match: re.Match[str]) -> str:
        if match[1] == "inputs":
            return inputs.get(match[2], "")
        return request.environment.get(match[2], "") if match[1] == "secrets" else ""

    return EXPRESSION.sub(value, text)
