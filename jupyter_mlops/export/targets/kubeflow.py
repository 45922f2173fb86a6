"""Kubeflow Pipelines: a pipeline in Python, and what it compiles to."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export import omissions, pods, quoting
from jupyter_mlops.export.identifiers import unique_identifiers
from jupyter_mlops.export.plan import ExportPlan, ExportTask
from jupyter_mlops.export.quantities import quantity
from jupyter_mlops.export.quoting import python
from jupyter_mlops.export.templates import render
from jupyter_mlops.notebook.parameter import Parameter

TYPES = {"int": "NUMBER_INTEGER", "float": "NUMBER_DOUBLE", "bool": "BOOLEAN", "str": "STRING"}
PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {"int": int, "float": (int, float), "bool": bool, "str": str}
RUN_ID, SLOT = "{{$.pipeline_job_uuid}}", "{{$.pipeline_job_schedule_time_utc}}"
VERIFY, COLLECT, GROUP = "\0verify", "\0collect", "exit-handler-1"
TASK = "task "  # before a task's name: the variable of the task, not of its component
TAKEN = (  # names that the Python file uses
    "IMAGE", "Path", "SCRIPT", "arguments", "artifacts", "at_the_end", "compiler", "component", "delay", "dsl", "image",
    "limit", "name", "pipeline", "retries", "run", "run_id", "slot", "steps", "values",
)  # fmt: skip
CPU = re.compile(r"[0-9]*\.?[0-9]+m?", re.ASCII)
MEMORY = re.compile(r"[0-9]+[EPTGMK]i?", re.ASCII)
SCRIPT = """\
export JUPYTER_MLOPS_ARTIFACTS="$1" JUPYTER_MLOPS_RUN_ID="$2" JUPYTER_MLOPS_ENGINE=kubeflow
export HOME=/tmp JUPYTER_MLOPS_HOME=/tmp/jupyter-mlops
case "$3" in
    [0-9][0-9][0-9][0-9]-*) export JUPYTER_MLOPS_SCHEDULED_TIME="$3" ;;
esac
retries=$4 delay=$5 limit=$6 pairs=$7
shift 7
while [ "$pairs" -gt 0 ]; do # an empty value stands for the notebook's own
    [ -z "$2" ] || set -- "$@" -p "$1" "$2"
    shift 2
    pairs=$((pairs - 1))
done
attempt=1
while :; do
    code=0
    JUPYTER_MLOPS_ATTEMPT=$attempt timeout -k 10 "$limit" jupyter mlops step BUNDLE "$@" || code=$?
    [ "$code" -ne 0 ] && [ "$code" -ne 2 ] && [ "$attempt" -le "$retries" ] || exit "$code"
    sleep "$delay"
    attempt=$((attempt + 1)) delay=$((delay * 2))
    [ "$delay" -le 3600 ] || delay=3600
