"""A finding is shown at the step where it begins, with its cause."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from jupyter_mlops.execution.agent.profiles import profile
from jupyter_mlops.tracking.origin import StepProfiles, by_cause, locate
from tests.tracking.frames import customers
from tests.tracking.seeded_faults import measure, pipeline

FEW = ("missing", "new category", "unit x1000", "swapped", "rows", "renamed", "shift")


def test_seeded_faults_at_every_step() -> None:
    right, total, wrong = measure(1, FEW)
    assert sum(total.values()) == 4 * len(FEW)
    assert sum(right.values()) >= 0.95 * sum(total.values()), wrong


def test_a_run_without_faults_has_no_origins() -> None:
    reference = pipeline(1)
    assert locate(reference, pipeline(2, reference=reference)) == []


def two_steps(raw: dict[str, Any], result: dict[str, Any]) -> list[StepProfiles]:
    return [StepProfiles("load", {}, {"raw": raw}), StepProfiles("clean", {"raw": raw}, {"df": result})]


def test_the_code_and_the_world_in_one_run() -> None:
    before, after = customers(3000, 1), customers(3000, 2)
    after["age"] += 5
    raw, raw_reference = profile(after, profile(before)), profile(before)
    after["country"] = after["country"].replace({"GB": "UK"})
    clean = profile(after, raw_reference)
    reference = [
        StepProfiles("load", {}, {"raw": raw_reference}),
        StepProfiles("clean", {"raw": raw_reference}, {"df": raw_reference}),
    ]
    current = [StepProfiles("load", {}, {"raw": raw}), StepProfiles("clean", {"raw": raw}, {"df": clean})]
    origins = {(o.finding.column, o.finding.kind): o for o in locate(reference, current)}
    assert (origins["age", "distribution"].step, origins["age", "distribution"].cause) == ("load", "world")
    assert origins["age", "distribution"].later == ("clean",)
    assert (origins["country", "new category"].step, origins["country", "new category"].cause) == ("clean", "code")
    sentences = list(by_cause(list(origins.values())))
    assert "`UK` is new" in "\n".join(sentences[:2]) and "your code" in sentences[0] and "the world" in sentences[-1]


@pytest.mark.parametrize(
    ("code_changed", "inputs_changed", "cause"),
    [
        (None, None, "world"),
        (False, True, "world"),
        (True, True, "either"),
        (True, False, "code"),
        (True, None, "either"),
    ],
)  # fmt: skip
def test_the_first_step(code_changed: bool | None, inputs_changed: bool | None, cause: str) -> None:
    before, after = profile(customers(1000, 1)), profile(customers(1000, 2).drop(columns="plan"))
    [origin] = locate(
        [StepProfiles("load", {}, {"df": before})],
        [StepProfiles("load", {}, {"df": after}, code_changed, inputs_changed)],
    )
    assert (origin.finding.kind, origin.cause) == ("removed", cause)


def test_a_column_that_is_computed_from_one_that_moved() -> None:
    frames = [customers(3000, seed) for seed in (1, 2)]
    frames[1]["income"] *= 1.5
    reads = [profile(frames[0])]
    reads.append(profile(frames[1], reads[0]))
    for frame in frames:
        frame["log_income"] = np.log(frame["income"])
    writes = [profile(frames[0])]
    writes.append(profile(frames[1], writes[0]))
    runs = [
        [StepProfiles("load", {}, {"raw": r}), StepProfiles("add", {"raw": r}, {"df": w})]
        for r, w in zip(reads, writes, strict=True)
    ]
    origins = locate(*runs)
    assert [(o.finding.column, o.step, o.cause) for o in origins] == [("income", "load", "world")]


def test_a_step_that_the_reference_lacks_is_passed_over() -> None:
    reference = pipeline(1)
    current = pipeline(2, reference=reference)
    assert locate(reference[:1], current) == []
    assert locate([], current) == [] == locate(reference, [])
