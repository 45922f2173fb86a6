"""Who is told what."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.jobs.policies import Policies
from jupyter_mlops.jobs.records import Run
from jupyter_mlops.worker.notifier import Notifier, events_of, message


def run(state: str, run_id: str = "r1", **fields: Any) -> Run:
    empty: dict[str, Any] = {
        "job_id": 1, "version_id": 1, "schedule_id": None, "batch_id": None, "repairs": None, "slot": None,
        "trigger": "manual", "priority": 0, "parameters": {}, "options": {},
        "environment_changes": [], "created": 0.0, "not_before": 0.0,
        "started": 10.0, "finished": 12.5, "attempt": 1, "recoveries": 0, "worker": "", "lease": None,
        "lease_until": None, "stop_reason": "", "output": "", "metrics": {}, "error": None, "notes": [],
        "verdict": None, "job": "churn", "version": 3,
    }  # fmt: skip
    return Run(id=run_id, state=state, **{**empty, **fields})


@pytest.mark.parametrize(
    ("now", "before", "first", "events"),
    [("failed", None, False, ["failure"]), ("failed", "completed", False, ["failure"]),
     ("failed", "failed", False, ["failure"]), ("completed", "failed", False, ["recovery"]),
     ("completed", "completed", False, []), ("completed", None, True, ["first-success"]),
     ("completed", "failed", True, ["first-success", "recovery"]), ("stopped", "failed", False, [])],
)  # fmt: skip
def test_events(now: str, before: str | None, first: bool, events: list[str]) -> None:
    assert events_of(run(now), None if before is None else run(before), first) == events


def test_the_message_says_what_where_and_how_long() -> None:
    error = {"step": "clean", "cell": 4, "ename": "ValueError", "evalue": "no rows"}
    title, body = message("failure", run("failed", error=error))
    assert title == "churn failed"
    assert body.splitlines() == [
        "Run r1 of churn v3: failed.",
        "step clean, cell 5: ValueError: no rows",
        "It took 2.5 s.",
    ]


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    heard: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", heard
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_webhook_is_told_of_what_was_asked_for(webhook: tuple[str, list[dict[str, Any]]], tmp_path: Path) -> None:
    address, heard = webhook
    notifier = Notifier(tmp_path)
    rules = Policies(notify=(address,), notify_on=("failure", "recovery"))
    notifier.after(run("completed"), rules, None, True)
    notifier.after(run("failed", "r2", error={"ename": "E", "evalue": "x"}), rules, run("completed"), False)
    notifier.after(run("completed", "r3"), rules, run("failed"), True)
    assert [(h["event"], h["run"], h["job"]) for h in heard] == [
        ("failure", "r2", "churn"),
        ("recovery", "r3", "churn"),
    ]


def test_a_long_run_is_told_of_once(webhook: tuple[str, list[dict[str, Any]]], tmp_path: Path) -> None:
    address, heard = webhook
    notifier = Notifier(tmp_path)
    rules = Policies(notify=(address,), notify_on=("long-running",), long_running=60.0)
    for _ in range(3):
        if notifier.run_is_long(run("running", started=1.0), rules):
            notifier.while_running(run("running", started=1.0), rules)
    assert [h["event"] for h in heard] == ["long-running"]


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/away", "http://host:port/", "nonsense", "secret:NOWHERE"])
def test_nobody_to_tell_harms_nothing(
    address: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_mlops.jobs.secrets._in_keyring", lambda name: None)
    Notifier(tmp_path).after(run("failed"), Policies(notify=(address,)), None, False)
    assert "notification not sent" in caplog.text


def test_an_address_may_be_a_secret(webhook: tuple[str, list[dict[str, Any]]], tmp_path: Path) -> None:
    address, heard = webhook
    (tmp_path / "secrets").write_text(f"# ours\nHOOK = {address}\n")
    (tmp_path / "secrets").chmod(0o600)
    Notifier(tmp_path).after(run("failed"), Policies(notify=("secret:HOOK",)), None, False)
    assert [h["event"] for h in heard] == ["failure"]
