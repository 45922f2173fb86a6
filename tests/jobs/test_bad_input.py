"""What a person gets wrong, and what goes wrong with what is kept: one clear message, and nothing is left half done."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from jupyter_mlops.db import tables as t
from jupyter_mlops.errors import InvalidInputError, InvalidParameterError, NotFoundError, StoreError
from jupyter_mlops.jobs.run_queue import RunQueue
from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.service import batches, jobs, runs, schedules, versions
from jupyter_mlops.storage import local
from jupyter_mlops.versions.manifest import Manifest
from jupyter_mlops.worker.run_executor import RunExecutor
from jupyter_mlops.worker.scheduler import Scheduler
from tests.cli.command import COMMAND, Done
from tests.jobs.workspace import opened, write_notebook

pytestmark = pytest.mark.timeout(240)
CELLS = ("# tags: parameters\nn: int = 1", "import helper\nprint(open('in.csv').read(), n)")


def mlops(home: Path, *arguments: object, **env: str) -> Done:
    told = {**os.environ, "JUPYTER_MLOPS_HOME": str(home), "UV_OFFLINE": "1", **env}
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)], env=told, capture_output=True, text=True, timeout=120, check=False
    )
    return Done(done.returncode, done.stdout, done.stderr)


def range_of(begin: str, end: str) -> list[str]:
    return ["--cron", "daily", "--from", begin, "--to", end]


def work(folder: Path) -> Path:
    """A notebook with a module and a file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "helper.py").write_text("x = 1\n")
    (folder / "in.csv").write_text("a\n1\n")
    return write_notebook(folder / "nb.ipynb", *CELLS)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("home")
    assert mlops(made, "publish", work(made / "work"), "--job", "churn").code == 0
    (made / "work" / "nb (1).ipynb").write_bytes((made / "work" / "nb.ipynb").read_bytes())
    return made


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.setenv("UV_OFFLINE", "1")
    with opened(tmp_path / "home") as made:
        yield made


