"""`python -m tests.benchmarks.serving`: what a prediction costs over HTTP, and promotions under load.

One row with ten features, StandardScaler and LogisticRegression, `predict_proba`, JSON, one connection that stays open.
The servers take turns, and the medians of the ratios of each turn are shown, because the machine may be busy.

    --turns N       turns of each server (9); --requests N   requests in a turn (300)
    --promotions N  promotions under load (50); 0 for none
    --mlserver PYTHON, --mlflow PYTHON   interpreters of environments that have these
    --json          one JSON object

Exit code 0: all targets met; 1: one was missed, or a request failed under promotions.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import pickle
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.jobs.workspace import opened, wait_until
from tests.serving.registry import Level, exchange, facts, promote, record, serving, tensor

ROW = [0.1 * number for number in range(10)]
TARGETS = {"tornado": 1.15, "MLServer": 1 / 1.7, "mlflow models serve": 1 / 8}
WARM = 50
Ask = Callable[[http.client.HTTPConnection], int]


def model() -> Any:
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows = np.random.default_rng(0).normal(size=(500, 10))
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, rows[:, 0] > 0)


def asking(path: str, document: Any) -> Ask:
    """A function that sends one request on a connection and returns the status."""
    body, headers = json.dumps(document), {"Content-Type": "application/json"}

    def ask(connection: http.client.HTTPConnection) -> int:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        response.read()
        return response.status

    return ask


INFER = {
    "inputs": [{"name": "predict", "shape": [1, 10], "datatype": "FP64", "data": ROW}],
    "outputs": [{"name": "predict_proba"}],
}  # fmt: skip


def bare(folder: str, port: str) -> None:
    """The server to compare with: a tornado handler that calls the model."""
    import numpy as np
    import tornado.web

    with open(f"{folder}/model.pkl", "rb") as file:
        value = pickle.load(file)

    class Handler(tornado.web.RequestHandler):
        def post(self) -> None:
            rows = np.array(json.loads(self.request.body)["instances"])
            self.write({"predictions": value.predict_proba(rows).tolist()})

    async def run() -> None:
        tornado.web.Application([("/invocations", Handler)]).listen(int(port), "127.0.0.1")
        await asyncio.Event().wait()

    asyncio.run(run())


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(server.getsockname()[1]) for server in servers]


@contextmanager
def process(command: Sequence[str], port: int, ready: Ask, **env: str) -> Iterator[int]:
    """A server, from its first good answer to its end."""
    root = str(Path(__file__).parent.parent.parent)
    variables = {**os.environ, **env}
    variables = {**variables, "PYTHONPATH": root} if command[0] == sys.executable else variables
    server = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def answers() -> bool:
        assert server.poll() is None, f"{command} ended with {server.returncode}"
        try:
            return ready(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) == 200
        except (OSError, http.client.HTTPException):
            return False

    try:
        wait_until(answers, 300)
        yield port
    finally:
        server.terminate()
        server.wait(60)


def peers(arguments: argparse.Namespace, folder: Path, stack: ExitStack) -> dict[str, tuple[int, Ask]]:
    """Name -> port and request of each server; ours are there twice, once for each protocol."""
    home = folder / "home"
    with opened(home) as space:
        found = facts(space, model(), signature=tensor(10), methods=["predict", "predict_proba"], packages={})
        record(space, [found])
    server = stack.enter_context(serving(home, "churn", "--method", "predict_proba", "--log", "0"))
    instances = asking("/invocations", {"instances": [ROW]})
    (folder / "model.pkl").write_bytes(pickle.dumps(model()))
    [port] = free_ports(1)
    stack.enter_context(
        process([sys.executable, "-m", "tests.benchmarks.serving", "--bare", str(folder), str(port)], port, instances)
    )
    found_peers = {
        "/invocations": (server.port, instances), "V2": (server.port, asking("/v2/models/churn/infer", INFER)),
        "tornado": (port, instances),
    }  # fmt: skip
    if arguments.mlserver:
        port, grpc_port, metrics_port = free_ports(3)
        settings = {
            "name": "churn",
            "implementation": "mlserver_sklearn.SKLearnModel",
            "parameters": {"uri": "./model.joblib"},
        }
        served = folder / "mlserver"
        served.mkdir()
        (served / "model-settings.json").write_text(json.dumps(settings))
        (served / "settings.json").write_text(
            json.dumps({"http_port": port, "grpc_port": grpc_port, "metrics_port": metrics_port, "parallel_workers": 0})
        )
        script = "import sys, pickle, joblib; joblib.dump(pickle.load(open(sys.argv[1], 'rb')), sys.argv[2])"
        subprocess.run(
            [arguments.mlserver, "-c", script, str(folder / "model.pkl"), str(served / "model.joblib")], check=True
        )
        infer = asking("/v2/models/churn/infer", INFER)
        stack.enter_context(
            process([str(Path(arguments.mlserver).parent / "mlserver"), "start", str(served)], port, infer)
        )
        found_peers["MLServer"] = (port, infer)
    if arguments.mlflow:
        [port] = free_ports(1)
        script = (
            "import sys, pickle, mlflow; m = pickle.load(open(sys.argv[1], 'rb'));"
            "mlflow.sklearn.save_model(m, sys.argv[2], pip_requirements=['scikit-learn'],"
            "serialization_format='cloudpickle', pyfunc_predict_fn='predict_proba')"
        )
        path = f"{Path(arguments.mlflow).parent}{os.pathsep}{os.environ['PATH']}"
        subprocess.run([arguments.mlflow, "-c", script, str(folder / "model.pkl"), str(folder / "mlflow")], check=True)
        command = [str(Path(arguments.mlflow).parent / "mlflow"), "models", "serve", "-m", str(folder / "mlflow")]
        command += ["--port", str(port), "--host", "127.0.0.1", "--env-manager", "local"]
        stack.enter_context(process(command, port, instances, PATH=path, MLFLOW_DISABLE_TELEMETRY="true"))
        found_peers["mlflow models serve"] = (port, instances)
    return found_peers


def turn(port: int, ask: Ask, requests: int) -> float:
    """Median seconds of a request."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for _ in range(WARM):
        assert ask(connection) == 200
    connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    seconds = []
    for _ in range(requests):
        began = time.perf_counter()
        status = ask(connection)
        seconds.append(time.perf_counter() - began)
        assert status == 200, status
    connection.close()
    return statistics.median(seconds)


