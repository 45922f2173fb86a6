"""The run queue and the catalog, on every kind of database."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy.exc import IntegrityError

from jupyter_mlops.db.database import Database
from jupyter_mlops.errors import InvalidInputError, NotFoundError
from jupyter_mlops.jobs.catalog import Catalog
from jupyter_mlops.jobs.new_run import NewRun
from jupyter_mlops.jobs.records import Job
from jupyter_mlops.jobs.run_queue import RESUMED_AT_MOST, RunQueue
from jupyter_mlops.registry.aliases import Aliases
from jupyter_mlops.scheduling.cron import Cron
from tests.jobs.clock import Clock


@dataclass
class Setup:
    clock: Clock
    db: Database
    queue: RunQueue
    catalog: Catalog
    aliases: Aliases
    job: Job


@pytest.fixture
def made(database_url: str) -> Iterator[Setup]:
    clock, db = Clock(), Database(database_url)
    catalog = Catalog(db, clock)
    job = catalog.ensure_job("churn")
    catalog.add_version(job, "d1")
    yield Setup(clock, db, RunQueue(db, clock), catalog, Aliases(db, clock), job)
    db.close()


def test_first_in_first_out_within_a_priority(made: Setup) -> None:
    names = []
    for priority in (0, 5, 0, 5):
        names.append(made.queue.add(NewRun("manual", priority=priority)).id)
        made.clock.go(1)
    taken = [made.queue.claim("w") for _ in range(5)]
    assert [run and run.id for run in taken] == [names[1], names[3], names[0], names[2], None]
    assert all(run.state == "running" and run.attempt == 1 and run.worker == "w" for run in taken if run)


def test_a_job_runs_no_more_at_once_than_it_may(made: Setup) -> None:
    made.catalog.set_policies("churn", {"concurrency": 2})
    other = made.catalog.ensure_job("other")
    for _ in range(4):
        made.queue.add(NewRun("manual", made.job.id))
    made.clock.go(1)
    made.queue.add(NewRun("manual", other.id))
    taken = [made.queue.claim("w") for _ in range(4)]
    assert [run.job if run else None for run in taken] == ["churn", "churn", "other", None]
    assert taken[0] is not None
    assert made.queue.finish(taken[0], "completed")
    again = made.queue.claim("w")
    assert again is not None
    assert again.job == "churn"


def test_a_run_whose_worker_is_gone_is_in_the_way_of_none_and_waits_for_its_turn(made: Setup) -> None:
    first = made.queue.add(NewRun("manual", made.job.id))
    made.clock.go(1)
    second = made.queue.add(NewRun("manual", made.job.id))
    assert (made.queue.claim("gone") or second).id == first.id
    assert made.queue.claim("w", only=second.id) is None
    made.clock.go(made.queue.lease + 1)
    held = made.queue.claim("w", only=second.id)
    assert held is not None
    assert made.queue.claim("w") is None
    assert made.queue.finish(held, "completed")
    assert (made.queue.claim("w") or second).id == first.id


def test_runs_of_a_schedule_that_queue_go_one_by_one(made: Setup) -> None:
    made.catalog.set_policies("churn", {"concurrency": 9})
    known = made.catalog.add_schedule(made.job, Cron.parse("hourly", "UTC"))
    for slot in (1.0, 2.0):
        made.queue.add(NewRun("schedule", made.job.id, schedule_id=known.id, slot=slot, serial=True))
        made.clock.go(1)
    first, second = made.queue.claim("a"), made.queue.claim("b")
    assert first is not None
    assert first.slot == 1.0
    assert second is None
    made.queue.finish(first, "failed", error={"ename": "E"})
    second = made.queue.claim("b")
    assert second is not None
    assert second.slot == 2.0


def test_a_slot_has_one_run(made: Setup) -> None:
    known = made.catalog.add_schedule(made.job, Cron.parse("hourly", "UTC"))
    made.queue.add(NewRun("schedule", made.job.id, schedule_id=known.id, slot=7.0))
    with pytest.raises(IntegrityError):
        made.queue.add(NewRun("schedule", made.job.id, schedule_id=known.id, slot=7.0))


def test_many_takers_get_each_run_once(made: Setup) -> None:
    made.queue.add_all(NewRun("manual") for _ in range(40))
    taken: list[str] = []
    problems: list[BaseException] = []

    def take(name: str) -> None:
        try:
            while run := made.queue.claim(name):
                taken.append(run.id)
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=take, args=(f"w{n}",)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    assert len(taken) == len(set(taken)) == 40


def test_a_lease_that_ran_out_is_taken_over_and_its_holder_can_write_no_more(made: Setup) -> None:
    made.queue.add(NewRun("manual"))
    first = made.queue.claim("a")
    assert first is not None
    made.clock.go(made.queue.lease - 1)
    assert made.queue.claim("b") is None
    assert made.queue.renew_leases({first.id: str(first.lease)}) == {}
    made.clock.go(made.queue.lease - 1)
    assert made.queue.claim("b") is None
    made.clock.go(2)
    second = made.queue.claim("b")
    assert second is not None
    assert (second.id, second.attempt, second.recoveries, second.worker) == (first.id, 1, 1, "b")
    assert made.queue.renew_leases({first.id: str(first.lease)}) == {first.id: ""}
    assert not made.queue.finish(first, "completed")
    assert made.queue.run(first.id).state == "running"
    assert made.queue.finish(second, "completed", metrics={"auc": 0.5}, steps=[{"name": "a", "state": "completed"}])
    done = made.queue.run(first.id)
    assert (done.state, done.metrics, done.lease, done.finished) == ("completed", {"auc": 0.5}, None, made.clock())
    assert [step["name"] for step in done.steps] == ["a"]


def test_a_run_that_kills_its_workers_is_given_up(made: Setup) -> None:
    known = made.queue.add(NewRun("manual"))
    for _ in range(RESUMED_AT_MOST + 1):
        assert made.queue.claim("w") is not None
        made.clock.go(made.queue.lease + 1)
    assert made.queue.claim("w") is None
    assert made.queue.abandoned == [known.id]
    over = made.queue.run(known.id)
    assert over.state == "failed"
    assert over.error is not None
    assert over.error["ename"] == "WorkerDied"


def test_a_run_whose_workers_died_is_tried_again_as_any_that_failed(made: Setup) -> None:
    made.catalog.set_policies("churn", {"retries": 1, "backoff": 30})
    known = made.queue.add(NewRun("manual", made.job.id))
    for _ in range(RESUMED_AT_MOST + 1):
        assert made.queue.claim("w") is not None
        made.clock.go(made.queue.lease + 1)
    assert made.queue.claim("w") is None
    waiting = made.queue.run(known.id)
    assert (waiting.state, waiting.not_before, made.queue.abandoned) == ("queued", made.clock.now + 30, [])
    assert waiting.notes == ["attempt 1 failed: WorkerDied; retried"]
    made.clock.go(31)
    again = made.queue.claim("w")
    assert again is not None
    assert (again.id, again.attempt, again.recoveries) == (known.id, 2, 0)
    assert made.queue.finish(again, "completed")


def test_a_run_that_gets_on_is_not_given_up_however_often_its_workers_die(made: Setup) -> None:
    known = made.queue.add(NewRun("manual"))
    names = [f"s{n}" for n in range(RESUMED_AT_MOST + 3)]
    for done in range(len(names)):
        held = made.queue.claim("w")
        assert held is not None
        made.queue.save_steps(held, [{"name": name, "state": "queued"} for name in names])
        states = ["cached" if at < done else "completed" if at == done else "running" for at in range(len(names))]
        made.queue.save_steps(held, [{"name": n, "state": s} for n, s in zip(names, states, strict=True)])
        made.clock.go(made.queue.lease + 1)
    for _ in range(RESUMED_AT_MOST):
        held = made.queue.claim("w")
        assert held is not None
        made.queue.save_steps(held, [{"name": name, "state": "completed"} for name in names])  # no further than before
        made.clock.go(made.queue.lease + 1)
    assert made.queue.claim("w") is None
    assert made.queue.run(known.id).state == "failed"


def test_a_failed_run_is_tried_again_after_a_wait(made: Setup) -> None:
    made.catalog.set_policies("churn", {"retries": 2, "backoff": 30})
    made.queue.add(NewRun("manual", made.job.id))
    waits = []
    for _ in range(3):
        while (run := made.queue.claim("w")) is None:
            made.clock.go(10)
        waits.append(made.clock.now)
        made.queue.finish(run, "failed", error={"ename": "ValueError"})
    over = made.queue.run(run.id)
    assert (over.state, over.attempt, len(over.notes)) == ("failed", 3, 2)
    assert [b - a for a, b in itertools.pairwise(waits)] == [30, 60]


def test_the_last_success_is_the_one_before_in_the_time_that_runs_are_for(made: Setup) -> None:
    day = 86_400.0
    known = made.catalog.add_schedule(made.job, Cron.parse("daily", "UTC"))
    today = made.clock.now

    def completed(trigger: str, slot: float | None, **fields: int) -> str:
        run = made.queue.add(NewRun(trigger, made.job.id, slot=slot, **fields))
        held = made.queue.claim("w", run.id)
        assert held is not None
        assert made.queue.finish(held, "completed")
        made.clock.go(10)
        return run.id

    yesterday = completed("schedule", today - day, schedule_id=known.id)
    completed("backfill", today - 30 * day)  # made later, for a time before
    now = made.queue.add(NewRun("schedule", made.job.id, schedule_id=known.id, slot=today))
    before = made.queue.last_good(now)
    assert before is not None
    assert before.id == yesterday
    filled = made.queue.add(NewRun("backfill", made.job.id, slot=today - 29 * day))
    before = made.queue.last_good(filled)
    assert before is not None
    assert before.slot == today - 30 * day
    by_hand = completed("manual", None)
    after = made.queue.last_good(made.queue.add(NewRun("manual", made.job.id)))
    assert after is not None
    assert after.id == by_hand


def test_steps_may_have_long_names(made: Setup) -> None:
    made.queue.add(NewRun("manual"))
    held = made.queue.claim("w")
    assert held is not None
    steps = [{"name": f"{'n' * 300}{number}", "state": "completed"} for number in range(2)]
    made.queue.save_steps(held, steps)
    assert made.queue.finish(held, "completed", steps=steps) == "completed"
    assert [step["name"] for step in made.queue.run(held.id).steps] == ["n" * 200] * 2


def test_numbers_and_texts_that_no_row_can_hold_are_bad_input(made: Setup) -> None:
    with pytest.raises(InvalidInputError):
        made.catalog.schedule(10**20)
    for text in ("a\0b", "n" * 201) if not made.db.is_sqlite else ():
        with pytest.raises(InvalidInputError, match="can't hold"):
            made.catalog.add_version(made.job, "d2", author=text)


def test_stopping(made: Setup) -> None:
    queued, running = made.queue.add(NewRun("manual", priority=-1)), made.queue.add(NewRun("manual"))
    held = made.queue.claim("w")
    assert held is not None
    assert held.id == running.id
    assert made.queue.stop(queued.id).state == "stopped"
    assert made.queue.stop(running.id, "enough").state == "running"
    assert made.queue.renew_leases({held.id: str(held.lease)}) == {held.id: "enough"}
    assert made.queue.finish(held, "stopped")
    with pytest.raises(InvalidInputError, match="already finished"):
        made.queue.stop(running.id)
    with pytest.raises(NotFoundError):
        made.queue.stop("nothing")


def test_a_run_that_was_to_stop_does_not_come_back_with_another_worker(made: Setup) -> None:
    made.queue.add(NewRun("manual"))
    held = made.queue.claim("w")
    assert held is not None
    made.queue.stop(held.id)
    made.clock.go(made.queue.lease + 1)
    assert made.queue.claim("w") is None
    assert made.queue.run(held.id).state == "stopped"


def test_a_run_whose_worker_is_gone_is_stopped_and_repaired_without_another_worker(made: Setup) -> None:
    made.queue.add(NewRun("manual"))
    held = made.queue.claim("w")
    assert held is not None
    with pytest.raises(InvalidInputError, match="is running"):
        made.queue.requeue(held.id)
    assert made.queue.stop(held.id).state == "running"
    made.clock.go(made.queue.lease + 1)
    assert made.queue.stop(held.id).state == "stopped"
    assert made.queue.finish(held, "completed") == ""
    assert made.queue.requeue(held.id).state == "queued"
    held = made.queue.claim("w")
    assert held is not None
    made.clock.go(made.queue.lease + 1)
    assert made.queue.requeue(held.id).state == "queued"


def test_what_is_handed_back_is_there_at_once_and_counts_for_nothing(made: Setup) -> None:
    made.queue.add(NewRun("manual"))
    for _ in range(RESUMED_AT_MOST + 3):
        held = made.queue.claim("w")
        assert held is not None
        assert held.attempt == 1
        assert made.queue.release(held)


def test_pages_of_runs(made: Setup) -> None:
    ids = made.queue.add_all(NewRun("manual", made.job.id) for _ in range(7))
    seen: list[str] = []
    before = None
    while page := made.queue.runs(job_id=made.job.id, after=before, limit=3):
        seen += [run.id for run in page]
        before = page[-1].created, page[-1].id
    assert sorted(seen) == sorted(ids)
    assert made.queue.runs(states=["completed"]) == []
    with pytest.raises(InvalidInputError, match="sleeping"):
        made.queue.runs(states=["sleeping"])


def test_the_same_content_is_the_same_version(made: Setup) -> None:
    first, new = made.catalog.add_version(made.job, "d2", message="second")
    assert (first.name, new) == ("v2", True)
    again, new = made.catalog.add_version(made.job, "d2", message="again")
    assert (again, new) == (first, False)
    back, _ = made.catalog.add_version(made.job, "d1")
    assert back.name == "v1"
    assert [v.name for v in made.catalog.versions(made.job)] == ["v2", "v1"]


def test_an_alias_is_never_the_name_of_a_version(made: Setup) -> None:
    for name in ("v2", "v17", "latest", "a b", "../x", ""):
        with pytest.raises(InvalidInputError, match=r"not a valid alias|cannot be an alias"):
            made.aliases.change(made.job, name, made.catalog.version(made.job, "v1"), "set")
    assert made.catalog.aliases(made.job) == {}


def test_versions_are_named_in_many_ways(made: Setup) -> None:
    second, _ = made.catalog.add_version(made.job, "d2")
    made.aliases.change(made.job, "production", made.catalog.version(made.job, "v1"), "set")
    made.aliases.change(made.job, "staging", second, "set")
    made.aliases.change(made.job, "staging", second, "set")
    told = {name: made.catalog.version(made.job, name).name for name in ("latest", "v1", "2", "@production")}
    assert told == {"latest": "v2", "v1": "v1", "2": "v2", "@production": "v1"}
    assert made.catalog.aliases(made.job) == {"production": 1, "staging": 2}
    for wrong in ("v3", "@nowhere"):
        with pytest.raises(NotFoundError, match="v1, v2, @production, @staging"):
            made.catalog.version(made.job, wrong)
    with pytest.raises(InvalidInputError, match="is not a version"):
        made.catalog.version(made.job, "newest")


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a..b", " a", "a ", "x" * 201, "a\nb", "-p"])
def test_what_can_not_name_a_job(made: Setup, name: str) -> None:
    with pytest.raises(InvalidInputError, match="valid job name"):
        made.catalog.ensure_job(name)


@pytest.mark.parametrize("name", ["Büro 2", "日本語", "हिन्दी", "ภาษาไทย", "x.y-z_1", "7", "n" * 200])
def test_what_can_name_a_job(made: Setup, name: str) -> None:
    assert made.catalog.ensure_job(name).name == made.catalog.job(name).name == name


def test_a_name_is_the_same_however_its_accents_are_written(made: Setup) -> None:
    assert made.catalog.ensure_job("cafe\u0301").id == made.catalog.job("caf\u00e9").id
    assert made.catalog.job("cafe\u0301").name == "caf\u00e9"
    assert made.catalog.notebook_job("cafe\u0301.ipynb").notebook == "cafe\u0301.ipynb"


def test_notebooks_whose_long_paths_begin_alike_have_a_history_each(made: Setup) -> None:
    folder = "/".join(["folder"] * 500)
    paths = [f"{folder}/{name}.ipynb" for name in "ab"]
    held = [made.catalog.notebook_job(path) for path in paths]
    assert [job.notebook for job in held] == paths
    assert held[0].id != held[1].id
    assert made.catalog.notebook_job(paths[0]).id == held[0].id
    made.catalog.move_notebooks(folder, f"{folder}/deeper")
    assert [made.catalog.notebook_job(f"{folder}/deeper/{name}.ipynb").id for name in "ab"] == [j.id for j in held]
    assert made.catalog.notebook_job(paths[0]).id not in [job.id for job in held], "the old place begins anew"


def test_a_run_names_its_job_or_its_notebook(made: Setup) -> None:
    of_notebook = made.queue.add(NewRun("notebook", made.catalog.notebook_job("a/b.ipynb").id))
    of_job = made.queue.add(NewRun("manual", made.catalog.ensure_job("notebook of a job").id))
    found = {run.id: (run.job, run.notebook, run.subject) for run in made.queue.runs()}
    assert found[of_notebook.id] == (None, "a/b.ipynb", "a/b.ipynb")
    assert found[of_job.id] == ("notebook of a job", None, "notebook of a job")


def test_an_unknown_job_is_told_with_the_nearest(made: Setup) -> None:
    with pytest.raises(NotFoundError, match="Did you mean 'churn'"):
        made.catalog.job("chrun")


def test_a_job_goes_with_all_that_is_its(made: Setup) -> None:
    made.catalog.add_schedule(made.job, Cron.parse("daily", "UTC"))
    made.queue.add(NewRun("manual", made.job.id, made.catalog.version(made.job).id))
    made.catalog.delete_job("churn")
    assert (made.catalog.jobs(), made.catalog.schedules(), made.queue.runs()) == ([], [], [])
