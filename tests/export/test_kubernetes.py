"""The objects of a CronJob, against Kubernetes's schemas where kubernetes-validate is installed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export import quoting
from jupyter_mlops.export.plan import ExportPlan, ExportSchedule, ExportTask
from jupyter_mlops.export.pods import literal
from jupyter_mlops.export.step_command import decode_parameters
from jupyter_mlops.export.targets.kubernetes import KubernetesExporter, script
from tests.export.plans_in_a_row import HOSTILE, hostile_plan, plan, wide_plan


def objects(exported: ExportPlan, file: str = "") -> list[dict[str, Any]]:
    text = KubernetesExporter().files(exported)[file or f"{exported.slug}.yaml"]
    assert isinstance(text, str)
    return list(yaml.safe_load_all(text))


def cron_jobs(exported: ExportPlan) -> list[dict[str, Any]]:
    return [document for document in objects(exported) if document["kind"] == "CronJob"]


def pod(cron_job: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return spec


def test_policies_of_schedules() -> None:
    schedules = (
        ExportSchedule("0 6 * * *", "Europe/Paris", paused=True),
        ExportSchedule("0 7 * * 7", missed="skip", overlap="allow", parameters={"alpha": 0.7}),
        ExportSchedule("0 8 * * *", overlap="replace"),
        ExportSchedule("0 9 * * *", overlap="skip"),
    )
    specs = [job["spec"] for job in cron_jobs(plan(schedules=schedules))]
    assert [spec["concurrencyPolicy"] for spec in specs] == ["Forbid", "Allow", "Replace", "Forbid"]
    assert [spec.get("startingDeadlineSeconds") for spec in specs] == [None, 60, None, 60]
    assert [spec["suspend"] for spec in specs] == [True, False, False, False]
    assert [spec["schedule"] for spec in specs] == ["0 6 * * *", "0 7 * * 0", "0 8 * * *", "0 9 * * *"]
    assert specs[0]["timeZone"] == "Europe/Paris"
    names = [job["metadata"]["name"] for job in cron_jobs(plan(schedules=schedules))]
    assert names == ["churn", "churn-2", "churn-3", "churn-4"]
    (variables,) = (c["env"] for c in pod(cron_jobs(plan(schedules=schedules))[1])["containers"])
    (value,) = (v["value"] for v in variables if v["name"] == "JUPYTER_MLOPS_PARAMETERS")
    assert decode_parameters(value) == {"alpha": 0.7}


def test_wrong_input_fails_the_job_at_once() -> None:
    job = cron_jobs(plan(retries=1))[0]["spec"]["jobTemplate"]["spec"]
    first = job["podFailurePolicy"]["rules"][0]
    assert (first["action"], first["onExitCodes"]["values"]) == ("FailJob", [2])
    assert job["backoffLimitPerIndex"] == 2


def test_pods_may_do_little() -> None:
    spec = pod(cron_jobs(plan())[0])
    (container,) = spec["containers"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert {"NetworkPolicy", "ServiceAccount", "PersistentVolumeClaim"} < {d["kind"] for d in objects(plan())}


def test_limits_suffice_for_each_step() -> None:
    tasks = (
        ExportTask("a", ("a",), limits={"cpu": "500m", "memory": "2Gi"}),
        ExportTask("b", ("b",), limits={"cpu": "2", "memory": "900M", "nvidia.com/gpu": "1"}),
    )
    (container,) = pod(cron_jobs(plan(tasks=tasks))[0])["containers"]
    assert container["resources"]["limits"] == {"cpu": "2", "memory": "2Gi", "nvidia.com/gpu": "1"}
    with pytest.raises(InvalidInputError, match="memory=much"):
        objects(plan(tasks=(ExportTask("a", ("a",), limits={"memory": "much"}),)))


def test_a_large_bundle_must_be_in_the_image() -> None:
    large = plan(bundle=b"x" * 1_000_000)
    files = KubernetesExporter().files(large)
    assert "bundle.yaml" not in files and files[large.bundle_file] == large.bundle
    assert any("too many for a ConfigMap" in sentence for sentence in KubernetesExporter().omissions(large))
    assert "bundle" not in [v["name"] for v in pod(cron_jobs(large)[0])["volumes"]]


def test_secrets_are_keys_of_a_secret() -> None:
    (container,) = pod(cron_jobs(plan(tasks=(ExportTask("a", ("a",), secrets=("TOKEN",)),)))[0])["containers"]
    reference = {"secretKeyRef": {"name": "churn-secrets", "key": "TOKEN"}}
    assert {"name": "TOKEN", "valueFrom": reference} in container["env"]


@pytest.mark.parametrize(
    "cron", ["0 6 L * *", "0 6 LW * *", "0 6 * * 5L", "0 6 * * 5#2", "0 6 */2 * MON", "0 6 1 * */2"]
)
def test_what_kubernetes_would_fire_otherwise_is_refused(cron: str) -> None:
    with pytest.raises(InvalidInputError, match="Kubernetes can't run the schedule"):
        objects(plan(schedules=(ExportSchedule(cron),)))


@pytest.mark.parametrize(
    ("cron", "expected"),
    [("0 6 * * 5/2", "0 6 * * 0,5"), ("0 6 * * FRI-7", "0 6 * * 0,5,6"), ("0 6 1 * MON-FRI", "0 6 1 * MON-FRI"),
     ("0 6 * * 7,1", "0 6 * * 0,1"), ("*/5 * * * *", "*/5 * * * *")],
)  # fmt: skip
def test_sunday_is_zero(cron: str, expected: str) -> None:
    assert cron_jobs(plan(schedules=(ExportSchedule(cron),)))[0]["spec"]["schedule"] == expected


def run_script(exported: ExportPlan, folder: Path, codes: dict[str, int], job: str) -> tuple[int, list[list[str]]]:
    """The container's script in a shell, with a stub of `jupyter` that exits with the codes of steps."""
    calls = folder / "calls"
    calls.unlink(missing_ok=True)
    stub = folder / "jupyter"
    cases = "".join(f"    {quoting.shell(step)}) exit {code} ;;\n" for step, code in codes.items())
    stub.write_text(
        "#!/bin/sh\n"
        f'printf "%s\\0" "$@" "time=$JUPYTER_MLOPS_SCHEDULED_TIME" "attempt=$JUPYTER_MLOPS_ATTEMPT" >> {calls}\n'
        f'printf "\\n" >> {calls}\ncase "$4" in\n{cases}esac\nexit 0\n'
    )
    stub.chmod(0o755)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}", "JOB_NAME": job, "FAILED_ATTEMPTS": "1"}
    text = script(exported, exported.schedules[0] if exported.schedules else ExportSchedule("0 6 * * *"))
    finished = subprocess.run(["/bin/sh", "-c", text], env=environment, check=False)
    return finished.returncode, [line.split("\0") for line in calls.read_text().split("\0\n")[:-1]]


