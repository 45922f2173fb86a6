"""systemd: a service that runs the version once, and a timer for each schedule."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from jupyter_mlops.export import quoting
from jupyter_mlops.export.attempts import seconds, waits
from jupyter_mlops.export.cron import MONTHS, CronFields, cron_fields
from jupyter_mlops.export.omissions import has_templates
from jupyter_mlops.export.plan import ExportPlan, ExportSchedule
from jupyter_mlops.export.quantities import mebibytes, quantity
from jupyter_mlops.export.requirements import require_secret_names
from jupyter_mlops.export.step_command import INVALID_INPUT, encode_parameters

WEEKDAYS = "Sun Mon Tue Wed Thu Fri Sat".split()
NO_LIMIT = "infinity"
HARDENING = """\
NoNewPrivileges=yes
PrivateTmp=yes
PrivateDevices={private_devices}
ProtectSystem=strict
ProtectHome=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectControlGroups=yes
ProtectClock=yes
RestrictSUIDSGID=yes
RestrictRealtime=yes
LockPersonality=yes
UMask=0077"""


class SystemdExporter:
    """Writes `SLUG.service`, a timer for each schedule and its parameters, and the bundle.

    A service is one `jupyter mlops run` of the bundle by a user that systemd makes up, with a state folder as the only
    place to write to. Failed runs are repeated by systemd, except for exit code 2. Timers have the time zones of the
    schedules. Secrets are lines of a file that only root reads.

    Proved: `systemd-analyze verify` and `systemd-analyze calendar` accept the units, all keys are in a table of the
    tests, and the times of a timer are those of the schedule (tests/export/engines/test_systemd_engine.py). systemd
    itself does not run in the tests.
    """

    name: ClassVar[str] = "systemd"
    label: ClassVar[str] = "systemd timers"
    summary: ClassVar[str] = "a service, a timer for each schedule, and the bundle"
    needs_bundle: ClassVar[bool] = True

    def files(self, plan: ExportPlan) -> Mapping[str, str | bytes]:
        """The units. Raises InvalidInputError for a schedule that systemd can't express."""
        require_secret_names(plan, "systemd")
        header = quoting.comment(plan.header("systemd"))
        schedules = [schedule for schedule in plan.schedules if not schedule.paused]
        files = {f"{plan.slug}.service": _service(plan, header, self.omissions(plan), "")}
        for number, schedule in enumerate(schedules, 1):
            name = plan.slug if len(schedules) == 1 else f"{plan.slug}-{number}"
            files[f"{name}.service"] = _service(
                plan, header, self.omissions(plan), encode_parameters(schedule.parameters)
            )
            files[f"{name}.timer"] = _timer(plan, header, schedule)
        return files

    def omissions(self, plan: ExportPlan) -> tuple[str, ...]:
        sentences = []
        schedules = [schedule for schedule in plan.schedules if not schedule.paused]
        if len(schedules) < len(plan.schedules):
            sentences.append("Paused schedules are left out.")
        if any(schedule.missed == "all" for schedule in schedules):
            sentences.append("Of several missed times only the latest is made up for.")
        for overlap in ("queue", "allow", "replace"):
            if any(schedule.overlap == overlap for schedule in schedules):
                sentences.append(
                    f"A time at which the previous run is active is skipped: systemd can't {overlap} runs."
                )
        if schedules:
            sentences.append("On days when clocks change, a time in the hour that is left out is skipped.")
        if has_templates(plan):
            sentences.append("systemd does not tell the scheduled time: {{ scheduled_time }} is when the run starts.")
        if plan.concurrency > 1 or len(schedules) > 1:
            sentences.append("Each unit runs once at a time; different units don't wait for each other.")
        if plan.retries > 1:
            sentences.append("The pause between attempts does not grow.")
        if any(task.image for task in plan.tasks):
            sentences.append("The steps share one environment, so their images are not used.")
        if plan.notify:
            sentences.append("There are no notifications: add OnFailure= with a unit that does.")
        return tuple(sentences)


