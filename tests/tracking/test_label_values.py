"""Tables of predictions and labels from files, and the one form of their keys and values."""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.tracking.label_values import key_text, kind_of, label_rows, plain_value
from jupyter_mlops.tracking.labelled_predictions import labelled_predictions
from jupyter_mlops.tracking.prediction_table import PredictionColumns, predicted_cases
from jupyter_mlops.tracking.table_file import Table, format_of, read_table

HOSTILE = 'a"b\n$(id) ü'


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (7, "7"), (7.0, "7"), ("7.0", "7"), (" 7 ", "7"), ("007", "007"), ("1.5", "1.5"), (Decimal("7"), "7"),
        (None, None), ("", None), (math.nan, None), ("nan", None), ("<NA>", None), (HOSTILE, HOSTILE),
        (datetime(2026, 3, 1), "2026-03-01"), ("2026-03-01 00:00:00", "2026-03-01"), (date(2026, 3, 1), "2026-03-01"),
        (datetime(2026, 3, 1, 6), "2026-03-01 06:00:00"),
    ],
)  # fmt: skip
def test_keys_of_csv_and_parquet_are_equal(value: Any, key: str | None) -> None:
    assert key_text(value) == key


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ("1", 1), ("-2", -2), ("0.5", 0.5), ("1e-3", 0.001), (".5", 0.5), ("True", True), ("false", False), ("", None),
        ("nan", None), ("007", "007"), ("yes", "yes"), (HOSTILE, HOSTILE), ("1_000", "1_000"), ("inf", math.inf),
        ("none", "none"), (Decimal("0.5"), 0.5), (True, True), (math.nan, None), (None, None), ("9" * 30, 1e30),
    ],
)  # fmt: skip
def test_values_of_csv_are_those_of_parquet(value: Any, plain: Any) -> None:
    assert plain_value(value) == plain
    assert isinstance(plain_value(value), bool) == isinstance(plain, bool)


@pytest.mark.parametrize(
    ("labels", "values", "positive", "kind"),
    [
        ([1, 0], [1], None, ("binary", 1)), ([True, False], [0, 1.0], None, ("binary", 1)),
        (["yes", "no"], ["no"], None, ("binary", "yes")), (["good", "bad"], ["bad"], None, ("multiclass", None)),
        (["good", "bad"], ["bad"], "bad", ("binary", "bad")), ([1, 2, 3], [1], None, ("multiclass", None)),
        ([0.5, 2], [1.25], None, ("regression", None)), (list(range(30)), [], None, ("regression", None)),
        ([], [1, 0], None, ("binary", 1)), (["a", 1], [], None, ("multiclass", None)),
        ([None], [0], None, ("binary", 1)),
    ],
)  # fmt: skip
def test_what_is_predicted(labels: Any, values: Any, positive: Any, kind: Any) -> None:
    assert kind_of(labels, values, positive) == kind


def test_labels_of_a_file_are_one_for_each_key() -> None:
    content = label_rows([1, "2", "2", 3, 3.0, 4], [1, "0", 0, 1, 0, ""], "id", "y", "labels.csv")
    assert content.rows == (("1", 1), ("2", 0), ("3", 0), ("4", None))
    assert (content.repeated, content.contradicting) == (1, 1)


@pytest.mark.parametrize(
    ("keys", "labels", "message"),
    [
        ([1, None], [1, 1], "row 2 has no 'id'"), ([1, ""], [1, 1], "row 2 has no 'id'"),
        ([1], [math.inf], "the 'y' of row 1 is infinite"), ([], [], "there are no labels"),
    ],
)  # fmt: skip
def test_bad_labels(keys: Any, labels: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message) as error:
        label_rows(keys, labels, "id", "y", "labels.csv")
    assert error.value.where == "labels.csv"
    assert error.value.remedy