@pytest.mark.parametrize(
    ("words", "says", "remedy"),
    [
        (["run", "churn@v9"], "no version v9", "Versions: v1"),
        (["run", "chrun"], "no job 'chrun'", "Did you mean 'churn'?"),
        (["run", "churn", "-p", "n", "many"], "`n`: got 'many', wanted int", "-p n 1"),
        (["run", "churn", "-p", "m", "1"], "no parameter `m`", "`n`"),
        (["schedule", "churn", "--cron", "61 * * * *"], "not a cron expression: '61 * * * *'", "minute hour day"),
        (["schedule", "churn", "--cron", "0 0 30 2 *"], "'0 0 30 2 *'", ""),
        (["schedule", "churn", "--cron", "daily", "--tz", "Mars/Olympus"], "no time zone 'Mars/Olympus'", "Paris"),
        (["schedule", "churn@v7", "--cron", "daily"], "no version v7", "Versions: v1"),
        (["schedule", "churn", "--cron", "daily", "-p", "n", "x"], "`n`: got 'x', wanted int", "-p n 1"),
        (
            ["publish", "work/nb.ipynb", "--job", "../evil"],
            "'../evil' is not a valid job name",
            "Use at most 200 letters",
        ),
        (
            ["publish", "work/nb.ipynb", "--job", "new", "--alias", "x y"],
            "'x y' is not a valid alias",
            "Use at most 100",
        ),
        (["publish", "work/nb (1).ipynb"], "'nb (1)' is not a valid job name", "--job NAME"),
        (["publish", "work/nb.ipynb", "-k", "ir"], "no kernel named 'ir'", "There are: "),
        (["run", "churn", "-k", "python3"], "-k: that is for notebooks", "publish -k"),
        (["run", "churn", "--cwd", "/"], "--cwd: that is for notebooks", "with the files that were published"),
        (["run", "churn", "-o", "/nowhere/a.ipynb"], "-o /nowhere/a.ipynb: no file can be written there", ""),
        (["run", "churn", "-d", "-o", "a.ipynb"], "nothing to write yet", "Leave one of them out"),
        (["run", "churn", "--report", "/"], "this is a folder", "Name a file"),
        (["schedule", "churn", "--cron", "daily", "-p", "n", "{{ run_id }}"], "`n`: got ", "-p n 1"),
        (["schedule", "churn", "-p", "n", "2"], "--cron: when?", "daily"),
        (["schedule", "churn", "--tz", "UTC", "--missed", "all"], "--cron: when?", "daily"),
        (["schedule", "churn", "--cron", ""], "not a cron expression: ''", "minute hour day"),
        (["schedule", "--cron", "daily"], "which job?", "JOB"),
        (["pause", "²"], "no job '²'", "churn"),
        (["pause", "9" * 20], "can't hold this value", "smaller number"),
        (["jobs", "churn", "--set", "notify=5"], "5 is not a valid value of notify", "a list"),
        (["jobs", "churn", "--set", "secrets={A: B}"], "{'A': 'B'} is not a valid value of secrets", "a list"),
        (["backfill", "churn", *range_of("0001-01-01", "2026-01-01")], "'0001-01-01' is not a date", "2026-01-31"),
        (["backfill", "churn", *range_of("2026-01-01", "9999-12-31")], "'9999-12-31' is not a date", "2026-01-31"),
        (["diff", "churn", "v1", "v2"], "no version v2", "Versions: v1"),
        (["bundle", "churn", "v2"], "no version v2", "Versions: v1"),
    ],
)
def test_bad_input_is_told_in_one_message(home: Path, words: list[str], says: str, remedy: str) -> None:
    done = mlops(home, *(str(home / w) if w.endswith(".ipynb") else w for w in words))
    assert done.code == 2, done
    assert says in done.err and remedy in done.err
    assert done.err.startswith(f"jupyter mlops {words[0]}: ") and "Traceback" not in done.err
    with opened(home) as space:
        assert [j["name"] for j in jobs.jobs(space)] == ["churn"]
        assert schedules.schedules(space) == [] and runs.runs(space) == []


@pytest.mark.parametrize(
    "words",
    [
        ["runs", "--batch", "9" * 20],
        ["runs", "--limit", "9" * 20],
        ["schedule", "--remove", "0"],
        ["sweep", "churn", "-j", "0"],
        ["backfill", "churn", "-j", "²"],
    ],
)
def test_numbers_that_can_not_be(home: Path, words: list[str]) -> None:
    done = mlops(home, *words)
    assert done.code == 2, done
    assert "whole number from 1" in done.err and "Traceback" not in done.err


def test_a_bad_name_is_refused_before_anything_is_stored(space: Workspace, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="is not a valid job name"):
        jobs.publish(space, work(tmp_path / "work"), "../evil")
    assert list(space.store.listing()) == []


def test_values_that_fit_no_version_make_no_run(space: Workspace, tmp_path: Path) -> None:
    jobs.publish(space, work(tmp_path / "work"), "job")
    for given in ({"n": "x"}, {"m": 1}, {"n": [1]}):
        with pytest.raises(InvalidParameterError):
            runs.start(space, "job", given)
        with pytest.raises(InvalidParameterError):
            schedules.schedule(space, "job", "daily", parameters=given)
    with pytest.raises(InvalidParameterError):
        batches.sweep(space, "job", {"n": ["1", "x"]})
    assert runs.runs(space) == [] and schedules.schedules(space) == []


