"""Airflow's REST API as far as it is read, in a server of this process; shapes as Airflow 3.3 and 2.11 answer."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

RUN = "scheduled__2026-01-31T06:00:00+00:00"


def dag_run(**changes: Any) -> dict[str, Any]:
    """A run as `dagRuns` lists it."""
    return {
        "dag_run_id": RUN, "dag_id": "churn", "logical_date": "2026-01-31T06:00:00Z",
        "queued_at": "2026-01-31T06:00:00.500000Z", "start_date": "2026-01-31T06:00:01Z",
        "end_date": "2026-01-31T06:02:00Z", "duration": 119.0, "run_after": "2026-01-31T06:00:00Z",
        "run_type": "scheduled", "state": "success", "conf": {}, "note": None, **changes,
    }  # fmt: skip


def task(
    task_id: str, *, state: str | None = "success", title: str = "", attempts: int = 1, seconds: float = 0.0,
    end: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A task as `taskInstances` lists it."""
    return {
        "task_id": task_id, "dag_id": "churn", "dag_run_id": RUN, "map_index": -1, "state": state,
        "try_number": attempts, "max_tries": 2, "duration": seconds or None, "task_display_name": title or task_id,
        "start_date": "2026-01-31T06:00:10Z" if attempts else None, "end_date": end,
    }  # fmt: skip


class Airflow:
    """What the server has, and how it behaves.

    :param version: 3: /api/v2 with tokens; 2: /api/v1 with names and passwords.
    """

    def __init__(self, version: int = 3) -> None:
        self.version = version
        self.dags: dict[str, dict[str, Any]] = {}
        self.runs: dict[str, list[dict[str, Any]]] = {}
        self.tasks: dict[str, list[dict[str, Any]]] = {}
        self.logs: dict[tuple[str, int], str] = {}
        self.user, self.password, self.token = "ada", "sesame", "token-1"
        self.statuses: dict[str, int] = {}  # part of a path -> status of the answer
        self.garbage: dict[str, bytes] = {}  # part of a path -> body
        self.hangs = threading.Event()
        self.release = threading.Event()
        self.requests: list[str] = []
        self.url = ""

    def answer(self, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        parts = [unquote(part) for part in path.strip("/").split("/")][2:]
        match parts:
            case ["dags"]:
                dags = [d for d in self.dags.values() if query.get("tags", [""])[0] in ("", *d["tags"])]
                return 200, self.page("dags", dags, query)
            case ["dags", dag_id]:
                return (200, self.dags[dag_id]) if dag_id in self.dags else (404, {"detail": "no such DAG"})
            case ["dags", dag_id, "dagRuns"]:
                return 200, self.page("dag_runs", self.runs.get(dag_id, []), query)
            case ["dags", _, "dagRuns", run_id, "taskInstances"]:
                return 200, self.page("task_instances", self.tasks.get(run_id, []), query)
            case ["dags", _, "dagRuns", _, "taskInstances", task_id, "logs", attempt]:
                text = self.logs.get((task_id, int(attempt)))
                if text is None:
                    return 404, {"detail": "no log"}
                if self.version == 2:
                    return 200, text.encode()
                lines = [{"timestamp": None, "event": line, "level": "info"} for line in text.splitlines()]
                return 200, {"content": lines, "continuation_token": None}
        return 404, {"detail": "nothing here"}

    def page(self, key: str, rows: list[dict[str, Any]], query: dict[str, list[str]]) -> dict[str, Any]:
        offset, limit = int(query.get("offset", ["0"])[0]), int(query.get("limit", ["50"])[0])
        return {key: rows[offset : offset + limit], "total_entries": len(rows)}

    def authorized(self, header: str) -> bool:
        if self.version == 2:
            return header == "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return header == f"Bearer {self.token}"


@contextmanager
def served(airflow: Airflow) -> Iterator[Airflow]:
    """The server, until the end."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def reply(self, status: int, content: Any) -> None:
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", "http://127.0.0.1:9/elsewhere")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def special(self, path: str) -> bool:
            if airflow.hangs.is_set():
                airflow.release.wait(60)
                return True
            for part, status in airflow.statuses.items():
                if part in path:
                    self.reply(status, {"detail": "as the test has it"})
                    return True
            for part, body in airflow.garbage.items():
                if part in path:
                    self.reply(200, body)
                    return True
            return False

        def do_POST(self) -> None:
            airflow.requests.append(f"POST {self.path}")
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.special(self.path):
                return
            if self.path != "/auth/token" or airflow.version == 2:
                self.reply(404, {})
            elif (body.get("username"), body.get("password")) == (airflow.user, airflow.password):
                self.reply(201, {"access_token": airflow.token})
            else:
                self.reply(401, {"detail": "Invalid credentials"})

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            airflow.requests.append(f"GET {self.path}")
            if self.special(parts.path):
                return
            base = "/api/v2/" if airflow.version == 3 else "/api/v1/"
            if not parts.path.startswith(base):
                self.reply(404, {"detail": "Not Found"})
            elif parts.path == f"{base}version":
                self.reply(200, {"version": f"{airflow.version}.0.0"})
            elif not airflow.authorized(self.headers.get("Authorization", "")):
                self.reply(401, {"detail": "Not authenticated"})
            else:
                self.reply(*airflow.answer(parts.path, parse_qs(parts.query)))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    airflow.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield airflow
    finally:
        airflow.release.set()
        server.shutdown()
        thread.join()
        server.server_close()
