"""Models whose answers are exact, and requests for them: `mlflow_answers.json` has what MLflow 3.17.2 answers.

Run as a script in an environment with MLflow, it writes that file anew.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ANSWERS = Path(__file__).with_name("mlflow_answers.json")
JSON = "application/json"
NUMBERS = ["age", "income"]
MIXED = ["age", "income", "country"]
ROWS: list[list[Any]] = [[30, 1.0], [41.0, 30000.5], [77, 1e16], [0.1, 1e-7]]
MIXED_ROWS: list[list[Any]] = [[30, 200.0, "DE"], [44, 450.25, "UK"], [70, 1.5, "XX"]]


def models() -> dict[str, tuple[Any, Any]]:
    """Name -> the model, and an example of its input. Coefficients are powers of two: answers have no rounding."""
    import numpy as np
    import pandas as pd
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LinearRegression, LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    frame = pd.DataFrame({"age": [20.0, 40.0], "income": [1.0, 3.0]})
    mixed = pd.DataFrame({"age": [20, 40], "income": [1.0, 3.0], "country": ["DE", "UK"]})
    regressor = LinearRegression().fit(frame, [0.0, 1.0])
    regressor.coef_, regressor.intercept_ = np.array([2.0, 0.25]), 0.5
    classifier = LogisticRegression().fit(frame, [0, 1])
    classifier.coef_, classifier.intercept_ = np.array([[-0.5, 0.25]]), np.array([1.0])
    encoder = OneHotEncoder(handle_unknown="ignore")
    columns = make_column_transformer((StandardScaler(), NUMBERS), (encoder, ["country"]))
    pipeline = make_pipeline(columns, LogisticRegression()).fit(mixed, ["no", "yes"])
    pipeline[-1].coef_, pipeline[-1].intercept_ = np.array([[0.0, 0.0, -2.0, 2.0]]), np.array([-1.0])
    array = LinearRegression().fit(frame.to_numpy(), [0.0, 1.0])
    array.coef_, array.intercept_ = np.array([2.0, 0.25]), 0.5
    two = LinearRegression().fit(frame, [[0.0, 1.0], [1.0, 0.0]])
    two.coef_, two.intercept_ = np.array([[2.0, 0.25], [1.0, 0.5]]), np.array([0.5, 0.25])
    return {
        "regressor": (regressor, frame), "classifier": (classifier, frame), "pipeline": (pipeline, mixed),
        "array": (array, frame.to_numpy()), "two": (two, frame),
    }  # fmt: skip


def requests() -> dict[str, list[tuple[str, str]]]:
    """Name of the model -> content types and bodies."""
    records = [dict(zip(NUMBERS, row, strict=True)) for row in ROWS]
    mixed = [dict(zip(MIXED, row, strict=True)) for row in MIXED_ROWS]
    split = {"columns": NUMBERS, "data": ROWS}
    turned = {"columns": ["extra", *NUMBERS[::-1]], "data": [["q", *row[::-1]] for row in ROWS]}
    columns = {name: [row[i] for row in ROWS] for i, name in enumerate(NUMBERS)}
    csv = "age,income\n" + "".join(f"{a},{b}\n" for a, b in ROWS)
    numbers: list[Any] = [
        {"dataframe_split": split}, {"dataframe_split": {**split, "index": [5, 6, 7, 8]}}, {"dataframe_split": turned},
        {"dataframe_records": records}, {"instances": records}, {"inputs": columns},
        {"dataframe_records": records, "params": {}},
        {"dataframe_records": [{"age": 1.0}]}, {"dataframe_records": [{"age": "x", "income": 1.0}]}, [1], {},
        {"instances": records, "inputs": columns}, {"dataframe_split": {"columns": NUMBERS, "data": []}},
        {"dataframe_split": {"columns": NUMBERS, "data": [[None, 1.0]]}},
    ]  # fmt: skip
    wire = [(JSON, json.dumps(document)) for document in numbers]
    wire += [("text/csv", csv), ("text/csv; charset=UTF-8", csv), (f"{JSON}; charset=utf-8", wire[0][1])]
    wire += [
        (JSON, "{"),
        ("text/plain", "a"),
        (f"{JSON}; charset=latin-1", "{}"),
        (f"{JSON}; x=1", "{}"),
        ("text/csv", ""),
    ]
    mixed_documents: list[Any] = [
        {"dataframe_split": {"columns": MIXED, "data": MIXED_ROWS}}, {"dataframe_records": mixed}, {"instances": mixed},
        {"dataframe_split": {"columns": MIXED[::-1], "data": [row[::-1] for row in MIXED_ROWS]}},
        {"inputs": {"age": [30, 44], "income": [1.0, 2.0], "country": ["DE", "UK"]}},
        {"dataframe_records": [{"age": 3, "income": 2, "country": "UK"}]},
    ]  # fmt: skip
    arrays: list[Any] = [
        {"inputs": [[1.5, 2.0], [3.0, 4.0]]}, {"instances": [[1.5, 2.0], [3.0, 4.0]]}, {"instances": [[1, 2]]},
        {"inputs": [[1.0, 2.0, 3.0]]}, {"inputs": [[1.0, 2.0], [3.0]]},
    ]  # fmt: skip
    return {
        "regressor": wire, "classifier": wire, "two": wire[:1],
        "pipeline": [
            *((JSON, json.dumps(document)) for document in mixed_documents),
            ("text/csv", "country,age,income\nDE,30,2.5\n"),
        ],
        "array": [(JSON, json.dumps(document)) for document in arrays],
    }  # fmt: skip


def main() -> None:
    import tempfile

    import mlflow.sklearn
    from mlflow.exceptions import MlflowException
    from mlflow.models import infer_signature
    from mlflow.pyfunc.scoring_server import invocations

    answers: dict[str, list[Any]] = {}
    for name, (model, example) in models().items():
        folder = f"{tempfile.mkdtemp()}/{name}"
        signature = infer_signature(example, model.predict(example))
        options = {"serialization_format": "cloudpickle", "pip_requirements": ["scikit-learn"]}
        mlflow.sklearn.save_model(model, folder, signature=signature, **options)
        loaded = mlflow.pyfunc.load_model(folder)
        answers[name] = []
        for content_type, body in requests()[name]:
            try:
                answer = invocations(body.encode(), content_type, loaded, loaded.metadata.get_input_schema())
                answers[name].append([answer.status, answer.response if answer.status == 200 else ""])
            except MlflowException as error:
                answers[name].append([error.get_http_status_code(), ""])
    ANSWERS.write_text(json.dumps(answers, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
