"""Pods that run `jupyter mlops step`: what Kubernetes and Argo Workflows share."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export import quoting
from jupyter_mlops.export.plan import ExportPlan, ExportTask
from jupyter_mlops.export.quantities import quantity

LARGEST_BUNDLE = 900_000  # bytes; a ConfigMap may have 1 MiB
LABEL_KEY = re.compile(r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?", re.ASCII)
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-\w.]{0,61}[A-Za-z0-9])?)?", re.ASCII)
POD_SECURITY = {
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "runAsGroup": 1000,
    "fsGroup": 1000,
    "fsGroupChangePolicy": "OnRootMismatch",
    "seccompProfile": {"type": "RuntimeDefault"},
}
CONTAINER_SECURITY = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
SLOT = (
    "import sys, datetime, zoneinfo; "
    "print(datetime.datetime.fromtimestamp(int(sys.argv[1]), zoneinfo.ZoneInfo(sys.argv[2])).isoformat())"
)


def preamble(plan: ExportPlan, target: str, engine: str, lines: Iterable[str], omissions: Iterable[str]) -> str:
    """The comment on top of the objects: how to apply them, which secrets they need, what the engine can't do."""
    paragraphs = [plan.header(target), *lines]
    if plan.secrets:
        keys = " ".join(f"--from-literal={name}=…" for name in plan.secrets)
        paragraphs.append(f"Secrets: kubectl create secret generic {plan.slug}-secrets {keys}")
    sentences = [f"- {sentence}" for sentence in omissions]
    if sentences:
        paragraphs += ["", f"What {engine} can't do:", *sentences]
    paragraphs.insert(1, "")
    return "".join(f"{quoting.comment(text)}\n" for text in paragraphs)


def fits_config_map(plan: ExportPlan) -> bool:
    """Whether the bundle travels as a ConfigMap; otherwise the image has to hold it."""
    return len(plan.bundle) <= LARGEST_BUNDLE


def bundle_path(plan: ExportPlan) -> str:
    return f"/bundle/{plan.bundle_file}"


def bundle_name(plan: ExportPlan) -> str:
    """Name of the ConfigMap; each version has its own, so that a running run keeps its bundle."""
    return f"{plan.slug}-v{plan.version}"


def labels(plan: ExportPlan) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": plan.slug,
        "app.kubernetes.io/version": f"v{plan.version}",
        "app.kubernetes.io/managed-by": "jupyter-mlops",
    }


def selector(plan: ExportPlan) -> dict[str, str]:
    return {"app.kubernetes.io/name": plan.slug, "app.kubernetes.io/managed-by": "jupyter-mlops"}


def bundle_config_map(plan: ExportPlan) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": bundle_name(plan), "labels": labels(plan)},
        "immutable": True,
        "binaryData": {plan.bundle_file: base64.b64encode(plan.bundle).decode("ascii")},
    }


