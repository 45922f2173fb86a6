"""Notebooks sent from the editor."""

from __future__ import annotations

import pytest

from tests.servers import Server, notebook

pytestmark = pytest.mark.xdist_group("rest")


def sent(*cells: tuple[str, str] | str, path: str = "work/nb.ipynb") -> dict[str, object]:
    made = notebook(*cells)
    keep = ("cell_type", "source", "id", "metadata")
    return {"cells": [{k: c[k] for k in keep} for c in made["cells"]], "metadata": made["metadata"], "path": path}


def test_a_pipeline_and_its_checks(rest: Server) -> None:
    told = rest.post(
        "pipelines",
        sent(
            ("alpha: float = 0.5  # how strong", "parameters"),
            ("x = alpha * 2", "step:load"),
            "y = x + 1",
            ("print(y, missing)", "step:show"),
        ),
    )
    pipeline = told["pipeline"]
    assert pipeline["name"] == "nb"
    [alpha] = pipeline["parameters"]
    assert (alpha["name"], alpha["type"], alpha["default"], alpha["help"]) == ("alpha", "float", 0.5, "how strong")
    assert [(s["name"], s["cells"], s["after"]) for s in pipeline["steps"]] == [
        ("load", [1, 2], []), ("show", [3], ["load"]),
    ]  # fmt: skip
    assert {"from": "load", "to": "show", "variables": ["y"], "kind": "data"} in pipeline["edges"]
    assert [(c["cell"], c["step"], c["role"]) for c in told["cells"]] == [
        (0, "", "parameters"), (1, "load", "step"), (2, "load", "step"), (3, "show", "step"),
    ]  # fmt: skip
    assert any(c["cell"] == 3 and "missing" in c["message"] for c in told["checks"])


@pytest.mark.parametrize(
    ("tags", "said"),
    [("step:a step:b", "2 steps"), ("step:a%b", "a character"), ("cache:sometimes", "cache:")],
)
def test_bad_tags_are_findings_not_failures(rest: Server, tags: str, said: str) -> None:
    told = rest.post("pipelines", sent("x = 1", ("y = 2", tags)))
    assert told["pipeline"] is None
    assert any(said in check["message"] and check["cell"] == 1 for check in told["checks"])


def test_without_checks_it_is_quicker_and_says_so(rest: Server) -> None:
    told = rest.post("pipelines", {**sent(("print(missing)", "step:a")), "checks": False})
    assert told["checks"] == []
    assert told["complete"] is False
    assert told["pipeline"]["steps"][0]["name"] == "a"


def test_an_empty_notebook(rest: Server) -> None:
    told = rest.post("pipelines", sent())
    assert told["pipeline"]["steps"] == []
    assert told["checks"] == []


def test_suggestions(rest: Server) -> None:
    told = rest.post("suggestions", sent("import math", "n = 3", "x = math.sqrt(n)\ny = [x] * n", "print(sum(y))"))
    assert told["message"] == ""
    assert {t["tag"].partition(":")[0] for t in told["tags"]} >= {"imports", "step"}
    again = rest.post("suggestions", sent(("x = 1", "step:a")))
    assert "already has steps" in again["message"]
