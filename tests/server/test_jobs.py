"""Jobs, versions and schedules over REST."""

from __future__ import annotations

import json

import pytest

from tests.servers import Server

pytestmark = [pytest.mark.xdist_group("rest"), pytest.mark.kernel]
CELLS = (("n: int = 1", "parameters"), ("score = n * 2; print(score)", "step:a metrics"))


@pytest.fixture(scope="module")
def job(rest: Server) -> str:
    rest.write("jobs/first.ipynb", *CELLS)
    made = rest.post("jobs/first/versions", {"notebook": "jobs/first.ipynb", "message": "the first"}, 201)
    assert (made["job"], made["version"], made["new"], made["message"]) == ("first", "v1", True, "the first")
    return "first"


def test_the_same_notebook_is_the_same_version(rest: Server, job: str) -> None:
    again = rest.post(f"jobs/{job}/versions", {"notebook": "jobs/first.ipynb"}, 201)
    assert (again["version"], again["new"]) == ("v1", False)
    told = rest.get(f"jobs/{job}/changes", notebook="jobs/first.ipynb")
    assert (told["version"], told["next"], told["same"]) == ("v1", "v1", True)


def test_what_publishing_would_change(rest: Server, job: str) -> None:
    rest.write("jobs/changed.ipynb", CELLS[0], ("score = n * 3; print(score)", "step:a metrics"))
    told = rest.get(f"jobs/{job}/changes", notebook="jobs/changed.ipynb")
    assert (told["next"], told["same"]) == ("v2", False)
    assert any("+score = n * 3; print(score)" in json.dumps(change) for change in told["sections"]["code"])
    fresh = rest.get("jobs/unheard/changes", notebook="jobs/changed.ipynb")
    assert (fresh["version"], fresh["next"], fresh["sections"]) == (None, "v1", {})


def test_secrets_are_told_before_and_after_publishing(rest: Server) -> None:
    key = "AKIA" + "Q3EGRIZ7XW2LMN4P"
    (rest.root / "jobs" / "keys.py").write_text(f"# none here\nKEY = '{key}'\n", encoding="utf-8")
    rest.write("jobs/leaky.ipynb", ("import keys", "step:a"))
    told = rest.get("jobs/leaky/changes", notebook="jobs/leaky.ipynb")
    made = rest.post("jobs/leaky/versions", {"notebook": "jobs/leaky.ipynb"}, 201)
    again = rest.get("jobs/leaky/changes", notebook="jobs/leaky.ipynb")
    [note] = told["notes"]
    assert note.startswith("keys.py, line 2: possible secret (AWS Access Key)") and key not in note
    assert note in made["notes"] and again["notes"] == [note]
    assert rest.get("jobs/first/changes", notebook="jobs/first.ipynb")["notes"] == []


def test_a_version_runs(rest: Server, job: str) -> None:
    made = rest.post("runs", {"job": "first@v1", "parameters": {"n": "21"}}, 201)
    run = rest.over(made["id"])
    assert (run["state"], run["version"], run["metrics"]) == ("completed", "v1", {"score": 42})
    told = rest.get(f"jobs/{job}")
    assert told["last"]["id"] == run["id"]
    assert told["health"][-1] == "completed"
    assert told["recent"][-1] == {
        "id": run["id"], "state": "completed", "time": run["started"], "seconds": run["seconds"],
    }  # fmt: skip
    assert told["parameters"]["properties"]["n"]["default"] == 1
    assert rest.get("runs", job=job)["runs"][0]["id"] == run["id"]
    assert not any(one["notebook"] for one in rest.get("runs", job=job)["runs"])


def test_aliases_and_policies(rest: Server, job: str) -> None:
    assert rest.ask("PUT", f"jobs/{job}/aliases/production", {"version": "v1"}).json["version"] == "v1"
    assert rest.get(f"jobs/{job}/versions")["versions"][0]["aliases"] == ["production"]
    assert rest.ask("PUT", f"jobs/{job}/aliases/production", {"version": "v9"}).status == 404
    changed = rest.ask("PATCH", f"jobs/{job}", {"policies": {"retries": 2}, "paused": True}).json
    assert (changed["policies"]["retries"], changed["paused"]) == (2, True)
    assert rest.ask("PATCH", f"jobs/{job}", {"policies": {"odd": 1}}).status == 422
    assert rest.ask("PATCH", f"jobs/{job}", {"paused": False, "policies": {"retries": 0}}).json["paused"] is False


