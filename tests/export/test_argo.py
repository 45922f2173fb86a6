"""A WorkflowTemplate and its CronWorkflows: their graph, their scripts, and that no text becomes a template."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export.plan import ExportPlan, ExportSchedule, ExportTask
from jupyter_mlops.export.step_command import decode_parameters
from jupyter_mlops.export.targets.argo import ArgoExporter, script
from jupyter_mlops.notebook.parameter import Parameter
from tests.export.plans_in_a_row import HOSTILE, hostile_plan, plan, wide_plan

VARIABLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


def objects(exported: ExportPlan) -> list[dict[str, Any]]:
    text = ArgoExporter().files(exported)[f"{exported.slug}.yaml"]
    assert isinstance(text, str)
    return list(yaml.safe_load_all(text))


def of_kind(exported: ExportPlan, kind: str) -> list[dict[str, Any]]:
    return [document for document in objects(exported) if document["kind"] == kind]


def spec(exported: ExportPlan) -> dict[str, Any]:
    (template,) = of_kind(exported, "WorkflowTemplate")
    found: dict[str, Any] = template["spec"]
    return found


def step(exported: ExportPlan, number: int) -> dict[str, Any]:
    found: dict[str, Any] = spec(exported)["templates"][number + 1]
    return found


def test_the_graph() -> None:
    pipeline = spec(plan())["templates"][0]
    tasks = pipeline["dag"]["tasks"]
    assert [task["name"] for task in tasks] == ["load", "train", "report", "collect"]
    assert [task.get("depends") for task in tasks[:3]] == [None, "load.Succeeded", "train.Succeeded"]
    assert "(load.Succeeded || load.Failed || " in tasks[3]["depends"]
    assert tasks[3]["depends"].count("&&") == 2
    assert pipeline["dag"]["failFast"] is False


def test_attempts() -> None:
    train = step(plan(), 1)
    assert train["activeDeadlineSeconds"] == "300"
    assert train["retryStrategy"]["limit"] == "2"
    assert train["retryStrategy"]["backoff"] == {"duration": "10s", "factor": "2", "cap": "1h"}
    assert train["retryStrategy"]["expression"] == "asInt(lastRetry.exitCode) != 2"
    assert {"name": "RETRIES", "value": "{{retries}}"} in train["container"]["env"]
    assert step(plan(), 3)["retryStrategy"]["limit"] == "0"


def test_schedules() -> None:
    schedules = (
        ExportSchedule("0 6 * * 7", "Europe/Paris", parameters={"alpha": 0.7}, paused=True),
        ExportSchedule("0 7 * * *", missed="skip", overlap="replace"),
        ExportSchedule("0 8 * * *", overlap="skip"),
    )
    first, second, third = (document["spec"] for document in of_kind(plan(schedules=schedules), "CronWorkflow"))
    assert (first["schedules"], first["timezone"], first["suspend"]) == (["0 6 * * 0"], "Europe/Paris", True)
    assert [s["concurrencyPolicy"] for s in (first, second, third)] == ["Allow", "Replace", "Forbid"]
    assert (first["startingDeadlineSeconds"], second["startingDeadlineSeconds"]) == (604800, 60)
    arguments = {p["name"]: p["value"] for p in first["workflowSpec"]["arguments"]["parameters"]}
    assert decode_parameters(arguments["parameters"]) == {"alpha": 0.7}
    assert spec(plan(schedules=schedules))["synchronization"] == {"mutexes": [{"name": "churn"}]}
    several = plan(schedules=schedules, concurrency=3)
    assert "synchronization" not in spec(several)
    assert "synchronization" in of_kind(several, "CronWorkflow")[0]["spec"]["workflowSpec"]
    with pytest.raises(InvalidInputError, match="Argo Workflows can't run the schedule"):
        objects(plan(schedules=(ExportSchedule("0 6 L * *"),)))


def test_arguments_are_readable() -> None:
    parameters = (
        Parameter("alpha", "float", 0.5, "strength", "0.5"),
        Parameter("kind", "Literal['a', 'b']", "a", "", "'a'", ("a", "b")),
        Parameter("größe", "int", 1, "", "1"),
        Parameter("image", "str", "x", "", "'x'"),
    )
    arguments = spec(plan(parameters=parameters))["arguments"]["parameters"]
    assert arguments[0] == {"name": "alpha", "value": "", "description": "strength. Without a value: 0.5."}
    assert arguments[1]["enum"] == ["", "a", "b"]
    names = [argument["name"] for argument in arguments]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[-A-Za-z0-9_]+", name) for name in names)


def run_script(exported: ExportPlan, number: int, folder: Path, **variables: str) -> list[str]:
    """What `jupyter` is called with, and what it sees of slot and attempt."""
    stub = folder / "jupyter"
    stub.write_text(
        f'#!/bin/sh\nprintf "%s\\0" "$@" "$JUPYTER_MLOPS_SCHEDULED_TIME" "$JUPYTER_MLOPS_ATTEMPT" > {folder / "call"}\n'
    )
    stub.chmod(0o755)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "TIME_ZONE": "Europe/Paris", "RETRIES": "1", **variables}
    text = script(exported, exported.tasks[number])
    subprocess.run(["/bin/sh", "-c", text], env=environment, check=True)
    return (folder / "call").read_bytes().decode().split("\0")[:-1]


def test_the_script_passes_values_attempt_and_slot(tmp_path: Path) -> None:
    assert run_script(plan(), 0, tmp_path, WORKFLOW="churn-1784613600") == [
        "mlops", "step", "/bundle/churn-v3.zip", "load", "2026-07-21T08:00:00+02:00", "2",
    ]  # fmt: skip
    call = run_script(plan(), 0, tmp_path, WORKFLOW="churn-x7f2q", ARGUMENT_1="it's 1", JUPYTER_MLOPS_PARAMETERS="e30=")
    assert call[3:] == ["load", "-b", "e30=", "-p", "alpha", "it's 1", "", "2"]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_code_or_a_template(text: str, tmp_path: Path) -> None:
    hostile, harmless = hostile_plan(text), hostile_plan("plain")
    templates = [sorted(VARIABLE.findall(json.dumps(objects(p)))) for p in (hostile, harmless)]
    assert templates[0] == templates[1]
    assert run_script(hostile, 0, tmp_path, WORKFLOW="x")[3:5] == [text, f"{text}2"]
    assert "{{" not in script(hostile, hostile.tasks[0])


@pytest.mark.parametrize("exported", [plan(), wide_plan(), *map(hostile_plan, HOSTILE)])
def test_no_name_leads_nowhere(exported: ExportPlan) -> None:
    pipeline, *steps = spec(exported)["templates"]
    names = {template["name"] for template in steps}
    tasks = pipeline["dag"]["tasks"]
    assert {task["template"] for task in tasks} == {task["name"] for task in tasks} == names
    assert len(names) == len(steps)
    for task in tasks:
        assert set(re.findall(r"([-a-z0-9]+)\.", task.get("depends", ""))) <= names
    arguments = {argument["name"] for argument in spec(exported)["arguments"]["parameters"]}
    for variable in VARIABLE.findall(json.dumps(spec(exported))):
        scope, _, name = variable.rpartition(".")
        assert variable in ("retries", "workflow.name", "workflow.uid") or (
            scope == "workflow.parameters" and name in arguments
        )
    for document in of_kind(exported, "CronWorkflow"):
        given = {argument["name"] for argument in document["spec"]["workflowSpec"]["arguments"]["parameters"]}
        assert given <= arguments
        assert document["spec"]["workflowSpec"]["workflowTemplateRef"] == {"name": exported.slug}


@pytest.mark.parametrize("exported", [plan(), hostile_plan(HOSTILE[0]), plan(schedules=(ExportSchedule("0 6 * * *"),))])
def test_objects_fit_argos_schema(exported: ExportPlan) -> None:
    """MLOPS_ARGO_SCHEMA names api/jsonschema/schema.json of Argo's repository."""
    path = os.environ.get("MLOPS_ARGO_SCHEMA")
    if not path:
        pytest.skip("MLOPS_ARGO_SCHEMA names no file")
    definitions = json.loads(Path(path).read_text(encoding="utf-8"))["definitions"]
    for kind in ("WorkflowTemplate", "CronWorkflow"):
        reference = f"#/definitions/io.argoproj.workflow.v1alpha1.{kind}"
        for document in of_kind(exported, kind):
            jsonschema.validate(document, {"$ref": reference, "definitions": closed(definitions)})


