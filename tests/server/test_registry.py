"""Aliases, gates, promotions and rollback over REST."""

from __future__ import annotations

import json
import urllib.parse
from pathlib import Path
from typing import Any

import pytest

from tests.servers import Server, server

pytestmark = [pytest.mark.xdist_group("rest"), pytest.mark.kernel]
CELLS = (("n: int = 1", "parameters"), ("accuracy = n / 10; print(accuracy)", "step:fit metrics"))


@pytest.fixture(scope="module")
def job(rest: Server) -> str:
    rest.write("reg/reg.ipynb", *CELLS)
    assert rest.post("jobs/reg/versions", {"notebook": "reg/reg.ipynb"}, 201)["version"] == "v1"
    rest.write("reg/reg.ipynb", CELLS[0], ("accuracy = n / 5; print(accuracy)", "step:fit metrics"))
    assert rest.post("jobs/reg/versions", {"notebook": "reg/reg.ipynb"}, 201)["version"] == "v2"
    for version in ("v1", "v2"):
        run = rest.over(rest.post("runs", {"job": f"reg@{version}", "parameters": {"n": "4"}}, 201)["id"])
        assert run["state"] == "completed"
    return "reg"


def test_a_promotion_and_its_rollback(rest: Server, job: str) -> None:
    gate = rest.post(f"jobs/{job}/gates", {"expression": "accuracy >= 0.5"}, 201)
    assert (gate["number"], gate["stage"], gate["notes"]) == (1, "production", [])
    assert [g["expression"] for g in rest.get(f"jobs/{job}/gates", stage="production")["gates"]] == ["accuracy >= 0.5"]
    assert rest.get(f"jobs/{job}/gates", stage="staging")["gates"] == []
    told = rest.get(f"jobs/{job}/gates/check", version="v1")
    assert (told["state"], told["gates"][0]["values"]) == ("failed", {"accuracy": 0.4})
    refused = rest.ask("POST", f"jobs/{job}/promotions", {"version": "v1"})
    assert (refused.status, refused.json["reason"]) == (409, "GateNotPassed")
    assert "accuracy >= 0.5 (0.4 >= 0.5 is false)" in refused.json["message"]
    assert "right" not in refused.json["message"]
    first = rest.post(
        f"jobs/{job}/promotions", {"version": "v1", "override": True, "reason": "first", "expected": 0}, 201
    )
    assert (first["change"]["overridden"], first["change"]["gates"][0]["state"]) == (True, "failed")
    stale = rest.ask("POST", f"jobs/{job}/promotions", {"version": "v2", "expected": 0})
    assert (stale.status, "changed production to v1 first" in stale.json["message"]) == (409, True)
    second = rest.post(f"jobs/{job}/promotions", {"version": "v2", "reason": "better", "expected": 1}, 201)
    assert (second["change"]["version"], second["change"]["previous"]) == ("v2", "v1")
    challenge = rest.get(f"jobs/{job}/challenge", candidate="v2", champion="v1")
    assert challenge["pairs"][0]["metrics"][0]["difference"] == 0.4
    [staging, production] = rest.get(f"jobs/{job}/stages")["stages"]
    assert (staging["number"], production["number"], production["gates"], production["rollback_to"]) == (0, 2, 1, "v1")
    assert (rest.ask("PUT", f"jobs/{job}/aliases/production", {"version": "v1"})).status == 409
    back = rest.post(f"jobs/{job}/rollback", {"reason": "slow", "expected": 2}, 201)
    assert (back["change"]["version"], back["change"]["undoes"], back["undone"]["version"]) == ("v1", 2, "v2")
    assert rest.ask("POST", f"jobs/{job}/rollback", {"expected": 2}).status == 409
    changes = rest.get(f"jobs/{job}/aliases/history", alias="production")["changes"]
    assert [(c["number"], c["action"], c["version"], c["reason"]) for c in changes] == [
        (3, "rollback", "v1", "slow"), (2, "promote", "v2", "better"), (1, "promote", "v1", "first"),
    ]  # fmt: skip
    assert all(c["author"] for c in changes)
    past = rest.get(f"jobs/{job}/versions", at="2020-01-01")
    assert (past["versions"], past["aliases"]) == ([], [])
    now = rest.get(f"jobs/{job}/versions", at="2999-01-01T00:00+02:00")
    assert [(v["version"], v["aliases"]) for v in now["versions"]] == [("v2", []), ("v1", ["production"])]
    assert (now["aliases"][0]["version"], now["at_text"]) == ("v1", "2999-01-01 00:00:00+02:00")
    found = rest.get("aliases/production")["versions"]
    assert [(e["version"], e["metrics"]) for e in found if e["job"] == job] == [("v1", {"accuracy": 0.4})]
    assert rest.ask("DELETE", f"jobs/{job}/gates/1").status == 204
    removed = rest.ask("DELETE", f"jobs/{job}/aliases/production?reason=retired")
    assert (removed.status, removed.json["version"], removed.json["reason"]) == (200, None, "retired")


