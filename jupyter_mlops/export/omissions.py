"""Sentences about what engines can't do, shared by exporters."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_mlops.export.plan import ExportPlan


def whole_run_repeated(plan: ExportPlan, engine: str) -> Iterator[str]:
    """The policy `retries` of the job."""
    if plan.retries:
        times = "once" if plan.retries == 1 else f"{plan.retries} times"
        yield f"The job's policy repeats a failed run {times}; {engine} repeats steps alone, by their own retries."


def cell_timeout(plan: ExportPlan) -> Iterator[str]:
    if plan.cell_timeout is not None:
        yield f"The limit of {plan.cell_timeout:g} s for each cell does not apply; those of steps and of the run do."


def notifications(plan: ExportPlan, engine: str) -> Iterator[str]:
    if plan.notify:
        yield f"The job's {len(plan.notify)} notification addresses are not written to files; set up {engine}'s own."


def limits(plan: ExportPlan, reason: str) -> Iterator[str]:
    """Steps' limits and images, one sentence for each step. `reason`: why the engine does without."""
    for task in plan.tasks:
        needs = [f"{name}={value}" for name, value in sorted(task.limits.items())]
        if task.image:
            needs.append(f"image={task.image}")
        if needs:
            yield f"{task.title} asks for {', '.join(needs)}: {reason}."


def named(schedules: int, number: int) -> str:
    """How sentences name a schedule: `The schedule`, or `Schedule 2`."""
    return "The schedule" if schedules == 1 else f"Schedule {number}"


def has_templates(plan: ExportPlan) -> bool:
    """Whether a schedule gives a parameter a text that is filled in with the scheduled time."""
    return any("{{" in str(schedule.parameters) for schedule in plan.schedules)
