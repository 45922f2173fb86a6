"""A real server process: protocols, limits, tokens, promotions, and its end."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jupyter_mlops.jobs.workspace import Workspace
from tests.jobs.workspace import CLI, opened, wait_until
from tests.serving.registry import (
    Level,
    Serving,
    begin_serving,
    exchange,
    facts,
    promote,
    record,
    serving,
    signature,
    tensor,
)

pytestmark = pytest.mark.timeout(240)


class Slow:
    """A model that waits for as many seconds as the first number says."""

    def predict(self, rows: Any) -> Any:
        time.sleep(float(rows[0][0]))
        return np.zeros(len(rows))


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Workspace]:
    with opened(tmp_path / "home") as opened_space:
        yield opened_space


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture(scope="module")
def level(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A server of a model with two columns, with a small limit for bodies, that logs everything."""
    home = tmp_path_factory.mktemp("level")
    with opened(home) as space:
        model = facts(space, Level(7.5), signature=signature(a="float64", b="float64"))
        promote(space, record(space, [model]))
    with serving(home, "churn@production", "--max-body", "1", "--log", "1") as server:
        server.home = home  # type: ignore[attr-defined]
        yield server


def test_what_it_says_of_itself(level: Serving) -> None:
    assert level.ask("/v2").json["extensions"] == ["binary_tensor_data"]
    assert [level.ask(path).status for path in ("/v2/health/live", "/v2/health/ready", "/ping", "/version")] == [
        200
    ] * 4
    assert level.ask("/ping").body == b"\n"
    assert level.ask("/v2/models/churn/versions/1/ready").json == {"name": "churn", "ready": True}
    assert level.ask("/v2/models/clf").json["inputs"][1] == {"name": "b", "datatype": "FP64", "shape": [-1]}
    health = level.ask("/health").json
    assert (health["status"], health["version"], health["problem"]) == ("ok", "v1", "")
    head = level.ask("/v2", method="HEAD")
    assert (head.status, head.body, int(head.headers["Content-Length"]) > 0) == (200, b"", True)


def test_binary_tensors_there_and_back(level: Serving) -> None:
    head = json.dumps({
        "id": "q", "parameters": {"binary_data_output": True},
        "inputs": [{"name": "x", "datatype": "FP32", "shape": [3, 2], "parameters": {"binary_data_size": 24}}],
    }).encode()  # fmt: skip
    body, length = head + struct.pack("<6f", *range(6)), {"Inference-Header-Content-Length": str(len(head))}
    answer = level.ask("/v2/models/churn/infer", body, length)
    size = int(answer.headers["Inference-Header-Content-Length"])
    assert json.loads(answer.body[:size])["id"] == "q"
    assert struct.unpack("<3d", answer.body[size:]) == (7.5, 7.5, 7.5)


def test_both_protocols_on_one_connection(level: Serving) -> None:
    connection = level.connect()
    column = {"datatype": "INT64", "shape": [2], "data": [1, 2]}
    document = {"inputs": [{"name": name, **column} for name in ("extra", "b", "a")], "outputs": [{"name": "predict"}]}
    for _ in range(3):
        first = exchange(connection, "/v2/models/clf/versions/v1/infer", json.dumps(document).encode())
        assert first.json["outputs"] == [{"name": "predict", "datatype": "FP64", "shape": [2], "data": [7.5, 7.5]}]
        body = json.dumps({"dataframe_records": [{"a": 1, "b": 2}]}).encode()
        second = exchange(connection, "/invocations", body, {"Content-Type": "application/json"})
        assert second.body == b'{"predictions": [7.5]}'
    connection.close()


