"""Kubernetes: a CronJob for each schedule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from jupyter_mlops.export import omissions, pods, quoting
from jupyter_mlops.export.cron_dialect import ROBFIG, clock_changes, expression_for
from jupyter_mlops.export.plan import ExportPlan, ExportSchedule
from jupyter_mlops.export.step_command import encode_parameters

CONCURRENCY = {"queue": "Forbid", "skip": "Forbid", "allow": "Allow", "replace": "Replace"}
GRACE = 60  # seconds after which a slot counts as missed
CONTAINER = "notebook"


class KubernetesExporter:
    """Writes `SLUG.yaml` with a CronJob for each schedule and what it needs, `bundle.yaml` with the version, and
    `kustomization.yaml`, where the image is named.

    Kubernetes has no graphs: one pod runs the steps in notebook order, each in a separate process, then the
    collection. A repeated pod takes the results of steps that succeeded from the artifacts.

    Proved by `tests/export/test_kubernetes.py`: all objects against the schemas of Kubernetes (kubernetes-validate),
    and the container's script by running it in a shell with a real bundle.
    """

    name: ClassVar[str] = "kubernetes"
    label: ClassVar[str] = "Kubernetes CronJob"
    summary: ClassVar[str] = "manifests of a CronJob for each schedule, and a kustomization"
    needs_bundle: ClassVar[bool] = False

    def files(self, plan: ExportPlan) -> Mapping[str, str | bytes]:
        header = quoting.comment(plan.header(self.name))
        lines = (
            "Kubernetes has no graphs, so one pod runs the steps in notebook order. Needs Kubernetes 1.29 or newer.",
            "  kubectl apply --server-side -k .",
            f"A run by hand: kubectl create job --from=cronjob/{plan.slug} {plan.slug}-by-hand",
        )
        head = pods.preamble(plan, self.name, "Kubernetes", lines, self.omissions(plan))
        documents = [
            pods.document("", pods.service_account(plan, token=False)),
            pods.document("Results of steps, executed notebooks, and the cache.", pods.claim(plan, "ReadWriteOnce")),
            pods.document(
                "Nothing may connect to the pods. They may connect to anything: add egress rules for what the notebook"
                " needs.",
                pods.no_ingress(plan),
            ),
            *(pods.document("", cron_job(plan, s, n)) for n, s in enumerate(plan.schedules, 1)),
        ]
        if not plan.schedules:
            note = "The job has no schedule: this one only serves as the template of runs by hand."
            documents.append(pods.document(note, cron_job(plan, ExportSchedule("0 0 1 1 *", paused=True), 1)))
        files: dict[str, str | bytes] = {f"{plan.slug}.yaml": head + "".join(documents)}
        resources = [f"{plan.slug}.yaml"]
        if pods.fits_config_map(plan):
            files["bundle.yaml"] = f"{header}\n{pods.document('', pods.bundle_config_map(plan))}"
            resources.insert(0, "bundle.yaml")
        else:
            files[plan.bundle_file] = plan.bundle
        kustomization = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": resources,
            "images": [
                {"name": plan.slug, "newName": f"registry.example.com/{plan.slug}", "newTag": f"v{plan.version}"}
            ],
        }
        note = "# An image with Python, jupyter_mlops and the notebook's packages.\n"
        files["kustomization.yaml"] = f"{header}\n{note}{quoting.yaml(kustomization)}"
        return files

    def omissions(self, plan: ExportPlan) -> tuple[str, ...]:
        return tuple(_omissions(plan))


def _omissions(plan: ExportPlan) -> Iterator[str]:
    for number, schedule in enumerate(plan.schedules, 1):
        name = omissions.named(len(plan.schedules), number)
        if schedule.missed == "all":
            yield f"{name} runs all missed slots; Kubernetes runs the latest of them."
        if schedule.overlap == "queue":
            yield f"{name} queues slots while a run is active; in Kubernetes only the latest of them waits."
        if schedule.overlap == "skip" and schedule.missed != "skip":
            yield f"{name} runs missed slots; here they are skipped, as are slots whose predecessor still runs."
        if clock_changes(plan, schedule):
            yield f"{name} does not run on the day clocks go forward, if its time is left out."
    if any(task.timeout is not None for task in plan.tasks) or any(task.retries for task in plan.tasks):
        yield "A failed step fails the pod; a repeated pod takes the results of the other steps from the artifacts."
    if plan.retries or any(task.retries for task in plan.tasks):
        yield "Kubernetes itself decides how long it waits before a repetition: 10 s, then twice as long each time."
    if any(task.image for task in plan.tasks):
        yield "One pod has one image: the images that steps name are not used."
    if not pods.fits_config_map(plan):
        yield (
            f"The bundle has {len(plan.bundle)} bytes, too many for a ConfigMap: the image must hold it at"
            f" {pods.bundle_path(plan)}."
        )
    for refused in pods.refused_names(plan.tasks):
        yield f"Kubernetes would refuse the {refused}; it is left out."
    yield from omissions.cell_timeout(plan)
    yield from omissions.notifications(plan, "Kubernetes")


def cron_job(plan: ExportPlan, schedule: ExportSchedule, number: int) -> dict[str, Any]:
    """The CronJob of a schedule; the first has the name of the job."""
    name = plan.slug if number == 1 else f"{plan.slug[:48]}-{number}"
    spec: dict[str, Any] = {
        "schedule": expression_for(ROBFIG, schedule),
        "timeZone": schedule.zone,
        "concurrencyPolicy": CONCURRENCY[schedule.overlap],
    }
    if schedule.missed == "skip" or schedule.overlap == "skip":
        spec["startingDeadlineSeconds"] = GRACE
    spec |= {
        "suspend": schedule.paused,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 3,
        "jobTemplate": {"metadata": {"labels": pods.labels(plan)}, "spec": _job(plan, schedule)},
    }
    metadata: dict[str, Any] = {"name": name, "labels": pods.labels(plan)}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata, "spec": spec}


def _job(plan: ExportPlan, schedule: ExportSchedule) -> dict[str, Any]:
    job: dict[str, Any] = {
        "completionMode": "Indexed",  # only then Kubernetes counts attempts where a pod can see it
        "completions": 1,
        "parallelism": 1,
        "backoffLimitPerIndex": max([plan.retries, *(task.retries for task in plan.tasks)]),
        "podFailurePolicy": {
            "rules": [
                {
                    "action": "FailJob",  # the input is wrong
                    "onExitCodes": {"containerName": CONTAINER, "operator": "In", "values": [2]},
                },
                {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
            ]
        },
    }
    if plan.run_timeout is not None:
        job["activeDeadlineSeconds"] = max(1, round(plan.run_timeout))
    metadata: dict[str, Any] = {"labels": {**pods.valid_labels(plan.tasks), **pods.labels(plan)}}
    if annotations := pods.valid_annotations(plan.tasks):
        metadata["annotations"] = annotations
    job["template"] = {
        "metadata": metadata,
        "spec": {
            "serviceAccountName": plan.slug,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "restartPolicy": "Never",
            "securityContext": pods.POD_SECURITY,
            "containers": [_container(plan, schedule)],
            "volumes": pods.volumes(plan),
        },
    }
    return job


def _container(plan: ExportPlan, schedule: ExportSchedule) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": CONTAINER,
        "image": plan.slug,
        "command": ["/bin/sh", "-c"],
        "args": [pods.literal(script(plan, schedule))],
        "env": _variables(plan, schedule),
        "securityContext": pods.CONTAINER_SECURITY,
        "volumeMounts": pods.volume_mounts(plan),
    }
    if resources := pods.resources(plan.tasks):
        container["resources"] = resources
    return container


def _variables(plan: ExportPlan, schedule: ExportSchedule) -> list[dict[str, Any]]:
    def field(name: str, path: str) -> dict[str, Any]:
        return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}

    failures = "metadata.annotations['batch.kubernetes.io/job-index-failure-count']"
    return [
        *pods.home_variables(),
        field("JOB_NAME", "metadata.labels['batch.kubernetes.io/job-name']"),
        field("JOB_UID", "metadata.labels['batch.kubernetes.io/controller-uid']"),
        field("FAILED_ATTEMPTS", failures),
        {"name": "JUPYTER_MLOPS_ARTIFACTS", "value": "/artifacts"},
        {"name": "JUPYTER_MLOPS_RUN_ID", "value": "$(JOB_NAME).$(JOB_UID)"},
        {"name": "JUPYTER_MLOPS_PARAMETERS", "value": encode_parameters(schedule.parameters)},
        {"name": "JUPYTER_MLOPS_ENGINE", "value": "kubernetes"},
        *pods.secret_variables(plan, plan.secrets),
    ]


def script(plan: ExportPlan, schedule: ExportSchedule) -> str:
    """What the container runs: all steps until one fails, then the collection. Exits with the first failure's code."""
    bundle = quoting.shell(pods.bundle_path(plan))
    lines = [
        'export JUPYTER_MLOPS_ATTEMPT="$((${FAILED_ATTEMPTS:-0} + 1))"',
        "# A CronJob's Jobs end with the minutes between 1970 and their slot.",
        pods.slot_script("JOB_NAME", 60, quoting.shell(schedule.zone)).rstrip("\n"),
        "code=0",
        'step() { [ "$code" -ne 0 ] || "$@" || code=$?; }',
    ]
    for task in plan.tasks:
        limit = "" if task.timeout is None else f"timeout -k 10 {task.timeout:g} "
        lines.append(f"step {limit}jupyter mlops step {bundle} {' '.join(map(quoting.shell, task.steps))}")
    lines += [
        f'jupyter mlops step {bundle} --collect || [ "$code" -ne 0 ] || code=$?',
        'exit "$code"',
    ]
    return "\n".join(lines) + "\n"
