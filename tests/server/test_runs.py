"""Runs over REST: made, followed by events, listed, stopped, repaired."""

from __future__ import annotations

import asyncio
import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tornado.websocket import websocket_connect

from jupyter_mlops.server.events import SCHEMA, SCHEMA_ID
from tests.servers import TOKEN, Server

pytestmark = [pytest.mark.xdist_group("rest"), pytest.mark.kernel]
THREE = (
    ("n = 3  # how many", "parameters"),
    ("data = list(range(n)); print('loaded', n)", "step:load"),
    ("score = sum(data)", "step:sum metrics"),
    ("print('score', score)", "step:show"),
)


@contextmanager
def events(rest: Server) -> Iterator[list[dict[str, Any]]]:
    """What the server says over its event bus, as it comes."""
    heard: list[dict[str, Any]] = []
    ready, over = threading.Event(), threading.Event()

    def listen() -> None:
        async def work() -> None:
            url = f"{rest.url.replace('http', 'ws')}/api/events/subscribe?token={TOKEN}"
            connection = await websocket_connect(url)
            ready.set()
            while not over.is_set():
                message = await connection.read_message()
                if message is None:
                    break
                told = json.loads(message)
                if told["schema_id"] == SCHEMA_ID:
                    heard.append(told)
            connection.close()

        asyncio.run(work())

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    assert ready.wait(10)
    yield heard
    over.set()


def until(what: Any, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def test_a_run_from_beginning_to_end(rest: Server) -> None:
    rest.write("one/three.ipynb", *THREE)
    with events(rest) as heard:
        made = rest.post("runs", {"notebook": "one/three.ipynb", "parameters": {"n": 4}}, 201)
        assert (made["state"], made["notebook"], made["job"]) == ("queued", "one/three.ipynb", None)
        run = rest.over(made["id"])
        until(lambda: any(e["kind"] == "run" and e["state"] == "completed" for e in heard))
    assert run["state"] == "completed"
    assert run["parameters"] == {"n": 4}
    assert run["metrics"] == {"score": 6}
    assert [(s["name"], s["state"]) for s in run["steps"]] == [
        ("load", "completed"), ("sum", "completed"), ("show", "completed"),
    ]  # fmt: skip
    noted = json.loads(rest.ask("GET", f"runs/{made['id']}/notebook").body)["metadata"]["jupyter_mlops_run"]["steps"]
    assert all(step["why"] for step in run["steps"])
    assert [s["why"] for s in run["steps"]] == [s["why"] for s in noted], "the notebook says the same"
    mine = [e for e in heard if e["run"] == made["id"]]
    assert {e["notebook"] for e in mine} == {"one/three.ipynb"}
    assert [e["state"] for e in mine if e["kind"] == "run"] == ["queued", "running", "completed"]
    assert [(e["step"], e["state"]) for e in mine if e["kind"] == "step"] == [
        (name, state) for name in ("load", "sum", "show") for state in ("running", "completed")
    ]
    assert "loaded 4" in "".join(e["text"] for e in mine if e["kind"] == "output")
    assert [e["cell"] for e in mine if e["kind"] == "cell"]
    for event in mine:
        assert set(event) - {
            "schema_id",
            "__timestamp__",
            "__schema__",
            "__schema_version__",
            "__metadata_version__",
        } <= set(SCHEMA["properties"])
    executed = rest.get(f"runs/{made['id']}/notebook")
    assert any("loaded 4" in "".join(o.get("text", "")) for c in executed["cells"] for o in c.get("outputs", ()))
    log = rest.get(f"runs/{made['id']}/log")
    assert "loaded 4" in log["text"] and log["over"]
    assert rest.get(f"runs/{made['id']}/log", offset=log["next"]) == {
        "records": [],
        "text": "",
        "next": log["next"],
        "over": True,
    }
    report = rest.ask("GET", f"runs/{made['id']}/report")
    assert report.headers["Content-Type"].startswith("text/html")
    assert "sandbox" in report.headers["Content-Security-Policy"]
    assert b"loaded 4" in report.body
    assert [s["name"] for s in rest.get(f"runs/{made['id']}/pipeline")["pipeline"]["steps"]] == ["load", "sum", "show"]


def test_it_runs_in_the_notebooks_folder_with_the_files_there(rest: Server) -> None:
    rest.write("two/reads.ipynb", ("text = open('beside.txt').read(); open('made.txt', 'w').write(text)", "step:copy"))
    (rest.root / "two" / "beside.txt").write_text("here", encoding="utf-8")
    assert rest.over(rest.post("runs", {"notebook": "two/reads.ipynb"})["id"])["state"] == "completed"
    assert (rest.root / "two" / "made.txt").read_text(encoding="utf-8") == "here"
    assert json.loads((rest.root / "two" / "reads.ipynb").read_text(encoding="utf-8"))["cells"][0]["outputs"] == []


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"parameters": {"n": "many"}}, 422, "parameters.n"),
        ({"parameters": {"m": 1}}, 422, "parameters.m"),
        ({"from_step": "nothing"}, 404, "from_step"),
        ({"only_step": "nothing"}, 404, "only_step"),
        ({"job": "both"}, 422, ""),
        ({"use_cache": "perhaps"}, 422, "use_cache"),
    ],
)
def test_what_can_not_be_run_is_refused_with_its_field(
    rest: Server, body: dict[str, Any], status: int, field: str
) -> None:  # fmt: skip
    rest.write("refused.ipynb", *THREE)
    answer = rest.ask("POST", "runs", {"notebook": "refused.ipynb", **body})
    assert (answer.status, answer.json["field"]) == (status, field), answer.body
    assert rest.get("runs", notebook="refused.ipynb")["runs"] == []


