"""Models in the database, on every kind of database, and in the store."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import jupyter_mlops
from jupyter_mlops.config import RunConfig
from jupyter_mlops.errors import InvalidInputError, NotFoundError, StoreError
from jupyter_mlops.jobs.models import read_document
from jupyter_mlops.jobs.new_run import NewRun
from jupyter_mlops.jobs.retention import wanted_objects
from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.service import models
from tests.serving.registry import Level, facts, promote, record


@pytest.fixture
def space(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.setenv("JUPYTER_MLOPS_DATABASE", database_url)
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(tmp_path))
    opened = Workspace(RunConfig())
    yield opened
    opened.close()


def test_a_selector_names_the_model_of_the_newest_completed_run(space: Workspace) -> None:
    first = record(space, [facts(space, Level(1.0))])
    promote(space, first)
    record(space, [facts(space, Level(2.0))])
    job = space.catalog.job("churn")
    assert [space.models.current(job, s).number for s in ("latest", "@production", "v1", "1", "v2")] == [2, 1, 1, 1, 2]
    record(space, [facts(space, Level(3.0))], number=1)
    assert models.load(space, "churn@production").level == 3.0
    assert models.load(space, "churn").level == 2.0
    assert [(m["version"], m["aliases"]) for m in models.models(space, "churn")] == [
        ("v1", ["production"]), ("v2", []), ("v1", ["production"]),
    ]  # fmt: skip
    assert [m["version"] for m in models.models(space, "churn@v2")] == ["v2"]
    run = models.models(space, "churn")[2]["run"]
    assert models.model(space, "churn@v1", run_id=run)["run"] == run


def test_a_run_that_goes_on_elsewhere_writes_no_models(space: Workspace) -> None:
    record(space, [facts(space, Level(1.0))])
    job = space.catalog.job("churn")
    space.queue.add(NewRun("manual", job.id, space.catalog.version(job).id))
    run = space.queue.claim("here")
    assert run is not None
    space.models.put(run, [("first", facts(space, Level(2.0)))])
    space.models.put(run, [("second", facts(space, Level(2.0))), ("b", facts(space, Level(2.0), "b"))])
    space.queue.release(run)
    other = space.queue.claim("there")
    assert other is not None
    space.models.put(run, [("late", facts(space, Level(2.0)))])
    assert len(space.models.models(job)) == 1, "models of a run that is not completed are not listed"
    space.queue.finish(other, "completed")
    assert {m.digest for m in space.models.models(job)} - {"second", "b"} == {space.models.models(job)[-1].digest}


def test_what_does_not_exist(space: Workspace) -> None:
    record(space, [facts(space, Level(1.0), "a"), facts(space, Level(2.0), "b")])
    with pytest.raises(InvalidInputError, match="several models: a, b"):
        models.load(space, "churn")
    assert models.load(space, "churn", "b").level == 2.0
    for wrong in ("nothing", "churn@nothing", "churn@v7"):
        with pytest.raises(NotFoundError):
            models.load(space, wrong)
    with pytest.raises(NotFoundError, match="left a model named 'c'"):
        models.load(space, "churn", "c")
    with pytest.raises(InvalidInputError, match="is not a version"):
        space.models.current(space.catalog.job("churn"), "'; drop table model; --")


def test_objects_of_models_are_kept_by_the_clean_up(space: Workspace) -> None:
    from jupyter_mlops.db import tables as t

    kept = facts(space, Level(1.0))
    record(space, [kept])
    with space.db.write() as c:
        c.execute(t.version.update().values(digest="0" * 40))
        rows = c.execute(t.model.select()).all()
    assert space.models.objects() == {kept["artifact"], rows[0].digest}
    with pytest.raises(StoreError):  # the version of this test has no manifest
        wanted_objects(space)


def test_bytes_are_verified_before_they_are_loaded(space: Workspace) -> None:
    document = facts(space, Level(1.0))
    record(space, [document])
    path = Path(space.store.locate(document["artifact"]))
    path.chmod(0o600)
    path.write_bytes(b"cbuiltins\nexec\n(Vimport sys; sys.broken_in = True\ntR.")
    with pytest.raises(StoreError, match=r"damaged|digest"):
        models.load(space, "churn")
    assert not hasattr(sys, "broken_in")
    path.unlink()
    with pytest.raises(StoreError):
        models.load(space, "churn")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"packages": {"numpy": "0.1.0"}}, "numpy is .*, the model was made with 0.1.0"),
        ({"packages": {"no-such-package": "1"}}, "no-such-package 1 is not installed"),
        ({"framework": {"name": "scikit-learn", "version": "0.1"}}, "scikit-learn is .*, the model was made with 0.1"),
        ({"format": "cloudpickle", "python": "2.7.18"}, "compiled by Python 2.7.18"),
    ],
)
def test_another_environment_is_refused_unless_it_may_differ(space: Workspace, change: dict, message: str) -> None:  # type: ignore[type-arg]
    record(space, [facts(space, Level(1.0), **change)])
    with pytest.raises(InvalidInputError, match=message):
        jupyter_mlops.load_model("churn")
    assert jupyter_mlops.load_model("churn@v1", "clf", any_environment=True).level == 1.0


@pytest.mark.parametrize("data", [b"", b"no json", b"[]", b'{"format": 2}', b'{"format": null}'])
def test_documents_that_are_none(space: Workspace, data: bytes) -> None:
    with pytest.raises(StoreError, match="document of a model can't be read"):
        read_document(space.store, space.store.put(data))


def test_an_export_needs_an_empty_folder(space: Workspace, tmp_path: Path) -> None:
    record(space, [facts(space, Level(1.0))])
    exported = models.export(space, "churn", tmp_path / "a" / "b")
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == [
        ".dockerignore", "Dockerfile", "model.json", "model.pkl", "requirements.txt",
    ]  # fmt: skip
    assert exported["version"] == "v1"
    with pytest.raises(InvalidInputError, match="not empty"):
        models.export(space, "churn", tmp_path / "a" / "b")