def test_a_schedule_whose_version_was_removed_says_so_and_stops_no_other(space: Workspace, tmp_path: Path) -> None:
    for name in ("gone", "good"):
        jobs.publish(space, work(tmp_path / "work"), name)
    made = {name: schedules.schedule(space, f"{name}@v1", "* * * * *") for name in ("gone", "good")}
    with space.db.write() as c:
        gone = space.catalog.job("gone").id
        c.execute(delete(t.version).where(t.version.c.job_id == gone))
        c.execute(update(t.schedule).values(next_at=made["good"]["next"], fired_until=made["good"]["next"] - 60))
    now = made["good"]["next"] + 1
    Scheduler(space.db, RunQueue(space.db, clock=lambda: now), clock=lambda: now).tick()
    told = {s["job"]: s for s in schedules.schedules(space)}
    assert "no version v1" in told["gone"]["problem"] and told["good"]["problem"] == ""
    assert [r["job"] for r in runs.runs(space) if r["state"] == "queued"] == ["good"]


# -- rows that can't be read

BAD = "(SELECT id FROM job WHERE name = 'bad')"
POISON = {
    "run.parameters": f"UPDATE run SET parameters = '{{n' WHERE job_id = {BAD}",
    "run.parameters, a list": f"UPDATE run SET parameters = '[1]' WHERE job_id = {BAD}",
    "run.options": f"UPDATE run SET options = 'null' WHERE job_id = {BAD}",
    "job.policies": "UPDATE job SET policies = '{' WHERE name = 'bad'",
    "job.policies, of another release": "UPDATE job SET policies = '{\"colour\": 1}' WHERE name = 'bad'",
    "version.provenance": f"UPDATE version SET provenance = '', digest = 'none' WHERE job_id = {BAD}",
    "schedule.parameters": f"UPDATE schedule SET parameters = '{{' WHERE job_id = {BAD}",
    "schedule.cron": f"UPDATE schedule SET cron = 'now and then' WHERE job_id = {BAD}",
}


@pytest.mark.parametrize("sql", POISON.values(), ids=POISON.keys())
def test_a_row_that_can_not_be_read_fails_alone_and_says_so(space: Workspace, tmp_path: Path, sql: str) -> None:
    now = 0.0
    for name in ("bad", "good"):
        jobs.publish(space, work(tmp_path / "work"), name)
        now = schedules.schedule(space, name, "* * * * *")["next"]
        runs.start(space, name)
    with space.db.write() as c:
        c.exec_driver_sql(sql)
        c.execute(update(t.schedule).values(next_at=now, fired_until=now - 60))
    Scheduler(space.db, RunQueue(space.db, clock=lambda: now), clock=lambda: now).tick()
    assert len([r for r in runs.runs(space, "good") if r["state"] == "queued"]) == 2
    performer = RunExecutor(space.catalog, space.queue, space.store, space.config)
    while run := space.queue.claim("w"):
        done = asyncio.run(performer.execute(run))
        space.queue.finish(run, done.state, error=done.error)
    assert {r["state"] for r in runs.runs(space, "good")} == {"completed"}
    told = {s["job"]: s["problem"] for s in schedules.schedules(space)}
    assert told["good"] == ""
    if "schedule" in sql.split()[1]:
        assert told["bad"]
    else:
        failed = next(r for r in runs.runs(space, "bad") if r["state"] == "failed")
        assert failed["error"]["ename"] in ("BadInput", "StoreError"), failed["error"]
    assert len(jobs.jobs(space)) == 2 and schedules.calendar(space)
    assert not versions.gc(space, dry_run=True)["runs"]
    assert jobs.set_policies(space, "bad", {"priority": 1})["priority"] == 1


def test_looking_at_policies_that_can_not_be_read_changes_nothing(space: Workspace, tmp_path: Path) -> None:
    jobs.publish(space, work(tmp_path / "work"), "bad")
    with space.db.write() as c:
        c.exec_driver_sql("UPDATE job SET policies = '{' WHERE name = 'bad'")
    with pytest.raises(InvalidInputError, match="policies are unreadable"):
        jobs.set_policies(space, "bad", {})
    assert jobs.set_policies(space, "bad", {"retries": 2})["retries"] == 2


# -- what is kept is damaged


def damage(home: Path, digest: str) -> Path:
    path = home / "store" / digest[:2] / digest[2:]
    path.write_bytes(path.read_bytes()[::-1])
    return path


