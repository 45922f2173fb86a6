"""Whether a run on an engine shows what Run All shows, cell by cell. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from jupyter_mlops.export.provers.prover import EngineRun
from jupyter_mlops.notebook.output import text_of
from jupyter_mlops.versions.compare import first_difference

CellVerdict = Literal["equal", "different", "not compared"]
Outputs = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class ReferenceCell:
    """A code cell as Run All shows it, twice.

    :param index: position in the notebook.
    :param step: its step, "" for a cell of none.
    """

    index: int
    step: str
    outputs: Outputs
    repeated_outputs: Outputs


@dataclass(frozen=True)
class Comparison:
    """A cell of an engine's run against Run All's.

    :param reason: why it differs, or was not compared.
    """

    index: int
    step: str
    verdict: CellVerdict
    reason: str = ""
    before: str = ""
    after: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For JSON; cells count from 1, as people count them."""
        facts: dict[str, Any] = {"cell": self.index + 1, "step": self.step, "verdict": self.verdict}
        facts |= {"reason": self.reason} if self.reason else {}
        return facts | ({"run_all": self.before, "engine": self.after} if self.verdict == "different" else {})


def compare(
    reference: Sequence[ReferenceCell], run: EngineRun, times: Mapping[str, Mapping[str, str]]
) -> list[Comparison]:
    """The verdict on each cell.

    :param times: `run_all`, `repeated` and `engine` -> `start_time` and `end_time`, ISO 8601: numbers in outputs that
        are moments of that time are times, and don't count.
    """
    comparisons = []
    for place, cell in enumerate(reference):
        outputs = [cell.outputs, cell.repeated_outputs, run.outputs.get(place, [])]
        if run.text_only:
            outputs = [_text(o) for o in outputs]
        first, repeated, engine = (
            _notebook(o, times[name]) for o, name in zip(outputs, ("run_all", "repeated", "engine"), strict=True)
        )
        if first_difference(first, repeated) is not None:
            reason = "Run All itself shows something else each time"
            comparisons.append(Comparison(cell.index, cell.step, "not compared", reason))
        elif place not in run.outputs:
            comparisons.append(Comparison(cell.index, cell.step, "different", "the cell did not run"))
        elif (difference := first_difference(first, engine)) is not None:
            comparisons.append(
                Comparison(cell.index, cell.step, "different", difference.aspect, difference.before, difference.after)
            )
        else:
            comparisons.append(Comparison(cell.index, cell.step, "equal"))
    return comparisons


def _text(outputs: Outputs) -> Outputs:
    """What a plain interpreter can show of outputs: the text on stdout, and values by their plain texts."""
    visible = [o for o in outputs if o.get("output_type") != "error" and o.get("name") != "stderr"]
    text = "".join(text_of(output) for output in visible)
    return [{"output_type": "stream", "name": "stdout", "text": text}] if text else []


def _notebook(outputs: Outputs, times: Mapping[str, str]) -> dict[str, Any]:
    cell = {"cell_type": "code", "metadata": {}, "outputs": list(outputs)}
    return {"metadata": {"papermill": dict(times)}, "cells": [cell]}