done
"""


@dataclass(frozen=True)
class _Input:
    """A parameter as an input of the pipeline. `default`: None if it has to be given."""

    parameter: Parameter
    identifier: str
    type: str
    default: Any


class KubeflowExporter:
    """Writes `SLUG.py`, a pipeline for kfp 2.x, and `SLUG.pipeline.yaml`, which it compiles to.

    A task is a container that repeats its own attempts, as Kubeflow's retries know no exit codes. The last task of
    the steps verifies their results, so that a difference fails the run; the exit handler collects them however the
    steps ended.

    Proved by `tests/export/engines/test_kubeflow_engine.py`: kfp compiles the Python file to the same YAML and loads
    it; the containers' commands run in a shell in the graph's order and give the values of Run All.
    """

    name: ClassVar[str] = "kubeflow"
    label: ClassVar[str] = "Kubeflow Pipelines"
    summary: ClassVar[str] = "a pipeline for the kfp SDK, and its compiled YAML"
    needs_bundle: ClassVar[bool] = True

    def files(self, plan: ExportPlan) -> Mapping[str, str | bytes]:
        inputs = _inputs(plan)
        head = quoting.comment(plan.header(self.name))
        package = f"{plan.slug}.pipeline.yaml"
        document = quoting.yaml(_sorted(_pipeline(plan, inputs)))
        source = _source(plan, inputs, plan.header(self.name), self.omissions(plan))
        return {f"{plan.slug}.py": source, package: f"{head}\n{document}"}

    def omissions(self, plan: ExportPlan) -> tuple[str, ...]:
        return tuple(_omissions(plan))


def _omissions(plan: ExportPlan) -> Iterator[str]:
    for schedule in plan.schedules:
        yield (
            f"A pipeline has no schedule: create a recurring run for '{schedule.cron}' in {schedule.zone}. Its cron has"
            " a field for seconds in front, and UTC."
        )
    if plan.secrets:
        yield f"Give the tasks their secrets with use_secret_as_env of kfp-kubernetes: {', '.join(plan.secrets)}."
    if plan.run_timeout is not None:
        yield f"The limit of {plan.run_timeout:g} s for the whole run does not apply; those of steps do."
    for task in plan.tasks:
        for name, value in sorted(task.limits.items()):
            if name not in _resources(task)[0]:
                yield f"{task.title} asks for {name}={value}, which Kubeflow does not know."
    if any(task.labels or task.annotations for task in plan.tasks):
        yield "Labels and annotations of steps are not set on pods."
    yield from omissions.whole_run_repeated(plan, "Kubeflow")
    yield from omissions.cell_timeout(plan)
    yield from omissions.notifications(plan, "Kubeflow")


def _inputs(plan: ExportPlan) -> list[_Input]:
    names = [parameter.name for parameter in plan.parameters]
    identifiers = unique_identifiers([*TAKEN, *dir(builtins), *names], "python")
    return [_input(parameter, identifiers[parameter.name]) for parameter in plan.parameters]


def _input(parameter: Parameter, identifier: str) -> _Input:
    expected = PYTHON_TYPES.get(parameter.type)
    if expected is None or parameter.choices:
        return _Input(parameter, identifier, "str", None if parameter.is_required else "")
    if parameter.is_required:
        return _Input(parameter, identifier, parameter.type, None)
    value = parameter.default
    fits = (
        parameter.literal and isinstance(value, expected) and (parameter.type == "bool" or not isinstance(value, bool))
    )
    if not fits or (isinstance(value, str) and (not value.isprintable() or "{{$" in value)):
        return _Input(parameter, identifier, "str", "")
    return _Input(parameter, identifier, parameter.type, float(value) if parameter.type == "float" else value)


def _names(plan: ExportPlan) -> dict[str, str]:
    names = unique_identifiers([GROUP, VERIFY, COLLECT, *(task.name for task in plan.tasks)], "dns", 40)
    return {name: identifier for name, identifier in names.items() if name != GROUP}


def _tasks(plan: ExportPlan) -> list[ExportTask]:
    """The plan's tasks and two additional ones, the collection last."""
    every = tuple(task.name for task in plan.tasks)
    added = [ExportTask(VERIFY, ("--collect",), after=every), ExportTask(COLLECT, ("--collect",))]
    return [*plan.tasks, *added]


def _image(plan: ExportPlan) -> str:
    return f"registry.example.com/{plan.slug}:v{plan.version}"


def _script(plan: ExportPlan) -> str:
    return SCRIPT.replace("BUNDLE", pods.bundle_path(plan))


def _settings(task: ExportTask) -> tuple[str, str, str]:
    """Retries, delay and limit, as the script takes them."""
    limit = "0" if task.timeout is None else f"{task.timeout:g}"
    return str(task.retries), str(max(1, round(task.backoff))), limit


def _plain(text: str) -> str:
    if "{{$" in text:
        raise InvalidInputError(f"Kubeflow would take {text!r} for a placeholder", remedy="Rename the step.")
    return text


