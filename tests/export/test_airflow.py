"""The DAG file: what it says, and that no text becomes code. Airflow itself runs in engines/test_airflow.py."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export.plan import ExportPlan, ExportSchedule, ExportTask
from jupyter_mlops.export.targets.airflow import AirflowExporter
from jupyter_mlops.notebook.parameter import Parameter
from tests.export.plans_in_a_row import HOSTILE, hostile_plan, plan, wide_plan


def source_of(exported: ExportPlan) -> str:
    text = AirflowExporter().files(exported)[f"{exported.slug}.py"]
    assert isinstance(text, str)
    assert text.endswith("\n") and not text.endswith("\n\n")
    return text


def calls(source: str, name: str) -> list[dict[str, Any]]:
    """Arguments of all calls of a function: values where they are literals, source text otherwise."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            keywords = {k.arg: value_of(k.value) for k in node.keywords if k.arg}
            found.append({**keywords, **{str(n): value_of(a) for n, a in enumerate(node.args)}, "line": node.lineno})
    return sorted(found, key=lambda call: call["line"])


def value_of(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)


def constants(source: str, name: str) -> Any:
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            return value_of(node.value)
    raise AssertionError(name)


def test_a_task_for_each_and_one_that_collects() -> None:
    source = source_of(plan())
    load, train, report, collect = calls(source, "StepOperator")
    assert load["arguments"] == ["load"]
    assert train["retries"] == 2
    assert train["retry_delay"] == "timedelta(seconds=10)"
    assert train["execution_timeout"] == "timedelta(minutes=5)"
    assert (collect["arguments"], collect["trigger_rule"]) == (["--collect"], "all_done")
    assert 'load >> Label("frame") >> train' in source
    assert "[load, train, report] >> collect" in source
    assert "# Writes report.html\n" in source
    (dag,) = calls(source, "DAG")
    assert dag["dag_id"] == "churn"
    assert dag["schedule"] is None
    assert report["task_id"] == "report"


def test_every_line_says_which_version_it_is_from() -> None:
    head = source_of(plan()).splitlines()[:2]
    assert head == ["# Churn v3, from churn.ipynb", f"# Version digest: {plan().digest}"]


def test_airflow_does_not_look_for_dags_in_the_bundle() -> None:
    assert AirflowExporter().files(plan())[".airflowignore"] == "churn-v3.zip\n"


def test_schedules_that_agree_share_a_dag() -> None:
    schedules = (
        ExportSchedule("0 6 * * *", "Europe/Paris"),
        ExportSchedule("0 18 * * *", "Europe/Paris"),
        ExportSchedule("0 7 * * *", "Europe/Paris", "all", "allow", {"alpha": 0.7}, paused=True),
    )
    source = source_of(plan(schedules=schedules, concurrency=4))
    first, second = calls(source, "DAG")
    assert first["schedule"] == "MultipleCronTriggerTimetable('0 6 * * *', '0 18 * * *', timezone='Europe/Paris')"
    assert second["schedule"] == "CronTriggerTimetable('0 7 * * *', timezone='Europe/Paris')"
    assert (first["catchup"], second["catchup"]) == (False, True)
    assert (first["max_active_runs"], second["max_active_runs"]) == (1, 4)
    assert first["start_date"] == "pendulum.datetime(2026, 11, 27, 10, 0, 0, tz='Europe/Paris')"
    assert second["is_paused_upon_creation"] is True
    assert [call["0"] for call in calls(source, "Param")] == [0.5, 0.7]
    assert source.count("    add_tasks()\n") == 2


def test_parameters_have_the_schema_of_their_type() -> None:
    parameters = (
        Parameter("day", "date", "2026-01-01", "", "date(2026, 1, 1)"),
        Parameter("model", "Literal['a', 'b']", "a", "which", "'a'", ("a", "b")),
        Parameter("size", "int | None", None, "", "None"),
        Parameter("names", "list[str]", ["x"], "", "['x']"),
        Parameter("path", "Path", "HOME / 'x'", "", "HOME / 'x'", literal=False),
        Parameter("odd", "float", "nan", "", "float('nan')"),
        Parameter("needed", "int", None, ""),
    )
    day, model, size, names, path, odd, needed = calls(source := source_of(plan(parameters=parameters)), "Param")
    assert (day["0"], day["type"], day["format"]) == ("2026-01-01", "string", "date")
    assert (model["enum"], model["description"]) == (["a", "b"], "which")
    assert size["type"] == ["integer", "null"]
    assert names["type"] == "array"
    assert (path["0"], path["type"]) == (None, ["string", "null"])
    assert "HOME / 'x'" in path["description"]
    assert "type" not in odd
    assert needed["type"] == "integer" and "0" not in needed
    assert constants(source, "DEFAULTS") == {
        "day": "2026-01-01", "model": "a", "size": None, "names": ["x"], "path": None, "odd": "nan",
    }  # fmt: skip