@pytest.mark.parametrize(
    ("path", "body", "headers", "status"),
    [
        ("/v2/models/other/infer", b"{}", {}, 404),
        ("/v2/models/churn/versions/2/infer", b"{}", {}, 404),
        ("/v2/models/churn/infer", b"{", {}, 400),
        ("/v2/models/churn/infer", b"{}", {"Inference-Header-Content-Length": "1e3"}, 400),
        ("/v2/models/churn/infer", b"{}", {"Inference-Header-Content-Length": "9" * 5000}, 400),
        ("/v2/models/churn/infer", b"x" * 2_000_000, {}, 413),
        ("/v2/models/churn/infer", b"\x80\x04N.", {"Content-Type": "application/x-pickle"}, 400),
        ("/invocations", b"\x80\x04N.", {"Content-Type": "application/x-pickle"}, 415),
        ("/invocations", b"{}", {}, 415),
        ("/invocations", b"{}", {"Content-Type": "application/json", "Content-Encoding": "br"}, 415),
        ("/v2", None, {"Origin": "https://example.org"}, 403),
        ("/v2", None, {"Host": "rebound.example.org:80"}, 403),
        ("/v2", None, {"Host": "127.0.0.1.example.org"}, 403),
    ],
)  # fmt: skip
def test_requests_that_are_refused(
    level: Serving, path: str, body: bytes | None, headers: dict[str, str], status: int
) -> None:
    try:
        answer = level.ask(path, body, headers)
    except (BrokenPipeError, ConnectionResetError):  # it answered and closed before it had read the body
        assert status == 413
        return
    assert answer.status == status
    assert set(answer.json) in ({"error"}, {"error_code", "message"})


def test_an_id_of_a_request_comes_back_unless_it_could_break_a_header(level: Serving) -> None:
    for sent, returned in (("abc-1", True), ("a b", False), ("x" * 500, False), ("é", False)):
        answer = level.invoke({"dataframe_records": [{"a": 1, "b": 2}]}, **{"X-Request-Id": sent})
        assert (answer.headers["X-Request-Id"] == sent) is returned
    raw = b"GET /v2 HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Request-Id: a\rSet-Cookie: b\r\n\r\n"
    with socket.create_connection(("127.0.0.1", level.port), 10) as connection:
        connection.sendall(raw)
        assert b"\nSet-Cookie" not in connection.recv(4096)


def test_the_prediction_log_has_the_request(level: Serving) -> None:
    sent = {"dataframe_records": [{"a": 3, "b": 4}]}
    answer = level.invoke(sent, **{"X-Request-Id": "logged-1", "X-Prediction-Key": "customer 5"})
    assert answer.status == 200
    folder: Path = level.home / "predictions" / "churn"  # type: ignore[attr-defined]

    def entry() -> Any:
        lines = [json.loads(line) for path in folder.glob("*.jsonl") for line in path.read_text().splitlines()]
        return next((line for line in lines if line["id"] == "logged-1"), None)

    line = wait_until(entry)
    assert (line["key"], line["model"]["version"], line["output"]) == ("customer 5", "v1", {"predict": [7.5]})
    assert line["input"] == {"columns": ["a", "b"], "rows": [[3.0, 4.0]], "count": 1}
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.glob("*.jsonl"))


def test_metrics_count_requests_and_errors(level: Serving) -> None:
    def count() -> int:
        text = level.ask("/metrics").body.decode()
        found = re.search(r'^mlops_serve_requests_total\{protocol="invocations",code="400"\} (\d+)$', text, re.M)
        return 0 if found is None else int(found.group(1))

    before = count()
    assert level.invoke({"dataframe_records": [{"a": 1}]}).status == 400
    assert count() == before + 1
    assert "mlops_serve_model_version 1\n" in level.ask("/metrics").body.decode()


