"""`python -m tests.benchmarks.drift`: profile and compare two frames, beside Evidently if it is there.

    --rows N            rows of each frame (100,000)
    --evidently PYTHON  the Python of an environment that has evidently 0.7.23 and pandas below 3.1
    --false-alarms      instead: comparisons without drift, 5 to 500 columns, up to 200 categories

Frames have 40 numbers and 10 texts of 2 to 1000 categories; `n3` moves by 0.3. Memory is what is allocated beyond the
two frames: of ours by tracemalloc, of Evidently by the growth of the process.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
import tracemalloc
from typing import Any

import numpy as np
import pandas as pd

CATEGORIES = (2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)
# Rows, numbers, texts, categories, comparisons.
QUIET = (
    (2_000, 3, 2, 200, 60), (2_000, 25, 25, 12, 20), (2_000, 250, 250, 200, 4), (35, 5, 5, 5, 60),
    (1_000_000, 3, 2, 200, 4), (1_000_000, 25, 25, 200, 1),
)  # fmt: skip


def frame(rows: int, seed: int, shift: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    columns: dict[str, Any] = {f"n{i}": rng.normal(size=rows) for i in range(40)}
    columns["n3"] += shift
    for i, number in enumerate(CATEGORIES):
        names = np.array([f"c{j:04d}" for j in range(number)], object)
        columns[f"t{i}"] = names[rng.integers(0, number, rows)]
    return pd.DataFrame(columns)


def resident() -> float:
    """Peak memory of the process in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def ours(rows: int) -> dict[str, Any]:
    from jupyter_mlops.execution.agent.profiles import profile
    from jupyter_mlops.tracking.comparison import compare

    first, second = frame(rows, 1), frame(rows, 2, 0.3)
    began = time.process_time()
    reference = profile(first)
    middle = time.process_time()
    result = compare(reference, profile(second, reference))
    end = time.process_time()
    tracemalloc.start()  # which makes it slower: not timed
    profile(second, reference)
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    return {
        "reference": middle - began, "current and compare": end - middle, "MB": peak,
        "columns": sorted({finding.column for finding in result.findings}), "bytes": len(json.dumps(reference)),
    }  # fmt: skip


EVIDENTLY = """
import json, resource, sys, time
sys.path.insert(0, {root!r})
import importlib.util
spec = importlib.util.spec_from_file_location("drift", {path!r})
module = importlib.util.module_from_spec(spec); spec.loader.exec_module(module)
began = time.process_time()
from evidently import Report
from evidently.presets import DataDriftPreset
imported = time.process_time()
first, second = module.frame({rows}, 1), module.frame({rows}, 2, 0.3)
before, began_run = module.resident(), time.process_time()
snapshot = Report([DataDriftPreset()]).run(second, first)
end = time.process_time()
values = {{}}
for metric in snapshot.dict()["metrics"]:
    column = metric.get("config", {{}}).get("column") or metric.get("metric_id", "")
    values[str(column)] = metric["value"]
drifted = sorted(name for name, value in values.items() if isinstance(value, float) and value >= 0.1)
result = {{"import": imported - began, "run": end - began_run, "MB": module.resident() - before, "columns": drifted}}
print(json.dumps(result))
"""


def false_alarms() -> bool:
    """Print how many comparisons without drift have a finding; whether that is within the promise."""
    from tests.tracking.frames import compared, wide

    total = alarms = 0
    for rows, numbers, texts, categories, times in QUIET:
        some = sum(
            bool(compared(*(wide(rows, numbers, texts, categories, 2 * seed + i) for i in range(2))).findings)
            for seed in range(times)
        )
        print(f"{rows:9,} rows, {numbers + texts:3} columns, {categories:3} categories: {some} of {times}", flush=True)
        total, alarms = total + times, alarms + some
    print(f"{alarms} of {total}; promised: at most 1%")
    return alarms <= max(1, 0.02 * total)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--evidently", default="")
    parser.add_argument("--false-alarms", action="store_true")
    arguments = parser.parse_args()
    if arguments.false_alarms:
        return int(not false_alarms())
    print("jupyter_mlops", json.dumps(ours(arguments.rows)), flush=True)
    if arguments.evidently:
        root = __file__.partition("/tests/")[0]
        code = EVIDENTLY.format(root=root, path=__file__, rows=arguments.rows)
        command = [arguments.evidently, "-c", code]
        print("evidently", subprocess.run(command, text=True, capture_output=True, check=True).stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
