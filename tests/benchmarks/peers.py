"""All that stand side by side."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.floor import Floor
from tests.benchmarks.runners import JupyterExecute, Mlops, Papermill, Ploomber, Runner, Script
from tests.benchmarks.scheduler import Scheduler
from tests.benchmarks.worker import Worker


def runners(jupyter: Path, environments: Path) -> tuple[Runner, ...]:
    """All peers, ours last."""
    return (
        Script(jupyter),
        Papermill(jupyter),
        JupyterExecute(jupyter),
        Ploomber(jupyter, environments),
        Scheduler(jupyter, environments),
        Mlops(jupyter),
        Worker(jupyter),
        Floor(jupyter),
    )
