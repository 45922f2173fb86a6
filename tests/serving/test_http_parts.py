"""Routes, bodies, settings and metrics: what a server decides before a model is asked."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.serving import bodies
from jupyter_mlops.serving.metrics import Metrics
from jupyter_mlops.serving.problems import RequestError, quoted
from jupyter_mlops.serving.routes import Route, require_model, route_of
from jupyter_mlops.serving.settings import ServeSettings, is_loopback, require_protected


@pytest.mark.parametrize(
    ("method", "target", "route"),
    [
        ("GET", "/v2", Route("server")),
        ("HEAD", "/v2/health/live", Route("live")),
        ("GET", "/v2/models/churn", Route("model", "churn")),
        ("GET", "/v2/models/a%20b/versions/7?x=/v2", Route("model", "a b", "7")),
        ("GET", "/v2/models/churn/ready", Route("model_ready", "churn")),
        ("POST", "/v2/models/churn/versions/v7/infer", Route("infer", "churn", "v7")),
        ("POST", "/invocations", Route("invocations")),
    ],
)
def test_routes(method: str, target: str, route: Route) -> None:
    assert route_of(method, target) == route


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/", 404), ("GET", "/v2/models/", 404), ("GET", "/v2/models/a/b", 404), ("GET", "/v3", 404),
        ("POST", "/v2/models/../../etc/passwd/infer", 404), ("GET", "/v2/models/a/versions/1/x", 404),
        ("GET", "/" + "a" * 5000, 404), ("GET", "//v2", 404), ("GET", "http://host/v2", 404),
        ("GET", "/invocations", 405), ("POST", "/v2", 405), ("DELETE", "/v2/models/churn", 405),
    ],
)  # fmt: skip
def test_requests_for_nothing(method: str, target: str, status: int) -> None:
    with pytest.raises(RequestError) as caught:
        route_of(method, target)
    assert caught.value.status == status


@pytest.mark.parametrize(
    ("model", "version", "found"),
    [
        ("churn", "", True), ("clf", "7", True), ("churn", "v7", True), ("churn", "8", False), ("Churn", "", False),
        ("..", "", False), ("../churn", "", False), ("churn\r\nX: y", "", False), ("churn", "7/..", False),
    ],
)  # fmt: skip
def test_models_by_name_and_version(model: str, version: str, found: bool) -> None:
    route = Route("infer", model, version)
    if found:
        require_model(route, ("churn", "clf"), "7")
        return
    with pytest.raises(RequestError) as caught:
        require_model(route, ("churn", "clf"), "7")
    assert caught.value.status == 404


@pytest.mark.parametrize(
    ("encoding", "body"),
    [("", b"data"), ("identity", b"data"), ("gzip", gzip.compress(b"data")), ("Deflate", zlib.compress(b"data"))],
)
def test_compressed_bodies(encoding: str, body: bytes) -> None:
    assert bodies.decompress(body, encoding, 4) == b"data"


@pytest.mark.parametrize(
    ("encoding", "body", "status"),
    [
        ("gzip", gzip.compress(bytes(10**7)), 413), ("gzip", gzip.compress(b"data")[:-4], 400), ("gzip", b"no", 400),
        ("br", b"data", 415), ("gzip, gzip", b"data", 415),
    ],
)  # fmt: skip
def test_compressed_bodies_that_are_refused(encoding: str, body: bytes, status: int) -> None:
    with pytest.raises(RequestError) as caught:
        bodies.decompress(body, encoding, 1000)
    assert caught.value.status == status


def nested(levels: int, opening: str = "[", closing: str = "]") -> bytes:
    return (opening * levels + closing * levels).encode()


@pytest.mark.parametrize(
    ("body", "is_json"),
    [
        (nested(bodies.MOST_LEVELS), True), (nested(bodies.MOST_LEVELS + 1), False), (nested(100_000), False),
        (b'{"a":' * 70 + b"1" + b"}" * 70, False), (b"[" + b"[1]," * 1000 + b"[1]]", True), (b"\xff", False),
        (b"", False), (b"[NaN]", False), (b"[1", False), (b'"\\ud800"', False),
    ],
)  # fmt: skip
def test_json_within_bounds(body: bytes, is_json: bool) -> None:
    if is_json:
        assert bodies.parse_json(body) == json.loads(body)
        return
    with pytest.raises(RequestError):
        bodies.parse_json(body)


def test_nan_only_where_it_may_stand() -> None:
    assert str(bodies.parse_json(b"[NaN, 1]", with_nan=True)) == "[nan, 1]"
    with pytest.raises(RequestError):
        bodies.parse_json(b'["NaN"' + nested(100_000), with_nan=True)


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("[::1]", True), ("127.8.8.8", True),
     ("0.0.0.0", False), ("::", False), ("", False), ("example.org", False), ("localhost.evil", False)],
)  # fmt: skip
def test_others_need_a_token(host: str, local: bool) -> None:
    assert is_loopback(host) is local
    require_protected(host, "secret", no_token=False)
    require_protected(host, "", no_token=True)
    if not local:
        with pytest.raises(InvalidInputError, match="without a token"):
            require_protected(host, "", no_token=False)


@pytest.mark.parametrize(
    "change",
    [
        {"port": -1}, {"port": 65536}, {"workers": 0}, {"threads": 0}, {"concurrency": 0}, {"timeout": 0.0},
        {"timeout": float("nan")}, {"poll": 0.0}, {"body_limit": 0}, {"log_share": 1.5}, {"log_share": -0.1},
        {"token": "a b"}, {"token": "a\r\nX: y"}, {"token": "ü"}, {"job": ""}, {"folder": "x"},
    ],
)  # fmt: skip
def test_settings_that_are_none(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        ServeSettings.of({"job": "churn", **change})


def test_names_in_messages_are_one_short_line() -> None:
    assert quoted("a\nb\x1b[31m") == "`a?b?[31m`"
    assert len(quoted("x" * 10_000)) < 100


def test_metrics_add_up_over_processes(tmp_path: Path) -> None:
    path = tmp_path / "metrics"
    Metrics.create(path, 2)
    first, second = Metrics(path, 0, 2), Metrics(path, 1, 2)
    first.observe("v2", 200, 0.002)
    second.observe("v2", 200, 0.3)
    second.observe("v2", 418, 20.0)
    second.observe("invocations", 503, 0.0)
    second.add("swaps")
    lines = first.text({"job": 'a"\n\\', "version": "v7"}).splitlines()
    for line in (
        'mlops_serve_requests_total{protocol="v2",code="200"} 2',
        'mlops_serve_requests_total{protocol="v2",code="other"} 1',
        'mlops_serve_errors_total{protocol="v2"} 1',
        'mlops_serve_errors_total{protocol="invocations"} 1',
        'mlops_serve_request_seconds_bucket{protocol="v2",le="0.001"} 0',
        'mlops_serve_request_seconds_bucket{protocol="v2",le="0.0025"} 1',
        'mlops_serve_request_seconds_bucket{protocol="v2",le="10.0"} 2',
        'mlops_serve_request_seconds_bucket{protocol="v2",le="+Inf"} 3',
        'mlops_serve_request_seconds_sum{protocol="v2"} 20.302',
        'mlops_serve_request_seconds_count{protocol="v2"} 3',
        'mlops_serve_model_info{job="a\\"\\n\\\\",version="v7"} 1',
        "mlops_serve_model_version 7",
        "mlops_serve_swaps_total 1",
    ):
        assert line in lines
    assert second.text({}).splitlines()[:3] == lines[:3]