def _resources(task: ExportTask) -> tuple[dict[str, str], dict[str, Any]]:
    """The limits that Kubeflow knows, and how a compiled pipeline writes them."""
    chosen: dict[str, str] = {}
    compiled: dict[str, Any] = {}
    for name, value in task.limits.items():
        if name == "cpu" and CPU.fullmatch(value):
            chosen[name] = value
            number = float(value[:-1]) / 1000 if value.endswith("m") else float(value)
            compiled |= {"cpuLimit": number, "resourceCpuLimit": value}
        elif name == "memory" and MEMORY.fullmatch(value):
            chosen[name] = value
            size = quantity(f"{value[:-1]}k" if value.endswith("K") else value)
            compiled |= {"memoryLimit": size / 1e9, "resourceMemoryLimit": value}
        elif "/" in name and value.isdigit() and "accelerator" not in compiled and pods.LABEL_KEY.fullmatch(name):
            chosen[name] = value
            kinds = {"resourceType": name, "type": name, "count": value, "resourceCount": value}
            compiled["accelerator"] = kinds
    return chosen, compiled


# -- the Python file


def _source(plan: ExportPlan, inputs: list[_Input], header: str, sentences: tuple[str, ...]) -> str:
    names = _names(plan)
    used = [*TAKEN, *dir(builtins), *(i.identifier for i in inputs)]
    variables = unique_identifiers([*used, *names, *(TASK + name for name in names)], "python")
    signature = [f"{i.identifier}: {i.type}" for i in inputs if i.default is None]
    defaults = [f"{i.identifier}: {i.type} = {python(i.default)}" for i in inputs if i.default is not None]
    values = {"artifacts": "artifacts", **{i.identifier: i.identifier for i in inputs}}
    values |= {"run_id": "dsl.PIPELINE_JOB_ID_PLACEHOLDER", "slot": "dsl.PIPELINE_JOB_SCHEDULE_TIME_UTC_PLACEHOLDER"}
    typed = ["artifacts: str", *(f"{i.identifier}: {i.type}" for i in inputs), "run_id: str", "slot: str"]
    return render(
        "kubeflow_pipeline.py.jinja",
        header=header,
        package=f"{plan.slug}.pipeline.yaml",
        file=f"{plan.slug}.py",
        bundle=pods.bundle_path(plan),
        omissions=sentences,
        image=_image(plan),
        script=_script(plan).replace("\\", "\\\\"),
        inputs=", ".join(typed),
        fixed=f'artifacts, run_id, slot, retries, delay, limit, "{len(inputs)}",',
        pairs=[(i.parameter.name, i.identifier) for i in inputs],
        components=[_component(task, names[task.name], variables[task.name]) for task in _tasks(plan)],
        slug=plan.slug,
        description=_description(plan),
        signature=", ".join(["artifacts: str", *signature, *defaults]),
        values=list(values.items()),
        collect=variables[COLLECT],
        tasks=[_call(task, variables) for task in _tasks(plan)[:-1]],
    )


def _component(task: ExportTask, name: str, variable: str) -> dict[str, str]:
    arguments = [python(name), python([_plain(step) for step in task.steps])]
    for key, value, default in zip(("retries", "delay", "limit"), _settings(task), ("0", "1", "0"), strict=True):
        if value != default:
            arguments.append(f"{key}={python(value)}")
    if task.image:
        arguments.append(f"image={python(_plain(task.image))}")
    return {"variable": variable, "arguments": ", ".join(arguments)}


def _call(task: ExportTask, variables: Mapping[str, str]) -> str:
    call = f"{variables[TASK + task.name]} = {variables[task.name]}(**values).set_caching_options(False)"
    if task.after:
        call += f".after({', '.join(variables[TASK + name] for name in task.after)})"
    if task.name not in (VERIFY, COLLECT):
        call += f".set_display_name({python(_title(task))})"
    for name, value in _resources(task)[0].items():
        if name == "cpu":
            call += f".set_cpu_limit({python(value)})"
        elif name == "memory":
            call += f".set_memory_limit({python(value)})"
        else:
            call += f".set_accelerator_type({python(name)}).set_accelerator_limit({value})"
    return call


def _title(task: ExportTask) -> str:
    return " ".join(_plain(task.title).split())