def test_a_text_is_read_by_the_parameters_type(rest: Server) -> None:
    rest.write("typed.ipynb", ("n: int = 1\nword: str = 'a'", "parameters"), ("print(n, word)", "step:a"))
    made = rest.post("runs", {"notebook": "typed.ipynb", "parameters": {"n": "12", "word": "12"}})
    assert made["parameters"] == {"n": 12, "word": "12"}
    assert rest.over(made["id"])["state"] == "completed"


def test_runs_are_listed_by_pages_filters_and_sorts(rest: Server) -> None:
    rest.write("list.ipynb", ("n = 1", "parameters"), ("assert n != 2", "step:a"))
    ids = [rest.post("runs", {"notebook": "list.ipynb", "parameters": {"n": n}})["id"] for n in range(5)]
    states = {run_id: rest.over(run_id)["state"] for run_id in ids}
    assert list(states.values()) == ["completed", "completed", "failed", "completed", "completed"]
    for sort, wanted in (("-created", ids[::-1]), ("created", ids)):
        found, after = [], ""
        while True:
            page = rest.get("runs", notebook="list.ipynb", limit=2, sort=sort, after=after)
            found += [run["id"] for run in page["runs"]]
            after = page["next"]
            if after is None:
                break
        assert found == wanted
    times = [run["finished"] for run in rest.get("runs", notebook="list.ipynb", sort="-finished")["runs"]]
    assert times == sorted(times, reverse=True)
    assert [r["id"] for r in rest.get("runs", notebook="list.ipynb", state="failed")["runs"]] == [ids[2]]
    assert len(rest.get("runs", notebook="list.ipynb", state=["failed", "completed"])["runs"]) == 5
    for query in ("limit=0", "limit=x", "sort=name", "state=odd", "after=odd", "odd=1"):
        assert rest.ask("GET", f"runs?{query}").status == 422, query


def test_a_run_is_stopped(rest: Server) -> None:
    rest.write("long.ipynb", ("import time\nfor i in range(600):\n    time.sleep(0.1)", "step:wait"))
    made = rest.post("runs", {"notebook": "long.ipynb"})
    until(lambda: rest.get(f"runs/{made['id']}")["state"] == "running")
    rest.post(f"runs/{made['id']}/stop", None)
    assert rest.over(made["id"])["state"] == "stopped"
    again = rest.ask("POST", f"runs/{made['id']}/stop")
    assert (again.status, again.json["reason"]) == (409, "Conflict")


def test_a_failed_run_is_mended_in_a_kernel_with_its_inputs_and_goes_on(rest: Server) -> None:
    rest.write(
        "mend/fails.ipynb",
        ("import time; time.sleep(0.4); data = [1, 2, 3]; open('loads', 'a').write('x')", "step:load"),
        ("total = sum(data); unused = object()", "step:sum"),
        ("ratio = total / 0", "step:ratio"),
        ("print('ratio', ratio)", "step:show"),
    )
    first = rest.over(rest.post("runs", {"notebook": "mend/fails.ipynb"})["id"])
    assert (first["state"], first["error"]["step"], first["error"]["ename"]) == ("failed", "ratio", "ZeroDivisionError")
    made = rest.post(f"runs/{first['id']}/repair-notebook", {}, 201)
    assert (made["step"], made["cells"], made["path"]) == ("ratio", [2], "mend/fails-repair-ratio.ipynb")
    assert set(made["restored"]) | set(made["ran"]) == {"load", "sum"}
    repair = json.loads((rest.root / made["path"]).read_text(encoding="utf-8"))
    assert [c["id"] for c in repair["cells"] if c["cell_type"] == "code"] == ["cell-2"]
    assert repair["metadata"]["jupyter_mlops"]["repairs"]["run"] == first["id"]
    unknown = rest.ask("POST", f"runs/{first['id']}/repair", {"cells": {"no-cell": "1"}})
    assert (unknown.status, unknown.json["field"]) == (404, "cells")
    going = rest.post(f"runs/{first['id']}/repair", {"cells": {"cell-2": "ratio = total / 2"}})
    assert (going["id"], going["state"]) == (first["id"], "queued")
    second = rest.over(first["id"])
    assert second["state"] == "completed", second["error"]
    assert [s["state"] for s in second["steps"]][2:] == ["completed", "completed"]
    assert second["attempt"] == 2
    assert "ratio 3.0" in rest.get(f"runs/{first['id']}/log")["text"]
    assert rest.ask("POST", f"runs/{first['id']}/repair", {}).status == 409
    assert rest.ask("POST", f"runs/{first['id']}/repair-notebook", {}).status == 409


