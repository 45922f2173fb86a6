"""Plans of exports for tests."""

from __future__ import annotations

from typing import Any

from jupyter_mlops.export.plan import ExportPlan, ExportSchedule, ExportTask
from jupyter_mlops.notebook.parameter import Parameter

HOSTILE = (
    'it\'s "quoted" `id`',
    "two\nlines\r\nand\ttabs\\",
    "{{ ds }} {% raw %} {# x #} ${{ github.token }}",
    "$(touch /tmp/x) ${HOME} $HOME %H %% \\$",
    "ünïcödé 数据 😀 \u2028 \x07 \x7f",
    "- a: b # c",
    "yes",
    "'''\"\"\"",
    "{{=sprig.env('HOME')}} {{workflow.name}}",
    " leading and trailing ",
)


def plan(**changes: Any) -> ExportPlan:
    """Three tasks in a row, a parameter and no schedule."""
    values: dict[str, Any] = {
        "job": "Churn",
        "version": 3,
        "digest": "sha256:" + "ab" * 32,
        "notebook": "churn.ipynb",
        "source": "{}",
        "tasks": (
            ExportTask("load", ("load",)),
            ExportTask("train", ("train",), ("load",), {"load": ("frame",)}, retries=2, backoff=10.0, timeout=300.0),
            ExportTask("report", ("report",), ("train",), {"train": ("model",)}, acts="writes report.html"),
        ),
        "parameters": (Parameter("alpha", "float", 0.5, "strength", "0.5"),),
        "author": "Ada",
        "message": "first",
        "created": "2026-11-27T09:00:00+00:00",
        "bundle": b"PK bundle",
    }
    return ExportPlan(**(values | changes))


def hostile_plan(text: str, **changes: Any) -> ExportPlan:
    """A plan whose every text is the same hostile one."""
    task = ExportTask(
        text,
        (text, f"{text}2"),
        retries=1,
        acts=text,
        labels={text: text},
        annotations={text: text},
        secrets=("TOKEN",),
    )
    after = ExportTask(f"{text}3", (f"{text}3",), (text,), {text: (text,)})
    parameters = (
        Parameter("text", "str", text, text, repr(text)),
        Parameter("choice", f"Literal[{text!r}]", text, text, repr(text), (text,)),
    )
    schedule = ExportSchedule("0 6 * * *", "Europe/Paris", parameters={"text": f"{text}!"})
    values: dict[str, Any] = {
        "job": text, "notebook": text, "author": text, "message": text, "tasks": (task, after),
        "parameters": parameters, "schedules": (schedule,),
    }  # fmt: skip
    return plan(**(values | changes))


def wide_plan(number: int = 40) -> ExportPlan:
    """A task, many that need it, and one that needs them all."""
    middle = tuple(ExportTask(f"step {n}", (f"step {n}",), ("first",)) for n in range(number - 2))
    last = ExportTask("last", ("last",), tuple(task.name for task in middle))
    return plan(tasks=(ExportTask("first", ("first",)), *middle, last))