def _description(plan: ExportPlan) -> str:
    return quoting.CONTROL.sub(" ", " ".join(f"{plan.label}: {plan.message or plan.notebook}".split()))


# -- the compiled pipeline


def _pipeline(plan: ExportPlan, inputs: list[_Input]) -> dict[str, Any]:
    names, tasks = _names(plan), _tasks(plan)
    channels = {"artifacts": "STRING", **{i.identifier: TYPES[i.type] for i in inputs}}
    definitions = {name: {"parameterType": kind} for name, kind in channels.items()}
    components: dict[str, Any] = {
        f"comp-{names[task.name]}": {
            "executorLabel": f"exec-{names[task.name]}",
            "inputDefinitions": {
                "parameters": {
                    **definitions,
                    "run_id": {"parameterType": "STRING"},
                    "slot": {"parameterType": "STRING"},
                }
            },
        }
        for task in tasks
    }
    components[f"comp-{GROUP}"] = {
        "dag": {"tasks": {names[task.name]: _node(task, names, channels, "pipelinechannel--") for task in tasks[:-1]}},
        "inputDefinitions": {"parameters": {f"pipelinechannel--{name}": d for name, d in definitions.items()}},
    }
    group = {
        "componentRef": {"name": f"comp-{GROUP}"},
        "inputs": {"parameters": {f"pipelinechannel--{n}": {"componentInputParameter": n} for n in channels}},
        "taskInfo": {"name": "steps"},
    }
    collect = _node(tasks[-1], names, channels, "")
    collect |= {"dependentTasks": [GROUP], "triggerPolicy": {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}}
    definitions_of_run: dict[str, dict[str, Any]] = {name: dict(definition) for name, definition in definitions.items()}
    for item in inputs:
        if item.default is not None:
            definitions_of_run[item.identifier] |= {"defaultValue": item.default, "isOptional": True}
    return {
        "components": components,
        "deploymentSpec": {
            "executors": {f"exec-{names[t.name]}": {"container": _container(plan, t, inputs)} for t in tasks}
        },
        "pipelineInfo": {"name": plan.slug, "description": _description(plan)},
        "root": {
            "dag": {"tasks": {GROUP: group, names[COLLECT]: collect}},
            "inputDefinitions": {"parameters": definitions_of_run},
        },
        "schemaVersion": "2.1.0",
        "sdkVersion": "kfp-2.17.3",
    }


def _node(task: ExportTask, names: Mapping[str, str], channels: Mapping[str, str], prefix: str) -> dict[str, Any]:
    parameters: dict[str, Any] = {name: {"componentInputParameter": f"{prefix}{name}"} for name in channels}
    parameters |= {"run_id": {"runtimeValue": {"constant": RUN_ID}}, "slot": {"runtimeValue": {"constant": SLOT}}}
    node: dict[str, Any] = {
        "cachingOptions": {},
        "componentRef": {"name": f"comp-{names[task.name]}"},
        "inputs": {"parameters": parameters},
        "taskInfo": {"name": names[task.name] if task.name in (VERIFY, COLLECT) else _title(task)},
    }
    if task.after:
        node["dependentTasks"] = sorted(names[name] for name in task.after)
    return node


def _container(plan: ExportPlan, task: ExportTask, inputs: list[_Input]) -> dict[str, Any]:
    def placeholder(name: str) -> str:
        return f"{{{{$.inputs.parameters['{name}']}}}}"

    pairs = [text for i in inputs for text in (i.parameter.name, placeholder(i.identifier))]
    arguments = [*map(placeholder, ("artifacts", "run_id", "slot")), *_settings(task), str(len(inputs)), *pairs]
    container: dict[str, Any] = {
        "image": _plain(task.image) or _image(plan),
        "command": ["/bin/sh", "-c", _script(plan), "sh"],
        "args": [*arguments, *(_plain(step) for step in task.steps)],
    }
    if compiled := _resources(task)[1]:
        container["resources"] = compiled
    return container


def _sorted(value: Any) -> Any:
    """Keys in the order that kfp's compiler writes."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
