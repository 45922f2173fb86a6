"""The OpenAPI document, and what every operation in it promises."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.server.openapi import document, operations
from jupyter_mlops.server.operation import MAX_BODY_BYTES
from jupyter_mlops.server.routes import ROUTES
from tests.servers import Server, server

pytestmark = pytest.mark.xdist_group("rest")
ROOT = Path(__file__).parent.parent.parent
ALL = [(path, verb, known) for path, handler in ROUTES for verb, known in operations(handler).items()]


def each(chosen: list[Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("path", "verb", "known"), chosen, ids=[f"{v} {p}" for p, v, _ in chosen])


EACH = each(ALL)
NAMING = each([one for one in ALL if "{" in one[0]])
WITH_BODY = each([one for one in ALL if one[2].body is not None])


def concrete(path: str, part: str = "nothing-like-this") -> str:
    """A path below /mlops with something in its holes."""
    return re.sub(r"\{number\}", "999999", re.sub(r"\{(?!number)\w+\}", part, path)).removeprefix("/mlops/")


def test_the_one_in_labextension_is_this_one() -> None:
    """TypeScript's types are made of it."""
    written = json.loads((ROOT / "labextension" / "openapi.json").read_text(encoding="utf-8"))
    assert written == json.loads(json.dumps(document())), (
        "python -m jupyter_mlops.server.openapi labextension/openapi.json"
    )


def test_it_is_served(rest: Server) -> None:
    served = rest.get("openapi.json")
    assert served["openapi"].startswith("3.1")
    assert served["paths"] == json.loads(json.dumps(document()["paths"]))


def references(told: Any) -> Iterator[str]:
    if isinstance(told, dict):
        if isinstance(told.get("$ref"), str):
            yield told["$ref"]
        for value in told.values():
            yield from references(value)
    elif isinstance(told, list):
        for value in told:
            yield from references(value)


def test_what_it_refers_to_is_there() -> None:
    schemas = document()["components"]["schemas"]
    found = set(references(document()))
    assert found
    assert {name.removeprefix("#/components/schemas/") for name in found} <= set(schemas)


def test_every_verb_is_declared_by_its_own_handler_with_its_own_resource() -> None:
    for path, handler in ROUTES:
        assert re.fullmatch(r"mlops:[a-z]+", vars(handler)["auth_resource"]), path
        for verb in operations(handler):
            assert verb in vars(handler), f"{verb} {path} is inherited"


@EACH
def test_without_a_token_nothing_is_told(rest: Server, path: str, verb: str, known: Any) -> None:
    for token in ("", "wrong"):
        answer = rest.ask(verb.upper(), concrete(path), {}, token=token)
        assert answer.status == 403
        assert set(answer.json) == {"message", "reason", "field", "remedy"}


@NAMING
def test_what_is_not_there_is_not_found(rest: Server, path: str, verb: str, known: Any) -> None:
    wanted = {
        "PublishCreate": {"notebook": "nothing.ipynb"}, "AliasUpdate": {"version": "v1"},
        "BackfillCreate": {"begin": "2026-01-01", "end": "2026-01-02"}, "SweepCreate": {"axes": {"a": [1]}},
        "ScheduleUpdate": {"paused": True}, "DeployCreate": {"target": "airflow", "place": "/tmp"},
        "ExportCreate": {"target": "airflow"}, "GateCreate": {"expression": "accuracy > 0"},
        "PromotionCreate": {"version": "v1"}, "LabelsCreate": {"rows": [{"id": 1, "label": 1}]},
    }  # fmt: skip
    body = wanted.get(known.body.__name__, {}) if known.body else None
    query = {"ChangesQuery": "?notebook=nothing.ipynb", "DiffQuery": "?old=v1"}
    more = query.get(known.query.__name__, "") if known.query else ""
    answer = rest.ask(verb.upper(), concrete(path) + more, body)
    assert answer.status == 404, answer.body
    assert answer.json["message"]