def test_a_token(space: Workspace, home: Path) -> None:
    promote(space, record(space, [facts(space, Level(1.0))]))
    with serving(home, "churn@production", env={"JUPYTER_MLOPS_SERVE_TOKEN": "s3cret"}) as server:
        right, body = {"Authorization": "Bearer s3cret"}, json.dumps({"instances": [[1, 2]]}).encode()
        for token in ("", "Bearer", "Bearer s3cre", "Bearer S3CRET", "Basic s3cret", "Bearer s3cret x", "Bearer \xff"):
            answer = server.ask("/v2/models/churn", headers={"Authorization": token} if token else {})
            assert (answer.status, answer.headers.get("WWW-Authenticate")) == (401, "Bearer")
        assert server.ask("/v2/health/ready").status == 200
        assert server.ask("/health").json == {"status": "ok"}
        assert server.ask("/health", headers=right).json["version"] == "v1"
        sent = {**right, "Content-Type": "application/json", "Origin": "https://example.org"}
        assert server.ask("/invocations", body, sent).body == b'{"predictions": [1.0]}'
        arguments = subprocess.run(["ps", "-o", "args=", str(server.process.pid)], capture_output=True, text=True)
        assert "s3cret" not in arguments.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["churn", "--host", "0.0.0.0"], "without a token"),
        (["nothing"], "there is no job 'nothing'"),
        (["churn@nothing"], "no version @nothing"),
        (["churn@v9"], "no version v9"),
        (["churn"], "several models: a, b"),
        (["churn", "--model", "c"], "left a model named 'c'"),
        (["churn", "--model", "a", "--method", "__reduce__"], "no method '__reduce__'"),
        (["churn", "--model", "a", "--run", "nothing"], "nothing"),
        (["churn", "--model", "a", "--host", "256.0.0.1", "--no-token"], "the address can't be used"),
        (["--folder", "/nowhere"], "model.json"),
        ([], "name either a job or a folder"),
    ],
)
def test_what_can_not_be_served(space: Workspace, home: Path, arguments: list[str], message: str) -> None:
    record(space, [facts(space, Level(1.0), "a"), facts(space, Level(1.0), "b")])
    env = {**os.environ, "JUPYTER_MLOPS_HOME": str(home)}
    done = subprocess.run(
        [*CLI, "serve", *arguments, "--port", "0"], env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_limits_of_time_and_number(space: Workspace, home: Path) -> None:
    record(space, [facts(space, Slow(), signature=tensor(1))])
    with serving(home, "churn", "--timeout", "2", "--concurrency", "2", "--threads", "2") as server:
        answers: list[Any] = []

        def wait(seconds: float) -> None:
            answers.append(server.invoke({"instances": [[seconds]]}))

        threads = [threading.Thread(target=wait, args=(seconds,)) for seconds in (8.0, 8.0)]
        for thread in threads:
            thread.start()
        wait_until(lambda: "mlops_serve_in_progress 2" in server.ask("/metrics").body.decode())
        refused = server.invoke({"instances": [[0]]})
        assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
        assert server.ask("/v2/health/live").status == 200, "the event loop is free while models work"
        for thread in threads:
            thread.join()
        assert [answer.status for answer in answers] == [504, 504]
        assert server.invoke({"instances": [[0]]}).status == 503, "a thread counts until it is done"
        wait_until(lambda: server.invoke({"instances": [[0]]}).status == 200)


def test_a_client_that_sends_slowly_does_not_hold_others(level: Serving) -> None:
    connections = [socket.create_connection(("127.0.0.1", level.port), 10) for _ in range(100)]
    for connection in connections:
        connection.sendall(b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
    assert level.invoke({"dataframe_records": [{"a": 1, "b": 2}]}).status == 200
    for connection in connections:
        connection.close()
    assert level.invoke({"dataframe_records": [{"a": 1, "b": 2}]}).status == 200


@pytest.mark.parametrize(
    "raw",
    [
        b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"GET /v2 HTTP/1.1\r\n" + b"X: " + b"y" * 200_000 + b"\r\n\r\n",
        b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"POST /v2/models/churn/infer HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
        b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)  # fmt: skip
def test_what_is_no_http_is_dropped(level: Serving, raw: bytes) -> None:
    connection = socket.create_connection(("127.0.0.1", level.port), 10)
    with connection, contextlib.suppress(ConnectionResetError, BrokenPipeError):
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        while chunk := connection.recv(4096):
            assert b" 200 " not in chunk
    assert level.ask("/v2/health/live").status == 200


def test_requests_in_progress_are_finished_at_the_end(space: Workspace, home: Path) -> None:
    record(space, [facts(space, Slow(), signature=tensor(1))])
    with serving(home, "churn") as server:
        answers: list[Any] = []
        thread = threading.Thread(target=lambda: answers.append(server.invoke({"instances": [[3.0]]})))
        thread.start()
        wait_until(lambda: "mlops_serve_in_progress 1" in server.ask("/metrics").body.decode())
        server.process.send_signal(signal.SIGTERM)
        thread.join()
        assert [answer.status for answer in answers] == [200]
        assert server.process.wait(30) == 0
        with pytest.raises(ConnectionRefusedError):
            server.ask("/v2")


def test_promotions_under_load_drop_no_request(space: Workspace, home: Path) -> None:
    names = [record(space, [facts(space, Level(float(number)))]) for number in (1, 2)]
    promote(space, names[0])
    with serving(home, "churn@production", "--poll", "0.05") as server:
        seen: list[tuple[int, float]] = []
        stop = threading.Event()

        def load() -> None:
            connection = server.connect()
            while not stop.is_set():
                answer = exchange(
                    connection, "/invocations", b'{"instances": [[1, 2]]}', {"Content-Type": "application/json"}
                )
                seen.append((answer.status, answer.json["predictions"][0]))
            connection.close()

        threads = [threading.Thread(target=load) for _ in range(3)]
        for thread in threads:
            thread.start()
        for number in range(1, 7):
            promote(space, names[number % 2])
            wait_until(lambda wanted=f"v{number % 2 + 1}": server.ask("/health").json["version"] == wanted)
        stop.set()
        for thread in threads:
            thread.join()
        assert {status for status, _ in seen} == {200}
        assert {value for _, value in seen} == {1.0, 2.0}
        assert "mlops_serve_swaps_total 6" in server.ask("/metrics").body.decode()


def test_a_version_that_can_not_be_loaded_leaves_the_one_before(space: Workspace, home: Path) -> None:
    promote(space, record(space, [facts(space, Level(1.0))]))
    broken = record(space, [facts(space, Level(2.0), data=b"no pickle")])
    other = record(space, [facts(space, Level(2.0), packages={"numpy": "0.0.1", "nothing": "1"})])
    good = record(space, [facts(space, Level(3.0))])
    with serving(home, "churn@production", "--poll", "0.05") as server:
        for version, problem in ((broken, "can't be loaded: UnpicklingError"), (other, "nothing 1 is not installed")):
            promote(space, version)
            wait_until(lambda expected=problem: expected in server.ask("/health").json["problem"])
            assert server.ask("/health").json["status"] == "degraded"
            assert server.invoke({"instances": [[1, 2]]}).body == b'{"predictions": [1.0]}'
            wait_until(lambda expected=problem: any(expected in line for line in server.lines))
        promote(space, good)
        wait_until(lambda: server.invoke({"instances": [[1, 2]]}).body == b'{"predictions": [3.0]}')
        wait_until(lambda: server.ask("/health").json["status"] == "ok")


def test_several_processes_share_a_port(space: Workspace, home: Path) -> None:
    promote(space, record(space, [facts(space, Level(1.0))]))
    with serving(home, "churn@production", "--workers", "2") as server:
        for _ in range(20):
            assert server.invoke({"instances": [[1, 2]]}).status == 200
        text = server.ask("/metrics").body.decode()
        assert 'mlops_serve_requests_total{protocol="invocations",code="200"} 20' in text, "of both processes"
        listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(server.process.pid)], capture_output=True, text=True)
        first, second = map(int, listed.stdout.split())
        os.kill(first, signal.SIGKILL)

        def has_two_others() -> bool:
            again = subprocess.run(
                ["ps", "-o", "pid=", "--ppid", str(server.process.pid)], capture_output=True, text=True
            )
            pids = set(map(int, again.stdout.split()))
            return len(pids) == 2 and second in pids and first not in pids

        wait_until(has_two_others)
        assert server.invoke({"instances": [[1, 2]]}).status == 200
    assert server.process.returncode == 0
    wait_until(lambda: not Path(f"/proc/{second}").exists())


def test_a_port_that_is_taken(space: Workspace, home: Path) -> None:
    record(space, [facts(space, Level(1.0))])
    with socket.create_server(("127.0.0.1", 0)) as taken:
        env = {**os.environ, "JUPYTER_MLOPS_HOME": str(home)}
        command = [*CLI, "serve", "churn", "--port", str(taken.getsockname()[1])]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert (done.returncode, "can't be used: Address already in use" in done.stderr) == (2, True)


def test_an_exported_model_needs_no_database(space: Workspace, home: Path, tmp_path: Path) -> None:
    from jupyter_mlops.service import models

    promote(space, record(space, [facts(space, Level(4.0))]))
    folder = tmp_path / "exported"
    models.export(space, "churn@production", folder)
    with serving(tmp_path / "another home", "--folder", str(folder)) as server:
        assert server.invoke({"instances": [[1, 2]]}).body == b'{"predictions": [4.0]}'
        assert server.ask("/v2/models/churn").json["versions"] == ["1"]
    (folder / "model.pkl").write_bytes(b"another")
    process = begin_serving(tmp_path / "another home", "--folder", str(folder))
    assert "the artifact is damaged" in process.communicate(timeout=120)[1]
    assert process.returncode != 0
