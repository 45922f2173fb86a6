"""Slurm: a script that submits a job for each task, and the batch script that they share."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

from jupyter_mlops.export import quoting
from jupyter_mlops.export.attempts import seconds, waits
from jupyter_mlops.export.identifiers import unique_identifiers
from jupyter_mlops.export.plan import ExportPlan, ExportSchedule, ExportTask
from jupyter_mlops.export.quantities import mebibytes, whole
from jupyter_mlops.export.requirements import require_secret_names
from jupyter_mlops.export.step_command import encode_parameters
from jupyter_mlops.export.templates import fill

GPUS = ("nvidia.com/gpu", "amd.com/gpu")
LIMITS = ("cpu", "memory", *GPUS)
SLOT = r"JUPYTER_MLOPS_SCHEDULED_TIME=$(date -u +\%Y-\%m-\%dT\%H:\%M:00Z)"


class SlurmExporter:
    """Writes `SLUG.sh`, which submits the jobs of a run, `SLUG.sbatch`, which they execute, and the bundle.

    Each task is a job that waits for those before it (`afterok`) and is cancelled if one of them fails; a last job
    collects the results however they ended (`afterany`). Attempts are repeated inside of the job. `--sweep FILE` makes
    each of them a job array, an element for each line of parameters.

    Proved: `shellcheck` accepts both scripts, and a real Slurm with two nodes runs them
    (tests/export/engines/test_slurm_engine.py). Images, which Apptainer starts, are not proved.
    """

    name: ClassVar[str] = "slurm"
    label: ClassVar[str] = "Slurm"
    summary: ClassVar[str] = "a script that submits a batch job for each step, and the bundle"
    needs_bundle: ClassVar[bool] = True

    def files(self, plan: ExportPlan) -> Mapping[str, str | bytes]:
        """The two scripts. Raises InvalidInputError for limits that are no quantities."""
        require_secret_names(plan, "A shell")
        facts = {
            "@JOB@": plan.slug,
            "@BUNDLE@": plan.bundle_file,
            "@VERSION@": str(plan.version),
            "@SECRETS@": " ".join(plan.secrets),
            "@OVERLAP@": _overlap(plan),
            "@HEADER@\n": quoting.comment(plan.header("slurm")) + "\n",
            "@NOTES@\n": _notes(plan, self.omissions(plan)),
            "@JOBS@\n": _jobs(plan),
        }
        return {
            f"{plan.slug}.sh": fill("slurm_submit.sh", facts),
            f"{plan.slug}.sbatch": fill("slurm_task.sbatch", facts),
        }

    def omissions(self, plan: ExportPlan) -> tuple[str, ...]:
        sentences = []
        others = sorted({name for task in plan.tasks for name in task.limits if name not in LIMITS})
        if others:
            sentences.append(f"Limits of {', '.join(others)} are not requested: Slurm has no such resource by itself.")
        if plan.concurrency > 1:
            sentences.append("The runs at once are not limited to a number above 1: --overlap allow is the default.")
        if plan.retries:
            sentences.append("A failed run is not repeated as a whole: submit it again with the same --run-id.")
        if plan.run_timeout or plan.cell_timeout:
            sentences.append("Only the time limits of steps hold, not those of cells and of the whole run.")
        if plan.schedules:
            sentences.append("Nothing is scheduled by itself: the lines for cron are below.")
        if any(schedule.missed != "skip" for schedule in plan.schedules):
            sentences.append("What cron misses while the machine is off is not made up for.")
        if plan.notify:
            sentences.append("There are no notifications: add --mail-user and --mail-type to the last job.")
        return tuple(sentences)


def _overlap(plan: ExportPlan) -> str:
    overlap = next((s.overlap for s in plan.schedules if not s.paused), "queue")
    return "allow" if plan.concurrency > 1 else overlap


def _notes(plan: ExportPlan, omissions: tuple[str, ...]) -> str:
    paragraphs = []
    if plan.secrets:
        paragraphs.append(
            f"Secrets: {', '.join(plan.secrets)}.\nThey come from lines NAME=value in {plan.slug}.env beside this file "
            "(mode 600), or from\nthe environment of this script. A job receives those that its steps name."
        )
    if omissions:
        paragraphs.append("\n".join(["What Slurm can't do:", *(f"- {sentence}" for sentence in omissions)]))
    schedules = [line for schedule in plan.schedules if not schedule.paused for line in _cron_lines(plan, schedule)]
    if schedules:
        head = "Lines for cron on a login node (where cron knows no CRON_TZ, its machine's zone must be this one):"
        paragraphs.append("\n".join([head, *schedules]))
    return quoting.comment("\n\n".join(["", *paragraphs])[1:]) + "\n" if paragraphs else ""


def _cron_lines(plan: ExportPlan, schedule: ExportSchedule) -> list[str]:
    parameters = encode_parameters(schedule.parameters)
    option = f" --parameters {parameters}" if parameters else ""
    option += "" if schedule.overlap == _overlap(plan) else f" --overlap {schedule.overlap}"
    return [f"  CRON_TZ={schedule.zone}", f"  {schedule.cron} {SLOT} /path/to/{plan.slug}.sh{option}"]


def _jobs(plan: ExportPlan) -> str:
    names = unique_identifiers([task.name for task in plan.tasks], "word")
    paragraphs = [_job(plan, task, names) for task in plan.tasks]
    every = "".join(f":$job_{names[task.name]}" for task in plan.tasks)
    paragraphs.append(f'every_job="afterany{every}"')
    return "\n\n".join(paragraphs) + "\n"


def _job(plan: ExportPlan, task: ExportTask, names: Mapping[str, str]) -> str:
    waiting = "".join(f":$job_{names[other]}" for other in task.after)
    dependency = f"$ok{waiting}" if waiting else "$previous_runs"
    settings = {
        "STEP_RETRIES": str(task.retries) if task.retries else "",
        "STEP_PAUSE": seconds(max(1, round(task.backoff))) if task.retries else "",
        "STEP_TIMEOUT": seconds(task.timeout) if task.timeout else "",
        "STEP_SECRETS": quoting.shell(" ".join(task.secrets)) if task.secrets else "",
        "STEP_IMAGE": quoting.shell(task.image) if task.image else "",
    }
    prefix = "".join(f"{name}={value} " for name, value in settings.items() if value)
    options = "".join(f" {option}" for option in _options(task))
    steps = " ".join(map(quoting.shell, task.steps))
    title = task.title + (f" ({task.acts})" if task.acts else "")
    return (
        f"{quoting.comment(title)}\n"
        f'job_{names[task.name]}=$({prefix}submit {names[task.name]} "{dependency}"{options} -- {steps})'
    )


def _options(task: ExportTask) -> list[str]:
    options = []
    if "cpu" in task.limits:
        options.append(f"--cpus-per-task={whole(task.limits['cpu'])}")
    if "memory" in task.limits:
        options.append(f"--mem={mebibytes(task.limits['memory'])}M")
    gpus = sum(whole(task.limits[name]) for name in GPUS if name in task.limits)
    if gpus:
        options.append(f"--gres=gpu:{gpus}")
    if task.timeout:
        span = task.timeout * (1 + task.retries) + sum(waits(task.retries, max(1, round(task.backoff))))
        options.append(f"--time={math.ceil(span / 60) + 1}")
    return options