def test_a_schedule_without_a_needed_value_is_refused() -> None:
    needed = (Parameter("needed", "int", None, ""),)
    with pytest.raises(InvalidInputError, match="needed"):
        source_of(plan(parameters=needed, schedules=(ExportSchedule("0 6 * * *"),)))
    source_of(plan(parameters=needed, schedules=(ExportSchedule("0 6 * * *", parameters={"needed": 1}),)))


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 6 L * *", "0 6 L * *"),
        ("0 6 * * 5L", "0 6 * * L5"),
        ("0 6 * * 5#2", "0 6 * * 5#2"),
        ("0 6 * * 5-7", "0 6 * * 0,5,6"),
        ("0 6 1-31 * MON", "0 6 * * *"),
    ],
)
def test_airflow_writes_some_days_otherwise(cron: str, expected: str) -> None:
    (dag,) = calls(source_of(plan(schedules=(ExportSchedule(cron),))), "DAG")
    assert dag["schedule"] == f"CronTriggerTimetable('{expected}', timezone='UTC')"


@pytest.mark.parametrize("cron", ["0 6 LW * *", "0 6 */2 * MON"])
def test_what_fires_at_other_times_in_airflow_is_refused(cron: str) -> None:
    with pytest.raises(InvalidInputError, match="Airflow can't run the schedule"):
        source_of(plan(schedules=(ExportSchedule(cron),)))


def test_omissions_stand_in_the_file() -> None:
    task = ExportTask("a", ("a",), retries=1, limits={"memory": "4Gi"}, image="python:3.11")
    schedule = ExportSchedule("30 2 * * *", "Europe/Paris", missed="skip", overlap="replace")
    exported = plan(tasks=(task,), schedules=(schedule,), retries=2, cell_timeout=5.0, notify=("mailto://x",))
    source = source_of(exported)
    assert len(AirflowExporter().omissions(exported)) == 8
    for sentence in AirflowExporter().omissions(exported):
        assert f"# - {sentence}\n" in source
    assert AirflowExporter().omissions(plan(tasks=plan().tasks[:1])) == ()


def test_secrets_appear_by_name_alone() -> None:
    tasks = (ExportTask("a", ("a",), secrets=("TOKEN",)), ExportTask("b", ("b",)))
    source = source_of(plan(tasks=tasks))
    assert [call.get("secrets") for call in calls(source, "StepOperator")] == [("TOKEN",), None, None]
    assert "mask_secret(value)" in source
    assert "mask_secret" not in source_of(plan())


def test_no_step_takes_a_name_that_the_file_uses() -> None:
    names = ("os", "Path", "print", "collect", "subprocess", "StepOperator", "class", "DEFAULT_ARGS", "list")
    source = source_of(plan(tasks=tuple(ExportTask(name, (name,)) for name in names)))
    bound = [n.id for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    assert not {"os", "Path", "print", "subprocess", "StepOperator", "list"} & set(bound)
    assert bound.count("collect") == 1
    tasks = calls(source, "StepOperator")
    assert len({task["task_id"] for task in tasks}) == len(names) + 1
    assert [task["arguments"] for task in tasks] == [*([name] for name in names), ["--collect"]]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_becomes_code(text: str) -> None:
    hostile, harmless = source_of(hostile_plan(text)), source_of(hostile_plan("plain"))
    shape = [type(node) for node in ast.walk(ast.parse(harmless))]
    extra = [node for node in ast.walk(ast.parse(hostile)) if isinstance(node, ast.Call)]
    assert len(extra) == len([t for t in shape if t is ast.Call])
    first, second, _ = calls(hostile, "StepOperator")
    assert first["arguments"] == [text, f"{text}2"]
    assert second["arguments"] == [f"{text}3"]
    assert calls(hostile, "Param")[0]["0"] == f"{text}!"
    assert calls(hostile, "Param")[1]["enum"] == [text]
    assert constants(hostile, "DEFAULTS") == {"text": text, "choice": text}
    assert "template_fields = ()" in hostile


def test_forty_steps() -> None:
    source = source_of(wide_plan())
    assert len(calls(source, "StepOperator")) == 41
    assert max(map(len, source.splitlines())) <= 120
    assert source.count(" >> ") == 38 + 38 + 1


def test_the_same_plan_gives_the_same_bytes() -> None:
    assert source_of(hostile_plan("x")) == source_of(hostile_plan("x"))
