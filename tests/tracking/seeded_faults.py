"""`python -m tests.tracking.seeded_faults [SEEDS]`: are seeded faults found in the right column and at the right step?

A pipeline of four steps reads customers, cleans them, adds features and selects a part. One fault is put into the
result of one step. In the step `read` it stands for data that changed; in the others for a mistake in the code.
"""

from __future__ import annotations

import sys
from collections import Counter

import numpy as np
import pandas as pd

from jupyter_mlops.execution.agent.profiles import profile
from jupyter_mlops.tracking.origin import Origin, StepProfiles, locate
from tests.tracking.frames import FAULTS, customers

STEPS = ("read", "clean", "features", "select")
ROWS = 3000


def step_result(step: str, frame: pd.DataFrame) -> pd.DataFrame:
    """What a step makes of what it reads; columns that a fault took away are passed over."""
    if step == "clean":
        return frame.assign(income=frame["income"].clip(upper=1e6)) if "income" in frame else frame
    if step == "features":
        made = {"income_k": frame["income"] / 1000, "older": frame["age"] > 42}
        return frame.assign(**made)
    if step == "select":
        return frame[frame["age"] >= 20]
    return frame


def pipeline(
    seed: int, fault: str = "", faulty: str = "", reference: list[StepProfiles] | None = None
) -> list[StepProfiles]:
    """The profiles at all steps of a run."""
    earlier = {step.step: step.writes["df"] for step in reference or []}
    frame, steps, last = customers(ROWS, seed), [], None
    for step in STEPS:
        frame = step_result(step, frame)
        if step == faulty:
            frame = FAULTS[fault].apply(frame, np.random.default_rng(seed))
        document = profile(frame, earlier.get(step))
        steps.append(StepProfiles(step, {"df": last} if last else {}, {"df": document}))
        last = document
    return steps


def is_right(origins: list[Origin], fault: str, step: str) -> bool:
    """Whether the fault's column and step are named, with its cause, and no earlier step is blamed for anything."""
    cause = "world" if step == "read" else "code"
    wanted = FAULTS[fault]
    named = any(
        o.finding.column == wanted.column and o.finding.kind in wanted.kinds and o.step == step and o.cause == cause
        for o in origins
    )
    return named and all(STEPS.index(o.step) >= STEPS.index(step) for o in origins)


def measure(seeds: int, faults: tuple[str, ...] = tuple(FAULTS)) -> tuple[Counter[str], Counter[str], list[str]]:
    """Right and all cases of each fault, and what went wrong."""
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    wrong = []
    for seed in range(seeds):
        reference = pipeline(seed)
        for fault in faults:
            for step in STEPS:
                origins = locate(reference, pipeline(seed + 100_000, fault, step, reference))
                total[fault] += 1
                right[fault] += is_right(origins, fault, step)
                if not is_right(origins, fault, step):
                    wrong.append(f"{fault} in {step}, seed {seed}: " + "; ".join(o.text for o in origins))
    return right, total, wrong


if __name__ == "__main__":
    right, total, wrong = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
    for name in total:
        print(f"{name:20} {right[name]} of {total[name]}")
    print(f"{'all':20} {sum(right.values())} of {sum(total.values())}")
    print("\n".join(wrong[:20]))
    sys.exit(sum(right.values()) < 0.95 * sum(total.values()))
