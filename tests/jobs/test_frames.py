"""Profiles of datasets and predictions of batch jobs: of runs that compute them, from the cache, and from helpers."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.errors import NotFoundError
from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.service import jobs, runs
from tests.jobs.workspace import opened, write_notebook

pytestmark = [pytest.mark.xdist_group("frames"), pytest.mark.timeout(240), pytest.mark.kernel]

CELLS = (
    "# tags: parameters\nrows = 4",
    "# tags: imports\nimport random\nimport numpy as np\nimport pandas as pd",
    (
        "# tags: step:load dataset:frame\nrandom.seed(1)\nnp.random.seed(1)\n"
        "frame = pd.DataFrame({'id': range(rows), 'x': np.random.rand(rows)})\nfirst = random.random()"
    ),
    "# tags: step:score predictions:scored:id\nscored = frame.assign(p=frame['x'] * 2)\nother = scored.head(2)",
    "# tags: step:show\nprint(random.random(), np.random.rand(), first, len(other))",
)


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("frames")
    with opened(folder / "home") as made:
        jobs.publish(made, write_notebook(folder / "score.ipynb", *CELLS), "score")
        yield made


def run(space: Workspace, job: str = "score", **parameters: Any) -> dict[str, Any]:
    ended = runs.follow(space, runs.start(space, job, parameters)["id"])
    assert ended["state"] == "completed", ended["error"]
    return ended


def printed(ended: dict[str, Any]) -> str:
    cells = json.loads(Path(ended["output"]).read_text())["cells"]
    return "".join("".join(o.get("text", "")) for c in cells for o in c.get("outputs", []))


def kept(space: Workspace, run_id: str, variable: str = "scored") -> list[list[str]]:
    entry = space.run_data.prediction(run_id, variable)
    assert entry["format"] == "csv"
    return list(csv.reader(io.StringIO(space.store.get(entry["digest"]).decode())))


@pytest.fixture(scope="module")
def first(space: Workspace) -> dict[str, Any]:
    return run(space)


def test_a_dataset_is_profiled_at_the_end_of_its_step(space: Workspace, first: dict[str, Any]) -> None:
    [entry] = space.run_data.profiles(first["id"])
    assert (entry["step"], entry["variable"], entry["rows"]) == ("load", "frame", 4)
    assert json.loads(space.store.get(entry["digest"]))["format"] == 1


def test_predictions_are_kept_with_their_key(space: Workspace, first: dict[str, Any]) -> None:
    [entry] = space.run_data.predictions(first["id"])
    assert (entry["step"], entry["variable"], entry["key"], entry["rows"]) == ("score", "scored", "id", 4)
    table = kept(space, first["id"])
    assert table[0] == ["id", "x", "p"]
    assert [row[0] for row in table[1:]] == ["0", "1", "2", "3"]
    assert float(table[1][2]) == 2 * float(table[1][1])
    with pytest.raises(NotFoundError, match="no predictions 'other'") as error:
        space.run_data.prediction(first["id"], "other")
    assert "scored" in error.value.remedy


def test_a_cached_step_gives_them_again(space: Workspace, first: dict[str, Any]) -> None:
    second = run(space)
    assert {s["state"] for s in second["steps"]} == {"cached"}
    assert space.run_data.profiles(second["id"]) == space.run_data.profiles(first["id"])
    assert space.run_data.predictions(second["id"]) == space.run_data.predictions(first["id"])


def test_nothing_that_the_notebook_shows_depends_on_them(
    space: Workspace, first: dict[str, Any], tmp_path: Path
) -> None:  # fmt: skip
    plain = tuple(c.replace(" dataset:frame", "").replace(" predictions:scored:id", "") for c in CELLS)
    jobs.publish(space, write_notebook(tmp_path / "plain.ipynb", *plain), "plain")
    assert printed(run(space, "plain")) == printed(first)


def test_every_frame_that_a_step_hands_on_is_profiled_by_policy(space: Workspace, first: dict[str, Any]) -> None:
    jobs.set_policies(space, "score", {"profile_frames": True})
    ended = run(space, rows=5)
    assert [(e["step"], e["variable"]) for e in space.run_data.profiles(ended["id"])] == [
        ("load", "frame"), ("score", "other"),
    ]  # fmt: skip
    jobs.set_policies(space, "score", {"profile_frames": False})


def test_a_result_without_the_frames_that_a_tag_asks_for_is_not_reused(space: Workspace, tmp_path: Path) -> None:
    cells = ("# tags: step:a\nimport pandas as pd\nframe = pd.DataFrame({'a': [1]})", "# tags: step:b\nprint(frame)")
    jobs.publish(space, write_notebook(tmp_path / "later.ipynb", *cells), "later")
    run(space, "later")
    tagged = (cells[0].replace("step:a", "step:a dataset:frame"), cells[1])
    jobs.publish(space, write_notebook(tmp_path / "later.ipynb", *tagged), "later")
    ended = run(space, "later")
    assert len(space.run_data.profiles(ended["id"])) == 1
    again = run(space, "later")
    assert {s["state"] for s in again["steps"]} == {"cached"}


def test_an_empty_frame_and_odd_keys_are_kept_with_notes(space: Workspace, tmp_path: Path) -> None:
    cells = (
        "# tags: imports\nimport pandas as pd",
        (
            "# tags: step:a dataset:empty dataset:gone predictions:empty predictions:twice:id predictions:lost:id"
            " predictions:number predictions:absent\n"
            "empty = pd.DataFrame({'a': []})\n"
            "twice = pd.DataFrame({'id': [1, 1, None], 'name': ['a\"b', 'c\\nd', '$(x), μ']})\n"
            "lost = pd.DataFrame({'key': [1]})\nnumber = 5"
        ),
    )
    jobs.publish(space, write_notebook(tmp_path / "odd.ipynb", *cells), "odd")
    ended = run(space, "odd")
    assert [(e["variable"], e["rows"]) for e in space.run_data.profiles(ended["id"])] == [("empty", 0)]
    assert [(e["variable"], e["rows"]) for e in space.run_data.predictions(ended["id"])] == [("empty", 0), ("twice", 3)]
    assert [row[1] for row in kept(space, ended["id"], "twice")] == ["name", 'a"b', "c\nd", "$(x), μ"]
    notes = "\n".join(ended["notes"])
    for words in (
        "`gone` was not profiled: there is no such variable", "1 of 3 rows have no 'id'",
        "1 of 3 rows have a 'id' that an earlier row has", "`lost` were not kept: it has no column 'id' (columns: key)",
        "`number` were not kept: it is no frame but int", "`absent` were not kept: there is no such variable",
    ):  # fmt: skip
        assert words in notes
    assert {s["state"] for s in run(space, "odd")["steps"]} == {"cached"}, "what failed is not tried each time"