def test_two_runs_are_compared(rest: Server) -> None:
    rest.write("compare.ipynb", *THREE)
    one = rest.over(rest.post("runs", {"notebook": "compare.ipynb", "parameters": {"n": 3}})["id"])
    rest.write("compare.ipynb", *THREE[:3], ("print('the score is', score)", "step:show"))
    two = rest.over(rest.post("runs", {"notebook": "compare.ipynb", "parameters": {"n": 5}})["id"])
    told = rest.get(f"runs/{one['id']}/comparison/{two['id']}")
    assert told["parameters"] == [{"name": "n", "first": 3, "second": 5, "differs": True}]
    assert told["metrics"] == [{"name": "score", "first": 3, "second": 10, "differs": True}]
    changed = {cell["step"]: cell for cell in told["cells"]}
    assert "+print('the score is', score)" in changed["show"]["source"]
    assert changed["load"]["source"] == ""
    assert changed["load"]["outputs"] == ["loaded 3\n", "loaded 5\n"]


def verdict_of(rest: Server, run_id: str) -> dict[str, Any]:
    made = rest.post(f"runs/{run_id}/reproduction", {}, 201)
    assert made["trigger"] == "reproduce"
    rest.over(made["id"])
    told = rest.get(f"runs/{run_id}/reproduction")
    assert told["run"]["id"] == told["verdict"]["run"] == made["id"]
    assert rest.get(f"runs/{run_id}")["verdict"]["state"] == told["verdict"]["state"]
    verdict: dict[str, Any] = told["verdict"]
    return verdict


def test_a_run_is_reproduced_or_the_first_cell_that_differs_is_told(rest: Server) -> None:
    rest.write("again/same.ipynb", *THREE)
    rest.write("again/odd.ipynb", ("x = 1", "step:one"), ("import os; print(os.urandom(8).hex())", "step:two"))
    same, odd = (rest.over(rest.post("runs", {"notebook": f"again/{n}.ipynb"})["id"]) for n in ("same", "odd"))
    assert rest.get(f"runs/{same['id']}/reproduction") == {"run": None, "verdict": None}
    assert verdict_of(rest, same["id"])["state"] == "reproduced"
    verdict = verdict_of(rest, odd["id"])
    assert (verdict["state"], verdict["difference"]["cell"], verdict["difference"]["step"]) == ("differs", 1, "two")
    assert verdict["difference"]["before"] != verdict["difference"]["after"]


def test_what_changed_since_the_last_good_run(rest: Server) -> None:
    rest.write("suspect.ipynb", ("n = 2", "parameters"), ("ratio = 1 / n", "step:a"))
    good = rest.over(rest.post("runs", {"notebook": "suspect.ipynb"})["id"])
    refused = rest.ask("GET", f"runs/{good['id']}/suspects")
    assert (refused.status, refused.json["reason"]) == (422, "BadInput")
    rest.write("suspect.ipynb", ("n = 2", "parameters"), ("ratio = 2 / n", "step:a"))
    bad = rest.over(rest.post("runs", {"notebook": "suspect.ipynb", "parameters": {"n": 0}})["id"])
    told = rest.get(f"runs/{bad['id']}/suspects")
    assert (told["run"], told["good"]) == (bad["id"], good["id"])
    assert [one["section"] for one in told["suspects"]][:2] == ["code", "pipeline"]
    assert "+ratio = 2 / n" in told["suspects"][0]["diff"]
    refused = rest.ask("POST", f"runs/{bad['id']}/reproduction", {})
    assert (refused.status, refused.json["reason"]) == (422, "BadInput")


def test_runs_go_with_a_notebook_that_is_renamed(rest: Server) -> None:
    rest.write("folder/before.ipynb", *THREE)
    run = rest.over(rest.post("runs", {"notebook": "folder/before.ipynb"})["id"])

    def rename(old: str, new: str) -> None:
        request = urllib.request.Request(
            f"{rest.url}/api/contents/{old}", json.dumps({"path": new}).encode(),
            {"Authorization": f"token {TOKEN}"}, method="PATCH",
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == 200

    def found(path: str) -> list[str]:
        return [one["id"] for one in rest.get("runs", notebook=path)["runs"]]

    rename("folder/before.ipynb", "folder/after.ipynb")
    until(lambda: found("folder/after.ipynb") == [run["id"]])
    assert found("folder/before.ipynb") == []
    rename("folder", "elsewhere")
    until(lambda: found("elsewhere/after.ipynb") == [run["id"]])
    assert rest.get(f"runs/{run['id']}")["notebook"] == "elsewhere/after.ipynb"
