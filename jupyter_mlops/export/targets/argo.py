"""Argo Workflows: a WorkflowTemplate, and a CronWorkflow for each schedule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from jupyter_mlops.export import omissions, pods, quoting
from jupyter_mlops.export.cron_dialect import CronDialect, clock_changes, expression_for
from jupyter_mlops.export.identifiers import unique_identifiers
from jupyter_mlops.export.plan import ExportPlan, ExportSchedule, ExportTask
from jupyter_mlops.export.step_command import encode_parameters
from jupyter_mlops.notebook.parameter import Parameter

API = "argoproj.io/v1alpha1"
DIALECT = CronDialect("Argo Workflows")
CONCURRENCY = {"queue": "Allow", "skip": "Forbid", "allow": "Allow", "replace": "Replace"}
START_LATE = 7 * 24 * 3600  # seconds after which Argo gives up a slot that it missed
GRACE = 60  # seconds after which a slot counts as missed
RESERVED = ("image", "artifacts", "parameters", "time-zone")  # arguments of the workflow that are no parameters
PIPELINE, COLLECT = "\0pipeline", "\0collect"
DONE_STATES = ("Succeeded", "Failed", "Errored", "Skipped", "Omitted", "Daemoned")


class ArgoExporter:
    """Writes `SLUG.yaml` with a WorkflowTemplate, a CronWorkflow for each schedule and what their pods need, and
    `bundle.yaml` with the version.

    Each parameter of the notebook is an argument of the workflow, which people change in Argo's form; an empty one
    stands for the notebook's own value or the schedule's. Schedules pass theirs as one base64 argument.

    Proved by `tests/export/test_argo.py`: the objects against Argo's JSON Schema where it is at hand, names of
    templates and arguments by hand, the containers' scripts by running them in a shell. Argo itself has not run them.
    """

    name: ClassVar[str] = "argo"
    label: ClassVar[str] = "Argo Workflows"
    summary: ClassVar[str] = "a WorkflowTemplate, a CronWorkflow for each schedule, and what their pods need"
    needs_bundle: ClassVar[bool] = False

    def files(self, plan: ExportPlan) -> Mapping[str, str | bytes]:
        header = quoting.comment(plan.header(self.name))
        lines = (
            "Needs Argo Workflows 3.6 or newer, in the namespace that runs the workflows.",
            "  kubectl apply --server-side -f .",
            f"A run by hand: argo submit --from workflowtemplate/{plan.slug}",
        )
        head = pods.preamble(plan, self.name, self.label, lines, self.omissions(plan))
        access, binding = _permissions(plan)
        documents = [
            pods.document("Pods tell Argo their results, and may do nothing else.", pods.service_account(plan, True)),
            pods.document("", access),
            pods.document("", binding),
            pods.document(
                "Results of steps, executed notebooks, and the cache. Pods on several nodes share it; where no storage"
                " class can do that,\nset the argument `artifacts` to an fsspec URL such as s3://bucket/folder.",
                pods.claim(plan, "ReadWriteMany"),
            ),
            pods.document("Nothing may connect to the pods.", pods.no_ingress(plan)),
            pods.document("", _template(plan)),
            *(pods.document("", _cron_workflow(plan, s, n)) for n, s in enumerate(plan.schedules, 1)),
        ]
        files: dict[str, str | bytes] = {f"{plan.slug}.yaml": head + "".join(documents)}
        if pods.fits_config_map(plan):
            files["bundle.yaml"] = f"{header}\n{pods.document('', pods.bundle_config_map(plan))}"
        else:
            files[plan.bundle_file] = plan.bundle
        return files

    def omissions(self, plan: ExportPlan) -> tuple[str, ...]:
        return tuple(_omissions(plan))


def _omissions(plan: ExportPlan) -> Iterator[str]:
    for number, schedule in enumerate(plan.schedules, 1):
        name = omissions.named(len(plan.schedules), number)
        if schedule.missed == "all":
            yield f"{name} runs all missed slots; Argo runs the latest of them."
        if schedule.missed != "skip":
            yield f"{name} starts a missed slot up to a week late; older ones are lost."
        if clock_changes(plan, schedule):
            yield f"{name} does not run on the day clocks go forward, if its time is left out."
    if not pods.fits_config_map(plan):
        yield (
            f"The bundle has {len(plan.bundle)} bytes, too many for a ConfigMap: the image must hold it at"
            f" {pods.bundle_path(plan)}."
        )
    for refused in pods.refused_names(plan.tasks):
        yield f"Kubernetes would refuse the {refused}; it is left out."
    yield from omissions.whole_run_repeated(plan, "Argo")
    yield from omissions.cell_timeout(plan)
    yield from omissions.notifications(plan, "Argo")


def plain(text: str) -> str:
    """A text for people in which Argo sees no template."""
    return text.replace("{{", "{ {")


def shell(text: str) -> str:
    """A shell word in which Argo sees no template."""
    word = quoting.shell(text)
    while "{{" in word:
        word = word.replace("{{", "{''{", 1)
    return word


def _permissions(plan: ExportPlan) -> tuple[dict[str, Any], dict[str, Any]]:
    metadata = {"name": plan.slug, "labels": pods.labels(plan)}
    rules = [{"apiGroups": ["argoproj.io"], "resources": ["workflowtaskresults"], "verbs": ["create", "patch"]}]
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": plan.slug}
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": metadata, "rules": rules}
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": metadata,
        "roleRef": reference,
        "subjects": [{"kind": "ServiceAccount", "name": plan.slug}],
    }
    return role, binding


def _template(plan: ExportPlan) -> dict[str, Any]:
    names = unique_identifiers([PIPELINE, COLLECT, *(task.name for task in plan.tasks)], "dns", 40)
    arguments = _argument_names(plan)
    spec: dict[str, Any] = {
        "entrypoint": names[PIPELINE],
        "serviceAccountName": plan.slug,
        "arguments": {"parameters": _arguments(plan, arguments)},
        "podMetadata": {"labels": pods.labels(plan)},
        "workflowMetadata": {"labels": pods.labels(plan)},
        "securityContext": pods.POD_SECURITY,
        "volumes": pods.volumes(plan),
    }
    if plan.run_timeout is not None:
        spec["activeDeadlineSeconds"] = max(1, round(plan.run_timeout))
    if plan.concurrency == 1:
        spec["synchronization"] = {"mutexes": [{"name": plan.slug}]}
    spec["templates"] = [
        {"name": names[PIPELINE], "dag": {"failFast": False, "tasks": list(_graph(plan, names))}},
        *(_step(plan, task, names[task.name], arguments) for task in plan.tasks),
        _step(plan, ExportTask(COLLECT, ("--collect",)), names[COLLECT], arguments),
    ]
    metadata: dict[str, Any] = {"name": plan.slug, "labels": pods.labels(plan)}
    metadata["annotations"] = {"workflows.argoproj.io/description": plain(plan.message or plan.label)}
    return {"apiVersion": API, "kind": "WorkflowTemplate", "metadata": metadata, "spec": spec}


def _argument_names(plan: ExportPlan) -> dict[str, str]:
    names = unique_identifiers([*RESERVED, *(parameter.name for parameter in plan.parameters)], "word")
    return {parameter.name: names[parameter.name] for parameter in plan.parameters}


def _arguments(plan: ExportPlan, arguments: Mapping[str, str]) -> list[dict[str, Any]]:
    return [
        *(_argument(parameter, arguments[parameter.name]) for parameter in plan.parameters),
        {
            "name": "parameters",
            "value": "",
            "description": "Values of the schedule, base64 of a JSON object. Those above count more.",
        },
        {"name": "time-zone", "value": "UTC", "description": "In which the time of a schedule's slot is written."},
        {
            "name": "image",
            "value": f"registry.example.com/{plan.slug}:v{plan.version}",
            "description": "With Python, jupyter_mlops and the notebook's packages.",
        },
        {"name": "artifacts", "value": "/artifacts", "description": "Folder or fsspec URL that all steps share."},
    ]


def _argument(parameter: Parameter, name: str) -> dict[str, Any]:
    value = "" if parameter.is_required else f" Without a value: {parameter.source or parameter.default}."
    words = f"{parameter.help}{'.' if parameter.help and not parameter.help.endswith('.') else ''}{value}"
    argument: dict[str, Any] = {"name": name, "value": ""}
    if parameter.choices and all(isinstance(c, str) and "{{" not in c for c in parameter.choices):
        argument["enum"] = ["", *dict.fromkeys(choice for choice in parameter.choices if choice)]
    if words.strip():
        argument["description"] = plain(words.strip())
    return argument


def _graph(plan: ExportPlan, names: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for task in plan.tasks:
        entry = {"name": names[task.name], "template": names[task.name]}
        if task.after:
            entry["depends"] = " && ".join(f"{names[before]}.Succeeded" for before in task.after)
        yield entry
    ended = (
        "(" + " || ".join(f"{names[task.name]}.{state}" for state in DONE_STATES) + ")" for task in plan.tasks
    )  # fmt: skip
    yield {"name": names[COLLECT], "template": names[COLLECT], "depends": " && ".join(ended)}


def _step(plan: ExportPlan, task: ExportTask, name: str, arguments: Mapping[str, str]) -> dict[str, Any]:
    template: dict[str, Any] = {"name": name}
    metadata = {"labels": pods.valid_labels([task]), "annotations": pods.valid_annotations([task])}
    metadata = {kind: {k: plain(v) for k, v in values.items()} for kind, values in metadata.items() if values}
    if metadata:
        template["metadata"] = metadata
    if task.timeout is not None:
        template["activeDeadlineSeconds"] = str(max(1, round(task.timeout)))
    template["retryStrategy"] = {
        "limit": str(task.retries),
        "retryPolicy": "Always",
        "expression": "asInt(lastRetry.exitCode) != 2",  # the input is wrong
        "backoff": {"duration": f"{max(1, round(task.backoff))}s", "factor": "2", "cap": "1h"},
    }
    container: dict[str, Any] = {
        "image": plain(task.image) or "{{workflow.parameters.image}}",
        "command": ["/bin/sh", "-c"],
        "args": [pods.literal(script(plan, task))],
        "env": _variables(plan, task, arguments),
        "securityContext": pods.CONTAINER_SECURITY,
        "volumeMounts": pods.volume_mounts(plan),
    }
    if resources := pods.resources([task]):
        container["resources"] = resources
    template["container"] = container
    return template


def _variables(plan: ExportPlan, task: ExportTask, arguments: Mapping[str, str]) -> list[dict[str, Any]]:
    values = {
        "WORKFLOW": "{{workflow.name}}",
        "RETRIES": "{{retries}}",
        "TIME_ZONE": "{{workflow.parameters.time-zone}}",
        "JUPYTER_MLOPS_ARTIFACTS": "{{workflow.parameters.artifacts}}",
        "JUPYTER_MLOPS_RUN_ID": "{{workflow.name}}.{{workflow.uid}}",
        "JUPYTER_MLOPS_PARAMETERS": "{{workflow.parameters.parameters}}",
        "JUPYTER_MLOPS_ENGINE": "argo",
        **{
            _variable(number): f"{{{{workflow.parameters.{arguments[parameter.name]}}}}}"
            for number, parameter in enumerate(plan.parameters, 1)
        },
    }
    named: Iterable[dict[str, Any]] = ({"name": name, "value": value} for name, value in values.items())
    return [*pods.home_variables(), *named, *pods.secret_variables(plan, task.secrets)]


def _variable(number: int) -> str:
    return f"ARGUMENT_{number}"


def script(plan: ExportPlan, task: ExportTask) -> str:
    """What a container runs: one attempt of a task, with the arguments that are not empty."""
    lines = [
        'export JUPYTER_MLOPS_ATTEMPT="$((${RETRIES:-0} + 1))"',
        "# A CronWorkflow's Workflows end with the seconds between 1970 and their slot.",
        pods.slot_script("WORKFLOW", 1, '"$TIME_ZONE"').rstrip("\n"),
        f"set -- {' '.join(map(shell, task.steps))}",
        'values="${JUPYTER_MLOPS_PARAMETERS:-e30=}"',
    ]
    for number, parameter in enumerate(plan.parameters, 1):
        name = _variable(number)
        lines.append(f'[ -z "${name}" ] || set -- "$@" -b "$values" -p {shell(parameter.name)} "${name}"')
    lines.append(f'exec jupyter mlops step {shell(pods.bundle_path(plan))} "$@"')
    return "\n".join(lines) + "\n"


def _cron_workflow(plan: ExportPlan, schedule: ExportSchedule, number: int) -> dict[str, Any]:
    workflow: dict[str, Any] = {
        "workflowTemplateRef": {"name": plan.slug},
        "arguments": {
            "parameters": [
                {"name": "parameters", "value": encode_parameters(schedule.parameters)},
                {"name": "time-zone", "value": schedule.zone},
            ]
        },
    }
    name = plan.slug if number == 1 else f"{plan.slug[:48]}-{number}"
    if schedule.overlap == "queue" and plan.concurrency > 1:
        workflow["synchronization"] = {"mutexes": [{"name": name}]}
    spec = {
        "schedules": [expression_for(DIALECT, schedule)],
        "timezone": schedule.zone,
        "concurrencyPolicy": CONCURRENCY[schedule.overlap],
        "startingDeadlineSeconds": GRACE if schedule.missed == "skip" else START_LATE,
        "suspend": schedule.paused,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 3,
        "workflowSpec": workflow,
    }
    metadata = {"name": name, "labels": pods.labels(plan)}
    return {"apiVersion": API, "kind": "CronWorkflow", "metadata": metadata, "spec": spec}