@pytest.mark.parametrize(
    ("verb", "path", "body", "status", "message"),
    [
        ("POST", "promotions", {"version": "v9"}, 404, "no version v9"),
        ("POST", "promotions", {"version": "v1", "to": "prod"}, 404, "'prod' is not a stage"),
        ("POST", "promotions", {"version": "v1", "override": True}, 422, "needs a reason"),
        ("POST", "promotions", {"version": "v1", "override": True, "reason": " "}, 422, "needs a reason"),
        ("POST", "promotions", {"version": "v1", "expected": -1}, 422, "expected"),
        ("POST", "promotions", {"version": "v1", "expected": 2**70}, 422, "expected"),
        ("POST", "promotions", {"version": "v1", "reason": "x" * 10_001}, 422, "reason"),
        ("POST", "promotions", {"version": "v1", "run": "nothing"}, 404, "nothing"),
        ("POST", "promotions", {"version": ""}, 422, "version"),
        ("POST", "rollback", {"to": "nowhere"}, 404, "'nowhere' is not a stage"),
        ("POST", "rollback", {"to": "staging"}, 404, "no version was ever at staging"),
        ("POST", "gates", {"expression": ""}, 422, "column 1: the gate is empty"),
        ("POST", "gates", {"expression": "a" * 4000}, 422, "at most 1000 characters, this one has 4000"),
        ("POST", "gates", {"expression": "a" * 10_001}, 422, "expression"),
        ("POST", "gates", {"expression": "a > 1; drop table gate"}, 422, "column 6"),
        ("POST", "gates", {"expression": "__import__('os') > 1"}, 422, "no function"),
        ("POST", "gates", {"expression": "\u202e\U0001f389 > 1"}, 422, "column 1"),
        ("POST", "gates", {"expression": "\ud800 > 1"}, 400, "not JSON"),
        ("POST", "promotions", {"version": "v1", "to": "staging", "reason": "a\0b"}, 422, "not text"),
        ("POST", "gates", {"expression": "accuracy > 1", "stage": "nowhere"}, 404, "is not a stage"),
        ("GET", "gates/check?version=v9", None, 404, "no version v9"),
        ("GET", "gates/check?to=nowhere", None, 404, "is not a stage"),
        ("GET", "gates/check?odd=1", None, 422, "odd"),
        ("GET", "aliases/history?alias=never", None, 404, "never had an alias 'never'"),
        ("GET", "versions?at=yesterday", None, 422, "not a date or a time"),
        ("GET", "versions?at=" + "9" * 41, None, 422, "at"),
        ("GET", "challenge?candidate=v9", None, 404, "no version v9"),
        ("DELETE", "gates/999", None, 404, "no gate 999"),
        ("DELETE", "gates/x", None, 404, "no gate x"),
        ("DELETE", "gates/%C2%B2", None, 404, "no gate"),
        ("DELETE", "aliases/never", None, 404, "no alias 'never'"),
        ("PUT", "aliases/v2", {"version": "v1"}, 422, "cannot be an alias"),
        ("PUT", "aliases/x", {"version": "v1", "reason": "x" * 10_001}, 422, "reason"),
    ],
)  # fmt: skip
def test_bad_input(rest: Server, job: str, verb: str, path: str, body: Any, status: int, message: str) -> None:
    answer = rest.ask(verb, f"jobs/{job}/{path}", body)
    assert answer.status == status, answer.body
    assert message in answer.json["message"], answer.json


def test_an_error_in_a_gate_has_a_caret(rest: Server, job: str) -> None:
    answer = rest.ask("POST", f"jobs/{job}/gates", {"expression": "accuracy = 0.9"})
    assert answer.json["remedy"].split("\n")[:2] == ["accuracy = 0.9", "           ^"]
    assert answer.json["field"] == "expression"


@pytest.mark.parametrize("text", ["'; drop table alias_change; --", "$(touch /tmp/x)", "a\nb\t\x01", "ünï 🎉 \u202e"])
def test_hostile_reasons_are_only_texts(rest: Server, job: str, text: str) -> None:
    alias = f"a{abs(hash(text))}"
    rest.ask("PUT", f"jobs/{job}/aliases/{alias}", {"version": "v1", "reason": text})
    [change] = rest.get(f"jobs/{job}/aliases/history", alias=alias)["changes"]
    assert change["reason"] == text
    removed = rest.ask("DELETE", f"jobs/{job}/aliases/{alias}?{urllib.parse.urlencode({'reason': text})}")
    assert removed.json["reason"] == text


RIGHTS = """
from jupyter_server.auth import Authorizer, IdentityProvider, User

class Names(IdentityProvider):
    async def get_user(self, handler):
        user = await super().get_user(handler)
        return user and User("ada", "Ada Lovelace")

class Rights(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        return resource not in {denied!r}

c.ServerApp.identity_provider_class = Names
c.ServerApp.authorizer_class = Rights
"""


def test_rights_to_promote_to_override_and_to_change_the_rules(tmp_path: Path) -> None:
    """mlflow/mlflow#7762"""
    for denied in (["mlops:promotions"], ["mlops:overrides"]):
        folder = tmp_path / denied[0].replace(":", "-")
        folder.mkdir()
        with server(folder, config=RIGHTS.format(denied=denied)) as rest:
            rest.write("a.ipynb", *CELLS)
            rest.post("jobs/a/versions", {"notebook": "a.ipynb"}, 201)
            rest.post("jobs/a/gates", {"expression": "accuracy > 1"}, 201)
            may_promote = denied == ["mlops:overrides"]
            rules = rest.ask("PATCH", "jobs/a", {"policies": {"protected": ["production"]}})
            assert rules.status == (200 if may_promote else 403)
            assert rest.ask("PATCH", "jobs/a", {"policies": {"retries": 1}}).status == 200
            override = {"version": "v1", "override": True, "reason": "mine"}
            assert rest.ask("POST", "jobs/a/promotions", override).status == 403
            assert rest.ask("POST", "jobs/a/promotions", {"version": "v1"}).status == (409 if may_promote else 403)
            assert rest.ask("PUT", "jobs/a/aliases/production", {"version": "v1"}).status == 409
            assert (
                "mlops:overrides" in json.dumps(rest.ask("POST", "jobs/a/promotions", override).json) or not may_promote
            )
            assert rest.ask("POST", "jobs/a/rollback", {}).status == (404 if may_promote else 403)
            told = rest.ask("PUT", "jobs/a/aliases/staging", {"version": "v1"}).json
            assert told["change"]["author"] == "ada"