def test_the_script_stops_at_the_first_failure_and_collects(tmp_path: Path) -> None:
    code, calls = run_script(plan(), tmp_path, {"train": 2, "--collect": 1}, "churn-29743560")
    assert code == 2
    assert [call[3] for call in calls] == ["load", "train", "--collect"]
    assert run_script(plan(), tmp_path, {}, "churn-1")[0] == 0
    assert run_script(plan(), tmp_path, {"--collect": 1}, "churn-1")[0] == 1


def test_the_script_reads_the_slot_from_the_jobs_name(tmp_path: Path) -> None:
    exported = plan(schedules=(ExportSchedule("0 6 * * *", "Europe/Paris"),))
    _, calls = run_script(exported, tmp_path, {}, "churn-29743560")
    assert calls[0][-2] == "time=2026-07-21T08:00:00+02:00"
    for name in ("churn-by-hand", "churn-3", "by hand"):
        assert run_script(exported, tmp_path, {}, name)[1][0][-2] == "time="


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_code(text: str, tmp_path: Path) -> None:
    hostile = hostile_plan(text)
    assert [d["kind"] for d in objects(hostile)] == [d["kind"] for d in objects(hostile_plan("plain"))]
    if "\n" not in text and "\x07" not in text:
        code, calls = run_script(hostile, tmp_path, {}, "x")
        assert code == 0
        assert [call[3] for call in calls] == [text, f"{text}3", "--collect"]


def expanded(text: str) -> str:
    """What Kubernetes makes of an argument with `$(VARIABLE)` in it, none of which is set to what it was."""
    result, index = "", 0
    while index < len(text):
        if text[index] == "$" and text[index + 1 : index + 2] == "$":
            result, index = result + "$", index + 2
        elif text[index] == "$" and text[index + 1 : index + 2] == "(" and ")" in text[index + 2 :]:
            result, index = result + "<expanded>", text.index(")", index) + 1
        else:
            result, index = result + text[index], index + 1
    return result


@given(st.text(alphabet="$()aA_ \n"))
def test_kubernetes_expands_nothing(text: str) -> None:
    assert expanded(literal(text)) == text


@given(st.recursive(st.text() | st.integers() | st.booleans() | st.none(),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))  # fmt: skip
def test_yaml_gives_back_what_went_in(value: object) -> None:
    assert yaml.safe_load(quoting.yaml({"value": value})) == {"value": value}


@given(st.text())
def test_python_gives_back_what_went_in(text: str) -> None:
    assert eval(quoting.python(text)) == text
    assert eval(quoting.python([text, (text,), {text: 1}])) == [text, (text,), {text: 1}]


@pytest.mark.parametrize("exported", [plan(), wide_plan(), *map(hostile_plan, HOSTILE)])
def test_objects_fit_the_schemas_of_kubernetes(exported: ExportPlan) -> None:
    validator = pytest.importorskip("kubernetes_validate")
    for document in [*objects(exported), *objects(exported, "bundle.yaml")]:
        validator.validate(document, validator.latest_version(), strict=True)


def test_the_same_plan_gives_the_same_bytes() -> None:
    assert KubernetesExporter().files(hostile_plan("x")) == KubernetesExporter().files(hostile_plan("x"))


def test_omissions_stand_in_the_file() -> None:
    exported = plan(schedules=(ExportSchedule("30 2 * * *", "Europe/Paris", "all"),), notify=("x",), cell_timeout=1.0)
    text = KubernetesExporter().files(exported)["churn.yaml"]
    assert isinstance(text, str)
    assert len(KubernetesExporter().omissions(exported)) == 7
    for sentence in KubernetesExporter().omissions(exported):
        assert f"# - {sentence}\n" in text
