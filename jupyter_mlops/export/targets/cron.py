"""cron: a crontab fragment and the script that it calls."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from jupyter_mlops.export import quoting
from jupyter_mlops.export.attempts import attempts, seconds
from jupyter_mlops.export.cron import CronFields, cron_fields
from jupyter_mlops.export.omissions import has_templates
from jupyter_mlops.export.plan import ExportPlan, ExportSchedule
from jupyter_mlops.export.requirements import require_secret_names
from jupyter_mlops.export.step_command import encode_parameters
from jupyter_mlops.export.templates import text_of

LOCKS = {"queue": "queue", "skip": "skip"}  # overlap policy -> what the script does when another run has the lock
QUARTERS = (0, 15, 30, 45)  # by which time zones differ, beside whole hours


class CronExporter:
    """Writes `SLUG.crontab`, the script `SLUG-run.sh` that it calls, and the bundle.

    A run is one `jupyter mlops run` of the bundle. Debian's cron knows no time zones, so the lines name all minutes
    at which the schedule may be due in some zone, and the script continues if the clock of the schedule's zone says so.
    `flock` keeps runs apart.

    Proved: Debian's cron starts the lines, and `shellcheck` accepts the script
    (tests/export/engines/test_cron_engine.py).
    """

    name: ClassVar[str] = "cron"
    label: ClassVar[str] = "cron"
    summary: ClassVar[str] = "a crontab line, the script that it calls, and the bundle"
    needs_bundle: ClassVar[bool] = True

    def files(self, plan: ExportPlan) -> Mapping[str, str | bytes]:
        """The fragment and the script. Raises InvalidInputError for a schedule that cron can't read."""
        require_secret_names(plan, "A shell")
        header = quoting.comment(plan.header("cron"))
        return {
            f"{plan.slug}.crontab": _crontab(plan, header, self.omissions(plan)),
            f"{plan.slug}-run.sh": _script(plan, header),
        }

    def omissions(self, plan: ExportPlan) -> tuple[str, ...]:
        sentences = []
        schedules = [schedule for schedule in plan.schedules if not schedule.paused]
        if len(schedules) < len(plan.schedules):
            sentences.append("Paused schedules are comments.")
        if any(schedule.missed != "skip" for schedule in schedules):
            sentences.append("Times that pass while the machine is off are not made up for.")
        if any(schedule.overlap == "replace" for schedule in schedules):
            sentences.append("A run does not end the one before: cron can't replace runs, so they run side by side.")
        if schedules:
            sentences.append("On days when clocks change, a time in the hour that is left out is skipped.")
        if has_templates(plan):
            sentences.append("cron does not tell the scheduled time: {{ scheduled_time }} is when the run starts.")
        if plan.concurrency > 1:
            sentences.append("The runs at once are not limited to a number above 1.")
        if any(task.limits for task in plan.tasks):
            sentences.append("Limits of CPU, memory and GPUs are not reserved.")
        if any(task.image for task in plan.tasks):
            sentences.append("The steps share one environment, so their images are not used.")
        if plan.notify:
            sentences.append("Notifications are mails of cron: set MAILTO.")
        return tuple(sentences)


def _crontab(plan: ExportPlan, header: str, omissions: tuple[str, ...]) -> str:
    folder = plan.folder
    notes = [
        "", f"Copy this folder to {folder}, with an environment in {folder}/venv that has jupyter_mlops, and add the",
        "lines to a crontab (crontab -e).", "",
        "Debian's cron ignores CRON_TZ, so the lines name the minutes at which a schedule can be due in any zone, and",
        "the script compares the clock of the schedule's zone (--at).",
    ]  # fmt: skip
    if plan.secrets:
        notes += ["", f"Secrets: {', '.join(plan.secrets)}, as lines NAME=value in {folder}/{plan.slug}.env (mode 600)"]
    if omissions:
        notes += ["", "What cron can't do:", *(f"- {sentence}" for sentence in omissions)]
    path = f"PATH={folder}/venv/bin:/usr/local/bin:/usr/bin:/bin"
    lines = [header, quoting.comment("\n".join(notes)), "", "SHELL=/bin/sh", path]
    for schedule in plan.schedules:
        line = _line(plan, schedule, folder)
        lines += ["", quoting.comment(f"{schedule.cron} ({schedule.zone})"), f"# {line}" if schedule.paused else line]
    if not plan.schedules:
        lines += ["", f"# 0 6 * * * {folder}/{plan.slug}-run.sh"]
    return "\n".join(lines) + "\n"


def _line(plan: ExportPlan, schedule: ExportSchedule, folder: str) -> str:
    """A line of a crontab. A % would be a line break to cron."""
    fields = cron_fields(schedule, CronExporter.label)
    minutes = sorted({(minute + quarter) % 60 for minute in fields.minute.values for quarter in QUARTERS})
    words = [f"{folder}/{plan.slug}-run.sh"]
    if _same_in_all_zones(fields, minutes):
        words.insert(0, schedule.cron)
    else:
        words.insert(0, f"{_list(minutes, 60)} * * * *")
        words += ["--at", quoting.shell(schedule.zone), *_clock(fields)]
    overlap = "allow" if plan.concurrency > 1 else schedule.overlap
    words += ["--lock", LOCKS[overlap]] if overlap in LOCKS else []
    parameters = encode_parameters(schedule.parameters)
    words += ["--parameters", parameters] if parameters else []
    return " ".join(words).replace("%", r"\%")


def _same_in_all_zones(fields: CronFields, minutes: Sequence[int]) -> bool:
    others = (fields.hour, fields.day, fields.month, fields.weekday)
    return all(field.is_any for field in others) and len(minutes) == len(fields.minute.values)


def _clock(fields: CronFields) -> list[str]:
    """Minutes, hours, days, months and weekdays, and how days and repeated hours count."""
    counts = ((fields.minute, 60), (fields.hour, 24), (fields.day, 31), (fields.month, 12), (fields.weekday, 7))
    words = [quoting.shell(_list(field.values, count)) for field, count in counts]
    by_the_clock = fields.minute.begins_with_star or fields.hour.begins_with_star
    return [*words, "either-day" if fields.either_day else "both-days", "each-hour" if by_the_clock else "once-a-day"]


def _list(values: Sequence[int], count: int) -> str:
    return "*" if len(values) == count else ",".join(map(str, values))


def _script(plan: ExportPlan, header: str) -> str:
    words = [f'jupyter mlops run "$folder/{plan.bundle_file}" "$@"', '--output "$folder/results/"']
    words.append('--report "$folder/results/report.html"')
    if plan.cell_timeout:
        words.append(f"--timeout {seconds(plan.cell_timeout)}")
    if plan.run_timeout:
        words.append(f"--run-timeout {seconds(plan.run_timeout)}")
    command = [f"{words[0]} \\", *(f"  {word} \\" for word in words[1:-1]), f"  {words[-1]}"]
    run = (
        attempts(command, plan.retries, plan.backoff)
        if plan.retries
        else ["code=0", *command[:-1], f"{command[-1]} || code=$?"]
    )
    template = text_of("cron_run.sh")
    facts = {"@HEADER@": header, "@JOB@": plan.slug, "@SECRETS@": " ".join(plan.secrets), "@RUN@": "\n".join(run)}
    return re.sub("|".join(facts), lambda hole: facts[hole[0]], template)
