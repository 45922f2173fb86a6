"""The crontab on Debian's cron.

    apt-get install cron
    ENGINES=1 python -m pytest tests/export/engines/test_cron_engine.py

As root, on a machine where no cron runs and root has no crontab: the test starts a cron of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from jupyter_mlops.export.targets.cron import CronExporter
from tests.export import plans

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        "ENGINES" not in os.environ
        or os.geteuid() != 0
        or not shutil.which("cron", path="/usr/sbin:/usr/bin")
        or subprocess.run(["pgrep", "-x", "cron"], capture_output=True, check=False).returncode == 0
        or subprocess.run(["crontab", "-l"], capture_output=True, check=False).returncode == 0,
        reason="needs ENGINES=1, root, Debian's cron that does not run, and no crontab",
    ),
]


def test_cron_starts_what_is_due_and_nothing_else(tmp_path: Path) -> None:
    text = "50% it's $(touch pwned)"
    plan = plans.plan(
        plans.task("a"),
        schedules=(
            plans.schedule("* * * * *", parameters={"text": text}),
            plans.schedule("0-59 3 1 1 *", zone="Asia/Tokyo"),
        ),
    )
    for name, content in CronExporter().files(plan).items():
        (tmp_path / name).write_text(str(content).replace("/opt/churn", str(tmp_path)), encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "venv/bin").mkdir(parents=True)
    (tmp_path / "venv/bin/jupyter").write_text(
        f'#!/bin/sh\nprintf "%s " "$@" >> {tmp_path}/calls; echo >> {tmp_path}/calls\n'
    )
    (tmp_path / "venv/bin/jupyter").chmod(0o755)
    subprocess.run(["crontab", str(tmp_path / "churn.crontab")], check=True)
    cron = subprocess.Popen(["/usr/sbin/cron", "-f"])
    try:
        deadline = time.monotonic() + 130
        while not (tmp_path / "calls").exists() and time.monotonic() < deadline:
            time.sleep(1)
        time.sleep(2)
    finally:
        cron.terminate()
        cron.wait(10)
        subprocess.run(["crontab", "-r"], check=True)
    calls = (tmp_path / "calls").read_text().splitlines()
    assert len(calls) == 1
    assert calls[0].startswith("mlops run ") and "--parameters_base64 " in calls[0]
    assert not list(tmp_path.rglob("pwned"))
