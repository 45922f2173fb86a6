"""REST: why a metric changed, and backtests."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.servers import Server

pytestmark = [pytest.mark.kernel, pytest.mark.slow]
CELLS = (("k = 1", "parameters"), ("x = 2", "step:a"), ("score = x * k", "step:b metrics"))


def publish(rest: Server, name: str, x: int = 2) -> None:
    rest.write(f"{name}.ipynb", CELLS[0], (f"x = {x}", "step:a"), CELLS[2])
    rest.post(f"jobs/{name}/versions", {"notebook": f"{name}.ipynb"}, 201)


def run(rest: Server, name: str, **parameters: Any) -> str:
    started = rest.post("runs", {"job": name, "parameters": parameters}, 201)
    finished: dict[str, Any] = rest.over(started["id"])
    assert finished["state"] == "completed"
    return str(finished["id"])


def until_finished(rest: Server, run_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + 120
    while (answer := rest.get(f"runs/{run_id}/why"))["state"] == "running":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return dict(answer)


def test_why_is_planned_asked_and_answered(rest: Server) -> None:
    publish(rest, "asked")
    good = run(rest, "asked")
    publish(rest, "asked", 5)
    bad = run(rest, "asked", k=3)
    unasked = rest.ask("GET", f"runs/{bad}/why")
    assert (unasked.status, unasked.json["reason"]) == (404, "Unknown")
    plan = rest.post(f"runs/{bad}/why/plan", {}, 200)
    assert plan["hybrids"] == ["new code with old parameters", "new parameters with old code"]
    begun = rest.post(f"runs/{bad}/why", {}, 201)
    assert begun["state"] in ("running", "finished")
    result = until_finished(rest, bad)["result"]
    assert (result["good"], result["metric"], result["before"], result["after"]) == (good, "score", 2, 15)
    assert {share["axes"][0]: share["share"] for share in result["shares"]} == {"code": 6.0, "parameters": 7.0}
    assert result["words"][0].startswith("score rose 2 → 15")
    assert rest.post(f"runs/{bad}/why/stop", {}, 200)["state"] == "finished"


def test_a_backtest_is_counted_begun_and_read(rest: Server) -> None:
    publish(rest, "tested")
    past = [run(rest, "tested", k=k) for k in (1, 2)]
    publish(rest, "tested", 3)
    count = rest.post("jobs/tested/backtests", {"version": "v2", "only_count": True}, 201)
    assert (count["runs"], count["replays"], count["batch"]) == (2, 2, None)
    begun = rest.post("jobs/tested/backtests", {"version": "v2", "last": 5}, 201)
    deadline = time.monotonic() + 120
    while set((result := rest.get(f"backtests/{begun['batch']}"))["states"]) != {"completed"}:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert [(r["run"], r["production"], r["candidate"]) for r in result["runs"]] == [(past[0], 2, 3), (past[1], 4, 6)]
    assert result["metrics"]["score"]["mean"] == 1.5


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "runs/nothing/why", {}, 404),
        ("GET", "runs/nothing/why", None, 404),
        ("POST", "runs/nothing/why/stop", {}, 404),
        ("POST", "runs/nothing/why", {"repeats": -1}, 422),
        ("POST", "runs/nothing/why", {"budget": 0}, 422),
        ("POST", "runs/nothing/why", {"metric": "m" * 251}, 422),
        ("POST", "runs/nothing/why", {"unknown": 1}, 422),
        ("POST", "runs/%27%3B%20drop%20table%20run/why/plan", {}, 404),
        ("POST", "jobs/nothing/backtests", {}, 404),
        ("POST", "jobs/nothing/backtests", {"last": 0}, 422),
        ("GET", "backtests/999999", None, 404),
        ("GET", "backtests/x", None, 404),
    ],
)
def test_bad_requests(rest: Server, method: str, path: str, body: Any, status: int) -> None:
    answer = rest.ask(method, path, body)
    assert answer.status == status, answer.json
