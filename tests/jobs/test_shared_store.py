"""Machines that share a database and a store: what one publishes, the other runs; nobody removes what is another's."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import fsspec
import pytest
from sqlalchemy import delete, select, update

from jupyter_mlops.db import tables as t
from jupyter_mlops.errors import StoreError
from jupyter_mlops.jobs import retention
from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.service import jobs, notebook_runs, runs, versions
from jupyter_mlops.storage.remote import RemoteStore
from tests.jobs.workspace import opened, write_notebook

pytestmark = pytest.mark.timeout(180)
LATER = 1e10  # when everything is old


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("UV_OFFLINE", "1")
    root = f"memory://{uuid.uuid4().hex}"
    yield root
    if fsspec.filesystem("memory").exists(root):
        fsspec.filesystem("memory").rm(root, recursive=True)


def machine(folder: Path, name: str, url: str, database: str = "shared") -> AbstractContextManager[Workspace]:
    return opened(folder / name, store=url, database=f"sqlite:///{folder / database}.sqlite")


def book(folder: Path, text: str = "1") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "in.csv").write_text(text)
    (folder / "helper.py").write_text("x = 1\n")
    return write_notebook(folder / "nb.ipynb", "import helper\nprint(open('in.csv').read())")


def test_what_one_machine_publishes_another_runs(url: str, tmp_path: Path) -> None:
    with machine(tmp_path, "one", url) as one, machine(tmp_path, "two", url) as two:
        assert isinstance(one.store, RemoteStore)
        jobs.publish(one, book(tmp_path / "work"), "job")
        jobs.publish(one, book(tmp_path / "work", "2"), "job")
        shutil.rmtree(tmp_path / "work")
        shutil.rmtree(one.home)
        assert not (two.home / "store").exists()
        run = runs.follow(two, runs.start(two, "job@v1")["id"])
        assert run["state"] == "completed", run
        assert Path(run["output"]).is_relative_to(two.home)
        told = versions.diff(two, "job", "v1", "v2")["sections"]
        assert [change["what"] for change in told["data"]] == ["in.csv changed"]
        versions.bundle(two, "job", tmp_path / "job.zip")
    with opened(tmp_path / "three") as three:
        versions.unbundle(three, tmp_path / "job.zip")
        assert runs.follow(three, runs.start(three, "job")["id"])["state"] == "completed"


def test_gc_removes_what_no_version_needs_and_keeps_what_another_database_may_need(url: str, tmp_path: Path) -> None:
    with machine(tmp_path, "one", url) as one:
        digest = jobs.publish(one, book(tmp_path / "work"), "job")["digest"]
        stray = one.store.put(b"of no version")
        assert retention.clean_up(one).objects == 0  # it is new, and may be about to be published
        assert stray in one.store
        gone = retention.clean_up(one, now=LATER)
        assert stray not in one.store and digest in one.store and gone.notes == []
        with machine(tmp_path, "two", url, database="other") as two:
            jobs.publish(two, book(tmp_path / "work", "other"), "job")
            other = two.store.put(b"of no version of one")
        told = retention.clean_up(one, now=LATER)
        assert (told.objects, len(told.notes)) == (0, 1)
        assert "objects are kept" in told.notes[0] and "other.sqlite" in told.notes[0]
        assert other in one.store
        assert runs.follow(one, runs.start(one, "job")["id"])["state"] == "completed"


def made_on(folder: Path, name: str, url: str, attempts: str = "") -> str:
    """A job whose version writes a file, published on machine one; the id of its run on the machine of that name."""
    with machine(folder, "one", url) as one, machine(folder, name, url) as there:
        text = f"open('out.txt', 'w').write('made')\nprint('said it')\n{attempts}"
        jobs.publish(one, write_notebook(folder / "work" / "nb.ipynb", text), "job")
        return str(runs.follow(there, runs.start(one, "job")["id"])["id"])


def test_what_a_run_leaves_on_one_machine_is_there_on_the_other(url: str, tmp_path: Path) -> None:
    run_id = made_on(tmp_path, "two", url)
    shutil.rmtree(tmp_path / "two")
    with machine(tmp_path, "one", url) as one:
        assert not (one.home / "runs" / run_id).exists()
        assert "said it" in "".join(runs.logs(one, run_id))
        assert not (one.home / "runs" / run_id / "files").exists()  # it may be much, and nobody asked for it
        assert "said it" in notebook_runs.executed_notebook(one, run_id)
        assert "said it" in Path(runs.run(one, run_id)["output"]).read_text()
        assert notebook_runs.log(one, run_id)["over"]
        assert versions.reproduce(one, run_id)["state"] == "reproduced"
        assert (one.home / "runs" / run_id / "files" / "out.txt").read_text() == "made"
        with one.db.write() as c:
            kept = set(c.execute(select(t.run_file.c.digest).where(t.run_file.c.run_id == run_id)).scalars())
        assert len(kept) == 3
        retention.clean_up(one, now=LATER)
        assert all(digest in one.store for digest in kept)


def test_what_no_database_knows_any_more_goes_on_every_machine(url: str, tmp_path: Path) -> None:
    run_id = made_on(tmp_path, "two", url)
    with machine(tmp_path, "one", url) as one, machine(tmp_path, "two", url) as two:
        by_hand = two.home / "runs" / "by-hand"
        by_hand.mkdir()
        kept = one.queue.files(run_id)
        list(runs.logs(one, run_id))
        with one.db.write() as c:
            c.execute(delete(t.run).where(t.run.c.id == run_id))
        for space in (one, two):
            retention.clean_up(space, dry=True, now=LATER)
            assert (space.home / "runs" / run_id).is_dir()
            retention.clean_up(space, now=LATER)
            assert not (space.home / "runs" / run_id).exists()
        assert by_hand.is_dir()
        assert [name for name, digest in kept.items() if digest in one.store] == []


def test_a_run_that_goes_on_elsewhere_has_the_log_of_its_first_attempt(url: str, tmp_path: Path) -> None:
    run_id = made_on(tmp_path, "two", url, "import os\nassert os.path.exists(os.environ['HOME'] + '/there'), 'not yet'")
    with machine(tmp_path, "three", url) as three:
        assert runs.run(three, run_id)["state"] == "failed"
        assert "not yet" in notebook_runs.executed_notebook(three, run_id)
        runs.repair(three, run_id)
        assert runs.follow(three, run_id)["state"] == "failed"
    with machine(tmp_path, "two", url) as two:
        told = "".join(runs.logs(two, run_id))
        assert ("attempt 1" in told, "attempt 2" in told, told.count("said it")) == (True, True, 2)


def test_what_can_not_be_put_into_the_store_is_told_and_kept(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(store: RemoteStore, path: Path) -> str:
        raise StoreError("the store is full", where=store.location)

    with machine(tmp_path, "one", url) as one:
        jobs.publish(one, book(tmp_path / "work"), "job")
        monkeypatch.setattr(RemoteStore, "put_file", refuse)
        run = runs.follow(one, runs.start(one, "job")["id"])
        assert run["state"] == "completed"
        assert [note for note in run["notes"] if "only on" in note and "the store is full" in note]
        assert "1" in notebook_runs.executed_notebook(one, run["id"])


def test_a_run_that_goes_on_elsewhere_says_where(url: str, tmp_path: Path) -> None:
    with machine(tmp_path, "one", url) as one:
        jobs.publish(one, book(tmp_path / "work"), "job")
        run_id = runs.start(one, "job")["id"]
        taken = one.queue.claim("faraway:1:a")
        assert taken is not None
        assert list(runs.logs(one, run_id)) == []  # it has only just begun
        with one.db.write() as c:
            c.execute(update(t.run).values(started=0.0))
        assert "on faraway" in "".join(runs.logs(one, run_id))


def test_a_store_that_is_away_fails_the_run_and_says_where(url: str, tmp_path: Path) -> None:
    with machine(tmp_path, "one", url) as one:
        jobs.publish(one, book(tmp_path / "work"), "job")
        with machine(tmp_path, "two", url) as two:
            run_id = runs.start(one, "job")["id"]
            fsspec.filesystem("memory").rm(url, recursive=True)
            run = runs.follow(two, run_id)
            assert run["state"] == "failed"
            assert url in run["error"]["evalue"] and "no such object" in run["error"]["evalue"]
        jobs.publish(one, book(tmp_path / "work"), "job")
        runs.repair(one, run_id)
        assert runs.follow(one, run_id)["state"] == "completed"
