"""Profiles of runs are compared with the baseline and the previous run, and the findings are stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import text, update

from jupyter_mlops.cli import main
from jupyter_mlops.db import tables as t
from jupyter_mlops.errors import ConflictError, InvalidInputError, NotFoundError
from jupyter_mlops.execution.agent.profiles import profile
from jupyter_mlops.jobs.drift_records import plain
from jupyter_mlops.jobs.new_run import NewRun
from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.service import aliases, monitoring
from tests.jobs.workspace import opened
from tests.tracking.frames import FAULTS, customers


@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(tmp_path))
    with opened(tmp_path) as workspace:
        job = workspace.catalog.ensure_job("churn")
        workspace.catalog.add_version(job, "a1")
        yield workspace


class Runs:
    """Runs of one job, each with the profiles of two steps."""

    def __init__(self, space: Workspace) -> None:
        self.space, self.number, self.first = space, 0, {}

    def add(self, raw: pd.DataFrame, clean: pd.DataFrame | None = None, version: int = 1, capsule: Any = None) -> str:
        self.number += 1
        job = self.space.catalog.job("churn")
        version_id = self.space.catalog.version(job, f"v{version}").id
        run_id = self.space.queue.add(NewRun("manual", job.id, version_id)).id
        frames = {("load", "raw"): raw, ("clean", "df"): raw if clean is None else clean}
        with self.space.db.write() as c:
            c.execute(
                update(t.run).where(t.run.c.id == run_id).values(state="completed", created=1e9 + 86400 * self.number)
            )
            for key, frame in frames.items():
                document = profile(frame, self.first.get(key))
                self.first.setdefault(key, document)
                values = {
                    "id": 10 * self.number + len(key[0]), "run": run_id, "step": key[0], "variable": key[1],
                    "rows": len(frame), "digest": self.space.store.put(json.dumps(document).encode()),
                }  # fmt: skip
                c.execute(text("INSERT INTO profile VALUES (:id, :run, :step, :variable, :rows, :digest)"), values)
            if capsule:
                digest = self.space.store.put(json.dumps({"format": 1, **capsule}).encode())
                c.execute(text("INSERT INTO run_capsule VALUES (:run, :digest)"), {"run": run_id, "digest": digest})
        return run_id


def spoiled(name: str, seed: int) -> pd.DataFrame:
    return FAULTS[name].apply(customers(2000, seed), np.random.default_rng(0))


def test_a_run_is_compared_with_the_baseline_and_the_previous_run(space: Workspace) -> None:
    runs = Runs(space)
    first, second = runs.add(customers(2000, 1)), runs.add(customers(2000, 2), spoiled("new category", 2))
    third = runs.add(spoiled("shift", 3), FAULTS["new category"].apply(spoiled("shift", 3), np.random.default_rng(0)))
    result = monitoring.drift(space, "churn")
    assert (result["run"], result["baseline"], result["previous"]) == (third, first, second)
    rows = {(f["basis"], f["kind"], f["column"]): f for f in result["findings"]}
    assert set(rows) == {
        ("baseline", "distribution", "age"), ("baseline", "new category", "country"),
        ("previous", "distribution", "age"),
    }  # fmt: skip
    renamed = rows["baseline", "new category", "country"]
    assert (renamed["step"], renamed["cause"]) == ("clean", "code")
    assert rows["baseline", "distribution", "age"]["cause"] == "world"
    assert monitoring.drift(space, "churn", third) == result, "a second comparison replaces the first"
    assert len(monitoring.drift_records(space).findings(third)) == 3
    json.dumps(result, allow_nan=False)


def test_the_baseline_is_the_run_of_the_production_version(space: Workspace) -> None:
    job = space.catalog.job("churn")
    version, _ = space.catalog.add_version(job, "a2")
    runs = Runs(space)
    runs.add(customers(2000, 1))
    expected = runs.add(customers(2000, 2), version=2)
    runs.add(customers(2000, 3))
    aliases.set_alias(space, job.name, "production", version.name)
    assert monitoring.drift(space, "churn")["baseline"] == expected


def test_capsules_tell_code_from_data(space: Workspace) -> None:
    runs = Runs(space)
    files = {"in.csv": {"digest": "d1"}}
    steps = {"load": {"files": files, "variables": {}}, "clean": {"variables": {"raw": "x"}}}
    runs.add(customers(2000, 1), version=1, capsule={"version": "a1", "parameters": {}, "steps": steps})
    second = runs.add(spoiled("shift", 2), capsule={"version": "a2", "parameters": {}, "steps": steps})
    [finding] = {f["cause"] for f in monitoring.drift(space, "churn", second)["findings"]}
    assert finding == "code", "the same file was read, and the code is another"


def test_what_there_is_nothing_to_compare_of(space: Workspace) -> None:
    with pytest.raises(NotFoundError, match="no completed run left profiles"):
        monitoring.drift(space, "churn")
    with pytest.raises(NotFoundError, match="nowhere"):
        monitoring.drift(space, "nowhere")
    run_id = Runs(space).add(customers(500, 1))
    assert monitoring.drift(space, "churn")["findings"] == []
    job = space.catalog.job("churn")
    queued = space.queue.add(NewRun("manual", job.id)).id
    with pytest.raises(ConflictError, match="queued"):
        monitoring.drift(space, "churn", queued)
    other = space.catalog.ensure_job("other")
    with pytest.raises(InvalidInputError, match="not one of"):
        monitoring.drift(space, other.name, run_id)


def test_runs_without_profiles(space: Workspace) -> None:
    job = space.catalog.job("churn")
    space.queue.add(NewRun("manual", job.id, space.catalog.version(job).id, state="completed"))
    with pytest.raises(NotFoundError, match="no completed run left profiles"):
        monitoring.drift(space, "churn")


def test_the_drift_of_one_column_for_a_gate(space: Workspace) -> None:
    runs = Runs(space)
    first = runs.add(customers(2000, 1))
    second = runs.add(spoiled("shift", 2), spoiled("new category", 2))
    job = space.catalog.job("churn")
    first_run, second_run = space.queue.run(first), space.queue.run(second)
    age = monitoring.column_drift(space, job, second_run, "age")
    assert age is not None and 0.1 < age < 0.3
    assert (monitoring.column_drift(space, job, second_run, "country") or 0) > 0.04
    assert (monitoring.column_drift(space, job, second_run, "income") or 1) < 0.05
    assert monitoring.column_drift(space, job, second_run, "nothing") is None
    assert monitoring.column_drift(space, job, first_run, "age") is None


def test_findings_go_with_their_run(space: Workspace) -> None:
    runs = Runs(space)
    runs.add(customers(2000, 1))
    second = runs.add(spoiled("shift", 2))
    monitoring.drift(space, "churn")
    with space.db.write() as c:
        assert c.execute(text("SELECT count(*) FROM finding")).scalar()
        c.execute(t.run.delete().where(t.run.c.id == second))
        assert c.execute(text("SELECT count(*) FROM finding")).scalar() == 0


def test_the_command(space: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    runs = Runs(space)
    first = runs.add(customers(2000, 1))
    assert main(["drift", "churn"]) == 0
    assert "nothing to compare it with" in capsys.readouterr().out
    second = runs.add(customers(2000, 2), spoiled("new category", 2))
    assert main(["drift", "churn", second]) == 0
    out = capsys.readouterr().out
    assert (
        f"{second} against {first}, the baseline and previous run\n  `country`: `UK` is new" in out
        and "your code" in out
    )
    assert "At most 1% of comparisons" in out
    assert main(["drift", "churn", first, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["findings"] == []
    assert main(["drift", "nowhere"]) == 2


def test_numbers_that_json_lacks_become_texts() -> None:
    assert plain({"a": [float("nan"), float("inf"), -float("inf"), 1.5, "x"]}) == {
        "a": ["nan", "inf", "-inf", 1.5, "x"]
    }