def test_a_csv_file_is_a_table() -> None:
    data = '\ufeffid,"a ""b"""\r\n1,"x\ny"\r\n\r\n2,\r\n'.encode()
    table = read_table(data, format_of(data), "f")
    assert (dict(table.columns), table.rows) == ({"id": ["1", "2"], 'a "b"': ["x\ny", ""]}, 2)
    assert dict(read_table(b"id,y\n", "csv", "f").columns) == {"id": [], "y": []}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"), (b"\n\n", "the file is empty"), (b"id,y\n1\n", "line 2 has 1 values for 2 columns"),
        (b"id,id\n1,2\n", "two columns are called 'id'"), (b"id\n\xff\n", "byte 3 is not UTF-8"),
        (b"id\n" + b"x" * 200_000, "it is not CSV"), (b"PAR1 and no more", "Parquet"),
    ],
)  # fmt: skip
def test_files_that_are_no_table(data: bytes, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message) as error:
        read_table(data, format_of(data), HOSTILE)
    assert error.value.where == HOSTILE


def test_a_parquet_file_is_a_table() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    stream = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.table({"id": [1, 2], "y": [True, None]}), stream)
    data = stream.getvalue().to_pybytes()
    table = read_table(data, format_of(data), "f")
    assert (dict(table.columns), table.rows) == ({"id": [1, 2], "y": [True, None]}, 2)


def cases(columns: dict[str, list[Any]], **choice: Any) -> Any:
    table = Table(columns, len(next(iter(columns.values()))))
    return predicted_cases(table, PredictionColumns("id", **choice), "the run")


def test_columns_are_chosen_by_usual_names() -> None:
    result = cases({"id": ["1", "2"], "Y_Pred": ["1", "0"], "p": ["0.9", "0.2"]})
    assert (result.keys, result.values, result.scores) == (("1", "2"), (1, 0), (0.9, 0.2))
    assert cases({"id": [1], "x": [3], "p": [0.1]}, prediction="x").values == (3,)
    assert cases({"id": [1], "p": [0.1]}).values == ()


def test_the_last_row_of_a_key_counts_and_incomplete_rows_do_not() -> None:
    columns: dict[str, list[Any]] = {
        "id": [1, 2, 1, None, 3], "prediction": [1, 0, 0, 1, None], "sex": ["F", "M", "F", "M", "F"],
    }  # fmt: skip
    result = cases(columns, groups=("sex",))
    assert dict(zip(result.keys, result.values, strict=True)) == {"1": 0, "2": 0}
    assert (result.repeated, result.groups) == (1, {"sex": ("F", "M")})
    assert result.notes == ("2 of 5 rows lack a key, a prediction or a score, and do not count",)


def test_a_usual_name_that_holds_no_probabilities_is_not_taken() -> None:
    result = cases({"id": [1], "prediction": [3.5], "p": [7]})
    assert result.scores == ()
    assert "'p' is not taken for scores" in result.notes[0]


@pytest.mark.parametrize(
    ("choice", "field", "message"),
    [
        ({"prediction": HOSTILE}, "prediction", "there is no column"), ({"score": "none"}, "score", "no column 'none'"),
        ({"groups": ("age",), "prediction": "x"}, "by", "no column 'age' with the groups"),
             ({"score": "x"}, "score", "numbers from 0 to 1"),
        ({}, "prediction", "not clear which column"),
    ],
)  # fmt: skip
def test_bad_columns_name_those_there_are(choice: Any, field: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message) as error:
        cases({"id": [1], "x": [3]}, **choice)
    assert error.value.field == field
    assert "id, x" in error.value.remedy or choice == {"score": "x"}


def test_scores_alone_need_labels_of_two_classes() -> None:
    from jupyter_mlops.tracking.labels import Label

    moment = datetime.fromisoformat("2026-03-01T00:00:00+00:00")
    scored = cases({"id": [1, 2], "p": [0.9, 0.1]})
    labels = {"1": [Label("1", "good", moment)], "2": [Label("2", "bad", moment)]}
    with pytest.raises(InvalidInputError, match="neither 0 and 1") as error:
        labelled_predictions(scored, 0.0, labels)
    assert error.value.field == "positive"
    result = labelled_predictions(scored, 0.0, labels, "good")
    assert [metric.value for metric in result.metrics() if metric.metric == "accuracy"] == [1.0]
