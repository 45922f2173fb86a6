"""Apache Airflow: a DAG file."""

from __future__ import annotations

import builtins
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export import omissions
from jupyter_mlops.export.cron_dialect import CRONITER, clock_changes, expression_for
from jupyter_mlops.export.identifiers import unique_identifiers
from jupyter_mlops.export.parameter_schema import schema_of
from jupyter_mlops.export.plan import ExportPlan, ExportSchedule, ExportTask
from jupyter_mlops.export.quoting import comment, python
from jupyter_mlops.export.templates import render
from jupyter_mlops.notebook.parameter import Parameter
from jupyter_mlops.scheduling.zone import zone

COLLECT = "\0collect"  # the last task, which is none of the plan's
TAKEN = (  # names that the DAG file uses
    "AirflowException", "AirflowFailException", "AirflowRuntimeError", "BUNDLE", "BaseOperator", "Connection",
    "CronTriggerTimetable", "DAG", "DEFAULTS", "DEFAULT_ARGS", "Label", "MultipleCronTriggerTimetable", "Param", "Path",
    "StepOperator", "Variable", "add_tasks", "annotations", "base64", "json", "mask_secret", "os", "pendulum", "re",
    "secret", "signal", "subprocess", "sys", "timedelta",
)  # fmt: skip
LONGEST_LABEL = 60
WIDTH = 110


class AirflowExporter:
    """Writes `SLUG.py`, a DAG with a task for each of the plan's and one that collects their results.

    Schedules with the same zone, policies and parameters share a DAG; others get another DAG in the same file.
    The DAG runs `jupyter mlops step` in separate processes, so that Airflow's environment needs no notebook's
    packages. `.airflowignore` keeps Airflow from looking for DAGs in the bundle.

    Proved by `tests/export/engines/test_airflow.py`: Airflow 3.3 imports the file without warnings, and `dags test`
    gives the values of Run All, repeats failed attempts, and does not repeat those with wrong input.
    """

    name: ClassVar[str] = "airflow"
    label: ClassVar[str] = "Apache Airflow"
    summary: ClassVar[str] = "a DAG file with a task for each step, and the bundle"
    needs_bundle: ClassVar[bool] = True

    def files(self, plan: ExportPlan) -> Mapping[str, str | bytes]:
        names = [task.name for task in plan.tasks]
        variables = unique_identifiers([*TAKEN, *dir(builtins), *names, COLLECT], "python")
        dags = [_dag(plan, group, number) for number, group in enumerate(_groups(plan), 1)]
        tasks = [_task(task, variables[task.name]) for task in plan.tasks]
        tasks.append(_task(ExportTask(COLLECT, ("--collect",)), variables[COLLECT]))
        edges = [*_edges(plan, variables), _list_edge([variables[name] for name in names], variables[COLLECT])]
        timetables = [dag["options"]["schedule"].partition("(")[0] for dag in dags]
        imports = {"DAG", "BaseOperator", "Variable", *timetables} - {"None"}
        imports |= {"Connection"} if plan.secrets else set()
        imports |= {"Label"} if any(task.variables for task in plan.tasks) else set()
        imports |= {"Param"} if any("params" in dag["options"] for dag in dags) else set()
        text = render(
            "airflow_dag.py.jinja",
            header=plan.header(self.name),
            bundle=plan.bundle_file,
            secrets=plan.secrets,
            omissions=self.omissions(plan),
            defaults=_block({python(p.name): python(p.default if p.literal else None) for p in _with_default(plan)}),
            default_args=_block(_default_args(plan)),
            imports=", ".join(sorted(imports, key=lambda name: (not name.isupper(), name))),
            uses_pendulum=any("start_date" in dag["options"] for dag in dags),
            dags=dags,
            tasks=tasks,
            edges=edges,
        )
        return {f"{plan.slug}.py": f"{text.rstrip()}\n", ".airflowignore": f"{plan.bundle_file}\n"}

    def omissions(self, plan: ExportPlan) -> tuple[str, ...]:
        return tuple(_omissions(plan))


