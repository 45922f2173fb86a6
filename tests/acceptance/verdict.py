"""What became of one public notebook: whether the pipeline shows what Run All shows, and which steps it keeps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from jupyter_mlops.versions.compare import first_difference

UNKNOWN = "no reason given"
Notebook = Mapping[str, Any]


@dataclass(frozen=True)
class Fault:
    """A cell that shows something else than Run All does.

    :param way: the run it was seen in: "first" or "again".
    :param cell: its place among the code cells, from 0; -1 if the numbers of code cells differ.
    """

    way: str
    cell: int
    step: str
    what: str
    before: str
    after: str


@dataclass(frozen=True)
class Verdict:
    """What became of one notebook.

    :param state: "equal", "different", "refused" or "left out".
    :param reason: why it was refused or left out.
    :param repeated: the steps whose cells Run All itself shows alike each time.
    :param kept: those of them that the second run took from the cache.
    :param unkept: a reason for each repeated step that was not cached.
    :param seconds: wall time of whole processes: "run all", "first", "again", "alone" (one job, no cache).
    """

    name: str
    state: str
    reason: str = ""
    faults: tuple[Fault, ...] = ()
    cells: int = 0
    volatile: tuple[int, ...] = ()
    steps: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    unkept: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Verdict:
        """The verdict that `to_dict` wrote, read from JSON."""
        lists = {name: tuple(facts[name]) for name in ("volatile", "steps", "repeated", "kept")}
        return cls(**{**facts, **lists, "faults": tuple(Fault(**fault) for fault in facts["faults"])})


def code_cells(nb: Notebook) -> list[Mapping[str, Any]]:
    """The code cells, without the one that papermill puts in front of a failed notebook."""
    cells = [cell for cell in nb["cells"] if cell["cell_type"] == "code"]
    return [cell for cell in cells if "papermill-error-cell-tag" not in cell.get("metadata", {}).get("tags", ())]


def faults(expected: Notebook, shown: Notebook, way: str) -> list[Fault]:
    """Each code cell that differs, as `reproduce` compares, and each that has another execution count."""
    left, right = code_cells(expected), code_cells(shown)
    if len(left) != len(right):
        return [Fault(way, -1, "", "number of code cells", str(len(left)), str(len(right)))]
    found = []
    for at, (one, two) in enumerate(zip(left, right, strict=True)):
        step = step_of(two)
        differ = first_difference({**expected, "cells": [one]}, {**shown, "cells": [two]})
        if differ is not None:
            found.append(Fault(way, at, step, differ.aspect, differ.before, differ.after))
        elif one.get("execution_count") != two.get("execution_count"):
            counts = str(one.get("execution_count")), str(two.get("execution_count"))
            found.append(Fault(way, at, step, "execution count", *counts))
    return found


def step_of(cell: Mapping[str, Any]) -> str:
    """The step that a cell of an executed pipeline belongs to; "" for cells of none."""
    return str(cell.get("metadata", {}).get("jupyter_mlops_run", {}).get("step", ""))


def stable(seen: Iterable[Fault], volatile: Iterable[int]) -> list[Fault]:
    """The faults in cells that Run All shows alike each time."""
    apart = set(volatile)
    return [fault for fault in seen if fault.cell not in apart]


def repeated_steps(shown: Notebook, volatile: Iterable[int]) -> set[str]:
    """The steps all of whose cells Run All shows alike each time."""
    apart = set(volatile)
    steps: dict[str, bool] = {}
    for at, cell in enumerate(code_cells(shown)):
        if name := step_of(cell):
            steps[name] = steps.get(name, True) and at not in apart
    return {name for name, same in steps.items() if same}


def state_of(seen: Sequence[Fault], refusal: str) -> str:
    """A number that differs weighs more than a refusal: it is silent."""
    return "different" if seen else "refused" if refusal else "equal"


def unkept_reasons(
    repeated: Iterable[str], first: Sequence[Mapping[str, Any]], again: Sequence[Mapping[str, Any]]
) -> dict[str, str]:
    """Why each repeated step ran again: what the run that should have kept it says, or else the one that ran it.

    :param first: the steps of the first run's record.
    :param again: those of the second.
    """
    told = {step["name"]: why_unkept(step) for step in first}
    return {
        step["name"]: told.get(step["name"]) or why_unkept(step) or UNKNOWN
        for step in again
        if step["name"] in set(repeated) and step["state"] != "cached"
    }


def why_unkept(step: Mapping[str, Any]) -> str:
    """What a record says of a step that was not cached, or whose cached result was no use; "" if it says nothing."""
    sentences = [s for s in step.get("why") or () if "not cached" in s or "could not reuse" in s]
    return " ".join(dict.fromkeys(sentence.partition(": ")[2] or sentence for sentence in sentences))
