"""Replacing the served model, and the prediction log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_mlops.errors import DatabaseError, StoreError
from jupyter_mlops.serving.model_slot import RETRY_AFTER, ModelSlot
from jupyter_mlops.serving.prediction_log import PredictionLog, line_of
from jupyter_mlops.serving.served_model import ServedModel
from tests.jobs.clock import Clock
from tests.jobs.workspace import wait_until
from tests.serving.registry import Level, tensor


class Registry:
    """Names a model, and fails on request."""

    def __init__(self) -> None:
        self.digest = "v1"
        self.failures: dict[str, Exception] = {}
        self.loads: list[str] = []

    def current(self) -> str:
        if "current" in self.failures:
            raise self.failures["current"]
        return self.digest

    def load(self, digest: str) -> ServedModel:
        self.loads.append(digest)
        if digest in self.failures:
            raise self.failures[digest]
        document = {"variable": "clf", "job": "churn", "run": "r", "methods": ["predict"], "signature": tensor(2)}
        return ServedModel(Level(1.0), document, digest[1:], digest)


def test_a_new_model_is_served_once_it_is_loaded() -> None:
    registry, counts = Registry(), list[str]()
    slot = ModelSlot(registry, counts.append)
    assert slot.start().version == "1"
    assert (slot.refresh(), counts) == (False, [])
    registry.digest = "v2"
    assert slot.refresh()
    assert slot.model is not None
    assert (slot.model.version, slot.problem, counts) == ("2", "", ["swaps"])


@pytest.mark.parametrize("failure", [StoreError("gone"), MemoryError(), ValueError("no pickle")])
def test_a_model_that_fails_is_tried_again_later_and_leaves_the_one_before(failure: Exception) -> None:
    registry, clock, counts = Registry(), Clock(), list[str]()
    slot = ModelSlot(registry, counts.append, clock)
    slot.start()
    registry.digest, registry.failures = "v2", {"v2": failure}
    for _ in range(5):
        assert not slot.refresh()
    assert slot.model is not None
    assert (slot.model.version, counts, registry.loads) == ("1", ["load_failures"], ["v1", "v2"])
    assert slot.problem
    clock.go(RETRY_AFTER + 1)
    registry.failures = {}
    assert slot.refresh()
    assert (slot.model.version, slot.problem) == ("2", "")


def test_a_promotion_that_is_taken_back_is_no_problem_any_more() -> None:
    registry = Registry()
    slot = ModelSlot(registry)
    slot.start()
    registry.digest, registry.failures = "v2", {"v2": StoreError("gone")}
    slot.refresh()
    registry.digest = "v1"
    assert not slot.refresh()
    assert slot.problem == ""


def test_a_database_that_is_away_leaves_the_model() -> None:
    registry = Registry()
    slot = ModelSlot(registry)
    slot.start()
    registry.failures = {"current": DatabaseError("locked")}
    assert not slot.refresh()
    assert "locked" in slot.problem
    registry.failures = {}
    slot.refresh()
    assert slot.problem == ""


def test_the_log_is_bounded(tmp_path: Path) -> None:
    limit = 64_000
    log = PredictionLog(tmp_path / "log", 1.0, limit)
    for number in range(2000):
        wait_until(lambda: not log.records.full())
        log.add(f"r{number}", None, {"version": "v1"}, np.zeros((1, 10)), {"predict": np.zeros(1)})
    log.close()
    files = sorted((tmp_path / "log").glob("*.jsonl"))
    assert sum(path.stat().st_size for path in files) <= limit
    assert json.loads(files[-1].read_text().splitlines()[-1])["id"] == "r1999", "the oldest are deleted"
    assert all(path.stat().st_mode & 0o077 == 0 for path in files)


def test_a_log_that_can_not_be_written_counts_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    counts = list[str]()
    log = PredictionLog(tmp_path / "file" / "log", 1.0, 1000, counts.append)
    log.add("r", None, {}, np.zeros((1, 1)), {})
    log.close()
    assert counts == ["log_dropped"]


@pytest.mark.parametrize(("share", "limit", "sampled"), [(0.0, 100, False), (1.0, 0, False), (1.0, 100, True)])
def test_a_log_may_be_off(tmp_path: Path, share: float, limit: int, sampled: bool) -> None:
    assert PredictionLog(tmp_path, share, limit).sample() is sampled


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (pd.DataFrame({"a": [1], "b": ["x"]}), {"columns": ["a", "b"], "rows": [[1, "x"]], "count": 1}),
        (np.array([[1.5, np.nan]]), {"columns": None, "rows": [[1.5, None]], "count": 1}),
        (pd.DataFrame({"at": [pd.Timestamp("2026-01-02")]}), {
            "columns": ["at"], "rows": ["2026-01-02 00:00:00"], "count": 1}),
        (np.array([["ü"]], dtype=object), {"columns": None, "rows": [["ü"]], "count": 1}),
    ],
)  # fmt: skip
def test_lines_of_the_log(data: Any, expected: dict[str, Any]) -> None:
    line = line_of({"id": "r", "input": data, "output": {"y": np.float64(1.0)}})
    document = json.loads(line)
    if expected["columns"] == ["at"]:
        assert document["input"]["count"] == 1
        return
    assert document["input"] == expected
    assert document["output"] == {"y": 1.0}


def test_a_large_request_is_cut_in_the_log() -> None:
    document = json.loads(line_of({"input": np.zeros((10_000, 2)), "output": {"y": np.zeros(10_000)}}))
    assert (len(document["input"]["rows"]), document["input"]["count"], len(document["output"]["y"])) == (
        100,
        10_000,
        100,
    )
