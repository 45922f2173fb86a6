"""Who takes runs, and who is no more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import update

from jupyter_mlops.db import tables as t
from jupyter_mlops.db.database import Database
from jupyter_mlops.jobs.worker_registry import WorkerRegistry, process_start
from tests.jobs.workspace import wait_until


@pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")
def test_one_that_was_killed_is_dead_even_if_nobody_has_asked_for_its_end(tmp_path: Path) -> None:
    db = Database(f"sqlite:///{tmp_path / 'x.sqlite'}")
    workers = WorkerRegistry(db)
    process = subprocess.Popen(["sleep", "600"])
    try:
        facts = {"started": process_start(process.pid)}
        workers.register("w")
        with db.write() as c:
            c.execute(update(t.worker).values(pid=process.pid, facts=facts))
        assert workers.stalled_on_host() == []
        process.kill()
        wait_until(lambda: workers.stalled_on_host() == ["w"])
        assert Path(f"/proc/{process.pid}").exists()
        assert workers.active_since(60) == []
    finally:
        process.kill()
        process.wait()
        db.close()
