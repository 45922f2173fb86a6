"""The pipeline in kfp: what its compiler makes of the Python file, and the containers' commands in a shell.

Needs an environment of its own, named by MLOPS_KFP:

    python -m venv kfp && kfp/bin/pip install kfp==2.17.3
    MLOPS_KFP=kfp/bin/python pytest tests/export/engines/test_kubeflow_engine.py
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from jupyter_mlops.export.plan import ExportPlan, ExportTask
from jupyter_mlops.notebook.parameter import Parameter
from tests.export.engines.published import collected, environment, printed, published, run_all, write_export
from tests.export.plans_in_a_row import HOSTILE, hostile_plan, plan, wide_plan

KFP = os.environ.get("MLOPS_KFP", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not KFP, reason="MLOPS_KFP names no Python with kfp"),
]
LOAD = "import sys; from kfp import components; components.load_component_from_file(sys.argv[1])"
RICH = plan(
    tasks=(
        ExportTask("C", ("C",), limits={"cpu": "500m", "memory": "4Gi", "nvidia.com/gpu": "1"}, image="python:3.12"),
        ExportTask("class", ("class", "Été"), ("C",), retries=2, backoff=5.0, timeout=60.0),
    ),
    parameters=(
        Parameter("C", "float", 1, "", "1"),
        Parameter("flag", "bool", True, "", "True"),
        Parameter("image", "str", "a", "", "'a'"),
        Parameter("needed", "int", None, ""),
        Parameter("names", "list[str]", ["x"], "", "['x']"),
    ),
)


def kfp(*arguments: object) -> None:
    finished = subprocess.run([KFP, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr[-3000:]


@pytest.mark.parametrize("exported", [plan(), RICH, wide_plan(), *(p for p in map(hostile_plan, HOSTILE))])
def test_the_python_file_compiles_to_the_yaml(exported: ExportPlan, tmp_path: Path) -> None:
    folder = write_export(exported, "kubeflow", tmp_path / "export")
    package = folder / f"{exported.slug}.pipeline.yaml"
    kfp("-c", LOAD, package)
    ours = yaml.safe_load(package.read_text(encoding="utf-8"))
    package.unlink()
    kfp(folder / f"{exported.slug}.py")
    assert ours == yaml.safe_load(package.read_text(encoding="utf-8"))


def run_pipeline(document: dict[str, Any], folder: Path, **values: str) -> dict[str, int]:
    """The commands of all containers, in the graph's order, as the engine would call them. Task -> exit code."""
    defaults = document["root"]["inputDefinitions"]["parameters"]
    texts = {name: str(item.get("defaultValue", "")) for name, item in defaults.items()}
    texts |= {"run_id": "run-1", "slot": "{{$.pipeline_job_schedule_time_utc}}", **values}
    handler = document["components"]["comp-exit-handler-1"]["dag"]["tasks"]
    codes: dict[str, int] = {}
    waiting = dict(handler)
    while waiting:
        name = next(n for n, task in waiting.items() if not set(task.get("dependentTasks", ())) & set(waiting))
        task = waiting.pop(name)
        if all(codes.get(before) == 0 for before in task.get("dependentTasks", ())):
            codes[name] = run_container(document, name, texts, folder)
    codes["collect"] = run_container(document, "collect", texts, folder)
    return codes


def run_container(document: dict[str, Any], name: str, texts: dict[str, str], folder: Path) -> int:
    container = document["deploymentSpec"]["executors"][f"exec-{name}"]["container"]
    arguments = container["args"]
    for key, text in texts.items():
        arguments = [
            text if argument == f"{{{{$.inputs.parameters['{key}']}}}}" else argument for argument in arguments
        ]
    command = [argument.replace("/bundle/", f"{folder}/") for argument in container["command"]]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run([*command, *arguments], env=environment(PATH=path), check=False).returncode


def test_a_run_gives_the_values_of_run_all(tmp_path: Path) -> None:
    exported = published(tmp_path / "work", {"train": 1})
    folder = write_export(exported, "kubeflow", tmp_path / "export")
    document = yaml.safe_load((folder / "sample.pipeline.yaml").read_text(encoding="utf-8"))
    artifacts, marker = tmp_path / "artifacts", tmp_path / "marker"
    values = {"artifacts": str(artifacts), "alpha": "2.0", "text": "it's {{ $(id) }}", "marker": str(marker)}
    assert set(run_pipeline(document, folder, **values).values()) == {0}
    assert printed(artifacts) == run_all(tmp_path, alpha=2.0, text="it's {{ $(id) }}")
    assert collected(artifacts)["engine"] == "kubeflow"
    wrong = run_pipeline(document, folder, artifacts=str(tmp_path / "other"), alpha="no number")
    assert wrong["load"] == 2 and "train" not in wrong