@pytest.mark.parametrize("what", ["manifest", "notebook"])
def test_a_damaged_object_is_refused_named_and_mended_by_publishing_again(tmp_path: Path, what: str) -> None:
    home, book = tmp_path / "home", work(tmp_path / "work")
    told = mlops(home, "publish", book, "--job", "churn", "--json").record
    book.write_text(book.read_text().replace("in.csv').read(), n", "in.csv').read(), n, n"))
    assert mlops(home, "publish", book, "--job", "churn").code == 0
    with opened(home) as space:
        manifest = Manifest.get(space.store, told["digest"])
    digest = told["digest"] if what == "manifest" else manifest.notebook
    path = damage(home, digest)
    asked = [("run", "churn@v1"), ("bundle", "churn@v1", "-o", tmp_path / "b.zip"), ("diff", "churn", "v1", "v2")]
    for words in asked:
        done = mlops(home, *words)
        assert done.code == 1, done
        assert f"{path}: the object's bytes don't match its digest {digest}" in done.err
        assert "Publish the same content again" in done.err and "Traceback" not in done.err
    assert not (tmp_path / "b.zip").exists() and not (tmp_path / "b.zip.part").exists()
    book.write_text(book.read_text().replace("n, n)", "n)"))
    again = mlops(home, "publish", book, "--job", "churn", "--json").record
    assert (again["version"], again["new"]) == ("v1", False)
    assert mlops(home, "diff", "churn", "v1", "v2").code == 0
    assert mlops(home, "bundle", "churn@v1", "-o", tmp_path / "b.zip").code == 0


def test_a_run_with_a_damaged_file_fails_and_names_it(space: Workspace, tmp_path: Path) -> None:
    told = jobs.publish(space, work(tmp_path / "work"), "job")
    manifest = Manifest.get(space.store, told["digest"])
    path = damage(space.home, next(f.digest for f in manifest.files if f.path == "in.csv"))
    run = runs.follow(space, runs.start(space, "job")["id"])
    assert (run["state"], run["error"]["ename"]) == ("failed", "StoreError")
    assert str(path) in run["error"]["evalue"] and "don't match its digest" in run["error"]["evalue"]
    assert str(path) in "".join(runs.logs(space, run["id"]))
    jobs.publish(space, work(tmp_path / "work"), "job")
    runs.repair(space, run["id"])
    assert runs.follow(space, run["id"])["state"] == "completed"


def test_what_a_version_that_can_not_be_read_may_need_is_not_removed(space: Workspace, tmp_path: Path) -> None:
    told = jobs.publish(space, work(tmp_path / "work"), "job")
    before = {kept.name for kept in space.store.listing()}
    damage(space.home, told["digest"])
    for kept in before:
        path = space.home / "store" / kept[:2] / kept[2:]
        os.utime(path, (1e9, 1e9))
    swept = versions.gc(space)
    assert swept["objects"] == 0 and told["digest"] in swept["notes"][0]
    assert {kept.name for kept in space.store.listing()} == before


# -- a lock that can't be built


def test_a_lock_that_can_not_be_built_fails_the_run_in_the_resolvers_words(space: Workspace, tmp_path: Path) -> None:
    told = jobs.publish(space, work(tmp_path / "work"), "job")
    manifest = Manifest.get(space.store, told["digest"])
    nowhere = tmp_path / "nowhere-1.0-py3-none-any.whl"
    packages = {**manifest.environment.packages, "nowhere": "1.0"}
    other = replace(manifest, environment=replace(manifest.environment, packages=packages))
    lock = space.store.put(f"nowhere @ {nowhere.as_uri()}\n".encode())
    job = space.catalog.job("job")
    space.catalog.add_version(
        job, other.put(space.store), provenance={"lock": {"digest": lock, "kind": "pins", "hashed": False}}
    )
    run = runs.follow(space, runs.start(space, "job")["id"])
    assert (run["state"], run["error"]["ename"], run["version"]) == ("failed", "EnvironmentFailed", "v2")
    for text in (run["error"]["evalue"], "".join(runs.logs(space, run["id"]))):
        assert "can't be built from its lock" in text and nowhere.as_uri() in text
        assert "policy environment: live" in text
    assert not list((space.home / "environments").glob("*/bin"))
    assert jobs.job(space, "job")["version"] == "v2"
    jobs.set_policies(space, "job", {"environment": "live"})
    assert runs.follow(space, runs.start(space, "job")["id"])["state"] == "completed"
    assert runs.follow(space, runs.start(space, "job@v1")["id"])["state"] == "completed"


