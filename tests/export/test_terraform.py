"""The module of Terraform: what stands in it, and that no text becomes code."""

from __future__ import annotations

import re

import pytest

from jupyter_mlops.export import quoting
from jupyter_mlops.export.plan import ExportPlan
from jupyter_mlops.export.step_command import encode_parameters
from jupyter_mlops.export.targets.kubernetes import KubernetesExporter
from jupyter_mlops.export.targets.terraform import TerraformExporter
from tests.export import plans


def texts(plan: ExportPlan) -> dict[str, str]:
    """File name without folder -> text."""
    result = {}
    for name, content in TerraformExporter().files(plan).items():
        folder, _, file = name.partition("/")
        assert folder == plan.slug and isinstance(content, str)
        assert content.startswith(quoting.comment(plan.header("terraform"))) and content.endswith("}\n")
        result[file] = content
    return result


def blocks(text: str) -> list[str]:
    return re.findall(r'^(?:resource "\w+" "\w+"|variable "\w+"|output "\w+"|terraform|locals) \{$', text, re.MULTILINE)


def test_the_module_has_its_files_and_resources() -> None:
    files = texts(plans.plan(schedules=(plans.schedule(), plans.schedule("0 7 * * *"))))
    assert list(files) == ["versions.tf", "variables.tf", "main.tf", "outputs.tf"]
    kinds = re.findall(r'^resource "(\w+)"', files["main.tf"], re.MULTILINE)
    assert kinds == [
        "kubernetes_cron_job_v1", "kubernetes_cron_job_v1", "kubernetes_config_map_v1",
        "kubernetes_service_account_v1", "kubernetes_network_policy_v1", "aws_s3_bucket",
        "aws_s3_bucket_public_access_block", "aws_s3_bucket_versioning",
        "aws_s3_bucket_server_side_encryption_configuration", "aws_s3_bucket_lifecycle_configuration",
    ]  # fmt: skip
    variables = files["variables.tf"]
    assert variables.count("variable ") == variables.count("validation {") == variables.count("description =") == 7


def test_cron_jobs_are_those_of_kubernetes() -> None:
    schedule = plans.schedule("0 6 * * 7", zone="Europe/Paris", overlap="skip", paused=True, parameters={"a": 1.0})
    main = texts(plans.plan(schedules=(schedule,), run_timeout=60.0))["main.tf"]
    flat = re.sub(r" +", " ", main)
    for line in (
        'schedule = "0 6 * * 0"', 'timezone = "Europe/Paris"', 'concurrency_policy = "Forbid"', "suspend = true",
        "starting_deadline_seconds = 60", "active_deadline_seconds = 60", "backoff_limit_per_index = 2",
        'action = "FailJob"', "values = [2]", "run_as_non_root = true", "read_only_root_filesystem = true",
        'drop = ["ALL"]', '"memory" = "4Gi"', "automount_service_account_token = false", "image = var.image",
        f'"churn" = "{encode_parameters({"a": 1.0})}"', 'value = local.parameters["churn"]',
    ):  # fmt: skip
        assert f" {line}\n" in flat, line


def test_secrets_are_keys_of_a_secret_that_a_variable_names() -> None:
    main = re.sub(r"\s+", " ", texts(plans.plan())["main.tf"])
    reference = 'secret_key_ref { name = var.secret_name key = "API_TOKEN" }'
    assert f'env {{ name = "API_TOKEN" value_from {{ {reference} }} }}' in main


def test_a_large_bundle_must_be_in_the_image() -> None:
    large = plans.plan(bundle=b"x" * 1_000_000)
    assert "config_map" not in texts(large)["main.tf"]
    assert any("too many for a ConfigMap" in sentence for sentence in TerraformExporter().omissions(large))
    assert 'filebase64("${path.module}/../churn-v3.zip")' in texts(plans.plan())["main.tf"]


@pytest.mark.parametrize("text", plans.HOSTILE_TEXTS)
def test_no_text_becomes_code(text: str) -> None:
    hostile, plain = texts(plans.hostile(text)), texts(plans.hostile("plain"))
    for file, content in hostile.items():
        assert blocks(content) == blocks(plain[file])
        code = "\n".join(line for line in content.split("\n") if not line.startswith("#"))
        templates = set(re.findall(r"(?<!\$)\$\{[^}]*\}|(?<!%)%\{", code))
        assert templates <= {"${path.module}", "${aws_s3_bucket.artifacts.bucket}"}


@pytest.mark.parametrize("text", ["plain", "it's", "${var.x}", "%{ if true }", "a\nb"])
def test_a_parser_reads_the_module(text: str) -> None:
    hcl2 = pytest.importorskip("hcl2")
    for content in texts(plans.hostile(text)).values():
        hcl2.loads(content)


def test_the_same_plan_gives_the_same_bytes() -> None:
    assert texts(plans.forty()) == texts(plans.forty())
    assert texts(plans.forty())["main.tf"].count("jupyter mlops step /bundle/churn-v3.zip 'step ") == 40


def test_omissions_stand_in_the_file() -> None:
    plan = plans.plan(schedules=(plans.schedule(missed="all"),), notify=("x",), cell_timeout=1.0)
    sentences = TerraformExporter().omissions(plan)
    assert sentences == KubernetesExporter().omissions(plan)
    assert all(f"# - {sentence}\n" in texts(plan)["main.tf"] for sentence in sentences)
