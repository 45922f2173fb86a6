"""Deployments over REST."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.servers import Server

pytestmark = pytest.mark.xdist_group("rest")


@pytest.fixture
def job(rest: Server) -> str:
    """A published job."""
    rest.write("deployed.ipynb", ("n: int = 3", "parameters"), ("print(n)", "step:load"))
    rest.post("jobs/deployed/versions", {"notebook": "deployed.ipynb"})
    return "deployed"


def test_deploy_and_list(rest: Server, job: str, tmp_path: Path) -> None:
    body = {"target": "airflow", "place": str(tmp_path), "version": "v1"}
    shown = rest.post(f"jobs/{job}/deploy", {**body, "dry_run": True}, 201)
    assert (shown["deployment"], {f["state"] for f in shown["files"]}) == (None, {"new"})
    assert list(tmp_path.iterdir()) == []
    deployed = rest.post(f"jobs/{job}/deploy", body, 201)
    assert (deployed["changed"], deployed["place"]) == (True, str(tmp_path))
    [listed] = rest.get("deployments", job=job, check=True)["deployments"]
    assert (listed["deployment"], listed["state"], listed["selector"]) == (deployed["deployment"], "current", "v1")
    [unchecked] = rest.get("deployments", job=job)["deployments"]
    assert unchecked["state"] is None
    (tmp_path / "deployed" / "deployed.py").write_text("mine")
    [edited] = rest.get("deployments", job=job, check=True)["deployments"]
    assert (edited["state"], edited["reasons"]) == ("edited", ["deployed.py is edited"])
    refused = rest.ask("POST", f"jobs/{job}/deploy", body)
    assert (refused.status, refused.json["reason"]) == (409, "Conflict")
    assert rest.post(f"jobs/{job}/deploy", {**body, "force": True}, 201)["changed"]


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        ({"target": "airflw"}, 404, "no export target"),
        ({"target": ""}, 422, "target"),
        ({"version": "v9"}, 404, "no version v9"),
        ({"version": "@nothing"}, 404, "no version @nothing"),
        ({"place": "/no/such/folder"}, 503, "does not exist"),
        ({"place": "/" + "x" * 4000}, 422, ""),
        ({"place": "x" * 5000}, 422, "place"),
        ({"place": "a\nb"}, 422, "is not a place"),
        ({"place": "git+https://ada:sesame@h/r"}, 422, "holds a password"),
        ({"place": "kubectl:a/b"}, 422, "does nothing with"),
        ({"place": ""}, 422, "no place is named"),
        ({"runs": "s3://k:sesame@b"}, 422, "holds credentials"),
        ({"dry_run": "yes"}, 422, "dry_run"),
    ],
)
def test_bad_input(
    rest: Server, job: str, tmp_path: Path, changes: dict[str, Any], status: int, message: str
) -> None:  # fmt: skip
    body = {"target": "airflow", "place": str(tmp_path), **changes}
    answer = rest.ask("POST", f"jobs/{job}/deploy", body)
    assert answer.status == status, answer.body
    assert message in answer.json["message"]
    assert b"sesame" not in answer.body
    assert list(tmp_path.iterdir()) == []


def test_a_job_that_is_not_there(rest: Server) -> None:
    assert rest.ask("GET", "deployments?job=none").status == 404
    assert rest.ask("GET", "deployments?nothing=1").status == 422
