"""From a notebook that predicts to labels that arrive later, on the command line."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.service import jobs, runs
from jupyter_mlops.tracking.table_file import read_table
from tests.cli.command import command
from tests.jobs.workspace import opened, write_notebook

pytestmark = [pytest.mark.xdist_group("monitoring"), pytest.mark.timeout(300), pytest.mark.kernel]

CELLS = (
    "# tags: parameters\nmonth = 0",
    "# tags: imports\nimport numpy as np\nimport pandas as pd",
    (
        "# tags: step:load dataset:raw\nrng = np.random.default_rng(month)\n"
        "raw = pd.DataFrame({'customer_id': month * 1000 + np.arange(1000), 'score': rng.random(1000).round(3),\n"
        "                    'sex': rng.choice(['F', 'M'], 1000)})"
    ),
    (
        "# tags: step:score predictions:scored:customer_id\n"
        "limit = np.where(raw['sex'] == 'F', 0.7, 0.4)\n"
        "scored = raw.assign(prediction=(raw['score'] > limit).astype(int))"
    ),
)


def labels_of(space: Workspace, run_id: str, path: Path) -> Path:
    """A file of labels that are as likely as the scores of the run say."""
    entry = space.run_data.prediction(run_id, "scored")
    rows = read_table(space.store.get(entry["digest"]), entry["format"], run_id)
    draw = random.Random(run_id[-1])
    lines = [
        f"{key},{int(draw.random() < float(score))}"
        for key, score in zip(rows.columns["customer_id"], rows.columns["score"], strict=True)
    ]
    path.write_text("\n".join(["customer_id,churned", *lines]) + "\n")
    return path


def test_labels_that_arrive_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(home))
    with opened(home) as space:
        jobs.publish(space, write_notebook(tmp_path / "churn.ipynb", *CELLS), "churn")
        ended = [runs.follow(space, runs.start(space, "churn", {"month": month})["id"]) for month in range(2)]
        assert [run["state"] for run in ended] == ["completed", "completed"], ended
        files = [labels_of(space, run["id"], tmp_path / f"{number}.csv") for number, run in enumerate(ended)]
    stored = command("labels", "churn", files[0])
    assert stored.code == 0, stored.err
    assert "stored 1,000 labels 'churned' by 'customer_id'" in stored.out
    assert "already stored" not in stored.out
    first, second = command("performance", "churn", "--by", "sex", "--json").record["runs"]
    assert (first["coverage"], second["coverage"]) == (1.0, 0.0)
    assert {metric["estimated"] for metric in first["metrics"]} == {False}
    estimates = {metric["metric"]: metric["value"] for metric in second["metrics"]}
    assert {metric["estimated"] for metric in second["metrics"]} == {True}
    assert all(isinstance(value, float) for value in estimates.values()), second["metrics"]
    assert {gap["rate"] for gap in first["gaps"]} == {"selection_rate", "tpr", "fpr", "precision", "calibration"}
    assert {gap["rate"] for gap in second["gaps"]} == {"selection_rate"}
    [gap] = second["gaps"]
    assert (gap["highest"], gap["alarm"]) == ("M", True)
    table = command("performance", "churn", "--by", "sex").out
    assert "1,000 of 1,000 (100.0%)" in table
    assert "SMALLEST GROUP" in table
    assert "note: estimates: an estimate: right only if" in table
    assert command("labels", "churn", files[1], "--key", "customer_id", "--label", "churned").code == 0
    _, second = command("performance", "churn", "--json").record["runs"]
    measured = {metric["metric"]: metric["value"] for metric in second["metrics"]}
    assert {name: measured[name] for name in estimates} == pytest.approx(estimates, abs=0.1)
    for arguments, message in (
        (("labels", "churn", tmp_path / "none.csv"), "can't be read"), (("labels", "chrun", files[0]), "chrun"),
        (("labels", "churn", files[0], "--key", "id"), "Name one of its columns: customer_id, churned."),
        (("performance", "churn", "--score", "x\n$(id)"), "its columns: customer_id, score, sex, prediction."),
        (("performance", "churn", "--as-of", "soon"), "'soon' is not a date"),
    ):  # fmt: skip
        refused = command(*arguments)
        assert refused.code == 2
        assert message in refused.err
