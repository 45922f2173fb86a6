"""MLflow's protocol: answers are those of `mlflow models serve`, byte for byte, and errors have no data."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from jupyter_mlops.serving import invocations
from jupyter_mlops.serving.answers import Prediction, answer
from jupyter_mlops.serving.prediction_log import PredictionLog
from jupyter_mlops.serving.problems import RequestError
from jupyter_mlops.serving.served_model import ServedModel
from jupyter_mlops.serving.signature import Signature
from tests.serving import mlflow_models
from tests.serving.registry import signature, tensor

FROZEN: dict[str, list[Any]] = json.loads(mlflow_models.ANSWERS.read_text(encoding="utf-8"))
TYPES: dict[str, dict[str, Any]] = {
    "array": tensor(2), "pipeline": signature(age="int64", income="float64", country="string"),
}  # fmt: skip
CASES = [(name, number) for name, answers in FROZEN.items() for number in range(len(answers))]
MIXED = Signature.of({"signature": signature(age="int64", income="float64", country="string", paid="bool")})


@pytest.fixture(scope="module")
def served() -> dict[str, ServedModel]:
    return {
        name: ServedModel(
            model,
            {
                "variable": name, "job": "churn", "run": "r", "methods": ["predict", "predict_proba"],
                "signature": TYPES.get(name, signature(age="float64", income="float64")),
            },
            "1",
            "digest",
        )
        for name, (model, _) in mlflow_models.models().items()
    }  # fmt: skip


@pytest.mark.parametrize(("name", "number"), CASES)
def test_answers_are_those_of_mlflow(served: dict[str, ServedModel], name: str, number: int) -> None:
    content_type, body = mlflow_models.requests()[name][number]
    request = Prediction("invocations", body.encode(), content_type)
    given = answer(served[name], request, 1 << 20, PredictionLog.off())
    status, text = FROZEN[name][number]
    assert given.status == status
    if status == 200:
        assert given.body.decode() == text
        assert given.content_type == "application/json"


def test_a_parameter_chooses_the_method(served: dict[str, ServedModel]) -> None:
    document = {"dataframe_split": {"columns": ["age", "income"], "data": [[2, 0]]}}
    for method, expected in (("predict", [1]), ("predict_proba", [[0.5, 0.5]])):
        body = json.dumps({**document, "params": {"predict_method": method}}).encode()
        given = answer(
            served["classifier"], Prediction("invocations", body, "application/json"), 999, PredictionLog.off()
        )
        if method == "predict_proba":
            assert json.loads(given.body)["predictions"] == expected
        assert given.status == 200
    body = json.dumps({**document, "params": {"predict_method": "__reduce__"}}).encode()
    given = answer(served["classifier"], Prediction("invocations", body, "application/json"), 999, PredictionLog.off())
    assert (given.status, b"no output" in given.body) == (400, True)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([1.5, 1.0, "DE", True], "column `age`, row 1: not an integer"),
        ([None, 1.0, "DE", True], "column `age`, row 1: a missing value"),
        (["secret", 1.0, "DE", True], "column `age`, row 1: not an integer"),
        ([2**63, 1.0, "DE", True], "column `age`, row 1: "),
        ([1, "secret", "DE", True], "column `income`, row 1: not a number"),
        ([1, True, "DE", True], "column `income`, row 1: not a number"),
        ([1, [1.0], "DE", True], "column `income`, row 1: not a number"),
        ([1, 1.0, 5, True], "column `country`, row 1: not a text"),
        ([1, 1.0, {"secret": 1}, True], "column `country`, row 1: not a text"),
        ([1, 1.0, "DE", "secret"], "column `paid`, row 1: not a truth value"),
        ([1, 1.0, "DE", 1], "column `paid`, row 1: not a truth value"),
        ([1, 1.0, "DE"], "row 1 does not have 4 values"),
    ],
)
def test_a_value_that_does_not_fit_is_named_and_not_shown(row: list[Any], message: str) -> None:
    document = {"dataframe_split": {"columns": list(MIXED.names), "data": [[1, 1.0, "DE", True], row]}}
    with pytest.raises(RequestError, match=message) as caught:
        invocations.parse_request(json.dumps(document).encode(), "application/json", MIXED)
    assert "secret" not in str(caught.value)
    assert str(2**63) not in str(caught.value)


def test_what_fits_has_the_types_of_the_signature() -> None:
    rows = [[1.0, None, None, True], [2, 3, "DE", False]]
    body = json.dumps({"dataframe_split": {"columns": list(MIXED.names), "data": rows}}).encode()
    frame, params = invocations.parse_request(body, "application/json", MIXED)
    assert [frame[name].dtype.kind for name in ("age", "income", "paid")] == ["i", "f", "b"]
    assert frame["country"].iloc[1] == "DE"
    assert list(frame.columns) == list(MIXED.names)
    assert (bool(np.isnan(frame["income"].iloc[0])), params) == (True, {})


def test_many_columns_of_several_types_keep_their_order() -> None:
    kinds = ("float64", "int64", "string")
    many = Signature.of({"signature": signature(**{f"c{i}": kinds[i % 3] for i in range(600)})})
    row = [(float(i), i, f"t{i}")[i % 3] for i in range(600)]
    body = json.dumps({"dataframe_split": {"columns": [f"c{i}" for i in range(599, -1, -1)], "data": [row[::-1]]}})
    frame, _ = invocations.parse_request(body.encode(), "application/json", many)
    assert frame.iloc[0].tolist() == row
    assert list(frame.columns) == list(many.names)


@pytest.mark.parametrize(
    "document",
    [
        {"inputs": {"age": [1], "income": [1.0, 2.0], "country": ["a"], "paid": [True]}},
        {"inputs": {"age": 1}},
        {"inputs": {}},
        {"inputs": None},
        {"inputs": [], "params": []},
        {"dataframe_split": [1]},
        {"dataframe_split": {"data": [[1]]}},
        {"dataframe_split": {"columns": ["a", "a"], "data": []}},
        {"dataframe_split": {"columns": [None], "data": [[1]]}},
        {"dataframe_split": {"columns": ["age"], "data": 3}},
        {"dataframe_records": [1]},
        {"dataframe_records": []},
        {"dataframe_records": {"a": 1}},
        {"instances": [[[[1]]]]},
        {"instances": 3},
        {"instances": [{"age": 1}, 3]},
    ],
)
def test_documents_of_another_form(document: dict[str, Any]) -> None:
    with pytest.raises(RequestError):
        invocations.parse_request(json.dumps(document).encode(), "application/json", MIXED)


def test_times_are_read_as_times() -> None:
    times = Signature.of({"signature": signature(at="datetime64")})
    body = json.dumps({"dataframe_records": [{"at": "2026-01-02T03:04:05Z"}, {"at": None}]}).encode()
    frame, _ = invocations.parse_request(body, "application/json", times)
    assert frame["at"].iloc[0] == pd.Timestamp("2026-01-02 03:04:05")
    assert pd.isna(frame["at"].iloc[1])
    for wrong in ("tomorrow", 5):
        with pytest.raises(RequestError, match="column `at`, row 0: not a time"):
            invocations.parse_request(
                json.dumps({"dataframe_records": [{"at": wrong}]}).encode(), "application/json", times
            )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.array([1, 2]), '{"predictions": [1, 2]}'),
        (np.array([0.1, 1e16, 1e-7]), '{"predictions": [0.1, 1e+16, 1e-07]}'),
        (np.array([np.nan, np.inf, 1.0]), '{"predictions": [null, null, 1.0]}'),
        (np.array(["ä"], dtype=object), '{"predictions": ["\\u00e4"]}'),
        (pd.DataFrame({"a": [1], "b": ["x"]}), '{"predictions": [{"a": 1, "b": "x"}]}'),
        (pd.Series([1.5], name="y"), '{"predictions": [{"y": 1.5}]}'),
        ([1, {"a": np.float64(2.0)}], '{"predictions": [1, {"a": 2.0}]}'),
        (3, '{"predictions": 3}'),
    ],
)
def test_what_models_answer_as_json(value: Any, expected: str) -> None:
    assert invocations.render_response(value).decode() == expected
