"""The verdict on each cell of an engine's run."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_mlops.export.provers.comparison import ReferenceCell, compare
from jupyter_mlops.export.provers.prover import EngineRun

SPAN = {"start_time": "2026-11-27T09:00:00+00:00", "end_time": "2026-11-27T09:01:00+00:00"}
TIMES = {"run_all": SPAN, "repeated": SPAN, "engine": SPAN}


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def value(text: str, **data: str) -> dict[str, Any]:
    return {"output_type": "execute_result", "data": {"text/plain": text, **data}, "metadata": {}}


CASES = (
    ("equal", [stream("1\n")], [stream("1\n")], [stream("1\n")], False, "equal", ""),
    ("another number", [stream("1\n")], [stream("1\n")], [stream("2\n")], False, "different", "text on stdout"),
    ("no output", [value("1")], [value("1")], [], False, "different", "number of outputs"),
    ("did not run", [value("1")], [value("1")], None, False, "different", "did not run"),
    ("nothing to show", [], [], [], False, "equal", ""),
    ("not repeated by Run All", [stream("1")], [stream("2")], [stream("3")], False, "not compared", "each time"),
    ("addresses", [value("<A at 0x7f00aa>")], [value("<A at 0x7f00ab>")], [value("<A at 0x7f00ac>")], False,
     "equal", ""),
    ("times of the run", [value("1795770005")], [value("1795770006")], [value("1795770007")], False, "equal", ""),
    ("stream in pieces", [stream("a"), stream("b")], [stream("ab")], [stream("ab")], False, "equal", ""),
    ("values as texts", [stream("a\n"), value("1", **{"text/html": "<b>"})], [stream("a\n"), value("1")],
     [stream("a\n1\n")], True, "equal", ""),
    ("another value as text", [value("1")], [value("1")], [stream("2\n")], True, "different", "text on stdout"),
    ("stderr is not compared as text", [stream("w", "stderr")], [stream("w", "stderr")], [], True, "equal", ""),
    ("html counts where an engine has it", [value("1", **{"text/html": "<b>"})], [value("1", **{"text/html": "<b>"})],
     [value("1")], False, "different", "forms"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("first", "second", "engine", "text_only", "verdict", "reason"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_verdicts(
    first: list[Any], second: list[Any], engine: list[Any] | None, text_only: bool, verdict: str, reason: str
) -> None:
    run = EngineRun({} if engine is None else {0: engine}, text_only=text_only)
    [comparison] = compare([ReferenceCell(4, "load", first, second)], run, TIMES)
    assert comparison.verdict == verdict
    assert reason in comparison.reason
    assert comparison.to_dict()["cell"] == 5
    assert ("engine" in comparison.to_dict()) is (verdict == "different")
