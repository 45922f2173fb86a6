"""Models of real runs: kept when a step ends, given again by a cached one, and never the reason that a run fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.notebook.reader import read_notebook
from jupyter_mlops.pipeline.build import build
from jupyter_mlops.service import jobs, models, runs
from tests.jobs.workspace import opened, write_notebook

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(240)]
CELLS = (
    """# tags: imports
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from helper import Doubling""",
    "# tags: parameters\nscale: float = 1.0",
    """# tags: step:train
frame = pd.DataFrame({'age': [1, 2, 3, 4], 'income': [0.5, 1.5, 2.5, 3.5]})
clf = LogisticRegression().fit(frame, ['no', 'no', 'yes', 'yes'])""",
    "# tags: step:report metrics\nscore = float(clf.score(frame, ['no', 'no', 'yes', 'yes']))",
    "# tags: step:train model:clf\nclf.threshold = 0.5",
    """# tags: step:own model:flat model:doubling
class Flat:
    @property
    def feature_names_in_(self):
        raise SystemExit('code of the notebook')
    def predict(self, rows):
        return np.ones(len(rows)) * scale
flat, doubling = Flat(), Doubling()""",
    "# tags: step:broken model:lock model:ghost\nimport threading\nlock = threading.Lock()",
)
HELPER = "class Doubling:\n    def predict(self, rows):\n        return [2 * row for row in rows]\n"


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(tmp_path / "home"))
    with opened(tmp_path / "home") as opened_space:
        yield opened_space


def run(space: Workspace, **parameters: Any) -> dict[str, Any]:
    result = runs.follow(space, runs.start(space, "job", parameters)["id"])
    assert result["state"] == "completed", result
    return result


def test_models_of_a_run_and_of_a_cached_one(space: Workspace, tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "work" / "job.ipynb", *CELLS)
    (tmp_path / "work" / "helper.py").write_text(HELPER)
    jobs.publish(space, notebook)
    first = run(space)
    listed = {model["name"]: model for model in models.models(space, "job")}
    assert {name: model["format"] for name, model in listed.items()} == {
        "clf": "pickle", "flat": "cloudpickle", "doubling": "cloudpickle",
    }  # fmt: skip
    notes = " ".join(first["notes"])
    assert "the model `lock` of step broken was not kept: it can't be pickled: TypeError" in notes
    assert "the model `ghost` of step broken was not kept: no variable has this name" in notes

    document = models.model(space, "job", "clf")
    version = space.catalog.version(space.catalog.job("job"))
    assert (document["run"], document["version"], document["job"]) == (first["id"], version.digest, "job")
    assert document["metrics"] == {"score": 1.0}
    assert document["signature"]["inputs"] == [
        {"name": "age", "type": "int64"}, {"name": "income", "type": "float64"},
    ]  # fmt: skip
    assert document["signature"]["outputs"][0] == {"name": "predict", "type": "string", "shape": [-1]}
    assert document["framework"]["name"] == "scikit-learn"
    assert set(document["packages"]) >= {"numpy", "scikit-learn"}
    second = run(space)
    assert {step["state"] for step in second["steps"] if step["name"] in ("train", "own")} == {"cached"}
    again = [model for model in models.models(space, "job") if model["run"] == second["id"]]
    assert {model["name"]: model["artifact"] for model in again} == {n: m["artifact"] for n, m in listed.items()}

    clf = models.load(space, "job", "clf")
    rows = pd.DataFrame({"age": [1], "income": [0.5]})
    assert (clf.threshold, clf.predict(rows).tolist()) == (0.5, ["no"])
    assert models.load(space, "job", "flat").predict([1, 2]).tolist() == [1.0, 1.0]
    assert models.load(space, "job", "doubling").predict([1, 2]) == [2, 4], "code beside the notebook goes along"

    space.store.remove(listed["flat"]["artifact"])
    third = run(space)
    assert {s["name"]: s["state"] for s in third["steps"]}["own"] == "completed", "its model is gone, so it runs again"
    assert models.load(space, "job", "flat").predict([1]).tolist() == [1.0]


def test_a_model_is_kept_by_its_value_not_by_its_cell(space: Workspace, tmp_path: Path) -> None:
    """The tag may stand in a cell that does not touch the variable: another value is another model."""
    cells = ("# tags: parameters\nlevel: int = 1", "# tags: step:a\nmodel = abs\nif level > 1:\n    model = max",
             "# tags: step:b model:model\nother = 5")  # fmt: skip
    jobs.publish(space, write_notebook(tmp_path / "work" / "job.ipynb", *cells))
    artifacts = []
    for level in (1, 2, 1):
        run(space, level=level)
        artifacts.append(models.models(space, "job")[0]["artifact"])
    assert artifacts[0] == artifacts[2] != artifacts[1]


def test_a_declared_signature(space: Workspace, tmp_path: Path) -> None:
    path = write_notebook(tmp_path / "work" / "job.ipynb", "# tags: step:a model:predict\npredict = abs")
    declared = {"kind": "columns", "inputs": [{"name": "x", "type": "float32"}]}
    document = json.loads(path.read_text())
    document["cells"][0]["metadata"]["jupyter_mlops"] = {"models": {"predict": declared}}
    path.write_text(json.dumps(document))
    jobs.publish(space, path)
    run(space)
    assert models.model(space, "job")["signature"] == declared
    assert models.model(space, "job")["methods"] == ["call"]


def test_a_tag_reads_its_variable_where_its_step_ends(tmp_path: Path) -> None:
    cells = ("# tags: step:a\nx = 1\ny = 2", "# tags: step:b model:x model:nothing\nz = 3", "# tags: step:c\nw = 4",
             "# tags: step:b\nv = 5")  # fmt: skip
    pipeline = build(read_notebook(write_notebook(tmp_path / "a.ipynb", *cells)), "a")
    assert [block.models for block in pipeline.blocks] == [(), (), (), ("x", "nothing")]
    assert pipeline.blocks[3].access.reads == {"x"}
    assert ("a", "b", ("x",)) in [(edge.source, edge.target, edge.variables) for edge in pipeline.edges]


def test_a_model_with_a_secret_is_not_kept(space: Workspace, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(exist_ok=True)
    (tmp_path / "home" / "secrets").write_text("TOKEN=s3cret-value-of-this-test\n")
    (tmp_path / "home" / "secrets").chmod(0o600)
    cells = ("# tags: step:a model:text secret:TOKEN\nimport os\ntext = [os.environ['TOKEN']]",)
    jobs.publish(space, write_notebook(tmp_path / "work" / "job.ipynb", *cells))
    assert "the model `text` of step a was not kept: it contains a secret" in run(space)["notes"]
    assert models.models(space, "job") == []
