"""MLflow's scoring protocol: the requests and responses of `/invocations`. Pure.

https://mlflow.org/docs/latest/ml/deployment/deploy-model-locally/
"""

from __future__ import annotations

import io
import json
import math
from http import HTTPStatus
from typing import Any

from jupyter_mlops.serving import inputs
from jupyter_mlops.serving.bodies import parse_json
from jupyter_mlops.serving.problems import RequestError
from jupyter_mlops.serving.signature import Signature

FORMATS = ("dataframe_split", "dataframe_records", "instances", "inputs")
JSON, CSV = "application/json", "text/csv"
METHOD = "predict_method"  # the parameter that chooses another method than `predict`


def parse_request(body: bytes, content_type: str, signature: Signature) -> tuple[Any, dict[str, Any]]:
    """The input of the model, and the parameters of a request.

    :raises RequestError: it is malformed, or does not fit the signature.
    """
    mime, *pairs = [part.strip() for part in content_type.split(";")]
    settings = dict(_pair(text) for text in pairs if text)
    if settings.pop("charset", "utf-8").lower() != "utf-8":
        raise _unsupported("only UTF-8 is supported")
    if settings:
        raise _unsupported("the content type has parameters other than charset")
    if mime.lower() == CSV:
        return inputs.from_frame(_csv_frame(body, signature), signature), {}
    if mime.lower() != JSON:
        raise _unsupported(f"the content type must be {JSON} or {CSV}")
    document = parse_json(body, with_nan=True)
    present = [name for name in FORMATS if isinstance(document, dict) and name in document]
    if len(present) != 1:
        raise RequestError(f"the request must be a JSON object with exactly one of {', '.join(FORMATS)}")
    params = document.get("params")
    if params is not None and not isinstance(params, dict):
        raise RequestError("`params` must be an object", field="params")
    return _input(present[0], document[present[0]], signature), params or {}


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip().lower(), value.strip().strip('"')


def _unsupported(message: str) -> RequestError:
    return RequestError(message, status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)


def _input(name: str, data: Any, signature: Signature) -> Any:
    if name == "dataframe_split":
        return _split(data, signature)
    if name == "inputs" and isinstance(data, dict):
        return _named(data, signature)
    if not isinstance(data, list):
        raise RequestError(f"`{name}` must be a list", field=name)
    if name == "dataframe_records" or (data and isinstance(data[0], dict)):
        if not data:
            raise RequestError("the request has no rows", field=name)
        return inputs.from_records(data, signature)
    return inputs.from_rows(None, data, signature)


def _split(data: Any, signature: Signature) -> Any:
    if not isinstance(data, dict) or "data" not in data or set(data) - {"data", "columns", "index"}:
        raise RequestError("`dataframe_split` must have `data` and `columns`, and may have `index`")
    columns = data.get("columns")
    if columns is not None and (not isinstance(columns, list) or not all(isinstance(c, str | int) for c in columns)):
        raise RequestError("`columns` must be a list of names", field="dataframe_split.columns")
    names = None if columns is None else [str(column) for column in columns]
    if names is not None and len(set(names)) != len(names):
        raise RequestError("`columns` has a name twice", field="dataframe_split.columns")
    return inputs.from_rows(names, data["data"], signature)


def _named(data: dict[str, Any], signature: Signature) -> Any:
    """`inputs` as an object: a list for each column."""
    columns = {name: values for name, values in data.items() if isinstance(values, list)}
    if len(columns) != len(data) or not columns:
        raise RequestError("`inputs` must have a list for each column", field="inputs")
    if signature.kind == "columns":
        columns = {name: values for name, values in columns.items() if name in signature.known_names}
        inputs.require_columns(signature.names, columns.keys())
    if len({len(values) for values in columns.values()}) != 1:
        raise RequestError("the lists of `inputs` have different lengths", field="inputs")
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    return inputs.from_rows(list(columns), rows, signature)


def _csv_frame(body: bytes, signature: Signature) -> Any:
    import pandas as pd

    texts = {entry["name"]: str for entry in signature.inputs if entry["type"] in ("string", "datetime64")}
    try:
        return pd.read_csv(io.BytesIO(body), dtype=texts, encoding="utf-8")
    except (ValueError, pd.errors.ParserError, UnicodeDecodeError):
        raise RequestError("the body is not CSV with a header line, in UTF-8") from None


def render_response(predictions: Any) -> bytes:
    """The body of a response. Numbers that JSON does not have (NaN, infinity) become null."""
    value = {"predictions": _plain(predictions)}
    try:
        return json.dumps(value, default=_item, allow_nan=False).encode()
    except ValueError:
        return json.dumps(_finite(json.loads(json.dumps(value, default=_item))), allow_nan=False).encode()


def _plain(value: Any) -> Any:
    """Predictions as lists; frames and series as records."""
    if hasattr(value, "to_frame"):
        value = value.to_frame()
    if hasattr(value, "to_dict"):
        return value.to_dict(orient="records") if hasattr(value, "columns") else value.to_dict()
    return value.tolist() if hasattr(value, "tolist") else value


def _item(value: Any) -> Any:
    """An element that json does not know."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def render_error(message: str, status: int) -> bytes:
    """The body of an error."""
    code = "BAD_REQUEST" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "INTERNAL_ERROR"
    return json.dumps({"error_code": code, "message": message}).encode()