def claim(plan: ExportPlan, mode: str) -> dict[str, Any]:
    """The volume through which tasks transfer results."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": f"{plan.slug}-artifacts", "labels": labels(plan)},
        "spec": {"accessModes": [mode], "resources": {"requests": {"storage": "10Gi"}}},
    }


def no_ingress(plan: ExportPlan) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": plan.slug, "labels": labels(plan)},
        "spec": {"podSelector": {"matchLabels": selector(plan)}, "policyTypes": ["Ingress"], "ingress": []},
    }


def service_account(plan: ExportPlan, token: bool) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": plan.slug, "labels": labels(plan)},
        "automountServiceAccountToken": token,
    }


def volumes(plan: ExportPlan) -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = [
        {"name": "artifacts", "persistentVolumeClaim": {"claimName": f"{plan.slug}-artifacts"}},
        {"name": "tmp", "emptyDir": {}},
    ]
    if fits_config_map(plan):
        result.insert(0, {"name": "bundle", "configMap": {"name": bundle_name(plan)}})
    return result


def volume_mounts(plan: ExportPlan) -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = [
        {"name": "artifacts", "mountPath": "/artifacts"},
        {"name": "tmp", "mountPath": "/tmp"},
    ]
    if fits_config_map(plan):
        result.insert(0, {"name": "bundle", "mountPath": "/bundle", "readOnly": True})
    return result


def home_variables() -> list[dict[str, Any]]:
    """The root file system is read-only: everything that programs write goes to /tmp."""
    return [{"name": "HOME", "value": "/tmp"}, {"name": "JUPYTER_MLOPS_HOME", "value": "/tmp/jupyter-mlops"}]


def secret_variables(plan: ExportPlan, secrets: Iterable[str]) -> list[dict[str, Any]]:
    """Secrets as keys of the Secret `SLUG-secrets`."""
    return [
        {"name": name, "valueFrom": {"secretKeyRef": {"name": f"{plan.slug}-secrets", "key": name}}} for name in secrets
    ]


def literal(text: str) -> str:
    """A text in which Kubernetes sees no `$(VARIABLE)`."""
    return re.sub(r"\$(?=[$(])", "$$", text)


def slot_script(name: str, unit: int, zone: str) -> str:
    """Shell lines that read a slot's time from the number at the end of a name.

    :param name: shell variable with the name; `unit`: seconds that the number counts; `zone`: shell word.
    """
    number = f"${{{name}##*-}}"
    seconds = number if unit == 1 else f"$(({number} * {unit}))"
    return (
        f'case "{number}" in\n'
        f"    *[!0-9]* | ? | ?? | ??? | ???? | ????? | ?????? | '') ;; # a name that a person gave\n"
        f'    *) JUPYTER_MLOPS_SCHEDULED_TIME="$(python -c {quoting.shell(SLOT)} "{seconds}" {zone})" || exit 2 ;;\n'
        f"esac\n"
        f"export JUPYTER_MLOPS_SCHEDULED_TIME\n"
    )


def resources(tasks: Sequence[ExportTask]) -> dict[str, Any]:
    """Requests and limits that suffice for each of the tasks, one after the other; empty if none asks for any.

    :raises InvalidInputError: a limit is no quantity of Kubernetes's.
    """
    most: dict[str, str] = {}
    for task in tasks:
        for name, value in task.limits.items():
            size = _size(name, value, task)
            if name not in most or size > _size(name, most[name], task):
                most[name] = value
    return {"requests": dict(most), "limits": dict(most)} if most else {}


def _size(name: str, text: str, task: ExportTask) -> float:
    try:
        if LABEL_KEY.fullmatch(name):
            return quantity(text)
    except InvalidInputError:
        pass
    raise InvalidInputError(
        f"{name}={text} is no quantity that Kubernetes knows",
        where=f"step {task.title}",
        field="limits",
        remedy="Examples: limit:cpu:500m, limit:memory:2Gi, limit:nvidia.com/gpu:1",
    )


def valid_labels(tasks: Iterable[ExportTask]) -> dict[str, str]:
    """The labels of tasks that Kubernetes takes."""
    return {
        key: value
        for task in tasks
        for key, value in task.labels.items()
        if LABEL_KEY.fullmatch(key) and LABEL_VALUE.fullmatch(value)
    }


def valid_annotations(tasks: Iterable[ExportTask]) -> dict[str, str]:
    """The annotations of tasks that Kubernetes takes."""
    return {key: value for task in tasks for key, value in task.annotations.items() if LABEL_KEY.fullmatch(key)}


def refused_names(tasks: Iterable[ExportTask]) -> list[str]:
    """Labels and annotations that Kubernetes would refuse, so that they are left out."""
    return [
        *(f"label {key}={value}" for task in tasks for key, value in task.labels.items()
          if key not in valid_labels([task])),
        *(f"annotation {key}" for task in tasks for key in task.annotations if key not in valid_annotations([task])),
    ]  # fmt: skip


def document(text: str, manifest: Mapping[str, Any]) -> str:
    """A YAML document with a comment above it."""
    remark = f"{quoting.comment(text)}\n" if text else ""
    return f"---\n{remark}{quoting.yaml(dict(manifest))}"