def _service(plan: ExportPlan, header: str, omissions: tuple[str, ...], parameters: str) -> str:
    folder = plan.folder
    command = ["jupyter mlops run", f"{folder}/{plan.bundle_file}", "--output %S/" + plan.slug]
    command += [f"--report %S/{plan.slug}/report.html"]
    command += [f"--timeout {seconds(plan.cell_timeout)}"] if plan.cell_timeout else []
    command += [f"--run-timeout {seconds(plan.run_timeout)}"] if plan.run_timeout else []
    command += [f"--parameters_base64 {parameters}"] if parameters else []
    gpus = any("gpu" in name for task in plan.tasks for name in task.limits)
    notes = [
        "", "Install:", f"  install -D -m 644 {plan.bundle_file} {folder}/{plan.bundle_file}",
        f"  python3 -m venv {folder}/venv && {folder}/venv/bin/pip install jupyter_mlops",
        f"  install -m 644 {plan.slug}*.service {plan.slug}*.timer /etc/systemd/system/",
        f"  systemctl daemon-reload && systemctl enable --now {plan.slug}*.timer",
    ]  # fmt: skip
    if plan.secrets:
        notes += [
            "",
            f"Secrets: {', '.join(plan.secrets)}, as lines NAME=value in /etc/{plan.slug}.env (root, mode 600)",
        ]
    if omissions:
        notes += ["", "What systemd can't do:", *(f"- {sentence}" for sentence in omissions)]
    lines = [
        header, quoting.comment("\n".join(notes)), "",
        "[Unit]", f"Description={_text(plan.label)}", "Wants=network-online.target", "After=network-online.target",
        *_start_limit(plan),
        "", "[Service]", "Type=oneshot", f"ExecStart={folder}/venv/bin/" + " \\\n  ".join(command),
        (f"Environment=JUPYTER_MLOPS_HOME=%S/{plan.slug} HOME=%S/{plan.slug}"
        f" PATH={folder}/venv/bin:/usr/local/bin:/usr/bin:/bin"),
        *([f"EnvironmentFile=/etc/{plan.slug}.env"] if plan.secrets else []),
        f"TimeoutStartSec={_limit(plan)}",
        *_restart(plan),
        *_resources(plan),
        "", "DynamicUser=yes", f"StateDirectory={plan.slug}", f"WorkingDirectory=%S/{plan.slug}",
        HARDENING.format(private_devices="no" if gpus else "yes"),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _text(text: str) -> str:
    """A text in a unit: no specifier, and no line ends."""
    return re.sub(r"\s+", " ", quoting.CONTROL.sub(" ", text)).strip().rstrip("\\").replace("%", "%%")


def _limit(plan: ExportPlan) -> str:
    return seconds(plan.run_timeout + 60) if plan.run_timeout else NO_LIMIT


def _start_limit(plan: ExportPlan) -> list[str]:
    """A run may be started once, and repeated as often as the job says, within the time that this can take."""
    if not plan.retries:
        return []
    span = (plan.run_timeout + 60) * (1 + plan.retries) if plan.run_timeout else 86400 * (1 + plan.retries)
    interval = span + sum(waits(plan.retries, plan.backoff))
    return [f"StartLimitBurst={1 + plan.retries}", f"StartLimitIntervalSec={seconds(interval)}"]


def _restart(plan: ExportPlan) -> list[str]:
    if not plan.retries:
        return []
    return [
        "Restart=on-failure", f"RestartSec={seconds(max(1, round(plan.backoff)))}",
        f"# {INVALID_INPUT} means that the input is wrong: another attempt can't succeed.",
        f"RestartPreventExitStatus={INVALID_INPUT}",
    ]  # fmt: skip


def _resources(plan: ExportPlan) -> list[str]:
    """The limits of the largest step, for all of them."""
    cpus = [quantity(task.limits["cpu"]) for task in plan.tasks if "cpu" in task.limits]
    sizes = [mebibytes(task.limits["memory"]) for task in plan.tasks if "memory" in task.limits]
    lines = [f"CPUQuota={round(max(cpus) * 100)}%"] if cpus else []
    return [*lines, *([f"MemoryMax={max(sizes)}M"] if sizes else [])]


def _timer(plan: ExportPlan, header: str, schedule: ExportSchedule) -> str:
    times = calendar(cron_fields(schedule, SystemdExporter.label), schedule.zone)
    lines = [
        header, quoting.comment(f"\nCron: {schedule.cron} ({schedule.zone})"), "",
        "[Unit]", f"Description={_text(plan.label)}, by schedule", "",
        "[Timer]", *(f"OnCalendar={time}" for time in times), "AccuracySec=1s",
        f"Persistent={'no' if schedule.missed == 'skip' else 'yes'}", "",
        "[Install]", "WantedBy=timers.target",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def calendar(fields: CronFields, zone: str) -> list[str]:
    """The calendar expressions of systemd whose times together are those of a cron expression."""
    time = f"{_numbers(fields.hour.values, 24)}:{_numbers(fields.minute.values, 60)}:00 {zone}"
    month = _numbers(fields.month.values, len(MONTHS), "*")
    day = _numbers(fields.day.values, 31, "*")
    weekday = "" if len(fields.weekday.values) == 7 else f"{','.join(WEEKDAYS[v] for v in fields.weekday.values)} "
    if fields.either_day:
        return [f"*-{month}-{day} {time}", f"{weekday}*-{month}-* {time}"]
    return [f"{weekday}*-{month}-{day} {time}"]


def _numbers(values: tuple[int, ...], count: int, every: str = "*") -> str:
    if len(values) == count:
        return every
    return ",".join(f"{value:02d}" for value in values)