@pytest.mark.parametrize(
    ("verb", "path", "body"),
    [
        ("GET", "schedules?job=none", None),
        ("POST", "schedules", {"job": "none", "cron": "daily"}),
        ("POST", "runs", {"job": "none"}),
        ("GET", "deployments?job=none", None),
        ("POST", "runs", {"notebook": "none.ipynb"}),
        ("POST", "export", {"notebook": "none.ipynb", "target": "airflow"}),
    ],
)
def test_a_job_or_notebook_that_a_request_names_may_not_be_there(
    rest: Server, verb: str, path: str, body: dict[str, str] | None
) -> None:
    assert rest.ask(verb, path, body).status == 404
    told = document()["paths"][f"/mlops/{path.partition('?')[0]}"][verb.lower()]
    assert "404" in told["responses"]


@WITH_BODY
def test_a_body_has_to_be_what_it_says(rest: Server, path: str, verb: str, known: Any) -> None:
    malformed = rest.ask(verb.upper(), concrete(path), raw=b'{"a": ')
    assert (malformed.status, malformed.json["message"]) == (400, "the request is not JSON")
    for body in ([], 3, "text", {"no such field": 1}):
        answer = rest.ask(verb.upper(), concrete(path), body)
        assert answer.status == 422, answer.body
        assert answer.json["reason"]
    for name, field in known.body.model_fields.items():
        answer = rest.ask(
            verb.upper(), concrete(path), {name: {"an": ["object"]} if "dict" not in str(field.annotation) else 7}
        )
        assert answer.status == 422, (name, answer.body)


def test_what_is_huge_is_refused(rest: Server) -> None:
    """One route stands for all: they share the check."""
    answer = rest.ask("POST", "runs", raw=b" " * (MAX_BODY_BYTES + 1))
    assert answer.status == 413
    assert "64 MB" in answer.json["message"]


@pytest.mark.parametrize("verb", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_paths_that_lead_nowhere(rest: Server, verb: str) -> None:
    answer = rest.ask(verb, "no/such/thing")
    assert (answer.status, answer.json["message"]) == (404, "there is nothing at /mlops/no/such/thing")
    assert rest.ask(verb, "no/such/thing", token="").status == 403


@pytest.mark.parametrize("part", ["..%2F..%2Fetc%2Fpasswd", "%2e%2e", "a%00b", "%F0%9F%98%80", "x" * 3000, "';drop--"])
def test_odd_names_are_only_names(rest: Server, part: str) -> None:
    for path in ("runs/{}", "runs/{}/log", "runs/{}/notebook", "runs/{}/report", "jobs/{}", "jobs/{}/versions"):
        assert rest.ask("GET", path.format(part)).status in (404, 400, 422), path


@pytest.mark.parametrize("path", ["../secret.ipynb", "/etc/passwd", "a/../../b.ipynb", "no.ipynb", "plain.txt"])
def test_notebooks_outside_are_not_found(rest: Server, path: str) -> None:
    (rest.root.parent / "secret.ipynb").write_text("{}", encoding="utf-8")
    assert rest.ask("POST", "runs", {"notebook": path}).status == 404
    assert rest.ask("POST", "jobs/x/versions", {"notebook": path}).status == 404


DENYING = """
from jupyter_server.auth import Authorizer

class Denying(Authorizer):
    def is_authorized(self, handler, user, action, resource):
        with open({log!r}, "a") as stream:
            print(action, resource, file=stream)
        return resource == "mlops:document"

c.ServerApp.authorizer_class = Denying
"""


def test_an_authorizer_is_asked_for_every_verb_by_its_resource(tmp_path: Path) -> None:
    log = tmp_path / "asked"
    with server(tmp_path, config=DENYING.format(log=str(log))) as denying:
        log.write_text("", encoding="utf-8")
        actions = {"get": "read", "post": "write", "put": "write", "patch": "write", "delete": "write"}
        wanted = []
        for path, handler in ROUTES:
            for verb in operations(handler):
                answer = denying.ask(verb.upper(), concrete(path), {})
                assert answer.status == (200 if handler.auth_resource == "mlops:document" else 403), (verb, path)
                wanted.append(f"{actions[verb]} {handler.auth_resource}")
        assert log.read_text(encoding="utf-8").splitlines() == wanted
