"""Plans for tests: small ones, hostile ones, and one of forty steps."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

from jupyter_mlops.export.plan import ExportPlan, ExportSchedule, ExportTask
from jupyter_mlops.notebook.parameter import Parameter

HOSTILE_TEXTS = (
    "it's", 'say "hi"', "a\nb", "tab\there", "naïve ✓ 名", "${{ secrets.TOKEN }}", "$(touch pwned)", "`touch pwned`",
    "$HOME", "50%", "%h %i", "a: b", "- a", "# no", "yes", "null", "1e3", "~", "*", "&a", "!tag", "{{ x }}", "a\\b",
    "'; exit 9; '",
    "${var.x}", "%{ if true }", "-rf", " leading", "trailing ", "\x01\x7f", "\u2028", "",
)  # fmt: skip


def task(name: str, *after: str, **options: Any) -> ExportTask:
    return ExportTask(name=name, steps=(name,), after=after, **options)


def parameter(name: str, default: Any, type_name: str = "", **options: Any) -> Parameter:
    return Parameter(
        name=name, type=type_name or type(default).__name__, default=default, help=options.pop("help", ""),
        source=options.pop("source", repr(default)), **options,
    )  # fmt: skip


def schedule(cron: str = "0 6 * * *", **options: Any) -> ExportSchedule:
    return ExportSchedule(cron=cron, **options)


def bundle() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(zipfile.ZipInfo("train.ipynb", (1980, 1, 1, 0, 0, 0)), "{}")
    return stream.getvalue()


def plan(*tasks: ExportTask, **options: Any) -> ExportPlan:
    facts: dict[str, Any] = {
        "job": "churn", "version": 3, "digest": "sha256:" + "ab" * 32, "notebook": "train.ipynb", "source": "{}",
        "python": "3.12.4", "lock": "pylock.toml", "bundle": bundle(),
    }  # fmt: skip
    return ExportPlan(tasks=tasks or diamond(), **{**facts, **options})


def diamond() -> tuple[ExportTask, ...]:
    """Four steps, of which two don't wait for each other."""
    return (
        task("load", variables={}),
        task("train a", "load", retries=2, backoff=5.0, timeout=600.0, limits={"cpu": "2", "memory": "4Gi"}),
        task("train b", "load", limits={"cpu": "500m", "nvidia.com/gpu": "1"}, secrets=("API_TOKEN",)),
        task("report", "train a", "train b", acts="writes model.pkl"),
    )


def forty() -> ExportPlan:
    """Forty steps: a chain with a fan of ten in the middle."""
    tasks = [task("step 0")]
    tasks += [task(f"step {n}", f"step {n - 1}") for n in range(1, 15)]
    tasks += [task(f"step {n}", "step 14") for n in range(15, 25)]
    tasks += [task("step 25", *(f"step {n}" for n in range(15, 25)))]
    tasks += [task(f"step {n}", f"step {n - 1}") for n in range(26, 40)]
    return plan(*tasks)


def hostile(text: str, **options: Any) -> ExportPlan:
    """A plan in which every text is the same hostile one."""
    facts: Mapping[str, Any] = {
        "job": text or "job", "notebook": f"{text}.ipynb", "message": text, "author": text,
        "parameters": (parameter("text", text, help=text), parameter("choice", text, "Literal", choices=(text, "b"))),
        "schedules": (schedule(parameters={"text": text}),),
    }  # fmt: skip
    name = text or "step"
    tasks = (task(name, retries=1, acts=text), task("after", name, labels={"a": text}))
    return plan(*tasks, **{**facts, **options})
