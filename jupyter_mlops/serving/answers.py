"""Answers to prediction requests, computed in a thread: parse, check, predict, render."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from jupyter_mlops.serving import bodies, inference_protocol, inputs, invocations
from jupyter_mlops.serving.prediction_log import PredictionLog
from jupyter_mlops.serving.problems import RequestError
from jupyter_mlops.serving.served_model import ServedModel

JSON = "application/json"
BINARY = "application/octet-stream"
HEAD_LENGTH = "Inference-Header-Content-Length"
log = logging.getLogger("jupyter_mlops.serving")


@dataclass(frozen=True)
class Answer:
    """A response: status, body and headers."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Prediction:
    """A request for predictions as it came in.

    :param protocol: `v2` or `invocations`.
    :param name: of the model in a V2 response.
    :param request_id: of the server's, for the log.
    :param key: that a header gave its rows; "" for none.
    """

    protocol: str
    body: bytes
    content_type: str = ""
    encoding: str = ""
    json_length: str = ""
    name: str = ""
    request_id: str = ""
    key: str = ""


def answer(model: ServedModel, request: Prediction, limit: int, predictions: PredictionLog) -> Answer:
    """The answer to a request. Never raises.

    :param limit: bytes of the body after decompression.
    """
    try:
        body = bodies.decompress(request.body, request.encoding, limit) if request.encoding else request.body
        render = _infer if request.protocol == "v2" else _invoke
        return render(model, request, body, predictions)
    except RequestError as error:
        return error_answer(error, request.protocol)
    except Exception as error:
        log.error("a request failed: %s", type(error).__name__, exc_info=log.isEnabledFor(logging.DEBUG))
        problem = RequestError("the request failed", status=HTTPStatus.INTERNAL_SERVER_ERROR)
        return error_answer(problem, request.protocol)


def error_answer(error: RequestError, protocol: str, headers: Mapping[str, str] | None = None) -> Answer:
    """An error in the form of the protocol."""
    import orjson

    text = f"{error.message}. {error.remedy}" if error.remedy else error.message
    if protocol == "invocations":
        return Answer(error.status, invocations.render_error(text, error.status), headers=headers or {})
    return Answer(error.status, orjson.dumps({"error": text}), headers=headers or {})


def _infer(model: ServedModel, request: Prediction, body: bytes, predictions: PredictionLog) -> Answer:
    length = None
    if request.json_length:
        if not request.json_length.isascii() or not request.json_length.isdigit() or len(request.json_length) > 12:
            raise RequestError(f"{HEAD_LENGTH} is not a number")
        length = int(request.json_length)
    parsed = inference_protocol.parse_request(body, length)
    data = inputs.from_columns(parsed.inputs, model.signature)
    arrays = model.outputs(data, [output.name for output in parsed.outputs])
    wanted_binary = {output.name: output.binary for output in parsed.outputs}
    binary = {name: wanted_binary.get(name, parsed.binary) for name in arrays}
    if predictions.sample():
        key = parsed.parameters.get("key") or request.key or None
        predictions.add(parsed.id or request.request_id, key, model.facts(), data, arrays)
    content, head = inference_protocol.render_response(request.name, model.version, parsed.id, arrays, binary)
    if head is None:
        return Answer(HTTPStatus.OK, content)
    return Answer(HTTPStatus.OK, content, BINARY, {HEAD_LENGTH: str(head)})


def _invoke(model: ServedModel, request: Prediction, body: bytes, predictions: PredictionLog) -> Answer:
    data, params = invocations.parse_request(body, request.content_type, model.signature)
    method = params.get(invocations.METHOD, "")
    if not isinstance(method, str):
        raise RequestError(f"`{invocations.METHOD}` must be a text", field="params")
    values = model.predict(data, method)
    if predictions.sample():
        key = params.get("key") or request.key or None
        predictions.add(request.request_id, key, model.facts(), data, {method or model.method: values})
    return Answer(HTTPStatus.OK, invocations.render_response(values))
