"""DVC: a pipeline with a stage for each task, and the parameters in a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export import quoting
from jupyter_mlops.export.identifiers import unique_identifiers
from jupyter_mlops.export.plan import ExportPlan, ExportTask
from jupyter_mlops.export.requirements import require_secret_names

PARAMETERS = "params.yaml"
RUNNER = "run-step.sh"
WHOLE_FILE = [{PARAMETERS: None}]  # a parameter's name could be a path to DVC
COLLECT = "collect"
MARKERS = "markers"


class DvcExporter:
    """Writes `dvc.yaml`, `params.yaml`, the script that the stages call, and the bundle.

    A stage depends on the bundle, the parameters and the markers of the stages before; its marker is its only output
    and is not in DVC's cache, as the results are in the folder `artifacts`. `dvc repro` runs what changed. The last
    stage collects the results.

    Proved: a real DVC reproduces the pipeline, and `dvc status` is clean afterwards
    (tests/export/engines/test_dvc_engine.py).
    """

    name: ClassVar[str] = "dvc"
    label: ClassVar[str] = "DVC"
    summary: ClassVar[str] = "dvc.yaml with a stage for each step, params.yaml, and the bundle"
    needs_bundle: ClassVar[bool] = True

    def files(self, plan: ExportPlan) -> Mapping[str, str | bytes]:
        """All files. Raises InvalidInputError if a default can't be a value of `params.yaml`."""
        require_secret_names(plan, "A shell")
        header = quoting.comment(plan.header("dvc"))
        return {
            "dvc.yaml": _pipeline(plan, header, self.omissions(plan)),
            PARAMETERS: _parameters(plan, header),
            RUNNER: _runner(plan, header),
            ".gitignore": f"{header}\n/artifacts/\n/{MARKERS}/\n",
        }

    def omissions(self, plan: ExportPlan) -> tuple[str, ...]:
        sentences = [
            "DVC runs one stage after the other.",
            f"DVC collects nothing after a step that failed: call `sh {RUNNER} {COLLECT} 0 0 0 --collect`.",
        ]
        if plan.schedules:
            sentences.append("DVC has no schedules: let cron or CI call `dvc repro`.")
        if plan.retries:
            sentences.append("A failed run is not repeated as a whole: call `dvc repro` again.")
        if any(task.limits for task in plan.tasks):
            sentences.append("Limits of CPU, memory and GPUs are not reserved.")
        if any(task.image for task in plan.tasks):
            sentences.append("The steps share the environment in which `dvc` is called, so their images are not used.")
        if plan.run_timeout or plan.cell_timeout:
            sentences.append("Only the time limits of steps hold, not those of cells and of the whole run.")
        if plan.notify:
            sentences.append("There are no notifications.")
        return tuple(sentences)


def _stages(plan: ExportPlan) -> dict[str, str]:
    """Task -> its stage."""
    stages = unique_identifiers([task.name for task in plan.tasks], "word")
    return {task: f"step_{stage}" if stage == COLLECT else stage for task, stage in stages.items()}


def _pipeline(plan: ExportPlan, header: str, omissions: tuple[str, ...]) -> str:
    stages = _stages(plan)
    notes = [
        "",
        "Once:             git init && dvc init",
        "Run it:           dvc repro",
        "Another value:    edit params.yaml, and run it again",
    ]
    if plan.secrets:
        notes += [f"Secrets, from the environment: {', '.join(plan.secrets)}"]
    notes += ["", "What DVC can't do:", *(f"- {sentence}" for sentence in omissions)]
    text = header + "\n" + quoting.comment("\n".join(notes)) + "\n\nstages:\n"
    blocks = []
    for task in plan.tasks:
        title = quoting.comment(task.title + (f" ({task.acts})" if task.acts else ""))
        block = quoting.yaml({stages[task.name]: _stage(plan, task, stages)}, indent=2)
        blocks.append(f"  {title}\n{block}")
    collect: dict[str, Any] = {
        "cmd": f"sh {RUNNER} {COLLECT} 0 0 0 --collect",
        "deps": [plan.bundle_file, *(_marker(stages[task.name]) for task in plan.tasks)],
        "params": WHOLE_FILE,
        "outs": [{_marker(COLLECT): {"cache": False}}],
    }
    title = "  # Verifies the results, and writes the executed notebook to artifacts/runs.\n"
    blocks.append(title + quoting.yaml({COLLECT: collect}, indent=2))
    return text + "\n".join(blocks)