def compare(arguments: argparse.Namespace) -> dict[str, Any]:
    """Medians in milliseconds, and the ratios of ours to the others."""
    with tempfile.TemporaryDirectory(prefix="serving-") as folder, ExitStack() as stack:
        servers = peers(arguments, Path(folder), stack)
        turns = {
            number: {name: turn(port, ask, arguments.requests) for name, (port, ask) in servers.items()}
            for number in range(arguments.turns)
        }
    medians = {name: 1000 * statistics.median(t[name] for t in turns.values()) for name in servers}
    ratios = {
        ours: {
            peer: statistics.median(t[ours] / t[peer] for t in turns.values()) for peer in TARGETS if peer in servers
        }
        for ours in ("/invocations", "V2")
    }  # fmt: skip
    return {"p50_ms": medians, "ratios": ratios}


def promotions(count: int) -> dict[str, Any]:
    """Promote back and forth under load from three connections, and count the answers that are not right."""
    with tempfile.TemporaryDirectory(prefix="serving-") as folder, opened(Path(folder)) as space:
        names = [record(space, [facts(space, Level(float(number)))]) for number in (1, 2)]
        promote(space, names[0])
        with serving(Path(folder), "churn@production", "--poll", "0.1") as server:
            stop, errors, answered = threading.Event(), [], [0, 0, 0]

            def load(place: int) -> None:
                connection = server.connect()
                body, headers = b'{"instances": [[1, 2]]}', {"Content-Type": "application/json"}
                while not stop.is_set():
                    try:
                        answer = exchange(connection, "/invocations", body, headers)
                        if answer.status != 200 or answer.json["predictions"] not in ([1.0], [2.0]):
                            errors.append(answer.body.decode())
                    except (OSError, http.client.HTTPException) as error:
                        errors.append(repr(error))
                        connection = server.connect()
                    answered[place] += 1

            threads = [threading.Thread(target=load, args=(place,)) for place in range(3)]
            for thread in threads:
                thread.start()
            for number in range(1, count + 1):
                promote(space, names[number % 2])
                expected = f"v{number % 2 + 1}"
                wait_until(lambda version=expected: server.ask("/health").json["version"] == version)
            stop.set()
            for thread in threads:
                thread.join()
    return {"promotions": count, "requests": sum(answered), "errors": len(errors), "first": errors[:3]}


def main() -> int:
    if sys.argv[1:2] == ["--bare"]:
        bare(*sys.argv[2:])
        return 0
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=9)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--promotions", type=int, default=50)
    parser.add_argument("--mlserver", default="")
    parser.add_argument("--mlflow", default="")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result = compare(arguments) if arguments.turns else {"p50_ms": {}, "ratios": {}}
    missed = [
        f"{ours} against {peer}: {ratio:.2f}, at most {TARGETS[peer]:.2f}"
        for ours, ratios in result["ratios"].items() for peer, ratio in ratios.items() if ratio > TARGETS[peer]
    ]  # fmt: skip
    if arguments.promotions:
        result["promotions"] = promotions(arguments.promotions)
        missed += ["a request failed"] if result["promotions"]["errors"] else []
    result["missed"] = missed
    print(json.dumps(result, indent=None if arguments.json else 1))
    return int(bool(missed))


if __name__ == "__main__":
    sys.exit(main())
