"""Deployments: what is recorded, and what drift says of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.db.database import Database
from jupyter_mlops.errors import ConflictError, InvalidInputError, NotFoundError, UnreachableError
from jupyter_mlops.jobs.catalog import Catalog
from jupyter_mlops.jobs.deployments import ABANDONED_S, Deployments
from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.service import aliases, deployments, jobs, schedules
from tests.jobs.clock import Clock
from tests.jobs.workspace import opened, write_notebook

DIFFERS = "its export would differ now: its schedule, its settings or jupyter_mlops changed"
CELLS = ("# tags: parameters\nn: int = 3", "# tags: step:load\nrows = list(range(n))")


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Workspace]:
    (tmp_path / "dags").mkdir()
    with opened(tmp_path / "home") as opened_space:
        publish(opened_space, tmp_path, 1)
        yield opened_space


def publish(space: Workspace, folder: Path, number: int) -> None:
    jobs.publish(space, write_notebook(folder / "sums.ipynb", *CELLS, f"# tags: step:fit\nprint({number})"))


def deploy(space: Workspace, tmp_path: Path, job: str = "sums", **options: Any) -> dict[str, Any]:
    return deployments.deploy(space, job, "airflow", str(tmp_path / "dags"), **options)


def drift(space: Workspace, job: str = "") -> tuple[str | None, list[str]]:
    [entry] = deployments.deployments(space, job)
    return entry["state"], entry["reasons"]


def test_a_deployment_is_recorded(space: Workspace, tmp_path: Path) -> None:
    deployed = deploy(space, tmp_path, "sums@v1", runs=str(tmp_path / "artifacts"))
    assert (deployed["job"], deployed["version"], deployed["changed"]) == ("sums", "v1", True)
    [entry] = deployments.deployments(space)
    assert (entry["deployment"], entry["selector"], entry["target"]) == (deployed["deployment"], "v1", "airflow")
    assert (entry["place"], entry["runs"]) == (str(tmp_path / "dags"), str(tmp_path / "artifacts"))
    assert set(entry["files"]) == {"sums.py", "sums-v1.zip", ".airflowignore"}
    assert entry["author"]
    assert entry["digest"] == jobs.versions(space, "sums")[0]["digest"]
    assert drift(space) == ("current", [])


def test_the_same_again_is_the_same_deployment(space: Workspace, tmp_path: Path) -> None:
    first = deploy(space, tmp_path, runs=str(tmp_path / "a"))
    again = deploy(space, tmp_path)
    assert (again["changed"], again["deployment"]) == (False, first["deployment"])
    assert len(deployments.deployments(space)) == 1


def test_a_dry_run_writes_and_records_nothing(space: Workspace, tmp_path: Path) -> None:
    shown = deploy(space, tmp_path, dry_run=True)
    assert (shown["deployment"], shown["changed"]) == (None, True)
    assert any("+from airflow.sdk" in file["diff"] for file in shown["files"])
    assert list((tmp_path / "dags").iterdir()) == []
    assert deployments.deployments(space) == []


def test_behind_a_newer_version(space: Workspace, tmp_path: Path) -> None:
    deploy(space, tmp_path)
    publish(space, tmp_path, 2)
    assert drift(space) == ("behind", ["v2 is published"])
    deploy(space, tmp_path)
    assert drift(space) == ("current", [])


def test_behind_an_alias_that_moved(space: Workspace, tmp_path: Path) -> None:
    aliases.set_alias(space, "sums", "production", "v1")
    deploy(space, tmp_path, "sums@production")
    publish(space, tmp_path, 2)
    assert drift(space) == ("current", []), "a newer version is not in production"
    aliases.set_alias(space, "sums", "production", "v2")
    assert drift(space) == ("behind", ["@production is v2"])


def test_behind_a_schedule_that_changed(space: Workspace, tmp_path: Path) -> None:
    deploy(space, tmp_path)
    schedules.schedule(space, "sums", "0 6 * * *", "Europe/Paris")
    assert drift(space) == ("behind", [DIFFERS])
    assert deploy(space, tmp_path)["changed"]
    assert drift(space) == ("current", [])


def test_a_deployment_outlives_its_job(space: Workspace, tmp_path: Path) -> None:
    deploy(space, tmp_path)
    jobs.remove(space, "sums")
    assert drift(space, "sums") == ("behind", ["the job was deleted"])
    deployments.undeploy(space, "sums", "airflow", str(tmp_path / "dags"))
    assert list((tmp_path / "dags").iterdir()) == []


def test_edited_missing_and_unreachable(space: Workspace, tmp_path: Path) -> None:
    deploy(space, tmp_path)
    (tmp_path / "dags/sums/sums.py").write_text("mine")
    assert drift(space) == ("edited", ["sums.py is edited"])
    (tmp_path / "dags/sums/sums-v1.zip").unlink()
    assert drift(space) == ("missing", ["sums-v1.zip is missing", "sums.py is edited"])
    (tmp_path / "dags").rename(tmp_path / "unmounted")
    assert drift(space) == ("unreachable", ["the folder does not exist"])
    [entry] = deployments.deployments(space, check=False)
    assert entry["state"] is None, "nobody looked"


def test_one_place_that_does_not_answer_does_not_hide_the_others(space: Workspace, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        deployments.deploy(space, "sums", "slurm", str(tmp_path / name))
    (tmp_path / "b").rename(tmp_path / "gone")
    assert [e["state"] for e in deployments.deployments(space)] == ["current", "unreachable", "current"]


def test_an_edit_is_refused_and_recorded_as_a_failure(space: Workspace, tmp_path: Path) -> None:
    first = deploy(space, tmp_path)
    (tmp_path / "dags/sums/sums.py").write_text("mine")
    publish(space, tmp_path, 2)
    with pytest.raises(ConflictError, match=r"sums\.py"):
        deploy(space, tmp_path)
    [entry] = deployments.deployments(space)
    assert (entry["deployment"], entry["version"]) == (first["deployment"], "v1")
    deploy(space, tmp_path, force=True)
    assert drift(space) == ("current", [])


def test_removal(space: Workspace, tmp_path: Path) -> None:
    deploy(space, tmp_path)
    removed = deployments.undeploy(space, "sums", "airflow", str(tmp_path / "dags"))
    assert set(removed["files"]) == {"sums.py", "sums-v1.zip", ".airflowignore"}
    assert list((tmp_path / "dags").iterdir()) == []
    assert deployments.deployments(space) == []
    with pytest.raises(NotFoundError, match="is not deployed"):
        deployments.undeploy(space, "sums", "airflow", str(tmp_path / "dags"))


def test_the_configured_place(tmp_path: Path) -> None:
    (tmp_path / "dags").mkdir()
    with opened(tmp_path / "home", places={"airflow": str(tmp_path / "dags")}) as space:
        publish(space, tmp_path, 1)
        assert deployments.deploy(space, "sums", "airflow")["place"] == str(tmp_path / "dags")
        with pytest.raises(InvalidInputError, match="none is configured for slurm") as refused:
            deployments.deploy(space, "sums", "slurm")
        assert "c.RunConfig.places" in refused.value.remedy


@pytest.mark.parametrize(
    ("job", "target", "place", "options", "kind", "message"),
    [
        ("sum", "airflow", "dags", {}, NotFoundError, "no job 'sum'"),
        ("sums@v9", "airflow", "dags", {}, NotFoundError, "no version v9"),
        ("sums@nothing", "airflow", "dags", {}, NotFoundError, "no version @nothing"),
        ("sums", "airflw", "dags", {}, NotFoundError, "no export target 'airflw'"),
        ("sums", "airflow", "no", {}, UnreachableError, "does not exist"),
        ("sums", "airflow", "sums.ipynb", {}, InvalidInputError, "is a file"),
        ("sums", "airflow", "crontab:/tmp/x", {}, InvalidInputError, "does nothing with files of the target"),
        ("sums", "airflow", "git+https://a:b@c/d", {}, InvalidInputError, "holds a password"),
        ("sums", "airflow", "a\nb", {}, InvalidInputError, "is not a place"),
        (
            "sums",
            "airflow",
            "dags",
            {"runs": "s3://k:s@b"},
            InvalidInputError,
            "the store holds credentials",
        ),
    ],
)
def test_bad_input(
    space: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, job: str, target: str, place: str,
    options: dict[str, str], kind: type[Exception], message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    with pytest.raises(kind, match=message):
        deployments.deploy(space, job, target, place, **options)
    assert deployments.deployments(space) == []
    assert list((tmp_path / "dags").iterdir()) == []


def test_a_job_that_is_not_there(space: Workspace) -> None:
    assert deployments.deployments(space, "sums") == []
    with pytest.raises(NotFoundError, match="no job 'nothing'"):
        deployments.deployments(space, "nothing")


def test_a_recorded_place_that_is_not_understood_any_more(space: Workspace, tmp_path: Path) -> None:
    """A later release may know more kinds of places."""
    deploy(space, tmp_path)
    from sqlalchemy import update

    from jupyter_mlops.db import tables as t

    with space.db.write() as c:
        c.execute(update(t.deployment).values(place="ftp://host/x"))
    assert drift(space) == ("unreachable", ["ftp: is not a kind of place"])


def test_two_deployments_at_once_are_refused(database_url: str) -> None:
    db, clock = Database(database_url), Clock()
    records, catalog = Deployments(db, clock), Catalog(db)
    job = catalog.ensure_job("churn")
    version, _ = catalog.add_version(job, "d1")
    first = records.begin(job, version, "latest", "airflow", "/dags", {})
    with pytest.raises(ConflictError, match="is deploying churn there now"):
        records.begin(job, version, "latest", "airflow", "/dags", {})
    records.begin(job, version, "latest", "airflow", "/other", {})
    records.fail(first, "no room")
    second = records.begin(job, version, "latest", "airflow", "/dags", {})
    clock.go(ABANDONED_S + 1)
    third = records.begin(job, version, "latest", "airflow", "/dags", {})  # the second one's process was killed
    records.succeed(third, {"a": "1"}, "")
    assert [d.id for d in records.current()] == [third]
    fourth = records.succeed(records.begin(job, version, "v1", "airflow", "/dags", {}), {"a": "2"}, "abc")
    assert [(d.id, d.files, d.revision) for d in records.current("churn")] == [(fourth.id, {"a": "2"}, "abc")]
    assert second != third
    assert records.version_at("churn", "airflow", clock.now) == 1
    assert records.version_at("churn", "airflow", 0.0) is None
    db.close()
