"""Runs of other engines, from the artifacts of their tasks."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from jupyter_mlops.errors import StoreError
from jupyter_mlops.execution.run_artifacts import run_folder_of, run_names
from jupyter_mlops.jobs.engine_run import EngineRun, SkippedRun
from jupyter_mlops.jobs.external_runs import ExternalRun
from jupyter_mlops.states import FINISHED
from jupyter_mlops.storage.documents import Documents, open_documents, read_json

ABANDONED_S = 86400.0  # seconds without a sign of a task after which a run is taken for lost


class ArtifactRuns:
    """The runs in a folder, or at a URL, that exported tasks share.

    :param now: seconds since 1970.
    """

    def __init__(self, url: str, now: float | None = None) -> None:
        self.documents: Documents = open_documents(url)
        self.location = self.documents.location
        self.now = time.time() if now is None else now

    def runs(self, settled: Collection[str] = ()) -> Iterator[EngineRun | SkippedRun]:
        for name in run_names(self.documents):
            if name in settled:
                continue
            try:
                yield self._run(name)
            except StoreError as error:
                if not error.where.startswith(f"{self.location}/{run_folder_of(name)}") and error.where:
                    raise
                yield SkippedRun(name, error.message)

    def _run(self, name: str) -> EngineRun | SkippedRun:
        folder = run_folder_of(name)
        result = read_json(self.documents, f"{folder}/result.json")
        description = read_json(self.documents, f"{folder}/run.json")
        if isinstance(result, dict) and not self._is_repeated(folder, result):
            notebook = str(result.get("notebook_name", ""))

            def read_notebook() -> tuple[str, bytes] | None:
                content = self.documents.read(f"{folder}/{notebook}") if _is_file_name(notebook) else None
                return None if content is None else (notebook, content)

            return EngineRun(collected_run(name, result), str(result.get("job")), str(result.get("digest")),
                             notebook=read_notebook)  # fmt: skip
        if not isinstance(description, dict):
            return SkippedRun(name, "no task of it has started")
        if description.get("part_of"):
            return SkippedRun(name, f"it is a step of a local run of {description['part_of']}")
        steps = self._steps(folder)
        run = uncollected_run(name, description, steps, self.now)
        return EngineRun(run, str(description.get("job")), str(description.get("digest")))

    def _steps(self, folder: str) -> list[Mapping[str, Any]]:
        names = self.documents.names(f"{folder}/steps")
        read = (read_json(self.documents, f"{folder}/steps/{name}") for name in names)
        return [facts for facts in read if isinstance(facts, dict)]

    def _is_repeated(self, folder: str, result: Mapping[str, Any]) -> bool:
        """Whether a task has started since the run was collected recently: the engine repeats it."""
        finished = result.get("finished")
        if not isinstance(finished, int | float) or self.now - finished > ABANDONED_S:
            return False
        return any(s.get("state") == "running" and s.get("started", 0.0) > finished for s in self._steps(folder))


def collected_run(name: str, result: Mapping[str, Any]) -> ExternalRun:
    """The finished run that a result describes. Raises StoreError if it is invalid."""
    try:
        if result["state"] not in FINISHED:
            raise ValueError(f"state {result['state']!r}")
        return ExternalRun(
            engine=str(result["engine"]),
            engine_run=name,
            state=str(result["state"]),
            started=float(result["started"] or 0.0),
            finished=float(result["finished"] or 0.0),
            engine_url=str(result.get("engine_url", "")),
            slot=timestamp(str(result.get("scheduled_time") or "")),
            parameters=result["parameters"],
            metrics=result["metrics"],
            points=checked_points(result.get("points", ())),
            inputs=checked_inputs(result.get("inputs", {})),
            error=result["error"],
            notes=result["notes"],
            steps=result["steps"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(f"its result is not one of ours: {type(error).__name__}: {error}") from None


def checked_points(points: Any) -> list[tuple[str, Any, int | None, float]]:
    """The points of metrics in a result. Raises ValueError or TypeError if they are invalid."""
    checked = []
    for name, value, step, at in points:
        number = value if isinstance(value, int) else float(value)
        checked.append((str(name), number, None if step is None else int(step), float(at)))
    return checked


def checked_inputs(inputs: Any) -> dict[str, Any]:
    """What the steps in a result read. Raises ValueError or TypeError if that is invalid."""
    for step in inputs.values() if isinstance(inputs, dict) else [inputs]:
        if not isinstance(step, dict) or not isinstance(step.get("files"), dict):
            raise TypeError("the inputs of a step are no mapping")
    return dict(inputs)


def uncollected_run(
    name: str, description: Mapping[str, Any], steps: list[Mapping[str, Any]], now: float
) -> ExternalRun:
    """The run whose tasks have begun and are not collected: it is active, or was lost. Raises StoreError."""
    try:
        ordered = sorted(steps, key=lambda s: (float(s.get("started") or 0.0), str(s.get("step"))))
        times = [float(s[key]) for s in ordered for key in ("started", "finished") if s.get(key)]
        last = max(times, default=now)
        is_lost = now - last > ABANDONED_S
        running = [str(s["step"]) for s in ordered if s.get("state") == "running"]
        error = None
        if is_lost:
            error = {
                "step": "", "cell": 0, "ename": "NotCollected", "traceback": [],
                "evalue": "no task of this run has reported for a day, and its results were never collected"
                + (f"; last was {', '.join(running)}" if running else ""),
            }  # fmt: skip
        return ExternalRun(
            engine=str(description.get("engine", "")),
            engine_run=name,
            state="failed" if is_lost else "running",
            started=min(times, default=now),
            finished=last if is_lost else None,
            engine_url=str(description.get("engine_url", "")),
            slot=timestamp(str(description.get("scheduled_time") or "")),
            parameters=dict(description.get("parameters") or {}),
            error=error,
            steps=[_step(s, is_lost) for s in ordered],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(f"its description is not one of ours: {type(error).__name__}: {error}") from None


def _step(facts: Mapping[str, Any], is_lost: bool) -> dict[str, Any]:
    state = str(facts.get("state", "queued"))
    return {
        "name": str(facts["step"]), "state": "failed" if is_lost and state == "running" else state,
        "attempts": int(facts.get("attempt") or 1), "seconds": float(facts.get("seconds") or 0.0),
        "why": facts.get("why") or [],
    }  # fmt: skip


def timestamp(text: str) -> float | None:
    """Seconds since 1970 of an ISO 8601 time, UTC unless it says otherwise; None for no time. Raises ValueError."""
    if not text:
        return None
    time = datetime.fromisoformat(text)
    return (time if time.tzinfo is not None else time.replace(tzinfo=UTC)).timestamp()


def _is_file_name(name: str) -> bool:
    return bool(name) and name not in (".", "..") and not {"/", "\\", "\0"} & set(name)
