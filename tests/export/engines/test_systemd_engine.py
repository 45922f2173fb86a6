"""The units, read by `systemd-analyze`; the times of a timer are those of the scheduler.

    apt-get install systemd

`systemd-analyze verify` accepts unknown keys: it is told by what it prints, and the fast tests have a table of keys.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest

from jupyter_mlops.export.cron import cron_fields
from jupyter_mlops.export.targets.systemd import SystemdExporter, calendar
from jupyter_mlops.scheduling.cron import Cron
from tests.export import plans

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed"),
]
BASE = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["plain", *plans.HOSTILE_TEXTS])
def test_verify_has_nothing_to_say(text: str, tmp_path: Path) -> None:
    plan = plans.hostile(text, retries=2, run_timeout=60.0, schedules=(plans.schedule(zone="Asia/Tokyo"),))
    for name, content in SystemdExporter().files(plan).items():
        (tmp_path / name).write_text(
            str(content).replace(f"/opt/{plan.slug}/venv/bin/jupyter", "/bin/true"), encoding="utf-8"
        )
    units = [str(path) for path in tmp_path.iterdir()]
    process = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert (process.returncode, process.stderr + process.stdout) == (0, "")


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
@pytest.mark.parametrize(
    "cron",
    [
        "0 6 * * MON-FRI",
        "*/20 8-18 * * *",
        "30 4 1,15 * *",
        "0 12 * 2 0",
        "15 10 */7 * *",
        "0 0 13 * FRI",
        "59 23 31 * *",
    ],
)
def test_times_are_those_of_the_schedule(cron: str, zone: str) -> None:
    times: set[datetime] = set()
    for expression in calendar(cron_fields(plans.schedule(cron), "x"), zone):
        process = subprocess.run(
            ["systemd-analyze", "calendar", f"--base-time={BASE:%Y-%m-%d %H:%M:%S} UTC", "--iterations=30", expression],
            capture_output=True, text=True, check=True, env={"TZ": "UTC", "PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        )  # fmt: skip
        texts = re.findall(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC", process.stdout)
        times |= {datetime.fromisoformat(time).replace(tzinfo=UTC) for time in texts}
    assert sorted(times)[:30] == list(islice(Cron.parse(cron, zone).times(BASE), 30))