def _omissions(plan: ExportPlan) -> Iterator[str]:
    for number, schedule in enumerate(plan.schedules, 1):
        name = omissions.named(len(plan.schedules), number)
        if schedule.missed == "skip":
            yield f"{name} skips missed slots; Airflow runs the latest of them."
        if schedule.overlap == "skip":
            yield f"{name} skips a slot whose predecessor still runs; in Airflow it waits."
        if schedule.overlap == "replace":
            yield f"{name} stops a run when the next slot comes; in Airflow the next one waits."
        if clock_changes(plan, schedule):
            yield f"{name} may fire up to an hour later on the day clocks go forward."
    if any(task.retries for task in plan.tasks):
        yield "Airflow waits up to twice as long before a repetition, so that tasks do not all start at once."
    yield from omissions.whole_run_repeated(plan, "Airflow")
    yield from omissions.cell_timeout(plan)
    yield from omissions.notifications(plan, "Airflow")
    yield from omissions.limits(plan, "with KubernetesExecutor, set a pod_override; other executors have no limits")


def _groups(plan: ExportPlan) -> list[list[ExportSchedule]]:
    """Schedules that can share a DAG; one group without schedules if there are none."""
    groups: dict[object, list[ExportSchedule]] = {}
    for schedule in plan.schedules:
        parameters = json.dumps(dict(schedule.parameters), sort_keys=True, default=str)
        key = (schedule.zone, schedule.missed, schedule.overlap, schedule.paused, parameters)
        groups.setdefault(key, []).append(schedule)
    return list(groups.values()) or [[]]


def _dag(plan: ExportPlan, schedules: Sequence[ExportSchedule], number: int) -> dict[str, Any]:
    """A DAG's arguments as Python source, and comments above it."""
    first = schedules[0] if schedules else None
    options = {
        "dag_id": python(plan.slug if number == 1 else f"{plan.slug}-{number}"),
        "description": python(f"{plan.label}: {plan.message}" if plan.message else f"{plan.label}, {plan.notebook}"),
        "doc_md": python(_documentation(plan)),
        "schedule": "None",
    }
    notes = []
    if first is not None:
        expressions = list(dict.fromkeys(expression_for(CRONITER, schedule) for schedule in schedules))
        timetable = "CronTriggerTimetable" if len(expressions) == 1 else "MultipleCronTriggerTimetable"
        options["schedule"] = f"{timetable}({', '.join(map(python, expressions))}, timezone={python(first.zone)})"
        options |= _start(plan, first)
        options["catchup"] = python(first.missed == "all")
        notes.append(
            "Runs all slots since the start date." if first.missed == "all"
            else "After a pause of the scheduler, runs the latest slot alone."
        )  # fmt: skip
        if first.paused:
            options["is_paused_upon_creation"] = "True"
    options["max_active_runs"] = python(plan.concurrency if first is None or first.overlap == "allow" else 1)
    if plan.run_timeout is not None:
        options["dagrun_timeout"] = _seconds(plan.run_timeout)
    options["default_args"] = "DEFAULT_ARGS"
    labels = {f"{key}:{value}"[:100]: None for task in plan.tasks for key, value in task.labels.items()}
    options["tags"] = python(["jupyter_mlops", *labels])
    params = _params(plan, dict(first.parameters) if first else {}, scheduled=first is not None)
    if params:
        options["params"] = _block(params, "    ")
    return {"options": options, "notes": notes}


def _start(plan: ExportPlan, schedule: ExportSchedule) -> dict[str, str]:
    """Slots before the version's publication never run. The date's zone is the DAG's."""
    if not plan.created:
        if schedule.missed == "all":
            raise InvalidInputError("a version without a date can't run all missed slots", field="missed")
        return {}
    local = datetime.fromisoformat(plan.created).astimezone(zone(schedule.zone))
    time = ", ".join(map(str, local.timetuple()[:6]))
    return {"start_date": f"pendulum.datetime({time}, tz={python(schedule.zone)})"}


def _documentation(plan: ExportPlan) -> str:
    """Markdown. It ends with a full stop: Airflow would take a text that ends with `.md` for a file."""
    author = f" by {plan.author}" if plan.author else ""
    return f"{plan.label}, published from {plan.notebook}{author}."


def _with_default(plan: ExportPlan) -> list[Parameter]:
    return [parameter for parameter in plan.parameters if not parameter.is_required]


