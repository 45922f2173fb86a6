"""Who takes runs, and who is no more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import update

from jupyter_mlops.db import tables as t
from jupyter_mlops.db.database import Database
from jupyter_mlops.jobs.workers import Workers, process_start
from tests.jobs.workspace import wait_until


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
def test_one_that_was_killed_is_dead_even_if_nobody_has_asked_for_its_end(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path / 'x.sqlite'}")
    workers = Workers(db)
    process = subprocess.Popen(["sleep", "600"])
    try:
        facts = {"started": process_start(process.pid)}
        workers.enter("w")
        with db.write() as c:
            c.execute(update(t.worker).values(pid=process.pid, facts=facts))
        assert workers.dead_here() == []
        process.kill()
        wait_until(lambda: workers.dead_here() == ["w"])
        assert Path(f"/proc/{process.pid}").exists()
        assert workers.heard_within(60) == []
    finally:
        process.kill()
        process.wait()
        db.close()