# -- no room


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A folder with room for a megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root can mount")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"nothing can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_and_publishing_works_when_there_is_room(small: Path, tmp_path: Path) -> None:
    home, book = tmp_path / "home", work(tmp_path / "work")
    (tmp_path / "work" / "in.csv").write_bytes(os.urandom(800_000))
    filler = small / "filler"
    filler.write_bytes(b"x" * 300_000)
    env = {"JUPYTER_MLOPS_STORE": str(small / "store")}
    done = mlops(home, "publish", book, "--job", "churn", **env)
    assert done.code == 1, done
    assert "the disk is full" in done.err and str(small) in done.err and "Traceback" not in done.err
    assert [p.name for p in small.rglob("*.part")] == []
    with opened(home) as space:
        assert jobs.jobs(space) == []
    filler.unlink()
    done = mlops(home, "publish", book, "--job", "churn", **env)
    assert done.code == 0, done
    with opened(home, store=env["JUPYTER_MLOPS_STORE"]) as space:
        manifest = Manifest.get(space.store, jobs.versions(space, "churn")[0]["digest"])
        assert len(space.store.get(next(f.digest for f in manifest.files if f.path == "in.csv"))) == 800_000


def test_a_home_that_can_not_be_written_is_told_in_one_message(small: Path, tmp_path: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    file = tmp_path / "file"
    file.touch()
    for home, said in ((small, "Read-only file system"), (file, "File exists"), (file / "in", "Not a directory")):
        for verb in (["worker"], ["jobs"]):
            done = mlops(home, *verb)
            assert done.code == 1, done
            assert done.err.startswith(f"jupyter mlops {verb[0]}: ") and str(home) in done.err
            assert "Traceback" not in done.err
            assert said in done.err or "unable to open database file" in done.err


def test_a_write_that_fails_half_way_leaves_nothing(
    space: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    book, sync, calls = work(tmp_path / "work"), os.fsync, []

    def full(handle: int) -> None:
        calls.append(handle)
        if len(calls) == at:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(handle)

    at = 10**9
    monkeypatch.setattr(local.os, "fsync", full)
    jobs.publish(space, book, "first")
    needed = len(calls)
    assert needed >= 4
    for at in range(1, needed + 1):
        calls.clear()
        with opened(tmp_path / f"home-{at}") as other:
            with pytest.raises(StoreError, match="the disk is full"):
                jobs.publish(other, book, "job")
            assert not list(other.home.rglob("*.part"))
            with pytest.raises(NotFoundError):
                other.catalog.job("job")
            assert jobs.publish(other, book, "job")["version"] == "v1"
            assert json.loads(other.store.get(jobs.versions(other, "job")[0]["digest"]))["name"] == "nb.ipynb"


def test_no_room_for_a_run_fails_the_run(space: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    jobs.publish(space, work(tmp_path / "work"), "job")

    def full(self: Any, digest: str, target: Path) -> None:
        raise local.store_error("be written", OSError(errno.ENOSPC, "No space left on device"), target.parent)

    with monkeypatch.context() as patch:
        patch.setattr(local.ObjectStore, "fetch", full)
        run = runs.follow(space, runs.start(space, "job")["id"])
    assert run["state"] == "failed" and "the disk is full" in run["error"]["evalue"]
    runs.repair(space, run["id"])
    assert runs.follow(space, run["id"])["state"] == "completed"
