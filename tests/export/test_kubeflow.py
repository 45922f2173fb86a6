"""The pipeline in Python and compiled. kfp itself compares the two in engines/test_kubeflow_engine.py."""

from __future__ import annotations

import ast
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export.plan import ExportPlan, ExportSchedule, ExportTask
from jupyter_mlops.export.targets.kubeflow import SCRIPT, KubeflowExporter
from jupyter_mlops.notebook.parameter import Parameter
from tests.export.plans_in_a_row import HOSTILE, hostile_plan, plan, wide_plan


def compiled(exported: ExportPlan) -> dict[str, Any]:
    text = KubeflowExporter().files(exported)[f"{exported.slug}.pipeline.yaml"]
    assert isinstance(text, str)
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def source(exported: ExportPlan) -> str:
    text = KubeflowExporter().files(exported)[f"{exported.slug}.py"]
    assert isinstance(text, str)
    return text


def test_steps_then_a_verification_and_a_collection_in_any_case() -> None:
    document = compiled(plan())
    tasks = document["components"]["comp-exit-handler-1"]["dag"]["tasks"]
    assert {name: task.get("dependentTasks") for name, task in tasks.items()} == {
        "load": None, "train": ["load"], "report": ["train"], "verify": ["load", "report", "train"],
    }  # fmt: skip
    collect = document["root"]["dag"]["tasks"]["collect"]
    assert collect["triggerPolicy"] == {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}


def test_inputs_have_types_that_kubeflow_knows() -> None:
    parameters = (
        Parameter("alpha", "float", 1, "", "1"),
        Parameter("flag", "bool", True, "", "True"),
        Parameter("lines", "str", "a\nb", "", "'a\\nb'"),
        Parameter("names", "list[str]", ["x"], "", "['x']"),
        Parameter("needed", "int", None, ""),
    )
    inputs = compiled(plan(parameters=parameters))["root"]["inputDefinitions"]["parameters"]
    assert {name: (item["parameterType"], item.get("defaultValue")) for name, item in inputs.items()} == {
        "artifacts": ("STRING", None), "alpha": ("NUMBER_DOUBLE", 1.0), "flag": ("BOOLEAN", True),
        "lines": ("STRING", ""), "names": ("STRING", ""), "needed": ("NUMBER_INTEGER", None),
    }  # fmt: skip


@pytest.mark.parametrize(("code", "expected"), [(0, 1), (1, 3), (2, 1)])
def test_wrong_input_is_not_repeated(code: int, expected: int, tmp_path: Path) -> None:
    stub = tmp_path / "jupyter"
    stub.write_text(f'#!/bin/sh\necho "$JUPYTER_MLOPS_ATTEMPT $*" >> {tmp_path}/calls\nexit {code}\n')
    stub.chmod(0o755)
    arguments = ["/artifacts", "run", "{{$.slot}}", "2", "0", "0", "2", "a", "it's", "b", "", "load"]
    finished = subprocess.run(
        ["/bin/sh", "-c", SCRIPT, "sh", *arguments], env={"PATH": f"{tmp_path}:{os.environ['PATH']}"}, check=False
    )
    assert finished.returncode == code
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls == [f"{n} mlops step BUNDLE load -p a it's" for n in range(1, expected + 1)]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_code(text: str) -> None:
    hostile, harmless = (ast.parse(source(hostile_plan(t))) for t in (text, "plain"))
    assert [type(node) for node in hostile.body] == [type(node) for node in harmless.body]
    container = compiled(hostile_plan(text))["deploymentSpec"]["executors"]
    assert [item["container"]["args"][-2:] for item in container.values()].count([text, f"{text}2"]) == 1


def test_placeholders_in_names_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="placeholder"):
        compiled(plan(tasks=(ExportTask("{{$.x}}", ("{{$.x}}",)),)))


def test_forty_steps_and_the_same_bytes() -> None:
    assert len(compiled(wide_plan())["components"]) == 40 + 3
    assert KubeflowExporter().files(wide_plan()) == KubeflowExporter().files(wide_plan())


def test_omissions_stand_in_the_file() -> None:
    task = ExportTask("a", ("a",), limits={"disk": "1Gi"}, secrets=("TOKEN",), labels={"a": "b"})
    exported = plan(tasks=(task,), schedules=(ExportSchedule("0 6 * * *"),), run_timeout=60.0)
    assert len(KubeflowExporter().omissions(exported)) == 5
    for sentence in KubeflowExporter().omissions(exported):
        assert f"# - {sentence}\n" in source(exported)
