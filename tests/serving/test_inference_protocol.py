"""Requests and responses of the Open Inference Protocol, on the wire."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.serving import inference_protocol as protocol
from jupyter_mlops.serving.problems import RequestError

X = {"name": "x", "datatype": "FP32", "shape": [2]}


def as_bytes(document: Any, *chunks: bytes) -> tuple[bytes, int]:
    head = json.dumps(document).encode()
    return head + b"".join(chunks), len(head)


def test_a_request_as_a_client_with_binary_data_sends_it() -> None:
    names = struct.pack("<I", 2) + "é".encode() + struct.pack("<I", 0)
    document = {
        "id": "7", "parameters": {"binary_data_output": True},
        "inputs": [
            {**X, "parameters": {"binary_data_size": 8}},
            {"name": "name", "datatype": "BYTES", "shape": [2, 1], "parameters": {"binary_data_size": len(names)}},
            {"name": "n", "datatype": "INT64", "shape": [2], "data": [1, 2]},
        ],
        "outputs": [{"name": "a"}, {"name": "b", "parameters": {"binary_data": False}}],
    }  # fmt: skip
    request = protocol.parse_request(*as_bytes(document, struct.pack("<2f", 1.5, 2.5), names))
    assert {name: array.tolist() for name, array in request.inputs.items()} == {
        "x": [1.5, 2.5], "name": [["é"], [""]], "n": [1, 2],
    }  # fmt: skip
    assert (request.id, request.binary) == ("7", True)
    assert request.outputs == (protocol.OutputRequest("a", True), protocol.OutputRequest("b", False))


def test_a_response_has_json_and_then_bytes() -> None:
    outputs = {"p": np.array([[0.25, 0.75]]), "label": np.array(["ja"], dtype=object), "n": np.array([3])}
    body, head = protocol.render_response("churn", "7", "q", outputs, {"p": True, "label": True})
    assert head is not None
    document = json.loads(body[:head])
    assert document == {
        "model_name": "churn", "model_version": "7", "id": "q",
        "outputs": [
            {"name": "p", "datatype": "FP64", "shape": [1, 2], "parameters": {"binary_data_size": 16}},
            {"name": "label", "datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": 6}},
            {"name": "n", "datatype": "INT64", "shape": [1], "data": [3]},
        ],
    }  # fmt: skip
    assert body[head:] == struct.pack("<2d", 0.25, 0.75) + struct.pack("<I", 2) + b"ja"


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "bool", "uint8", "int64"])
def test_a_response_in_json_alone(dtype: str) -> None:
    body, head = protocol.render_response("m", "1", "", {"y": np.array([[1, 0]], dtype)}, {})
    assert head is None
    [output] = json.loads(body)["outputs"]
    assert output["data"] == [1, 0]
    assert "id" not in json.loads(body)


def test_numbers_that_json_does_not_have_are_null() -> None:
    body, _ = protocol.render_response("m", "1", "", {"y": np.array([np.nan, np.inf, 1.0])}, {})
    assert json.loads(body)["outputs"][0]["data"] == [None, None, 1.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": None}, "`inputs` must be a list"),
        ({"inputs": []}, "the request has no inputs"),
        ({"inputs": ["x"]}, "`inputs` must be a list"),
        ({"inputs": [{**X, "data": [1, 2]}] * 2}, "is there twice"),
        ({"inputs": [{"datatype": "FP32", "shape": [1], "data": [1]}]}, "must have a name"),
        ({"inputs": [{**X, "datatype": "FP128", "data": [1, 2]}]}, "datatype of `x` is not one of"),
        ({"inputs": [{**X, "datatype": ["FP32"], "data": [1, 2]}]}, "datatype of `x` is not one of"),
        ({"inputs": [{**X, "parameters": {"binary_data_size": 8}}]}, "not a length within the body"),
        ({"inputs": [{**X, "parameters": {"binary_data_size": -1}}]}, "not a length within the body"),
        ({"inputs": [{**X, "parameters": {"binary_data_size": True}}]}, "not a length within the body"),
        ({"inputs": [{**X, "data": [1, 2], "parameters": {"binary_data_size": 0}}]}, "has both"),
        ({"inputs": [{**X, "parameters": {"shared_memory_region": "r"}}]}, "shared memory is not supported"),
        ({"inputs": [{**X, "datatype": "BF16", "data": [1, 2]}]}, "BF16 is binary data only"),
        ({"outputs": [{"name": ""}]}, "must have a name"),
        ({"outputs": [{"name": "y", "parameters": {"classification": 3}}]}, "classification"),
        ({"outputs": {}}, "`outputs` must be a list"),
        ({"id": 3}, "`id` must be a text"),
        ({"parameters": []}, ""),
        ({"parameters": "x"}, "must be an object"),
    ],
)
def test_malformed_requests(change: dict[str, Any], message: str) -> None:
    document = {"inputs": [{**X, "data": [1, 2]}], **change}
    if not message:
        protocol.parse_request(json.dumps(document).encode(), None)
        return
    with pytest.raises(RequestError, match=message):
        protocol.parse_request(json.dumps(document).encode(), None)


@pytest.mark.parametrize("length", [0, -1, 10_000])
def test_a_length_of_json_outside_of_the_body(length: int) -> None:
    with pytest.raises(RequestError, match="Inference-Header-Content-Length"):
        protocol.parse_request(b"{}", length)


def test_bytes_that_belong_to_no_input() -> None:
    with pytest.raises(RequestError, match="3 bytes of the body belong to no input"):
        protocol.parse_request(*as_bytes({"inputs": [{**X, "data": [1, 2]}]}, b"abc"))


@given(st.binary(max_size=200), st.none() | st.integers(-5, 250))
def test_any_bytes_are_answered_with_an_error_of_ours(body: bytes, length: int | None) -> None:
    with pytest.raises(RequestError):
        protocol.parse_request(body, length)


KEYS = st.sampled_from(["name", "shape", "datatype", "data", "parameters", "binary_data_size", "id"])
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.fixed_dictionaries({"inputs": JSON_VALUES}, optional={"outputs": JSON_VALUES, "parameters": JSON_VALUES}))
def test_any_json_is_parsed_or_refused(document: dict[str, Any]) -> None:
    try:
        request = protocol.parse_request(json.dumps(document).encode(), None)
    except RequestError:
        return
    assert request.inputs