def _marker(stage: str) -> str:
    return f"{MARKERS}/{stage}"


def _stage(plan: ExportPlan, task: ExportTask, stages: Mapping[str, str]) -> dict[str, Any]:
    retries, pause = task.retries, max(1, round(task.backoff)) if task.retries else 0
    timeout = max(1, round(task.timeout)) if task.timeout else 0
    steps = " ".join(_word(step) for step in task.steps)
    stage: dict[str, Any] = {
        "cmd": f"sh {RUNNER} {stages[task.name]} {retries} {pause} {timeout} {steps}",
        "deps": [plan.bundle_file, *(_marker(stages[other]) for other in task.after)],
        "params": WHOLE_FILE,
        "outs": [{_marker(stages[task.name]): {"cache": False}}],
    }
    return stage


def _word(text: str) -> str:
    """A word of a shell in which DVC sees no template."""
    if "\n" in text or "\r" in text:
        raise InvalidInputError("a step's name has a line break", where=repr(text))
    return quoting.shell(text).replace("${", "$''{")


def _parameters(plan: ExportPlan, header: str) -> str:
    note = "\n#\n# Parameters that differ from the notebook's defaults. The defaults:"
    lines = [f"{p.name}: {p.source or repr(p.default)}" + (f"  # {p.help}" if p.help else "") for p in plan.parameters]
    text = quoting.comment("\n".join(f"  {line}" for line in lines)) if lines else "#   (there are no parameters)"
    return f"{header}{note}\n{text}\n\nparameters: {{}}\n"


def _runner(plan: ExportPlan, header: str) -> str:
    return f"""#!/bin/sh
{header}
#
# What the stages of dvc.yaml call: STAGE RETRIES PAUSE TIMEOUT STEP...

set -eu

stage=$1 retries=$2 pause=$3 timeout=$4
shift 4

# Runs of the same version with the same parameters have the same name, and share results.
JUPYTER_MLOPS_PARAMETERS=$(python3 -c '
import base64, json, yaml
values = yaml.safe_load(open("{PARAMETERS}", encoding="utf-8"))["parameters"] or {{}}
text = json.dumps(values, default=str, sort_keys=True)
print(base64.b64encode(text.encode()).decode())
')
JUPYTER_MLOPS_RUN_ID={plan.slug}-v{plan.version}-$(printf '%s' "$JUPYTER_MLOPS_PARAMETERS" | sha256sum | cut -c1-12)
JUPYTER_MLOPS_ARTIFACTS=${{JUPYTER_MLOPS_ARTIFACTS:-artifacts}}
JUPYTER_MLOPS_ENGINE=dvc
export JUPYTER_MLOPS_PARAMETERS JUPYTER_MLOPS_RUN_ID JUPYTER_MLOPS_ARTIFACTS JUPYTER_MLOPS_ENGINE

mkdir -p {MARKERS}
if [ "$timeout" -gt 0 ]; then set -- timeout --kill-after=30 "$timeout" jupyter mlops step {plan.bundle_file} "$@"
else set -- jupyter mlops step {plan.bundle_file} "$@"; fi

attempt=1
while :; do
  export JUPYTER_MLOPS_ATTEMPT=$attempt
  code=0
  "$@" || code=$?
  # 2 means that the input is wrong: another attempt can't succeed.
  if [ "$code" -eq 0 ] || [ "$code" -eq 2 ] || [ "$attempt" -gt "$retries" ]; then break; fi
  echo "Attempt $attempt ended with exit code $code; the next one begins in $pause s." >&2
  sleep "$pause"
  attempt=$((attempt + 1))
  pause=$((pause * 2))
done
if [ "$code" -eq 0 ]; then printf '%s %s\\n' "$stage" "$JUPYTER_MLOPS_RUN_ID" > {MARKERS}/"$stage"; fi
exit "$code"
"""
