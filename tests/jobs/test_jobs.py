"""Jobs with a real worker: what was published runs, by hand and by schedule, and what happens is what was promised."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update

from jupyter_mlops.db import tables as t
from jupyter_mlops.errors import InvalidInputError, InvalidParameterError
from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.service import batches, jobs, run_values, runs, schedules
from tests.jobs.workspace import opened, wait_until, working, write_notebook

pytestmark = [pytest.mark.xdist_group("jobs"), pytest.mark.timeout(180)]

STEPS = (
    "# tags: parameters\nday = '2026-01-01'\nfactor: int = 1  # how much",
    "# tags: step:load\nrows = list(range(5))\nprint('loading')",
    "# tags: step:score\ntotal = sum(rows) * factor\nprint(day, total)",
    "# tags: metrics\ntotal",
)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def worker(home: Path) -> Iterator[Any]:
    with working(home, "--jobs", "2", MLOPS_SECRET_TOKEN="s3cr3t-value") as process:
        yield process


@pytest.fixture
def space(home: Path, worker: Any) -> Iterator[Workspace]:
    with opened(home) as made:
        yield made


def printed(run: dict[str, Any]) -> str:
    cells = json.loads(Path(run["output"]).read_text())["cells"]
    return "".join("".join(o.get("text", "")) for c in cells for o in c.get("outputs", []))


def over(space: Workspace, run_id: str) -> dict[str, Any]:
    return wait_until(lambda: (run := runs.run(space, run_id))["finished"] and run)  # type: ignore[no-any-return]


def test_a_version_runs_as_it_was_published(space: Workspace, tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("def answer(): return 42")
    (tmp_path / "data.csv").write_text("a,b\n1,2\n")
    book = write_notebook(
        tmp_path / "asis.ipynb", "import helper\nprint(helper.answer(), open('data.csv').read())",
        "open('made.txt', 'w').write('by the run'); import os; print(sorted(os.listdir()))",
    )  # fmt: skip
    told = jobs.publish(space, book, "asis", "first")
    assert (told["version"], told["new"], [f["path"] for f in told["files"]]) == ("v1", True, ["data.csv", "helper.py"])
    assert not jobs.publish(space, book, "asis", "again")["new"]
    (tmp_path / "helper.py").write_text("def answer(): return 0")
    (tmp_path / "data.csv").unlink()
    book.unlink()
    first = over(space, runs.start(space, "asis")["id"])
    assert first["state"] == "completed", first
    assert "42 a,b" in printed(first)
    kept = Path(first["output"]).parent / "files" / "made.txt"
    assert kept.read_text() == "by the run"
    second = over(space, runs.start(space, "asis", options={"use_cache": False})["id"])
    assert printed(second) == printed(first)  # what the first left is not there
    assert "made.txt" not in printed(second).split("[")[0]


def test_parameters_are_checked_before_anything_is_queued(space: Workspace, tmp_path: Path) -> None:
    jobs.publish(space, write_notebook(tmp_path / "checked.ipynb", *STEPS))
    before = len(runs.runs(space, "checked"))
    with pytest.raises(InvalidParameterError, match="factor"):
        runs.start(space, "checked", texts={"factor": "much"})
    with pytest.raises(InvalidParameterError, match="nothing"):
        runs.start(space, "checked", parameters={"nothing": 1})
    with pytest.raises(InvalidParameterError, match="tomorrow"):
        schedules.schedule(space, "checked", "daily", texts={"day": "{{ tomorrow }}"})
    with pytest.raises(InvalidInputError, match="no step 'lode'"):
        runs.start(space, "checked", options={"from_step": "lode"})
    assert len(runs.runs(space, "checked")) == before
    done = over(space, runs.start(space, "checked", texts={"factor": "3"})["id"])
    assert (done["metrics"], done["parameters"]) == ({"total": 30}, {"factor": 3})
    assert [s["state"] for s in done["steps"]] == ["completed", "completed"]
    assert all(s["why"] for s in done["steps"]), "each says why it ran where it did"


def test_a_schedule_fires_with_its_time_as_a_parameter(space: Workspace, tmp_path: Path) -> None:
    jobs.publish(space, write_notebook(tmp_path / "timed.ipynb", *STEPS))
    due = time.time() // 60 * 60
    now = datetime.fromtimestamp(due, ZoneInfo("Europe/Paris"))
    cron = f"{now.minute} {now.hour} * * *"
    made = schedules.schedule(space, "timed", cron, "Europe/Paris", texts={"day": "{{ scheduled_time }}"})
    with space.db.write() as c:  # it was made after this minute had begun
        c.execute(update(t.schedule).where(t.schedule.c.id == made["id"]).values(fired_until=due - 1, next_at=due))
    run = wait_until(lambda: runs.runs(space, "timed"))[0]
    done = over(space, run["id"])
    assert (done["state"], done["slot"], done["trigger"]) == ("completed", due, "schedule")
    assert done["parameters"]["day"].startswith("20")
    assert f"{done['parameters']['day']} 10" in printed(done)
    schedules.unschedule(space, made["id"])
    assert next(job for job in jobs.jobs(space) if job["name"] == "timed")["health"] == ["completed"]


def test_a_failed_run_is_repaired_where_it_failed(space: Workspace, tmp_path: Path) -> None:
    flag = tmp_path / "well"
    book = write_notebook(
        tmp_path / "broken.ipynb",
        "# tags: step:first\nx = 1\nprint('first')",
        f"# tags: step:second\nimport pathlib\nassert pathlib.Path({str(flag)!r}).exists(), 'not well'\nprint(x)",
        "# tags: step:third\nprint('third')",
        "# tags: step:fourth prev:second\nprint('fourth')",
    )
    jobs.publish(space, book)
    failed = over(space, runs.start(space, "broken")["id"])
    states = {s["name"]: s["state"] for s in failed["steps"]}
    assert (failed["state"], failed["error"]["step"]) == ("failed", "second")
    assert (states["first"], states["second"], states["fourth"]) == ("completed", "failed", "skipped")
    flag.touch()
    runs.repair(space, failed["id"])
    done = over(space, failed["id"])
    assert (done["state"], done["id"], done["attempt"]) == ("completed", failed["id"], 2)
    assert {s["name"]: s["state"] for s in done["steps"]}["first"] == "cached"
    with pytest.raises(InvalidInputError, match="completed"):
        runs.repair(space, failed["id"])


def test_secrets_are_seen_by_the_cells_and_by_nobody_else(space: Workspace, home: Path, tmp_path: Path) -> None:
    book = write_notebook(
        tmp_path / "secret.ipynb",
        "# tags: step:use\nimport os\ntoken = os.environ['TOKEN']\nprint('it is', token, len(token))\ntoken",
        "# tags: step:parts\nfrom time import sleep\nfor part in (token[:5], token[5:], ' end'):\n"
        "    print(part, end='', flush=True)\n    sleep(0.3)",
        "# tags: step:fail\nraise ValueError(token)",
    )
    jobs.publish(space, book)
    jobs.set_policies(space, "secret", {"secrets": ["TOKEN"]})
    failed = over(space, runs.start(space, "secret")["id"])
    assert failed["state"] == "failed"
    assert "it is [secret] 12" in printed(failed)
    assert "[secret] end" in printed(failed) and "[secret] end" in "".join(runs.logs(space, failed["id"]))
    assert "s3cr3t" not in json.dumps(failed)
    wait_until(lambda: not list(home.glob("work-*")))  # hand-offs between its kernels go when they end
    holding = [p for p in home.rglob("*") if p.is_file() and b"s3cr3" in p.read_bytes()]
    assert holding == []


def test_a_secret_that_a_cell_shows_is_not_even_on_disk_while_it_runs(
    space: Workspace, home: Path, tmp_path: Path
) -> None:
    book = write_notebook(
        tmp_path / "shown.ipynb",
        "import os, time\nfor _ in range(140):\n    print('so', os.environ['TOKEN'], flush=True)\n    time.sleep(0.1)",
    )
    jobs.publish(space, book)
    jobs.set_policies(space, "shown", {"secrets": ["TOKEN"]})
    run = runs.start(space, "shown")["id"]
    wait_until(lambda: (home / "runs" / run / "shown.ipynb").exists())
    record = (home / "runs" / run / "shown.ipynb").read_text()
    assert runs.run(space, run)["state"] == "running"
    assert "so [secret]" in record and "s3cr3" not in record
    runs.stop(space, run)
    over(space, run)


def test_a_secret_that_is_nowhere_fails_the_run_by_name(space: Workspace, tmp_path: Path) -> None:
    jobs.publish(space, write_notebook(tmp_path / "lacking.ipynb", "print(1)"))
    jobs.set_policies(space, "lacking", {"secrets": ["NOWHERE"], "retries": 0})
    failed = over(space, runs.start(space, "lacking")["id"])
    assert failed["state"] == "failed"
    assert "NOWHERE" in failed["error"]["evalue"]


def test_stopping_and_logs(space: Workspace, tmp_path: Path) -> None:
    book = write_notebook(
        tmp_path / "slow.ipynb", "# tags: step:a\nprint('begun', flush=True)\nimport time\ntime.sleep(60)"
    )
    jobs.publish(space, book)
    run = runs.start(space, "slow")["id"]
    wait_until(lambda: "begun" in "".join(runs.logs(space, run)))
    runs.stop(space, run)
    done = over(space, run)
    assert done["state"] == "stopped"
    assert any("stopped by hand" in note for note in done["notes"])
    assert "begun" in printed(done)


def test_a_stop_is_heard_though_leases_are_long(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with opened(home) as space, working(home, JUPYTER_MLOPS_SETTINGS=json.dumps({"lease": 3600.0})):
        jobs.publish(space, write_notebook(tmp_path / "slow.ipynb", "import time\ntime.sleep(600)"))
        run = runs.start(space, "slow")["id"]
        wait_until(lambda: runs.run(space, run)["state"] == "running")
        runs.stop(space, run)
        assert over(space, run)["state"] == "stopped"


def test_backfill_runs_once_what_does_not_depend_on_the_date(space: Workspace, tmp_path: Path) -> None:
    jobs.publish(space, write_notebook(tmp_path / "filled.ipynb", *STEPS))
    asked: dict[str, Any] = {"cron": "0 6 * * *", "texts": {"day": "{{ scheduled_time }}"}, "concurrency": 1}
    counted = batches.backfill(space, "filled", "2026-03-01", "2026-03-05", only_count=True, **asked)
    assert counted == {"job": "filled", "version": "v1", "runs": 5}
    made = batches.backfill(space, "filled", "2026-03-01", "2026-03-05", **asked)
    done = batches.wait_for_batch(space, made["batch"])
    assert done["states"] == {"completed": 5}
    assert [r["parameters"]["day"][:10] for r in done["runs"]] == [f"2026-03-0{n}" for n in range(1, 6)]
    loads = [runs.run(space, r["id"])["steps"][0]["state"] for r in done["runs"]]
    assert loads == ["completed", *["cached"] * 4]


def test_a_sweep_is_a_table(space: Workspace, tmp_path: Path) -> None:
    jobs.publish(space, write_notebook(tmp_path / "swept.ipynb", *STEPS))
    made = batches.sweep(space, "swept", {"factor": ["1", "2", "3"]}, concurrency=2)
    done = batches.wait_for_batch(space, made["batch"])
    assert sorted((r["parameters"]["factor"], r["metrics"]["total"]) for r in done["runs"]) == [
        (1, 10),
        (2, 20),
        (3, 30),
    ]


def test_a_damaged_object_is_refused_by_name(space: Workspace, home: Path, tmp_path: Path) -> None:
    (tmp_path / "damaged.csv").write_text("a\n1\n")
    told = jobs.publish(space, write_notebook(tmp_path / "damaged.ipynb", "print(open('damaged.csv').read())"))
    version = space.catalog.version(space.catalog.job("damaged"))
    entry = run_values.manifest_of(space, version).files[0]
    space.store.path(entry.digest).write_text("b\n1\n")
    failed = over(space, runs.start(space, told["job"])["id"])
    assert failed["state"] == "failed"
    assert failed["error"]["ename"] == "StoreError"
    assert entry.digest in failed["error"]["evalue"]


def test_other_processes_leave_nothing_behind(space: Workspace, worker: Any, tmp_path: Path) -> None:
    book = write_notebook(tmp_path / "child.ipynb", "import subprocess\nprint(subprocess.Popen(['sleep', '300']).pid)")
    jobs.publish(space, book)
    done = over(space, runs.start(space, "child")["id"])
    pid = int(printed(done))
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"), 10.0)
