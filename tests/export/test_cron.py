"""The crontab and its script: times in zones, locks, and that no text of a version becomes code."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path

import pytest

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export.plan import ExportPlan
from jupyter_mlops.export.targets.cron import CronExporter
from jupyter_mlops.scheduling.cron import Cron
from tests.export import plans


def files(plan: ExportPlan) -> dict[str, str]:
    return {name: str(content) for name, content in CronExporter().files(plan).items()}


def lines(plan: ExportPlan) -> list[str]:
    return [line for line in files(plan)[f"{plan.slug}.crontab"].splitlines() if re.match(r"[0-9*]", line)]


class Machine:
    """Where the script runs, with a `jupyter` that records its arguments and a clock that stands still."""

    def __init__(self, folder: Path, plan: ExportPlan, code: int = 0) -> None:
        self.folder = folder
        for name, content in files(plan).items():
            (folder / name).write_text(content, encoding="utf-8")
        (folder / f"{plan.slug}-run.sh").chmod(0o755)
        self.program("jupyter", f'printf "%s\\0" "$@" >> {folder}/calls; echo >> {folder}/calls; exit {code}')
        self.program("date", f'if [ "$1" = +%s ]; then cat {folder}/now; else exec /usr/bin/date "$@"; fi')
        self.program("sleep", "true")
        self.at(datetime.now(UTC))

    def program(self, name: str, text: str) -> None:
        (self.folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (self.folder / name).chmod(0o755)

    def at(self, time: datetime) -> None:
        (self.folder / "now").write_text(f"{int(time.timestamp())}\n")

    def cron(self, line: str, slug: str) -> int:
        """Do what cron does with a line that is due."""
        command = re.sub(r"(?<!\\)%.*", "", line.split(maxsplit=5)[5]).replace(r"\%", "%")
        command = command.replace(f"/opt/{slug}/", f"{self.folder}/")
        environment = {"PATH": f"{self.folder}:/usr/bin:/bin"}
        return subprocess.run(["/bin/sh", "-c", command], env=environment, check=False, timeout=20).returncode

    @property
    def calls(self) -> list[list[str]]:
        path = self.folder / "calls"
        return [line.split("\0")[:-1] for line in path.read_text().split("\n")[:-1]] if path.exists() else []


@pytest.mark.parametrize(
    ("cron", "zone", "day"),
    [
        ("30 6 * * *", "Europe/Paris", datetime(2026, 5, 1)),
        ("30 2 * * *", "Europe/Paris", datetime(2026, 10, 24, 20)),  # comes twice
        ("15 */4 * * *", "Asia/Kolkata", datetime(2026, 5, 1)),
        ("0 9 31 * FRI", "America/New_York", datetime(2026, 7, 30)),
        ("45 0 */2 * *", "Asia/Kathmandu", datetime(2026, 5, 1)),
    ],
)
def test_a_line_runs_when_the_schedule_is_due(cron: str, zone: str, day: datetime, tmp_path: Path) -> None:
    plan = plans.plan(schedules=(plans.schedule(cron, zone=zone),))
    machine, start = Machine(tmp_path, plan), day.replace(tzinfo=UTC)
    (line,) = lines(plan)
    minutes = set(map(int, line.split()[0].split(",")))
    due = []
    for quarter in range(1, 60):
        time = start + timedelta(minutes=15 * quarter)
        machine.at(time + timedelta(seconds=3))
        calls = len(machine.calls)
        assert time.minute in minutes
        assert machine.cron(line, plan.slug) == 0
        due += [time] if len(machine.calls) > calls else []
    end = start + timedelta(minutes=15 * 59)
    assert due == list(takewhile(lambda time: time <= end, Cron.parse(cron, zone).times(start)))


@pytest.mark.parametrize("cron", ["*/15 * * * *", "* * * * *", "*/5 * * * *"])
def test_what_is_the_same_in_all_zones_is_left_to_cron(cron: str) -> None:
    (line,) = lines(plans.plan(schedules=(plans.schedule(cron, zone="Asia/Tokyo"),)))
    assert line.startswith(f"{cron} /opt/churn/churn-run.sh --lock")


@pytest.mark.parametrize("text", plans.HOSTILE_TEXTS)
def test_no_text_becomes_code(text: str, tmp_path: Path) -> None:
    plan = plans.hostile(text, schedules=(plans.schedule("* * * * *", parameters={"text": text}),))
    machine = Machine(tmp_path, plan)
    (line,) = lines(plan)
    assert machine.cron(line, plan.slug) == 0
    (call,) = machine.calls
    assert json.loads(base64.b64decode(call[call.index("--parameters_base64") + 1])) == {"text": text}
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize(("code", "attempts"), [(0, 1), (1, 3), (2, 1)])
def test_bad_input_is_not_repeated(code: int, attempts: int, tmp_path: Path) -> None:
    plan = plans.plan(retries=2, schedules=(plans.schedule("* * * * *"),))
    machine = Machine(tmp_path, plan, code)
    assert machine.cron(lines(plan)[0], plan.slug) == code
    assert len(machine.calls) == attempts


@pytest.mark.parametrize(("overlap", "starts"), [("skip", False), ("allow", True)])
def test_overlap(overlap: str, starts: bool, tmp_path: Path) -> None:
    plan = plans.plan(schedules=(plans.schedule("* * * * *", overlap=overlap),))
    machine = Machine(tmp_path, plan)
    holder = subprocess.Popen(
        ["flock", str(tmp_path / "churn.lock"), "sh", "-c", "echo; sleep 30"], stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None and holder.stdout.readline()
        assert machine.cron(lines(plan)[0], plan.slug) == 0
        assert bool(machine.calls) is starts
    finally:
        holder.kill()
        holder.communicate()


def test_secrets_come_from_a_file_that_nobody_else_reads(tmp_path: Path) -> None:
    plan = plans.plan(schedules=(plans.schedule("* * * * *"),))
    machine = Machine(tmp_path, plan)
    machine.program("jupyter", f"env > {tmp_path}/environment")
    (tmp_path / "churn.env").write_text("API_TOKEN=it's $(x)\nOTHER=1\n")
    (tmp_path / "churn.env").chmod(0o640)
    assert machine.cron(lines(plan)[0], plan.slug) == 2
    (tmp_path / "churn.env").chmod(0o600)
    assert machine.cron(lines(plan)[0], plan.slug) == 0
    environment = (tmp_path / "environment").read_text()
    assert "API_TOKEN=it's $(x)\n" in environment and "OTHER" not in environment


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not on PATH")
@pytest.mark.parametrize("plan", [plans.plan(), plans.plan(retries=2, run_timeout=1.5)])
def test_shellcheck_has_nothing_to_say(plan: ExportPlan, tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text(files(plan)["churn-run.sh"])
    process = subprocess.run(["shellcheck", tmp_path / "run.sh"], capture_output=True, text=True, check=False)
    assert process.stdout == ""


def test_what_is_left_out_stands_in_the_file() -> None:
    plan = plans.plan(
        plans.task("a", limits={"cpu": "1"}, image="x"), notify=("a",), concurrency=2,
        schedules=(
            plans.schedule(overlap="replace", parameters={"d": "{{ scheduled_time }}"}),
            plans.schedule(paused=True),
        ),
    )  # fmt: skip
    omissions = CronExporter().omissions(plan)
    assert len(omissions) == 9
    assert all(f"# - {sentence}\n" in files(plan)["churn.crontab"] for sentence in omissions)
    with pytest.raises(InvalidInputError, match="cron expression"):
        files(plans.plan(schedules=(plans.schedule("0 0 L * *"),)))


def test_the_same_plan_gives_the_same_bytes() -> None:
    assert files(plans.forty()) == files(plans.forty())
