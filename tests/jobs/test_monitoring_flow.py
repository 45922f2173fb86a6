"""From runs with data to findings, gates and models: everything that a run leaves behind, used together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.service import aliases, gates, jobs, models, monitoring, promotions, runs
from jupyter_mlops.service import metrics as series
from tests.jobs.workspace import opened, write_notebook

pytestmark = [pytest.mark.xdist_group("monitoring"), pytest.mark.timeout(300), pytest.mark.kernel]

CELLS = (
    "# tags: parameters\nshift = 0.0\nlacking = 0\nunit = 1",
    "# tags: imports\nimport numpy as np\nimport pandas as pd\nfrom sklearn.linear_model import LinearRegression",
    (
        "# tags: step:load dataset:raw\nrng = np.random.default_rng(0)\n"
        "raw = pd.DataFrame({'age': rng.normal(40 + shift, 10, 3000), 'spend': rng.gamma(2, 50, 3000)})\n"
        "raw.loc[:lacking - 1, 'age'] = np.nan"
    ),
    "# tags: step:clean dataset:clean\nclean = raw.dropna().assign(spend=lambda d: d.spend * unit)",
    (
        "# tags: step:fit model:model\nmodel = LinearRegression().fit(clean[['age']], clean['spend'])\n"
        "score = round(model.score(clean[['age']], clean['spend']), 6)"
    ),
    "# tags: step:report metrics\nrows = len(clean)\nprint(score, rows)",
)


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("monitoring")
    with opened(folder / "home") as made:
        jobs.publish(made, write_notebook(folder / "spend.ipynb", *CELLS), "spend")
        for _ in range(2):
            run(made)
        yield made


def run(space: Workspace, **parameters: Any) -> dict[str, Any]:
    ended = runs.follow(space, runs.start(space, "spend", parameters)["id"])
    assert ended["state"] == "completed", ended["error"]
    return ended


def stored(space: Workspace, run_id: str) -> set[tuple[str, str, str, str]]:
    """Step, column, kind and cause of what the worker found by comparing with the baseline."""
    found = monitoring.drift_records(space).findings(run_id)
    return {(f["step"], f["name"], f["kind"], f["cause"]) for f in found if f["basis"] == "baseline"}


def test_equal_data_has_no_findings(space: Workspace) -> None:
    [_, second] = monitoring.drift_comparison(space).profiled_runs(space.catalog.job("spend"))
    assert stored(space, second.id) == set()
    answer = monitoring.drift(space, "spend")
    assert (answer["run"], answer["findings"]) == (second.id, [])


def test_data_that_moves_is_found_where_it_begins(space: Workspace) -> None:
    ended = run(space, shift=5.0)
    found = stored(space, ended["id"])
    assert {(step, column) for step, column, _, _ in found} == {("load", "age")}
    answer = monitoring.drift(space, "spend", ended["id"])
    assert {f["column"] for f in answer["findings"]} == {"age"}
    assert {f["basis"] for f in answer["findings"]} == {"baseline", "previous"}


def test_a_unit_that_the_code_changes_begins_in_its_step(space: Workspace) -> None:
    ended = run(space, unit=100)
    assert {(step, column) for step, column, _, _ in stored(space, ended["id"])} == {("clean", "spend")}


def test_missing_values_are_found(space: Workspace) -> None:
    ended = run(space, lacking=600)
    assert ("load", "age", "missing") in {found[:3] for found in stored(space, ended["id"])}


def test_gates_measure_profiles(space: Workspace) -> None:
    for expression in ("drift(age) < 0.1", "missing(raw.age) < 0.05", "rows(clean) >= 3000", "rows == 3000"):
        gates.add(space, "spend", expression)
    run(space)
    good = gates.check(space, "spend")
    assert [gate["state"] for gate in good["gates"]] == ["passed"] * 4, good
    bad_run = run(space, shift=20.0, lacking=600)
    bad = gates.check(space, "spend", run_id=bad_run["id"])
    assert [gate["state"] for gate in bad["gates"]] == ["failed"] * 4, bad
    gates.add(space, "spend", "gap(accuracy, age) < 0.1")
    gates.add(space, "spend", "drift(height) < 0.1")
    undecided = [gate for gate in gates.check(space, "spend")["gates"] if gate["state"] == "undecided"]
    assert [gate["expression"] for gate in undecided] == ["gap(accuracy, age) < 0.1", "drift(height) < 0.1"]
    assert "dataset:VARIABLE" in undecided[1]["reasons"][0]
    for number in (5, 6):
        gates.remove(space, "spend", number)
    run(space)
    promotions.promote(space, "spend", "v1", "production", reason="it works")
    [change] = aliases.history(space, "spend")
    assert (change["action"], change["reason"], change["version"]) == ("promote", "it works", "v1")
    assert [gate["state"] for gate in change["gates"]] == ["passed"] * 4


def test_the_model_of_the_newest_run_predicts(space: Workspace) -> None:
    model = models.load(space, "spend")
    assert model.feature_names_in_.tolist() == ["age"]


def test_metrics_are_a_series(space: Workspace) -> None:
    answer = series.series(space, "spend")
    assert {"rows"} <= set(answer["names"])
