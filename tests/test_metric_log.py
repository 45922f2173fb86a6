"""`log_metric` outside of a run: what it takes, what it refuses, and that it does nothing else."""

from __future__ import annotations

import decimal
import fractions
import json
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest

import jupyter_mlops
from jupyter_mlops import log_metric, log_metrics, metric_log
from jupyter_mlops.execution.agent import points


class Tensor:
    """As tensors of PyTorch are asked."""

    shape = ()

    def __init__(self, *values: float) -> None:
        self.values = values

    def item(self) -> float:
        if len(self.values) != 1:
            raise RuntimeError("a Tensor with 2 elements cannot be converted to Scalar")
        return self.values[0]


class Eager:
    """As tensors of TensorFlow are asked."""

    def numpy(self) -> Any:
        return np.float32(0.5)


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The points that an agent would be given."""
    points.clear()
    monkeypatch.setitem(sys.modules, metric_log.AGENT, points)
    yield points.POINTS
    points.clear()


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (1, 1), (0.5, 0.5), (True, 1), (-0.0, 0.0), (2**53 + 1, 2**53 + 1), (float("nan"), "nan"),
        (float("inf"), "inf"), (-float("inf"), "-inf"),
        (decimal.Decimal("0.25"), 0.25), (decimal.Decimal("sNaN"), "nan"),
        (fractions.Fraction(1, 4), 0.25), (np.int64(3), 3), (np.float32(0.5), 0.5), (np.bool_(True), 1),
        (np.array(2), 2), (np.array([2.5]), 2.5), (np.array([[1]]), 1), (np.ma.masked, "nan"), (pd.Series([4]), 4),
        (Tensor(0.75), 0.75), (Eager(), 0.5),
    ],
)  # fmt: skip
def test_a_number_of_any_kind_is_recorded_as_itself(recorded: Any, value: Any, number: Any) -> None:
    assert log_metric("m", value) is value
    [[name, plain, step, at]] = recorded
    assert (name, plain, step) == ("m", number, None)
    assert type(plain) is type(number)
    assert at > 1.6e9
    json.dumps(recorded, allow_nan=False)


@pytest.mark.parametrize(
    "value",
    [
        "0.9", b"1", None, 1 + 2j, np.complex128(1), np.array([1, 2]), np.array([]), np.array(["a"]), [1], (1,), {},
        object, pd.NA, pd.NaT, pd.Series([1, 2]), Tensor(1.0, 2.0), np.datetime64("2026-01-01"),
        pd.DataFrame({"a": [1]}),
    ],
)  # fmt: skip
def test_what_is_no_number_is_refused_at_the_call(recorded: Any, value: Any) -> None:
    with pytest.raises(TypeError, match="value of the metric 'm'"):
        log_metric("m", value)
    assert recorded == []


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("", ValueError, "empty"), ("  ", ValueError, "empty"), ("x" * 251, ValueError, "at most 250"),
        ("a\0b", ValueError, "NUL"), ("\ud800", ValueError, "surrogate"), (1, TypeError, "text"),
        (None, TypeError, "None"),
    ],
)  # fmt: skip
def test_what_is_no_name_is_refused(recorded: Any, name: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        log_metric(name, 1)
    assert recorded == []


@pytest.mark.parametrize("name", ["x" * 250, "a b", "quote\"'", "line\nbreak", "$(id)", "μ", "a/b.c"])
def test_any_other_text_is_a_name(recorded: Any, name: str) -> None:
    log_metric(name, 1, step=np.int32(7))
    assert [point[:3] for point in recorded] == [[name, 1, 7]]


@pytest.mark.parametrize(
    ("step", "error"), [("1", TypeError), (1.0, TypeError), (2**63, ValueError), (np.array([1, 2]), TypeError)]
)
def test_a_step_is_an_integer(recorded: Any, step: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="step of a metric"):
        log_metric("m", 1, step=step)
    assert recorded == []


def test_a_number_that_no_float_has_is_refused(recorded: Any) -> None:
    with pytest.raises(ValueError, match="too large"):
        log_metric("m", 10**400)
    assert recorded == []


def test_of_several_metrics_all_are_recorded_or_none(recorded: Any) -> None:
    with pytest.raises(TypeError):
        log_metrics({"a": 1, "b": "2"})
    with pytest.raises(TypeError, match="mapping"):
        log_metrics([("a", 1)])  # type: ignore[type-var]
    assert recorded == []
    values = {"a": 1, "b": 2.0}
    assert log_metrics(values, step=3) is values
    assert [point[:3] for point in recorded] == [["a", 1, 3], ["b", 2.0, 3]]


def test_a_block_keeps_ten_thousand_points_and_the_last_value_of_each_name(recorded: Any) -> None:
    for number in range(points.MOST + 5):
        log_metric("loss", number)
    log_metric("late", 1)
    last, logged = points.report()
    assert len(logged["points"]) == points.MOST
    assert (logged["left_out"], logged["names_left_out"]) == (6, 0)
    assert last == {"loss": points.MOST + 4, "late": 1}


def test_a_block_keeps_ten_thousand_names(recorded: Any) -> None:
    log_metrics({f"m{number}": number for number in range(points.MOST + 3)})
    last, logged = points.report()
    assert len(last) == points.MOST
    assert (logged["left_out"], logged["names_left_out"]) == (3, 3)


def test_without_a_run_nothing_happens(capsys: pytest.CaptureFixture[str]) -> None:
    assert metric_log.AGENT not in sys.modules
    assert log_metric("m", 0.5) == 0.5
    assert capsys.readouterr() == ("", "")


def test_importing_it_needs_and_loads_the_standard_library_alone() -> None:
    code = (
        "import sys; before = set(sys.modules)\n"
        "import jupyter_mlops; assert 'jupyter_mlops.metric_log' not in sys.modules\n"
        "jupyter_mlops.log_metric('m', 1)\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(new - set(sys.stdlib_module_names) - {'jupyter_mlops'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_package_has_no_other_lazy_names() -> None:
    with pytest.raises(AttributeError, match="log_metrik"):
        jupyter_mlops.log_metrik  # noqa: B018
