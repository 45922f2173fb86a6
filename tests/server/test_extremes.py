"""What no client should send is refused with a message; the server has no defect to tell of."""

from __future__ import annotations

import json
import urllib.parse
from typing import Any

import pytest

from tests.servers import Server

LONG = "x" * 4000
BEYOND = (17848851804324, 1 << 62, (1 << 63) - 1)


@pytest.fixture(scope="module")
def run_id(rest: Server) -> str:
    made = rest.post("runs", {"notebook": rest.write("extremes.ipynb", "print(1)")})
    return str(rest.over(made["id"])["id"])


@pytest.mark.parametrize("offset", BEYOND)
def test_a_log_has_nothing_beyond_its_end(rest: Server, run_id: str, offset: int) -> None:
    assert rest.get(f"runs/{run_id}/log", offset=offset) == {"records": [], "text": "", "next": offset, "over": True}


@pytest.mark.parametrize("path", [f"log?offset={1 << 63}", "log?offset=-1", "log?offset=x", "log?offset=1&nothing=2"])
def test_what_is_no_offset_is_refused(rest: Server, run_id: str, path: str) -> None:
    assert rest.ask("GET", f"runs/{run_id}/{path}").status == 422


@pytest.mark.parametrize("name", ["batch", "schedule"])
def test_a_number_that_no_database_holds_is_refused(rest: Server, name: str) -> None:
    assert rest.ask("GET", f"runs?{name}={1 << 63}").status == 422


@pytest.mark.parametrize("path", [f"{LONG}.ipynb", f"{LONG}/n.ipynb", "a\0b.ipynb"], ids=["name", "folder", "nul"])
@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("runs", {"notebook": "PATH"}),
        ("pipelines", {"cells": [], "path": "PATH"}),
        ("demo", {"folder": "PATH"}),
        ("jobs/j/versions", {"notebook": "PATH"}),
    ],
)
def test_a_path_that_no_file_has_is_no_defect(rest: Server, verb: str, body: dict[str, Any], path: str) -> None:
    sent = {key: path if value == "PATH" else value for key, value in body.items()}
    found = rest.ask("POST", verb, sent)
    assert found.status in ((200, 422) if verb == "pipelines" else (400, 404, 422)), found.body
    if found.status != 200:
        assert found.json["message"]


@pytest.mark.parametrize("name", [LONG, "a\0b", "..", "a/b", "\n"])
def test_a_job_or_a_run_of_an_impossible_name_is_not_there(rest: Server, name: str) -> None:
    quoted = urllib.parse.quote(name, safe="")
    for path in (f"jobs/{quoted}", f"runs/{quoted}", f"runs/{quoted}/log"):
        assert rest.ask("GET", path).status in (400, 404, 422)


@pytest.mark.parametrize("raw", [b"[" * 100_000, b"{", b"\xff", b'{"folder": "\\ud800"}', b"null", b'"text"'])
def test_a_body_that_is_none_is_refused(rest: Server, raw: bytes) -> None:
    assert rest.ask("POST", "demo", raw=raw).status in (400, 422)


DEEP = {
    "signs": "x = " + "-" * 20_000 + "1",
    "sum": "x = " + "1 + " * 20_000 + "1",
    "chain": "a" + ".b(1)" * 5_000,
    "lambdas": "f = " + "lambda: " * 2_000 + "1",
    "branches": "if a: b\n" + "elif a: b\n" * 2_000,
    "comprehensions": "x = " + "[y for y in " * 60 + "z" + "]" * 60,
    "digits": "x = 0x" + "f" * 10_000,
    "digits of a parameter": "x = [\n0x" + "f" * 10_000 + "]",
    "digits of an index": "df[0x" + "f" * 10_000 + "].b.c()",
    "a null byte": "x = 1\0",
    "a lone surrogate": "x = '\ud800'",
}


@pytest.mark.parametrize("source", DEEP.values(), ids=DEEP.keys())
@pytest.mark.parametrize("tags", [["parameters"], ["step:a"], []], ids=["parameters", "step", "none"])
def test_code_that_nobody_writes_is_no_defect(rest: Server, source: str, tags: list[str]) -> None:
    cells = [{"cell_type": "code", "source": source, "metadata": {"tags": tags}}]
    for verb in ("pipelines", "suggestions"):
        raw = json.dumps({"cells": cells}).encode()
        assert rest.ask("POST", verb, raw=raw).status in (200, 400, 422), verb
