"""Aliases and their history, on every kind of database."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import insert, select, text

from jupyter_mlops.db import tables as t
from jupyter_mlops.db.database import Database
from jupyter_mlops.errors import ConflictError, InvalidInputError, NotFoundError
from jupyter_mlops.jobs.catalog import Catalog
from jupyter_mlops.jobs.new_run import NewRun
from jupyter_mlops.jobs.records import Job, VersionRow
from jupyter_mlops.jobs.run_queue import RunQueue
from jupyter_mlops.registry.aliases import Aliases
from tests.jobs.clock import Clock


@dataclass
class Setup:
    clock: Clock
    db: Database
    catalog: Catalog
    aliases: Aliases
    job: Job
    versions: list[VersionRow]


@pytest.fixture
def made(database_url: str) -> Iterator[Setup]:
    clock, db = Clock(), Database(database_url)
    catalog = Catalog(db, clock)
    job = catalog.ensure_job("churn")
    versions = [catalog.add_version(job, f"d{n}")[0] for n in range(1, 5)]
    yield Setup(clock, db, catalog, Aliases(db, clock), job, versions)
    db.close()


def test_an_alias_and_its_history_change_together(made: Setup) -> None:
    first = made.aliases.change(made.job, "production", made.versions[0], "promote", author="ada", reason="better")
    made.clock.go(10)
    second = made.aliases.change(made.job, "production", made.versions[1], "promote", author="bob", expected=1)
    assert (first.number, first.version, first.previous, first.author, first.reason) == (1, 1, None, "ada", "better")
    assert (second.number, second.version, second.previous, second.changed) == (2, 2, 1, first.changed + 10)
    assert made.catalog.aliases(made.job) == {"production": 2}
    assert made.catalog.version(made.job, "@production").name == "v2"
    removed = made.aliases.change(made.job, "production", None, "remove", expected=2)
    assert (removed.version, removed.previous, made.catalog.aliases(made.job)) == (None, 2, {})
    assert made.aliases.current(made.job) == {}
    assert [change.number for change in made.aliases.history(made.job)] == [1, 2, 3]


def test_a_change_that_fails_leaves_neither_alias_nor_history(made: Setup) -> None:
    with made.db.write() as c:
        c.execute(text("DROP TABLE alias"))
    with pytest.raises(Exception, match="alias"):
        made.aliases.change(made.job, "production", made.versions[0], "set")
    with made.db.read() as c:
        assert c.execute(select(t.alias_change)).all() == []


def test_setting_what_is_set_is_no_change(made: Setup) -> None:
    first = made.aliases.change(made.job, "staging", made.versions[0], "set")
    assert made.aliases.change(made.job, "staging", made.versions[0], "set") == first
    assert len(made.aliases.history(made.job)) == 1


def test_a_clock_that_goes_back_leaves_the_order(made: Setup) -> None:
    first = made.aliases.change(made.job, "production", made.versions[0], "set")
    made.clock.go(-3600)
    second = made.aliases.change(made.job, "production", made.versions[1], "set")
    assert second.changed == first.changed
    assert made.aliases.at(made.job, first.changed)["production"].version == 2


def test_every_time_has_its_aliases(made: Setup) -> None:
    start = made.clock()
    for at, (alias, version) in enumerate([("staging", 0), ("production", 0), ("staging", 1), ("production", 1)]):
        made.clock.now = start + 100 * at
        made.aliases.change(made.job, alias, made.versions[version], "set")
    made.clock.now = start + 400
    made.aliases.change(made.job, "staging", None, "remove")
    told = [{alias: c.version for alias, c in made.aliases.at(made.job, start + s).items()} for s in
            (-1, 0, 99, 100, 250, 300, 400)]  # fmt: skip
    assert told == [
        {}, {"staging": 1}, {"staging": 1}, {"production": 1, "staging": 1}, {"production": 1, "staging": 2},
        {"production": 2, "staging": 2}, {"production": 2},
    ]  # fmt: skip


@pytest.mark.parametrize("expected", [0, 2, 99])
def test_a_change_of_another_state_is_refused_with_who_was_first(made: Setup, expected: int) -> None:
    made.aliases.change(made.job, "production", made.versions[0], "promote", author="ada")
    with pytest.raises(ConflictError, match="ada changed production to v1 first") as refused:
        made.aliases.change(made.job, "production", made.versions[1], "promote", author="bob", expected=expected)
    assert refused.value.data["number"] == 1
    assert made.catalog.aliases(made.job) == {"production": 1}


def test_of_many_threads_that_saw_one_state_one_wins(made: Setup) -> None:
    barrier = threading.Barrier(8)
    results: list[str] = []

    def promote(number: int) -> None:
        barrier.wait(30)
        try:
            made.aliases.change(
                made.job, "production", made.versions[number % 4], "promote", author=f"user{number}", expected=0
            )
            results.append(f"user{number}")
        except ConflictError as error:
            results.append(error.message)

    threads = [threading.Thread(target=promote, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    [change] = made.aliases.history(made.job)
    assert results.count(change.author) == 1
    assert (
        sum(line.startswith(f"{change.author} changed production to v{change.version} first") for line in results) == 7
    )
    assert made.catalog.aliases(made.job) == {"production": change.version}


PROMOTE = """
import sys
from jupyter_mlops.db.database import Database
from jupyter_mlops.errors import ConflictError
from jupyter_mlops.jobs.catalog import Catalog
from jupyter_mlops.registry.aliases import Aliases