def closed(definitions: dict[str, Any]) -> dict[str, Any]:
    """Schemas of objects that take no other keys than those they name."""
    return {
        name: {**schema, "additionalProperties": False} if "properties" in schema else schema
        for name, schema in definitions.items()
    }


def test_images_resources_and_secrets() -> None:
    task = ExportTask("a", ("a",), image="python:3.12", limits={"memory": "2Gi"}, secrets=("TOKEN",))
    container = step(plan(tasks=(task,)), 0)["container"]
    assert container["image"] == "python:3.12"
    assert container["resources"]["limits"] == {"memory": "2Gi"}
    reference = {"secretKeyRef": {"name": "churn-secrets", "key": "TOKEN"}}
    assert {"name": "TOKEN", "valueFrom": reference} in container["env"]
    assert step(plan(), 0)["container"]["image"] == "{{workflow.parameters.image}}"


def test_the_bundle_is_in_a_config_map_where_it_fits() -> None:
    bundle = ArgoExporter().files(plan())["bundle.yaml"]
    assert isinstance(bundle, str)
    (value,) = yaml.safe_load(bundle)["binaryData"].values()
    assert base64.b64decode(value) == plan().bundle
    assert "bundle.yaml" not in ArgoExporter().files(plan(bundle=b"x" * 1_000_000))


def test_the_same_plan_gives_the_same_bytes() -> None:
    assert ArgoExporter().files(hostile_plan("x")) == ArgoExporter().files(hostile_plan("x"))


def test_omissions_stand_in_the_file() -> None:
    exported = plan(schedules=(ExportSchedule("30 2 * * *", "Europe/Paris", "all"),), retries=1, cell_timeout=1.0)
    text = ArgoExporter().files(exported)["churn.yaml"]
    assert isinstance(text, str)
    assert len(ArgoExporter().omissions(exported)) == 5
    for sentence in ArgoExporter().omissions(exported):
        assert f"# - {sentence}\n" in text
    assert ArgoExporter().omissions(plan()) == ()
