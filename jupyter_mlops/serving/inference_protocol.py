"""Requests and responses of the Open Inference Protocol V2, with the binary tensor data extension. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jupyter_mlops.serving import tensors
from jupyter_mlops.serving.bodies import parse_json
from jupyter_mlops.serving.problems import RequestError, quoted

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_TENSORS = 10_000
EXTENSIONS = ["binary_tensor_data"]


@dataclass(frozen=True)
class OutputRequest:
    """An output that a request asks for.

    :param binary: whether its data is wanted as bytes.
    """

    name: str
    binary: bool


@dataclass(frozen=True)
class InferenceRequest:
    """A parsed request.

    :param id: of the client's; "" if it has none.
    :param outputs: empty if the request leaves the choice to the server.
    :param binary: whether outputs are bytes unless they say otherwise.
    """

    id: str
    inputs: Mapping[str, NDArray[Any]]
    outputs: tuple[OutputRequest, ...]
    binary: bool
    parameters: Mapping[str, Any] = field(default_factory=dict)


def parse_request(body: bytes, json_length: int | None) -> InferenceRequest:
    """Parse the body of an inference request.

    :param json_length: bytes of the JSON at the beginning, if binary data follows it.
    :raises RequestError: it is malformed.
    """
    if json_length is not None and not 0 < json_length <= len(body):
        raise RequestError("Inference-Header-Content-Length is not a length within the body")
    head = body if json_length is None else body[:json_length]
    document = parse_json(head)
    if not isinstance(document, dict):
        raise RequestError("the request must be a JSON object")
    binary_data = memoryview(body)[len(head) :]
    inputs, offset = dict[str, Any](), 0
    for entry in _entries(document.get("inputs"), "inputs"):
        name = _name(entry, "inputs")
        if name in inputs:
            raise RequestError(f"the input {quoted(name)} is there twice", field="inputs")
        inputs[name], offset = _input(entry, name, binary_data, offset)
    if offset != len(binary_data):
        raise RequestError(f"{len(binary_data) - offset} bytes of the body belong to no input", field="inputs")
    if not inputs:
        raise RequestError("the request has no inputs", field="inputs")
    parameters = _parameters(document, "the request")
    binary = parameters.get("binary_data_output") is True
    outputs = tuple(_output(entry, binary) for entry in _entries(document.get("outputs", []), "outputs"))
    request_id = document.get("id", "")
    if not isinstance(request_id, str) or len(request_id) > 1000:
        raise RequestError("`id` must be a text of at most 1000 characters", field="id")
    return InferenceRequest(request_id, inputs, outputs, binary, parameters)


def _entries(value: Any, key: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or len(value) > MOST_TENSORS or not all(isinstance(e, dict) for e in value):
        raise RequestError(f"`{key}` must be a list of at most {MOST_TENSORS} objects", field=key)
    return value


def _name(entry: Mapping[str, Any], key: str) -> str:
    name = entry.get("name")
    if not isinstance(name, str) or not name:
        raise RequestError(f"each of the `{key}` must have a name", field=f"{key}.name")
    return name


def _parameters(entry: Mapping[str, Any], owner: str) -> Mapping[str, Any]:
    parameters = entry.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise RequestError(f"the parameters of {owner} must be an object", field="parameters")
    if any(key.startswith("shared_memory") for key in parameters):
        raise RequestError("shared memory is not supported", remedy="Send the data.", field="parameters")
    return parameters


def _input(entry: Mapping[str, Any], name: str, binary_data: memoryview, offset: int) -> tuple[NDArray[Any], int]:
    """The array of an input, and where the bytes of the next one begin."""
    shape = tensors.checked_shape(entry.get("shape"), name)
    datatype = tensors.checked_datatype(entry.get("datatype"), name)
    size = _parameters(entry, quoted(name)).get("binary_data_size")
    if size is None:
        if datatype == "BF16":
            raise RequestError(f"{quoted(name)}: BF16 is binary data only", field="datatype")
        return tensors.from_json(entry.get("data"), datatype, shape, name), offset
    if "data" in entry:
        raise RequestError(f"the input {quoted(name)} has both `data` and `binary_data_size`", field="data")
    if type(size) is not int or not 0 <= size <= len(binary_data) - offset:
        raise RequestError(
            f"`binary_data_size` of {quoted(name)} is not a length within the body", field="binary_data_size"
        )
    end = offset + size
    return tensors.from_bytes(binary_data[offset:end], datatype, shape, name), end


def _output(entry: Mapping[str, Any], binary: bool) -> OutputRequest:
    name = _name(entry, "outputs")
    parameters = _parameters(entry, quoted(name))
    if parameters.get("classification"):
        raise RequestError("classification outputs are not supported", field="outputs.parameters")
    return OutputRequest(name, parameters.get("binary_data", binary) is True)


def render_response(
    model: str, version: str, request_id: str, outputs: Mapping[str, NDArray[Any]], binary: Mapping[str, bool]
) -> tuple[bytes, int | None]:
    """The body of a response, and the bytes of its JSON if binary data follows it.

    :param binary: output -> whether its data is wanted as bytes.
    """
    import orjson

    entries, chunks = [], []
    for name, array in outputs.items():
        entry: dict[str, Any] = {"name": name, "datatype": tensors.datatype_of(array), "shape": list(array.shape)}
        if binary.get(name):
            chunk = tensors.to_bytes(array)
            entry["parameters"] = {"binary_data_size": len(chunk)}
            chunks.append(chunk)
        else:
            entry["data"] = tensors.to_json(array)
        entries.append(entry)
    document = {"model_name": model, "model_version": version, "outputs": entries}
    if request_id:
        document["id"] = request_id
    option = orjson.OPT_SERIALIZE_NUMPY
    try:
        head = orjson.dumps(document, option=option)
    except TypeError:  # FP16 of older orjson, a lone surrogate
        head = _plain_json(document)
    return (b"".join([head, *chunks]), len(head)) if chunks else (head, None)


def _plain_json(document: Any) -> bytes:
    import json
    import math

    def plain(value: Any) -> Any:
        if hasattr(value, "tolist"):
            value = value.tolist()
        if isinstance(value, list):
            return [plain(item) for item in value]
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return json.dumps(plain(document), allow_nan=False).encode()


def model_metadata(name: str, version: str, platform: str, signature: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata of a model."""
    return {
        "name": name,
        "versions": [version],
        "platform": platform,
        "inputs": [_tensor_metadata(entry) for entry in signature["inputs"]],
        "outputs": [_tensor_metadata(entry) for entry in signature.get("outputs", ())],
    }


def _tensor_metadata(entry: Mapping[str, Any]) -> dict[str, Any]:
    kind = str(entry["type"])
    datatype = tensors.DATATYPES.get(kind, "BYTES") if kind != "any" else "BYTES"
    return {"name": entry["name"], "datatype": datatype, "shape": list(entry.get("shape") or [-1])}
