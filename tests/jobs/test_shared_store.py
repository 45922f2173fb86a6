"""Machines that share a database and a store: what one publishes, the other runs; nobody removes what is another's."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import fsspec
import pytest

from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.service import jobs, versions
from jupyter_mlops.versions.remote import RemoteStore
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
        run = jobs.follow(two, jobs.start(two, "job@v1")["id"])
        assert run["state"] == "completed", run
        assert Path(run["output"]).is_relative_to(two.home)
        told = versions.diff(two, "job", "v1", "v2")["sections"]
        assert [change["what"] for change in told["data"]] == ["in.csv changed"]
        versions.bundle(two, "job", tmp_path / "job.zip")
    with opened(tmp_path / "three") as three:
        versions.unbundle(three, tmp_path / "job.zip")
        assert jobs.follow(three, jobs.start(three, "job")["id"])["state"] == "completed"


def test_gc_removes_what_no_version_needs_and_keeps_what_another_database_may_need(url: str, tmp_path: Path) -> None:
    from jupyter_mlops.jobs.retention import sweep

    with machine(tmp_path, "one", url) as one:
        digest = jobs.publish(one, book(tmp_path / "work"), "job")["digest"]
        stray = one.store.put(b"of no version")
        assert sweep(one).objects == 0  # it is new, and may be about to be published
        assert stray in one.store
        gone = sweep(one, now=LATER)
        assert stray not in one.store and digest in one.store and gone.notes == []
        with machine(tmp_path, "two", url, database="other") as two:
            jobs.publish(two, book(tmp_path / "work", "other"), "job")
            other = two.store.put(b"of no version of one")
        told = sweep(one, now=LATER)
        assert (told.objects, len(told.notes)) == (0, 1)
        assert "objects are left alone" in told.notes[0] and "other.sqlite" in told.notes[0]
        assert other in one.store
        assert jobs.follow(one, jobs.start(one, "job")["id"])["state"] == "completed"


def test_a_store_that_is_away_fails_the_run_and_says_where(url: str, tmp_path: Path) -> None:
    with machine(tmp_path, "one", url) as one:
        jobs.publish(one, book(tmp_path / "work"), "job")
        with machine(tmp_path, "two", url) as two:
            run_id = jobs.start(one, "job")["id"]
            fsspec.filesystem("memory").rm(url, recursive=True)
            run = jobs.follow(two, run_id)
            assert run["state"] == "failed"
            assert url in run["error"]["evalue"] and "no such object" in run["error"]["evalue"]
        jobs.publish(one, book(tmp_path / "work"), "job")
        jobs.repair(one, run_id)
        assert jobs.follow(one, run_id)["state"] == "completed"
