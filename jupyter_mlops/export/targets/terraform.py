"""Terraform: a module with a CronJob for each schedule and a bucket for artifacts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from jupyter_mlops.export import pods, quoting
from jupyter_mlops.export.plan import ExportPlan, ExportSchedule
from jupyter_mlops.export.step_command import encode_parameters
from jupyter_mlops.export.targets.kubernetes import KubernetesExporter, cron_job

MAPS = frozenset(("labels", "annotations", "requests", "limits", "match_labels", "binary_data"))
BLOCKS = {
    "containers": "container",
    "volumes": "volume",
    "volume_mounts": "volume_mount",
    "rules": "rule",
    "on_pod_conditions": "on_pod_condition",
    "time_zone": "timezone",
}
CLAIM = "artifacts"  # the volume that the bucket replaces
IMAGE = r"@sha256:[0-9a-f]{64}$|:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$"
DNS_LABEL = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
DNS_NAME = "^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$"
BUCKET = "^[a-z0-9][-a-z0-9.]{1,61}[a-z0-9]$"
ROLE = "^$|^arn:[a-z-]+:iam::[0-9]{12}:role/.+$"


@dataclass(frozen=True)
class Code:
    """A Terraform expression that is written to a file unquoted."""

    text: str


@dataclass(frozen=True)
class Block:
    """A block of HCL: `KIND "LABEL" { … }`.

    :param body: pairs of a name and a value, and blocks.
    """

    kind: str
    labels: tuple[str, ...] = ()
    body: list[tuple[str, Any] | Block] = field(default_factory=list)


class TerraformExporter:
    """Writes the module `SLUG/`: `versions.tf`, `variables.tf`, `main.tf` and `outputs.tf`.

    The CronJobs are those of the exporter `kubernetes`, in the words of the provider; artifacts are in an S3 bucket
    instead of a volume. The parameters of a schedule are one base64 value, which a variable can replace.

    Proved by `tests/export/engines/test_terraform_engine.py`: Terraform accepts the format of the files and reads
    each text as it was. The providers' schemas are not proved: the tests can't download them.
    """

    name: ClassVar[str] = "terraform"
    label: ClassVar[str] = "Terraform"
    summary: ClassVar[str] = "a module with the CronJob and what it needs"
    needs_bundle: ClassVar[bool] = True

    def files(self, plan: ExportPlan) -> Mapping[str, str | bytes]:
        header = quoting.comment(plan.header(self.name)) + "\n"
        readme = quoting.comment(
            "\nA module for Kubernetes 1.29 or newer, with an S3 bucket for artifacts. Use it as:\n"
            f'  module "{plan.slug}" {{ source = "./{plan.slug}", image = …, artifacts_bucket = … }}\n'
            "The image has Python, jupyter_mlops, s3fs and the notebook's packages. Its pods need a role that may read"
            " and write the bucket: name it in role_arn.\n"
            "Terraform never sees the values of secrets: create the Kubernetes Secret yourself."
        )
        if sentences := self.omissions(plan):
            readme += "\n#\n# What the module can't do:\n" + "\n".join(quoting.comment(f"- {s}") for s in sentences)
        schedules = plan.schedules or (ExportSchedule("0 0 1 1 *", paused=True),)
        jobs = [cron_job(plan, schedule, number) for number, schedule in enumerate(schedules, 1)]
        folder = plan.slug
        return {
            f"{folder}/versions.tf": header + rendered(_versions()),
            f"{folder}/variables.tf": header + rendered(_variables(plan)),
            f"{folder}/main.tf": f"{header}{readme}\n" + rendered(_main(plan, jobs, schedules)),
            f"{folder}/outputs.tf": header + rendered(_outputs(jobs)),
        }

    def omissions(self, plan: ExportPlan) -> tuple[str, ...]:
        return KubernetesExporter().omissions(plan)


def rendered(blocks: list[Block]) -> str:
    """Blocks as `terraform fmt` writes them, with empty lines around."""
    return "".join(f"\n{line}\n" for line in ("\n".join(_block(block, "")) for block in blocks))


def _block(block: Block, indent: str) -> Iterator[str]:
    head = " ".join([block.kind, *map(quoting.hcl, block.labels)])
    if not block.body:
        yield f"{indent}{head} {{}}"
        return
    yield f"{indent}{head} {{"
    inner = indent + "  "
    pairs: list[tuple[str, Any]] = []
    for number, item in enumerate(block.body):
        if isinstance(item, Block):
            yield from _pairs(pairs, inner)
            pairs = []
            if number:
                yield ""
            yield from _block(item, inner)
        else:
            pairs.append(item)
    yield from _pairs(pairs, inner)
    yield f"{indent}}}"


def _pairs(pairs: list[tuple[str, Any]], indent: str) -> Iterator[str]:
    """Assignments; those of one line each that follow on one another are aligned."""
    group: list[tuple[str, str]] = []
    for name, value in pairs:
        if isinstance(value, dict) and value:
            yield from _aligned(group, indent)
            group = []
            yield f"{indent}{name} = {{"
            yield from _pairs([(quoting.hcl(str(key)), item) for key, item in value.items()], indent + "  ")
            yield f"{indent}}}"
        else:
            group.append((name, _value(value)))
    yield from _aligned(group, indent)


def _aligned(group: list[tuple[str, str]], indent: str) -> Iterator[str]:
    width = max((len(name) for name, _ in group), default=0)
    for name, value in group:
        yield f"{indent}{name:<{width}} = {value}"


def _value(value: Any) -> str:
    if isinstance(value, Code):
        return value.text
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return quoting.hcl(value)


def _snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda match: f"_{match[0].lower()}", name)


def blocks(mapping: Mapping[str, Any]) -> list[tuple[str, Any] | Block]:
    """A part of a manifest as the provider wants it: attributes first, then blocks."""
    attributes: list[tuple[str, Any] | Block] = []
    nested: list[tuple[str, Any] | Block] = []
    for key, value in mapping.items():
        name = BLOCKS.get(_snake(key), _snake(key))
        if isinstance(value, dict) and name not in MAPS:
            nested.append(Block(name, (), blocks(value)))
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            nested += [Block(name, (), blocks(item)) for item in value]
        elif name in MAPS:
            nested.append((name, dict(value)))
        else:
            attributes.append((name, value))
    return attributes + nested


def _resource(kind: str, name: str, *body: tuple[str, Any] | Block) -> Block:
    return Block("resource", (kind, name), list(body))


def _versions() -> list[Block]:
    providers = {
        "kubernetes": {"source": "hashicorp/kubernetes", "version": ">= 2.30.0"},
        "aws": {"source": "hashicorp/aws", "version": ">= 5.0.0"},
    }
    required: list[tuple[str, Any] | Block] = list(providers.items())
    return [Block("terraform", (), [("required_version", ">= 1.5.0"), Block("required_providers", (), required)])]


def _variable(name: str, text: str, condition: str, error: str, default: Any = None, kind: str = "string") -> Block:
    body: list[tuple[str, Any] | Block] = [("description", text), ("type", Code(kind))]
    if default is not None:
        body.append(("default", default))
    body.append(("nullable", False))
    body.append(Block("validation", (), [("condition", Code(condition)), ("error_message", error)]))
    return Block("variable", (name,), body)


def _matches(pattern: str, name: str) -> str:
    return f"can(regex({quoting.hcl(pattern)}, var.{name}))"


def _variables(plan: ExportPlan) -> list[Block]:
    encoded = "alltrue([for value in values(var.parameters) : can(jsondecode(base64decode(value)))])"
    return [
        _variable(
            "image",
            "Image with Python, jupyter_mlops, s3fs and the notebook's packages.",
            _matches(IMAGE, "image"),
            "The image must have a tag or a digest.",
        ),
        _variable(
            "namespace",
            "Namespace of all objects.",
            _matches(DNS_LABEL, "namespace"),
            "The namespace must be a DNS label.",
            "default",
        ),
        _variable(
            "artifacts_bucket",
            "Name of the S3 bucket that the module creates for artifacts.",
            _matches(BUCKET, "artifacts_bucket"),
            "The name must be one that S3 takes.",
        ),
        _variable(
            "artifacts_days",
            "Days after which artifacts expire.",
            "var.artifacts_days >= 1 && floor(var.artifacts_days) == var.artifacts_days",
            "The number of days must be whole and at least 1.",
            90,
            "number",
        ),
        _variable(
            "role_arn",
            "IAM role of the pods, which may read and write the bucket; empty if the nodes have one.",
            _matches(ROLE, "role_arn"),
            "The role must be an ARN, or empty.",
            "",
        ),
        _variable(
            "secret_name",
            "Name of the Kubernetes Secret whose keys are the names of the notebook's secrets.",
            _matches(DNS_NAME, "secret_name"),
            "The name must be a DNS name.",
            f"{plan.slug}-secrets",
        ),
        _variable(
            "parameters",
            "CronJob -> base64encode(jsonencode({name = value})), instead of the schedule's own parameters.",
            encoded,
            "Each value must be the base64 text of a JSON object.",
            {},
            "map(string)",
        ),
    ]


def _metadata(name: Any, plan: ExportPlan) -> Block:
    body = [("name", name), ("namespace", Code("var.namespace")), ("labels", pods.labels(plan))]
    return Block("metadata", (), list(body))


def _main(plan: ExportPlan, jobs: list[dict[str, Any]], schedules: tuple[ExportSchedule, ...]) -> list[Block]:
    defaults = {
        job["metadata"]["name"]: encode_parameters(schedule.parameters)
        for job, schedule in zip(jobs, schedules, strict=True)
    }
    result = [
        Block("locals", (), [("defaults", defaults), ("parameters", Code("merge(local.defaults, var.parameters)"))])
    ]
    result += [_cron_job(plan, job, number) for number, job in enumerate(jobs, 1)]
    if pods.fits_config_map(plan):
        path = f'filebase64("${{path.module}}/../{plan.bundle_file}")'
        config_map = _metadata(pods.bundle_name(plan), plan)
        data = {plan.bundle_file: Code(path)}
        result.append(
            _resource("kubernetes_config_map_v1", "bundle", ("immutable", True), ("binary_data", data), config_map)
        )
    account = _metadata(plan.slug, plan)
    role = Code('var.role_arn == "" ? {} : { "eks.amazonaws.com/role-arn" = var.role_arn }')
    account.body.insert(2, ("annotations", role))
    result += [
        _resource("kubernetes_service_account_v1", "this", ("automount_service_account_token", False), account),
        _resource(
            "kubernetes_network_policy_v1",
            "this",
            _metadata(plan.slug, plan),
            Block(
                "spec",
                (),
                [("policy_types", ["Ingress"]), Block("pod_selector", (), [("match_labels", pods.selector(plan))])],
            ),
        ),
        *_bucket(plan),
    ]
    return result


def _cron_job(plan: ExportPlan, job: dict[str, Any], number: int) -> Block:
    spec = job["spec"]
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    name = job["metadata"]["name"]
    substitutes = {
        "JUPYTER_MLOPS_PARAMETERS": Code(f"local.parameters[{quoting.hcl(name)}]"),
        "JUPYTER_MLOPS_ARTIFACTS": Code('"s3://${aws_s3_bucket.artifacts.bucket}/artifacts"'),
    }
    for variable in container["env"]:
        if variable["name"] in substitutes and "value" in variable:
            variable["value"] = substitutes[variable["name"]]
        if reference := variable.get("valueFrom", {}).get("secretKeyRef"):
            reference["name"] = Code("var.secret_name")
    container["image"] = Code("var.image")
    container["volumeMounts"] = [mount for mount in container["volumeMounts"] if mount["name"] != CLAIM]
    pod["volumes"] = [volume for volume in pod["volumes"] if volume["name"] != CLAIM]
    pod["serviceAccountName"] = Code("kubernetes_service_account_v1.this.metadata[0].name")
    for volume in pod["volumes"]:
        if "configMap" in volume:
            volume["configMap"]["name"] = Code("kubernetes_config_map_v1.bundle.metadata[0].name")
    return _resource(
        "kubernetes_cron_job_v1", f"schedule_{number}", _metadata(name, plan), Block("spec", (), blocks(spec))
    )


def _bucket(plan: ExportPlan) -> list[Block]:
    bucket = ("bucket", Code("aws_s3_bucket.artifacts.id"))
    blocked = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
    encryption = Block("apply_server_side_encryption_by_default", (), [("sse_algorithm", "AES256")])
    expiry = Block(
        "rule",
        (),
        [
            ("id", "expiry"),
            ("status", "Enabled"),
            Block("filter"),
            Block("expiration", (), [("days", Code("var.artifacts_days"))]),
            Block("noncurrent_version_expiration", (), [("noncurrent_days", 7)]),
            Block("abort_incomplete_multipart_upload", (), [("days_after_initiation", 7)]),
        ],
    )
    name = ("bucket", Code("var.artifacts_bucket"))
    versioning = Block("versioning_configuration", (), [("status", "Enabled")])
    return [
        _resource("aws_s3_bucket", "artifacts", name, ("tags", {"job": plan.slug, "managed-by": "jupyter-mlops"})),
        _resource("aws_s3_bucket_public_access_block", "artifacts", bucket, *((key, True) for key in blocked)),
        _resource("aws_s3_bucket_versioning", "artifacts", bucket, versioning),
        _resource(
            "aws_s3_bucket_server_side_encryption_configuration",
            "artifacts",
            bucket,
            Block("rule", (), [encryption]),
        ),
        _resource(
            "aws_s3_bucket_lifecycle_configuration",
            "artifacts",
            bucket,
            ("depends_on", [Code("aws_s3_bucket_versioning.artifacts")]),
            expiry,
        ),
    ]


def _outputs(jobs: list[dict[str, Any]]) -> list[Block]:
    names: list[Any] = [Code(f"kubernetes_cron_job_v1.schedule_{n}.metadata[0].name") for n in range(1, len(jobs) + 1)]
    return [
        Block("output", ("cron_jobs",), [("description", "Names of the CronJobs."), ("value", names)]),
        Block(
            "output",
            ("artifacts",),
            [
                ("description", "Address of the artifacts."),
                ("value", Code('"s3://${aws_s3_bucket.artifacts.bucket}/artifacts"')),
            ],
        ),
    ]