def test_schedules(rest: Server, job: str) -> None:
    wanted = {"job": job, "cron": "0 6 * * MON-FRI", "zone": "Europe/Paris", "parameters": {"n": 5}}
    made = rest.post("schedules", wanted, 201)
    assert "06:00" in made["words"] and len(made["upcoming"]) == 5
    assert rest.get("schedules", job=job)["schedules"][0]["id"] == made["id"]
    coming = [one for one in rest.get("calendar", days=14)["firings"] if one["schedule"] == made["id"]]
    assert len(coming) == 10 and {one["local"][11:16] for one in coming} == {"06:00"}
    assert rest.ask("PATCH", f"schedules/{made['id']}", {"paused": True}).json["paused"] is True
    assert not [one for one in rest.get("calendar")["firings"] if one["schedule"] == made["id"]]
    assert rest.ask("GET", "calendar?days=0").status == 422
    assert rest.ask("DELETE", f"schedules/{made['id']}").status == 204
    assert rest.ask("DELETE", f"schedules/{made['id']}").status == 404
    refused: list[tuple[dict[str, object], int]] = [
        ({"cron": "every day"}, 422),
        ({"zone": "Mars/Base"}, 422),
        ({"missed": "no"}, 422),
        ({"parameters": {"n": "x"}}, 422),
        ({"job": "unheard"}, 404),
        ({"version": "v9"}, 404),
    ]
    for change, status in refused:
        assert rest.ask("POST", "schedules", {**wanted, **change}).status == status, change


def test_a_schedule_is_changed(rest: Server, job: str) -> None:
    wanted = {"job": job, "cron": "0 6 * * *", "zone": "UTC", "parameters": {"n": 5}}
    made = rest.post("schedules", wanted, 201)
    place = f"schedules/{made['id']}"
    change = {"cron": "30 7 * * *", "zone": "Asia/Kathmandu", "missed": "skip", "parameters": {"n": 6}}
    told = rest.ask("PATCH", place, change).json
    assert (told["id"], told["cron"], told["zone"], told["missed"]) == (
        made["id"], "30 7 * * *", "Asia/Kathmandu", "skip",
    )  # fmt: skip
    assert (told["overlap"], told["version"], told["parameters"]) == ("queue", "latest", {"n": 6})
    assert told["next"] == told["upcoming"][0]["time"]
    assert rest.get(f"jobs/{job}")["next_zone"] == "Asia/Kathmandu"
    assert rest.ask("PATCH", place, {"paused": True}).json["paused"] is True
    later = rest.ask("PATCH", place, {"cron": "0 8 * * *"}).json
    assert (later["paused"], later["next"], later["parameters"]) == (True, None, {"n": 6})
    refused: list[tuple[dict[str, object], int]] = [
        ({}, 422), ({"cron": "61 * * * *"}, 422), ({"zone": "Mars/Base"}, 422), ({"version": "v99"}, 404),
        ({"parameters": {"n": "x"}}, 422), ({"overlap": "odd"}, 422),
    ]  # fmt: skip
    for body, status in refused:
        assert rest.ask("PATCH", place, body).status == status, body
    assert rest.get("schedules", job=job)["schedules"][0]["cron"] == "0 8 * * *"
    assert rest.ask("DELETE", place).status == 204


def test_what_fires_every_minute_does_not_flood_the_calendar(rest: Server, job: str) -> None:
    often = rest.post("schedules", {"job": job, "cron": "* * * * *"}, 201)
    rare = rest.post("schedules", {"job": job, "cron": "0 6 * * *"}, 201)
    told = rest.get("calendar", days=7)
    mine = [one for one in told["firings"] if one["schedule"] in (often["id"], rare["id"])]
    assert {one["schedule"] for one in mine} == {rare["id"]} and len(mine) == 7
    [frequent] = [one for one in told["frequent"] if one["schedule"] == often["id"]]
    assert frequent["job"] == job and frequent["words"]
    for one in (often, rare):
        assert rest.ask("DELETE", f"schedules/{one['id']}").status == 204


def test_cron_in_words(rest: Server) -> None:
    told = rest.post("cron", {"cron": "0 6 * * *", "zone": "Europe/Paris"})
    assert len(told["upcoming"]) == 5
    assert rest.ask("POST", "cron", {"cron": "61 * * * *"}).json["field"] == "cron"


def test_a_backfill_and_a_sweep(rest: Server, job: str) -> None:
    span = {"begin": "2026-01-01", "end": "2026-01-03", "cron": "0 6 * * *", "zone": "UTC"}
    assert rest.post(f"jobs/{job}/backfills", {**span, "only_count": True}, 201)["runs"] == 3
    made = rest.post(f"jobs/{job}/sweeps", {"axes": {"n": [1, 2, 3]}}, 201)
    for run_id in made["ids"]:
        rest.over(run_id)
    told = rest.get(f"batches/{made['batch']}")
    assert [(r["parameters"]["n"], r["metrics"]["score"]) for r in told["runs"]] == [(1, 2), (2, 4), (3, 6)]
    assert rest.post(f"batches/{made['batch']}/stop", None)["states"] == {"completed": 3}
    assert rest.ask("GET", "batches/abc").status == 404


def test_a_job_is_removed(rest: Server) -> None:
    rest.write("jobs/gone.ipynb", *CELLS)
    rest.post("jobs/gone/versions", {"notebook": "jobs/gone.ipynb"})
    assert rest.ask("DELETE", "jobs/gone").status == 204
    assert rest.ask("GET", "jobs/gone").status == 404


def test_the_demo_is_copied(rest: Server) -> None:
    (rest.root / "place").mkdir()
    assert rest.post("demo", {"folder": "place"}) == {"path": "place/mlops-demo/demo.ipynb"}
    assert (rest.root / "place" / "mlops-demo" / "demo.ipynb").is_file()
    assert rest.ask("POST", "demo", {"folder": "nowhere"}).status == 422
