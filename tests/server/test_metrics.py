"""Metrics and inputs over REST, and figures for Prometheus."""

from __future__ import annotations

from typing import Any

import pytest

from tests.servers import Server

pytestmark = [pytest.mark.xdist_group("rest"), pytest.mark.kernel]
CELLS = (
    (
        "from jupyter_mlops import log_metric\nfor i in range(20):\n    log_metric('loss', 1 / (i + 1), step=i)",
        "step:a",
    ),
    ("log_metric('no number', float('nan'))\naccuracy = 0.5", "step:b metrics"),
)


@pytest.fixture(scope="module")
def ended(rest: Server) -> dict[str, Any]:
    """A run that has ended."""
    rest.write("metrics.ipynb", *CELLS)
    run = rest.over(rest.post("runs", {"notebook": "metrics.ipynb"})["id"])
    assert run["state"] == "completed", run["error"]
    return run


def test_the_points_of_a_run(rest: Server, ended: dict[str, Any]) -> None:
    answer = rest.ask("GET", f"runs/{ended['id']}/metrics").json
    assert answer["names"] == ["loss", "no number", "accuracy"]
    assert len(answer["points"]) == 22
    thinned = rest.ask("GET", f"runs/{ended['id']}/metrics?name=loss&limit=3").json
    assert [p["step"] for p in thinned["points"]] == [0, 10, 19]
    assert thinned["thinned"]
    assert rest.ask("GET", f"runs/{ended['id']}/metrics?name=no%20number").json["points"][0]["value"] == "nan"


def test_the_series_of_a_notebook(rest: Server, ended: dict[str, Any]) -> None:
    answer = rest.ask("GET", "jobs/metrics.ipynb/metrics?name=accuracy").json
    assert [(r["run"], r["metrics"]) for r in answer["runs"]] == [(ended["id"], {"accuracy": 0.5})]
    assert answer["next"] is None


def test_what_a_run_read(rest: Server, ended: dict[str, Any]) -> None:
    answer = rest.ask("GET", f"runs/{ended['id']}/inputs").json
    assert set(answer["steps"]) >= {"a", "b"}
    assert answer["environment"]["python"]


def test_prometheus(rest: Server, ended: dict[str, Any]) -> None:
    answer = rest.ask("GET", "metrics")
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert b'jupyter_mlops_queue_length{state="queued"} ' in answer.body
    assert rest.ask("GET", "metrics", token="").status in (401, 403)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("runs/nothing/metrics", 404), ("runs/nothing/inputs", 404), ("jobs/nothing/metrics", 404),
        ("jobs/metrics.ipynb/metrics?name=%22%0A$(id)", 404), ("jobs/metrics.ipynb/metrics?last=0", 422),
        ("jobs/metrics.ipynb/metrics?last=1001", 422), ("jobs/metrics.ipynb/metrics?colour=red", 422),
        ("jobs/metrics.ipynb/metrics?before=nothing", 404),
    ],
)  # fmt: skip
def test_bad_requests(rest: Server, ended: dict[str, Any], path: str, status: int) -> None:
    answer = rest.ask("GET", path)
    assert answer.status == status, answer.body
    assert answer.json["message"]
