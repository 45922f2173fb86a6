"""What operations people do with many runs, without a worker: sizes, retention, logs, the unit for systemd."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from jupyter_mlops.cli.sweep import _split_values as sweep_values
from jupyter_mlops.db import tables as t
from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.jobs import run_log
from jupyter_mlops.jobs.new_run import NewRun
from jupyter_mlops.jobs.retention import DAY, expired
from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.pipeline import build
from jupyter_mlops.service import batches, jobs, notebook_runs, runs, schedules
from tests.cli.command import COMMAND
from tests.jobs.workspace import opened, write_notebook

CELLS = ("# tags: parameters\na: int = 1\nb: int = 1\nday = ''", "# tags: step:x\nprint(a, b, day)")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    with opened(home) as space:
        jobs.publish(space, write_notebook(home / "many.ipynb", *CELLS))
    return home


@pytest.fixture
def space(published: Path) -> Iterator[Workspace]:
    with opened(published) as made:
        yield made


def env_of(home: Path) -> dict[str, str]:
    return {**os.environ, "JUPYTER_MLOPS_HOME": str(home)}


def finish(space: Workspace, state: str, days_ago: float, **wish: Any) -> str:
    """A run of the job that ended so many days ago."""
    job = space.catalog.job("many")
    made = space.queue.add(NewRun("manual", job.id, space.catalog.version(job).id, **wish))
    at = time.time() - days_ago * DAY
    with space.db.write() as c:
        c.execute(update(t.run).where(t.run.c.id == made.id).values(state=state, created=at, finished=at))
    return made.id


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1,2", ["1", "2"]),
        ("-1, .5", ["-1", ".5"]),
        ("[1, 2],[3]", ["[1, 2]", "[3]"]),
        ('{"a": [1, 2]},{}', ['{"a": [1, 2]}', "{}"]),
        ("\"a, b\",'c'", ["a, b", "c"]),
        ("don't,won't", ["don't", "won't"]),
        ('a,,b,""', ["a", "b", ""]),
        ("[1,2", ["[1,2"]),
        ("", []),
        (" , ", []),
    ],
)
def test_values_of_a_sweep(text: str, values: list[str]) -> None:
    assert sweep_values(text) == values


def test_a_sweep_over_negative_numbers_is_counted_on_standard_output(published: Path) -> None:
    words = ["sweep", "many", "-p", "a", "-1,-2", "--count"]
    done = subprocess.run([*COMMAND, *words], env=env_of(published), capture_output=True, text=True, check=True)
    assert done.stdout == "2 runs of many v1\n"


def test_a_job_runs_though_a_folder_is_called_like_it_and_its_record_is_copied(published: Path, tmp_path: Path) -> None:
    (tmp_path / "many").mkdir()
    words = ["run", "many", "-p", "day", "today", "-o", "done.ipynb", "--json"]
    done = subprocess.run(
        [*COMMAND, *words], env=env_of(published), cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout)["output"] == str(tmp_path / "done.ipynb")
    assert "today" in (tmp_path / "done.ipynb").read_text()


def test_a_backfill_has_the_times_of_its_zone(space: Workspace) -> None:
    told = {"cron": "30 0 * * *", "zone": "Europe/Paris", "texts": {"day": "{{ scheduled_time }}"}}
    made = batches.backfill(space, "many", "2026-03-29", "2026-03-30", **told)
    for run_id, day in zip(made["ids"], ("2026-03-29T00:30:00+01:00", "2026-03-30T00:30:00+02:00"), strict=True):
        assert runs.follow(space, run_id)["parameters"]["day"] == day


def test_a_zone_that_there_is_not_is_refused_for_a_backfill_by_the_schedule(space: Workspace) -> None:
    made = schedules.schedule(space, "many", "daily")
    try:
        with pytest.raises(InvalidInputError, match="no time zone 'Mars'"):
            batches.backfill(space, "many", "2026-03-29", "2026-03-30", zone="Mars")
    finally:
        schedules.unschedule(space, made["id"])


def test_a_sweep_of_a_thousand_reads_its_notebook_once(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[int] = []
    real = build.build
    monkeypatch.setattr(build, "build", lambda *given: built.append(1) or real(*given))
    axes = {"a": [str(n) for n in range(100)], "b": [str(n) for n in range(10)]}
    assert batches.sweep(space, "many", axes, only_count=True)["runs"] == 1000
    made = batches.sweep(space, "many", axes, concurrency=3)
    assert len(built) == 2
    assert space.queue.states_of_batch(made["batch"]) == {"queued": 1000}
    taken = [space.queue.claim("w") for _ in range(5)]
    assert [run is not None for run in taken] == [True, True, True, False, False]
    first = next(run for run in taken if run is not None)
    assert space.queue.finish(first, "completed", metrics={"score": 1})
    told = batches.batch(space, made["batch"])
    assert told["states"] == {"completed": 1, "running": 2, "queued": 997}
    assert {(r["parameters"]["a"], r["parameters"]["b"]) for r in told["runs"]} == {
        (a, b) for a in range(100) for b in range(10)
    }
    batches.stop_batch(space, made["batch"])
    assert space.queue.states_of_batch(made["batch"]) == {"completed": 1, "running": 2, "stopped": 997}
    for run in taken[1:3]:
        assert run is not None
        assert space.queue.renew_leases({run.id: str(run.lease)}) == {run.id: "stopped by hand"}
        space.queue.finish(run, "stopped")


def test_a_backfill_of_a_thousand_goes_behind_what_else_there_is(space: Workspace) -> None:
    made = batches.backfill(
        space, "many", "2023-01-01", "2025-09-26", cron="0 6 * * *", texts={"day": "{{ scheduled_time }}"}
    )
    assert made["runs"] == len(made["ids"]) == 1000
    later = runs.start(space, "many")
    taken = [space.queue.claim("w") for _ in range(3)]
    assert [run.id if run else None for run in taken] == [later["id"], made["ids"][0], None]
    for run in taken[:2]:
        assert run is not None
        space.queue.finish(run, "completed")
    batches.stop_batch(space, made["batch"])


@pytest.mark.parametrize(
    ("policies", "stay"),
    [
        ({"keep_runs": 2}, ["new good", "new bad"]),
        ({"keep_runs": 2, "keep_failures": 3}, ["new good", "new bad", "old bad", "oldest bad"]),
        ({"keep_runs": 4}, ["new good", "new bad", "good", "skipped", "old good"]),
        ({"keep_days": 5}, ["new good", "new bad", "good", "skipped"]),
        ({"keep_days": 5, "keep_failures": 2}, ["new good", "new bad", "good", "skipped", "old bad"]),
        ({"keep_days": 0.01}, ["new good"]),  # the last good one stays in any case
        ({}, ["new good", "new bad", "good", "skipped", "old good", "old bad", "oldest bad"]),
    ],
)
def test_retention(tmp_path: Path, published: Path, policies: dict[str, Any], stay: list[str]) -> None:
    home = tmp_path / "home"
    shutil.copytree(published, home)
    with opened(home) as space:
        with space.db.write() as c:
            c.execute(delete(t.run))
        known = {
            finish(space, state, days): name
            for name, state, days in (
                ("oldest bad", "failed", 30), ("old bad", "failed", 20), ("old good", "completed", 10),
                ("skipped", "skipped", 4), ("good", "completed", 3), ("new bad", "failed", 2),
                ("new good", "completed", 1),
            )
        }  # fmt: skip
        unset = {"keep_runs": None, "keep_days": None, "keep_failures": None}
        jobs.set_policies(space, "many", {**unset, **policies})
        gone = set(expired(space, time.time()))
        left = {name for run, name in known.items() if run not in gone}
        assert left == set(stay)


def test_a_log_is_followed_while_a_record_is_half_written(space: Workspace) -> None:
    run = finish(space, "running", 0)
    log = space.home / "runs" / run / run_log.NAME
    log.parent.mkdir(parents=True)
    pieces = runs.logs(space, run, follow=True)
    first, second = (run_log.line_of(run_log.record("output", text=text)) for text in ("größer ", "€\n"))
    log.write_text(first + second[:20])
    assert next(pieces) == "größer "
    with log.open("a") as stream:
        stream.write(second[20:])
    with space.db.write() as c:
        c.execute(update(t.run).where(t.run.c.id == run).values(state="completed"))
    assert "".join(pieces) == "€\n"


def test_the_log_of_an_earlier_release_is_read_as_text(space: Workspace) -> None:
    run = finish(space, "completed", 0)
    log = space.home / "runs" / run / run_log.TEXT_NAME
    log.parent.mkdir(parents=True)
    log.write_text("[2026-01-01T00:00:00.0Z] cell 1 of a\none\n")
    assert "".join(runs.logs(space, run)) == log.read_text()
    assert {entry["kind"] for entry in notebook_runs.log(space, run)["records"]} == {"output"}


def test_the_unit_for_systemd_is_one(tmp_path: Path) -> None:
    env = {"JUPYTER_MLOPS_HOME": "/srv/ml ops/100%", "JUPYTER_MLOPS_DATABASE": 'postgresql://me:a%40"b@host/x'}
    command = ["env", *(f"{name}={value}" for name, value in env.items()), *COMMAND, "worker", "--systemd"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert 'Environment="JUPYTER_MLOPS_HOME=/srv/ml ops/100%%"' in told
    assert 'Environment="JUPYTER_MLOPS_DATABASE=postgresql://me:a%%40\\"b@host/x"' in told
    verify = shutil.which("systemd-analyze")
    if verify is None:
        return
    path = tmp_path / "jupyter-mlops.service"
    path.write_text(told, encoding="utf-8")
    done = subprocess.run([verify, "verify", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, "jupyter-mlops" in done.stderr) == (0, False), done.stderr
