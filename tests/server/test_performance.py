"""Labels and performance over REST."""

from __future__ import annotations

from typing import Any

import pytest

from tests.servers import Server

pytestmark = [pytest.mark.xdist_group("rest"), pytest.mark.kernel]
SCORED = """
scored = pd.DataFrame({'id': range(200)})
scored['prediction'] = scored['id'] % 2
scored['sex'] = ['F' if number % 4 < 2 else 'M' for number in scored['id']]
"""
CELLS = (("import pandas as pd", "imports"), (SCORED, "step:score predictions:scored:id"))


@pytest.fixture(scope="module")
def ended(rest: Server) -> dict[str, Any]:
    """A run that kept predictions."""
    rest.write("scored.ipynb", *CELLS)
    run = rest.over(rest.post("runs", {"notebook": "scored.ipynb"})["id"])
    assert run["state"] == "completed", run["error"]
    return run


def test_labels_are_stored_and_joined(rest: Server, ended: dict[str, Any]) -> None:
    rows = [{"id": number, "label": bool(number % 2)} for number in range(100)]
    stored = rest.post("jobs/scored.ipynb/labels", {"rows": rows, "received": "2026-03-01T00:00+00:00"}, 201)
    assert (stored["rows"], stored["key"], stored["label"], stored["new"]) == (100, "id", "label", True)
    assert not rest.post("jobs/scored.ipynb/labels", {"rows": rows, "received": "2026-03-01T00:00+00:00"})["new"]
    [run] = rest.get("jobs/scored.ipynb/performance", by=["sex"])["runs"]
    assert (run["run"], run["kind"], run["labelled"], run["coverage"]) == (ended["id"], "binary", 100, 0.5)
    assert {m["metric"]: m["value"] for m in run["metrics"]}["accuracy"] == 1.0
    gaps = {gap["rate"]: gap for gap in run["gaps"]}
    assert gaps["selection_rate"]["value"] == 0.0
    assert gaps["selection_rate"]["smallest"] == 100


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"rows": []}, 422), ({"rows": [{"id": 1, "label": [1]}]}, 422), ({"rows": [{"id": 1}], "colour": "red"}, 422),
        ({"rows": [{"id": 1, "label": 1}], "key": "\"\n$(id)"}, 422), ({}, 422),
        ({"rows": [{"id": None, "label": 1}]}, 422), ({"rows": [{"id": 1, "label": 1}], "received": "9000-01-01"}, 422),
        ({"rows": [{"id": 1, "label": 1}] * 100_001}, 422),
    ],
)  # fmt: skip
def test_bad_labels(rest: Server, ended: dict[str, Any], body: Any, status: int) -> None:
    answer = rest.ask("POST", "jobs/scored.ipynb/labels", body)
    assert answer.status == status, answer.body
    assert answer.json["message"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("jobs/nothing/performance", 404), ("jobs/scored.ipynb/performance?last=0", 422),
        ("jobs/scored.ipynb/performance?by=%22%0A$(id)", 422), ("jobs/scored.ipynb/performance?colour=red", 422),
        ("jobs/scored.ipynb/performance?as_of=soon", 422), ("jobs/scored.ipynb/performance?as_of=2020-01-01", 404),
        ("jobs/scored.ipynb/performance?variable=other", 404),
    ],
)  # fmt: skip
def test_bad_requests(rest: Server, ended: dict[str, Any], path: str, status: int) -> None:
    answer = rest.ask("GET", path)
    assert answer.status == status, answer.body
    assert answer.json["message"]


def test_labels_of_a_job_that_does_not_exist(rest: Server) -> None:
    assert rest.ask("POST", "jobs/nothing/labels", {"rows": [{"id": 1, "label": 1}]}).status == 404
