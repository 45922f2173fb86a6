"""The units of systemd: keys, times, and that no text of a version becomes a key or a specifier."""

from __future__ import annotations

import base64
import json
import re

import pytest

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export.cron import cron_fields
from jupyter_mlops.export.plan import ExportPlan
from jupyter_mlops.export.targets.systemd import SystemdExporter, calendar
from tests.export import plans

KEYS = {  # of systemd.unit(5), systemd.service(5), systemd.exec(5), systemd.resource-control(5), systemd.timer(5)
    "Unit": {"Description", "Wants", "After", "StartLimitBurst", "StartLimitIntervalSec"},
    "Service": set(
        "Type ExecStart Environment EnvironmentFile TimeoutStartSec Restart RestartSec RestartPreventExitStatus"
        " CPUQuota MemoryMax DynamicUser StateDirectory WorkingDirectory NoNewPrivileges PrivateTmp PrivateDevices"
        " ProtectSystem"
        " ProtectHome ProtectKernelTunables ProtectKernelModules ProtectControlGroups ProtectClock RestrictSUIDSGID"
        " RestrictRealtime LockPersonality UMask".split()
    ),
    "Timer": {"OnCalendar", "AccuracySec", "Persistent"},
    "Install": {"WantedBy"},
}


def files(plan: ExportPlan) -> dict[str, str]:
    return {name: str(content) for name, content in SystemdExporter().files(plan).items()}


def settings(unit: str) -> list[tuple[str, str, str]]:
    """Section, key and value of each setting."""
    section, result = "", []
    for line in unit.replace("\\\n", "").splitlines():
        if re.fullmatch(r"\[\w+\]", line):
            section = line[1:-1]
        elif line and not line.startswith("#"):
            key, sign, value = line.partition("=")
            assert sign and re.fullmatch(r"[A-Za-z]+", key), line
            result.append((section, key, value))
    return result


def values(unit: str) -> dict[str, str]:
    return {key: value for _, key, value in settings(unit)}


def test_the_service_and_its_timers() -> None:
    plan = plans.plan(
        retries=2, backoff=30.0, run_timeout=3600.0,
        schedules=(plans.schedule("0 6 * * MON-FRI", zone="Europe/Paris", parameters={"n": 1}),
                   plans.schedule("30 0 1 * *", missed="skip"), plans.schedule(paused=True)),
    )  # fmt: skip
    units = files(plan)
    assert list(units) == ["churn.service", "churn-1.service", "churn-1.timer", "churn-2.service", "churn-2.timer"]
    service = values(units["churn-1.service"])
    assert service["Restart"] == "on-failure" and service["RestartPreventExitStatus"] == "2"
    assert service["StartLimitBurst"] == "3" and service["TimeoutStartSec"] == "3660"
    assert service["MemoryMax"] == "4096M" and service["CPUQuota"] == "200%"
    assert service["EnvironmentFile"] == "/etc/churn.env"
    parameters = service["ExecStart"].split()[-1]
    assert json.loads(base64.b64decode(parameters)) == {"n": 1}
    assert values(units["churn-1.timer"])["OnCalendar"] == "Mon,Tue,Wed,Thu,Fri *-*-* 06:00:00 Europe/Paris"
    assert [values(units[f"churn-{n}.timer"])["Persistent"] for n in (1, 2)] == ["yes", "no"]


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        ("0 6 * * *", ["*-*-* 06:00:00 UTC"]),
        ("*/15 * * * *", ["*-*-* *:00,15,30,45:00 UTC"]),
        ("5 4 * * SUN", ["Sun *-*-* 04:05:00 UTC"]),
        ("5 4 * * 7", ["Sun *-*-* 04:05:00 UTC"]),
        ("0 0 1,15 * WED", ["*-*-01,15 00:00:00 UTC", "Wed *-*-* 00:00:00 UTC"]),
        ("0 0 */10 * WED", ["Wed *-*-01,11,21,31 00:00:00 UTC"]),
        ("0 9-17/4 1 JAN-MAR *", ["*-01,02,03-01 09,13,17:00:00 UTC"]),
    ],
)
def test_times(cron: str, expected: list[str]) -> None:
    assert calendar(cron_fields(plans.schedule(cron), "x"), "UTC") == expected


@pytest.mark.parametrize(
    "cron", ["0 0 L * *", "0 0 * * 1#2", "0 0 * *", "60 * * * *", "5-1 * * * *", "0 0 ? * *", "*/0 * * * *"]
)
def test_times_that_systemd_cant_express_are_refused(cron: str) -> None:
    with pytest.raises(InvalidInputError, match="can't read the cron expression"):
        files(plans.plan(schedules=(plans.schedule(cron),)))


@pytest.mark.parametrize("text", plans.HOSTILE_TEXTS)
def test_no_text_becomes_a_key_or_a_specifier(text: str) -> None:
    plan = plans.hostile(text)
    for unit in files(plan).values():
        for section, key, value in settings(unit):
            assert key in KEYS[section]
            if key == "Description":
                assert "%" not in value.replace("%%", "")
                assert not value.endswith("\\")
            if key == "ExecStart":
                assert "$" not in value and set(re.findall(r"%.", value)) == {"%S"}


def test_what_is_left_out_stands_in_the_file() -> None:
    plan = plans.plan(
        plans.task("a", image="x"), retries=2, notify=("a",), concurrency=2,
        schedules=(plans.schedule(missed="all", parameters={"d": "{{ scheduled_time }}"}), plans.schedule(paused=True)),
    )  # fmt: skip
    omissions = SystemdExporter().omissions(plan)
    assert len(omissions) == 9
    assert all(f"# - {sentence}\n" in files(plan)["churn.service"] for sentence in omissions)


def test_the_same_plan_gives_the_same_bytes() -> None:
    assert files(plans.forty()) == files(plans.forty())
