"""What may still run below a failed block."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_mlops.execution import below
from jupyter_mlops.execution.block_profile import BlockProfile
from tests.execution.blocks import artifact, block, line, result

MAY_ACT: dict[str, tuple[str, BlockProfile | None, dict[str, Any], str]] = {
    "it computes": ("y = 2", None, {}, ""),
    "it writes": ("open('a.csv', 'w')", None, {}, "writes a.csv"),
    "it asks the network": ("import requests\nrequests.post(u)", None, {}, "network: requests.post"),
    "it tells a module something": ("lib.configure(debug=True)", None, {}, "may change lib"),
    "it wrote in an earlier run": ("go()", BlockProfile(writes=frozenset({"/w/a"})), {}, "acted in an earlier run"),
    "it appended in an earlier run": ("go()", BlockProfile(other_writes=True), {}, "acted in an earlier run"),
    "it connected in an earlier run": ("go()", BlockProfile(outside=True), {}, "acted in an earlier run"),
    "it read what is missing": ("go()", BlockProfile(reads=frozenset({"/w/missing"})), {}, "reads /w/missing"),
    "it read what is there": ("go()", BlockProfile(reads=frozenset({"/w/other"})), {}, ""),
    "it reaches an open file": ("f.flush()", None, {"groups": {"f": artifact("f", live="a file")}}, "`f` may hold"),
    "others hold an open file": ("g()", None, {"groups": {"f": artifact("f", live="a file")}}, ""),
    "a thread runs": ("y = 2", None, {"stuck": {"threads": "a running thread"}}, "a running thread"),
    "a figure is open": ("y = 2", None, {"stuck": {"figures": "an open figure"}}, ""),
}


@pytest.mark.parametrize(("source", "learned", "facts", "expected"), MAY_ACT.values(), ids=MAY_ACT.keys())
def test_may_act(source: str, learned: BlockProfile | None, facts: dict[str, Any], expected: str) -> None:
    why = below.may_act(block(source), learned, line(**facts), {"/w/missing"})
    assert why.startswith(expected) if expected else why == ""


ACTED: dict[str, tuple[dict[str, Any], str]] = {
    "it computed": ({"read": {"/w/other": [1, 1, 1]}}, ""),
    "it was denied": ({"denied": ["writes a"]}, "writes a"),
    "it wrote": ({"written": {"/w/a": "w"}}, "/w/a"),
    "it connected": ({"outside": ["network: socket.connect"]}, "network: socket.connect"),
    "it read what is missing": ({"read": {"/w/missing": [1, 1, 1]}}, "reads /w/missing"),
    "it left a thread": ({"stuck": {"threads": "a running thread"}}, "a running thread"),
    "it left a figure": ({"stuck": {"figures": "an open figure"}}, ""),
}


@pytest.mark.parametrize(("facts", "expected"), ACTED.values(), ids=ACTED.keys())
def test_acted(facts: dict[str, Any], expected: str) -> None:
    assert below.acted(result(**facts), {"/w/missing"}) == expected
