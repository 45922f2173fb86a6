"""The agent's reports on frames: bounded in time, and without a trace in the kernel."""

from __future__ import annotations

import random
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_mlops.execution.agent import frame_reports, prediction_files, profiles
from jupyter_mlops.execution.agent.budget import OverBudget, within
from jupyter_mlops.execution.agent.connections import Connections


def endless() -> None:
    while True:
        pass


def test_a_call_ends_when_its_time_is_over_and_the_next_one_goes_on() -> None:
    with pytest.raises(OverBudget):
        within(0.05, endless)
    assert [within(10.0, str, number) for number in range(2000)] == [str(number) for number in range(2000)]


def test_an_error_of_the_call_is_its_own() -> None:
    with pytest.raises(ZeroDivisionError):
        within(10.0, lambda: 1 / 0)


def test_profiles_that_take_too_long_are_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiles, "profile", lambda frame, reference=None: endless())
    answer = frame_reports.report({"a": 1, "b": 2}, {"profiles": ["a", "b"], "profile_seconds": 0.05})
    assert answer["profiles"] == {}
    assert answer["notes"] == [f"`{name}` was not profiled: profiles took longer than 0.05 s" for name in "ab"]


@pytest.mark.parametrize(
    ("document", "note"),
    [({"rows": float("nan")}, "ValueError"), ({"rows": object()}, "TypeError"), ({"x": "y" * 5_000_000}, "too large")],
)
def test_a_profile_that_is_no_document_is_noted(monkeypatch: pytest.MonkeyPatch, document: Any, note: str) -> None:
    monkeypatch.setattr(profiles, "profile", lambda frame, reference=None: document)
    answer = frame_reports.report({"a": 1}, {"profiles": ["a"]})
    assert answer["profiles"] == {}
    assert note in answer["notes"][0]


def test_a_profile_is_given_its_reference_and_leaves_no_trace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given: list[Any] = []

    def profile(frame: Any, reference: Any = None) -> dict[str, Any]:
        given.append(reference)
        random.random()
        np.random.rand()
        warnings.warn("odd", stacklevel=1)
        return {"format": 1, "rows": 1}

    monkeypatch.setattr(profiles, "profile", profile)
    states = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index, union-attr]
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        answer = frame_reports.report({"a": 1}, {"profiles": ["a"], "references": {"a": {"rows": 9}}})
    assert answer["profiles"] == {"a": {"format": 1, "rows": 1}}
    assert given == [{"rows": 9}]
    assert (random.getstate(), np.random.get_state()[1].tolist()) == states  # type: ignore[index, union-attr]
    assert heard == []
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("value", "is_frame"),
    [(pd.DataFrame(), True), (pd.Series([1]), False), (np.zeros((2, 2)), False), ({}, False), (None, False)],
)
def test_frames_among_what_a_step_hands_on(value: Any, is_frame: bool) -> None:
    assert frame_reports.is_frame(value) is is_frame


@pytest.mark.parametrize(
    ("value", "key", "lines"),
    [
        (pd.DataFrame({"id": [1, 2], "p": [0.5, 0.25]}), "id", ["id,p", "1,0.5", "2,0.25"]),
        (pd.DataFrame({"p": [0.5]}, index=pd.Index([7], name="id")), "id", ["id,p", "7,0.5"]),
        (pd.Series([1, 0]), "", ["prediction", "1", "0"]),
        (np.array([0.5, 1.5]), "", ["prediction", "0.5", "1.5"]),
        (np.array([[1, 2]]), "", ["0,1", "1,2"]),
        (pd.DataFrame({1: ["a,b"]}), "1", ["1", '"a,b"']),
        (pd.DataFrame({"a": []}), "", ["a"]),
    ],
)
def test_predictions_as_csv(tmp_path: Path, value: Any, key: str, lines: list[str]) -> None:
    facts, notes = prediction_files.write(value, key, str(tmp_path / "p"))
    assert (tmp_path / "p").read_text().splitlines() == lines
    assert facts == {"key": key, "rows": len(lines) - 1, "format": "csv"}
    assert notes == []


@pytest.mark.parametrize(
    ("value", "key", "says"),
    [
        (5, "", "no frame but int"), ([1], "", "no frame but list"), (np.zeros((1, 1, 1)), "", "no frame"),
        (pd.DataFrame({"a": [1]}), "id", "no column 'id'"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "a", "same name"),
    ],
)  # fmt: skip
def test_what_can_not_be_kept_says_why(tmp_path: Path, value: Any, key: str, says: str) -> None:
    with pytest.raises(prediction_files.NotKept, match=says):
        prediction_files.write(value, key, str(tmp_path / "p"))


@pytest.mark.parametrize(
    ("events", "names"),
    [
        ([("socket.getaddrinfo", ("db", 5432, 0)), ("socket.connect", (None, ("10.0.0.1", 5432)))], ["db:5432"]),
        ([("socket.connect", (None, ("10.0.0.1", 80)))], ["10.0.0.1:80"]),
        ([("socket.connect", (None, ("::1", 80, 0, 0)))], ["[::1]:80"]),
        ([("http.client.connect", (None, "a.org", 443)), ("socket.getaddrinfo", (b"a.org", "443"))], ["a.org:443"]),
        ([("socket.connect", (None, "/run/socket"))], []),
        ([("socket.getaddrinfo", (None, 80)), ("socket.connect", (None,)), ("socket.bind", (None, ("", 1)))], []),
    ],
)
def test_connections_by_host_and_port(events: list[tuple[str, Any]], names: list[str]) -> None:
    connections = Connections()
    for event, arguments in events:
        connections.note(event, arguments)
    assert connections.names() == names