def _params(plan: ExportPlan, values: Mapping[str, object], scheduled: bool) -> dict[str, str]:
    """Name -> `Param(…)`, both as Python source."""
    declared = {parameter.name: parameter for parameter in plan.parameters}
    params = {}
    for name, parameter in declared.items():
        if parameter.is_required and name not in values and scheduled:
            raise InvalidInputError(
                f"the parameter {name} has no default, and the schedule gives it no value",
                field=f"parameters.{name}",
                remedy="Give it one in the notebook or in the schedule.",
            )
        params[python(name)] = _param(parameter, values)
    for name in values:
        if name not in declared:
            params[python(name)] = f"Param({python(values[name])})"
    return params


def _param(parameter: Parameter, values: Mapping[str, object]) -> str:
    schema = schema_of(parameter)
    value = values.get(parameter.name, parameter.default if parameter.literal else None)
    if isinstance(value, str) and "{{" in value and parameter.name in values:  # `jupyter mlops step` fills it in
        schema = {}
    help_text = parameter.help
    if not parameter.literal:
        help_text = f"{help_text} Without a value: {parameter.source}".strip()
        if "type" in schema:
            types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
            schema["type"] = [*types, "null"]
        elif "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    is_open = parameter.is_required and parameter.name not in values
    arguments = [] if is_open else [python(value)]
    arguments += [f"{key}={python(item)}" for key, item in schema.items()]
    if help_text:
        arguments.append(f"description={python(help_text)}")
    return f"Param({', '.join(arguments)})"


def _default_args(plan: ExportPlan) -> dict[str, str]:
    arguments = {
        "retries": "0",
        "retry_exponential_backoff": "2",
        "max_retry_delay": "timedelta(hours=1)",
    }
    if plan.author:
        arguments = {"owner": python(plan.author), **arguments}
    return {python(name): value for name, value in arguments.items()}


def _task(task: ExportTask, variable: str) -> dict[str, Any]:
    """A task's variable, its operator's arguments as Python source, and the comment above it."""
    collects = task.name == COLLECT
    options = {"task_id": python(variable)}
    if not collects and task.title != variable:
        options["task_display_name"] = python(task.title)
    options["arguments"] = python(list(task.steps))
    if task.secrets:
        options["secrets"] = python(task.secrets)
    if task.retries:
        options["retries"] = python(task.retries)
        options["retry_delay"] = _seconds(max(task.backoff, 1.0))
    if task.timeout is not None:
        options["execution_timeout"] = _seconds(task.timeout)
    notes = [*([task.acts] if task.acts else []), *(["nothing later runs unless it succeeds"] if task.gate else [])]
    if collects:
        options["trigger_rule"] = python("all_done")
        notes = ["puts the results together and verifies them; decides whether the run failed"]
    text = "; ".join(notes)
    text = comment(text[:1].upper() + text[1:], "    #") if text else ""
    return {"variable": variable, "options": options, "comment": text}


def _seconds(seconds: float) -> str:
    for unit, size in (("hours", 3600), ("minutes", 60)):
        if seconds >= size and seconds % size == 0:
            return f"timedelta({unit}={int(seconds // size)})"
    return f"timedelta(seconds={seconds:g})" if seconds < 1e6 else f"timedelta(seconds={seconds!r})"


def _edges(plan: ExportPlan, variables: Mapping[str, str]) -> Iterator[str]:
    """`load >> Label("frame, n") >> train`"""
    for task in plan.tasks:
        for before in task.after:
            label = ", ".join(task.variables.get(before, ()))
            if len(label) > LONGEST_LABEL:
                label = f"{label[:LONGEST_LABEL]}…"
            middle = f"Label({python(label)}) >> " if label else ""
            yield f"{variables[before]} >> {middle}{variables[task.name]}"


def _list_edge(before: Sequence[str], after: str) -> str:
    line = f"[{', '.join(before)}] >> {after}"
    if len(line) <= WIDTH:
        return line
    return "[\n" + "".join(f"        {name},\n" for name in before) + f"    ] >> {after}"


def _block(entries: Mapping[str, str], indent: str = "") -> str:
    """A dict of Python source, one entry a line."""
    if not entries:
        return "{}"
    return "{\n" + "".join(f"{indent}    {key}: {value},\n" for key, value in entries.items()) + indent + "}"
