"""Figures about jobs and runs in Prometheus' text format, version 0.0.4."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from jupyter_mlops.states import ACTIVE

if TYPE_CHECKING:
    from jupyter_mlops.jobs.workspace import Workspace

MEDIA = "text/plain; version=0.0.4; charset=utf-8"
MOST_METRICS = 1000  # of one run
Sample = tuple[Mapping[str, str], Any]


def exposition(space: Workspace) -> str:
    """The page that Prometheus reads: metrics of the latest completed runs, states and durations of runs, the queue."""
    from jupyter_mlops.jobs.metric_history import MetricHistory

    history = MetricHistory(space.db)
    latest, aliases = history.latest(), history.aliases()
    metrics: list[Sample] = []
    left_out: list[Sample] = []
    seconds: list[Sample] = []
    finished: list[Sample] = []
    for run in latest:
        version = f"v{run.version}"
        state = {"job": run.job, "version": version, "state": run.state}
        finished.append((state, run.finished))
        if run.seconds is not None:
            seconds.append((state, run.seconds))
        if run.state != "completed":
            continue
        for alias in aliases.get((run.job, run.version), [""]):
            labels = {"job": run.job, "version": version, "alias": alias}
            metrics += [({**labels, "metric": n}, v) for n, v in list(run.metrics.items())[:MOST_METRICS]]
        if len(run.metrics) > MOST_METRICS:
            left_out.append(({"job": run.job, "version": version}, len(run.metrics) - MOST_METRICS))
    unfinished = space.queue.counts()
    families = (
        ("metric", "Value of a metric in the latest completed run of a version.", metrics),
        ("metrics_left_out", f"Metrics of that run beyond the first {MOST_METRICS}.", left_out),
        ("runs", "Recorded runs by state.",
         [({"job": job, "state": state}, number) for (job, state), number in history.counts().items()]),
        ("latest_run_duration_seconds", "Duration of the latest run of a version that ended in a state.", seconds),
        ("latest_run_finished_timestamp_seconds", "When that run ended.", finished),
        ("queue_length", "Runs that are queued or running, of notebooks too.",
         [({"state": state}, unfinished.get(state, 0)) for state in ACTIVE]),
    )  # fmt: skip
    return "".join(family(f"jupyter_mlops_{name}", text, samples) for name, text, samples in families)


def family(name: str, text: str, samples: Iterable[Sample]) -> str:
    """The lines of one gauge. Samples that are not numbers are left out."""
    lines = [f"# HELP {name} {escaped(text, quote=False)}", f"# TYPE {name} gauge"]
    for labels, value in samples:
        number = number_text(value)
        if number:
            pairs = ",".join(f'{label}="{escaped(content)}"' for label, content in labels.items())
            lines.append(f"{name}{{{pairs}}} {number}")
    return "\n".join(lines) + "\n"


def number_text(value: Any) -> str:
    """A number as the format has it: NaN, +Inf, -Inf; "" for anything else."""
    try:
        number = float(value)
    except OverflowError:
        return "+Inf" if value > 0 else "-Inf"
    except (TypeError, ValueError):
        return ""
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    return repr(number)


def escaped(text: str, *, quote: bool = True) -> str:
    """A label's value, or a help text, on one line."""
    plain = text.replace("\\", "\\\\").replace("\r", " ").replace("\n", "\\n")
    return plain.replace('"', '\\"') if quote else plain