url, author, version = sys.argv[1:]
db = Database(url)
catalog = Catalog(db)
job = catalog.job("churn")
print("ready", flush=True)
sys.stdin.readline()
try:
    Aliases(db).change(job, "production", catalog.version(job, version), "promote", author=author, expected=0)
    print("won")
except ConflictError as error:
    print(error.message)
"""


def test_of_two_processes_that_saw_one_state_one_wins(made: Setup, database_url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROMOTE, database_url, author, version], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
        )
        for author, version in (("ada", "v1"), ("bob", "v2"))
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [process.communicate(timeout=60)[0].strip() for process in processes]
    [change] = made.aliases.history(made.job)
    assert sorted(told) == sorted(
        ["won", f"{change.author} changed production to v{change.version} first (promote, change 1)"]
    )


def test_the_database_itself_refuses_a_second_change_of_one_state(made: Setup) -> None:
    from sqlalchemy.exc import IntegrityError

    made.aliases.change(made.job, "production", made.versions[0], "promote")
    with made.db.read() as c:
        row = dict(c.execute(select(t.alias_change)).mappings().one())
    with pytest.raises(IntegrityError), made.db.write() as c:
        c.execute(insert(t.alias_change).values(**row))


def test_a_deleted_job_has_no_history(made: Setup) -> None:
    made.aliases.change(made.job, "production", made.versions[0], "promote")
    made.catalog.delete_job("churn")
    assert made.aliases.history(made.job) == []
    with pytest.raises(NotFoundError, match="deleted"):
        made.aliases.change(made.job, "production", made.versions[0], "promote")


@pytest.mark.parametrize("alias", ["v2", "latest", "a b", "", "x" * 101, "'; drop table alias; --", "a\nb", "-x"])
def test_what_is_no_alias(made: Setup, alias: str) -> None:
    with pytest.raises(InvalidInputError, match=r"not a valid alias|cannot be an alias"):
        made.aliases.change(made.job, alias, made.versions[0], "set")


def test_hostile_texts_are_kept_as_they_are(made: Setup) -> None:
    reason = '\'; drop table alias_change; --\n$(rm -rf /) \u202e ünï "q" \\ 🎉'
    made.aliases.change(made.job, "größe_2", made.versions[0], "set", author="a'b" * 100, reason=reason)
    [change] = made.aliases.history(made.job, "größe_2")
    assert (change.reason, change.author) == (reason, ("a'b" * 100)[:200])


def test_one_query_finds_an_alias_in_all_jobs_with_metrics(made: Setup) -> None:
    queue = RunQueue(made.db, made.clock)
    for auc in (0.5, 0.9):
        queue.add(NewRun("manual", made.job.id, made.versions[0].id))
        run = queue.claim("w")
        assert run is not None
        queue.finish(run, "completed", metrics={"auc": auc})
        made.clock.go(1)
    queue.add(NewRun("manual", made.job.id, made.versions[0].id))
    failed = queue.claim("w")
    assert failed is not None
    queue.finish(failed, "failed", metrics={"auc": 0.1})
    other = made.catalog.ensure_job("fraud")
    version, _ = made.catalog.add_version(other, "e1")
    made.aliases.change(made.job, "production", made.versions[0], "promote", author="ada", reason="better")
    made.aliases.change(other, "production", version, "set")
    made.aliases.change(other, "staging", version, "set")
    rows = made.aliases.search("production")
    assert [(r["job"], r["version"], r["metrics"], r["action"]) for r in rows] == [
        ("churn", 1, {"auc": 0.9}, "promote"), ("fraud", 1, None, "set"),
    ]  # fmt: skip
    assert (rows[0]["author"], rows[0]["reason"]) == ("ada", "better")
    assert [r["job"] for r in made.aliases.search("staging")] == ["fraud"]
    assert made.aliases.search("nothing") == []
