"""How good the predictions of a job's runs were, by the labels that are known; estimated where labels lack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import InvalidInputError, MlopsError, NotFoundError, StoreError
from jupyter_mlops.service.predicted_runs import PredictedRuns, PredictionChoice

if TYPE_CHECKING:
    from jupyter_mlops.jobs.records import Job, Run
    from jupyter_mlops.jobs.workspace import Workspace
    from jupyter_mlops.tracking.bias import BiasReport
    from jupyter_mlops.tracking.comparison import Comparison
    from jupyter_mlops.tracking.labelled_predictions import LabelledPredictions

MOST_RUNS = 200
MOST_GROUPINGS = 5
MOST_REFERENCES = 10  # earlier runs that scores are calibrated on


def performance(
    space: Workspace, job: str, *, prediction: str = "", score: str = "", variable: str = "", positive: str = "",
    last: int = 20, as_of: str = "", by: Sequence[str] = (),
) -> dict[str, Any]:  # fmt: skip
    """The metrics of the last runs that kept predictions, oldest first, with intervals and coverage.

    :param prediction: the column of predicted values; "": a usual name. `score`: of probabilities, the same.
    :param variable: the variable with the predictions; "": the only one.
    :param positive: the label of the positive class; "": to be concluded from labels and predictions.
    :param as_of: a date or a time: only what was known then.
    :param by: columns of the predictions to compare groups by.
    :raises NotFoundError: there is no such job, or none of its runs kept predictions.
    :raises InvalidInputError: the columns are not clear or not there, in the latest run.
    """
    from jupyter_mlops.registry.moment import parse_moment
    from jupyter_mlops.service.runs import find_job
    from jupyter_mlops.tracking.bias import LEAST_GROUP
    from jupyter_mlops.tracking.label_values import plain_value

    if not 1 <= last <= MOST_RUNS:
        raise InvalidInputError(
            f"{last} is not a number of runs", field="last", remedy=f"Use a number from 1 to {MOST_RUNS}."
        )
    groups = tuple(dict.fromkeys(by))
    if len(groups) > MOST_GROUPINGS:
        raise InvalidInputError(
            f"{len(groups)} columns to compare groups by", field="by", remedy=f"Name at most {MOST_GROUPINGS}."
        )
    record = find_job(space, job)
    moment = parse_moment(as_of, "as_of") if as_of else None
    choice = PredictionChoice(variable, prediction, score, plain_value(positive) if positive else None, groups)
    source = PredictedRuns(space, record, choice, moment.seconds if moment else None)
    ids = source.ids(last + MOST_REFERENCES)
    if not ids:
        raise NotFoundError(
            f"no completed run kept predictions{f' by {moment.text}' if moment else ''}", where=job,
            remedy="Tag a cell with `predictions:VARIABLE:KEY`, publish, and run the job.",
        )  # fmt: skip
    runs = [space.queue.run(run_id) for run_id in ids]
    source.read(runs[-1])  # what is wrong with the latest run is an error; with earlier ones, a note
    rows = [
        _row(source, run, runs[: number + len(runs) - len(runs[-last:])]) for number, run in enumerate(runs[-last:])
    ]
    return {
        "job": record.notebook or record.name, "as_of": moment.text if moment else None, "labels": len(source.labels),
        "least_group": LEAST_GROUP, "runs": rows, "notes": _notes(source, rows, runs[-1]),
    }  # fmt: skip


def column_gap(
    space: Workspace, job: Job, run: Run, metric: str, column: str, variable: str = ""
) -> tuple[float | None, str]:  # fmt: skip
    """The largest difference of a rate between the groups of a column, in a run's predictions, and the reason if there
    is none.

    :param metric: selection_rate, tpr, fpr or precision.
    """
    source = PredictedRuns(space, job, PredictionChoice(variable=variable, groups=(column,)))
    cases = source.read(run)
    if metric != "selection_rate" and not cases.joined.keys:
        return None, f"no labels of the predictions of run {run.id} are known; `jupyter mlops labels` stores them"
    for gap in cases.bias().gaps:
        if (gap.attribute, gap.rate) == (column, metric):
            return gap.interval.value, ""
    from jupyter_mlops.tracking.bias import LEAST_GROUP

    return None, f"fewer than two groups of {column!r} have {LEAST_GROUP} cases for the {metric} in run {run.id}"


def _row(source: PredictedRuns, run: Run, earlier: Sequence[Run]) -> dict[str, Any]:
    from jupyter_mlops.jobs.drift_records import plain

    row: dict[str, Any] = {
        "run": run.id, "version": None if run.version is None else f"v{run.version}", "created": run.created,
        "variable": None, "kind": None, "positive": None, "predictions": 0, "labelled": 0, "coverage": 0.0,
        "corrected": 0, "repeated": 0, "metrics": [], "rates": [], "gaps": [], "notes": [],
    }  # fmt: skip
    try:
        cases = source.read(run)
        row |= {
            "variable": source.entry(run.id)["variable"], "kind": cases.kind, "positive": cases.positive,
            "predictions": len(cases.cases.keys), "labelled": len(cases.joined.keys),
            "coverage": cases.joined.coverage, "corrected": cases.joined.corrected, "repeated": cases.cases.repeated,
        }  # fmt: skip
        row["notes"] += cases.cases.notes
        row["metrics"] += [metric.to_dict() for metric in cases.metrics()]
        if cases.kind == "binary" and cases.cases.scores and cases.unlabelled:
            row["metrics"] += _estimates(source, run, cases, earlier, row["notes"])
        if source.choice.groups:
            report = cases.bias()
            row["rates"], row["gaps"] = _rates(report), _gaps(report)
    except (StoreError, InvalidInputError) as error:
        row["notes"].append(f"{error.message} ({error.where})" if error.where else error.message)
    return {**row, "metrics": plain(row["metrics"]), "rates": plain(row["rates"]), "gaps": plain(row["gaps"])}


def _estimates(
    source: PredictedRuns, run: Run, cases: LabelledPredictions, earlier: Sequence[Run], notes: list[str]
) -> list[dict[str, Any]]:
    """Estimates for the cases without labels, by the labelled cases of earlier runs; a note if there are none."""
    references: list[tuple[Run, LabelledPredictions]] = []
    for other in list(reversed(earlier))[:MOST_REFERENCES]:
        try:
            candidate = source.read(other)
        except MlopsError:  # its own row has the reason
            continue
        if candidate.is_reference:
            references.append((other, candidate))
    of_version = [pair for pair in references if pair[0].version_id == run.version_id]
    for chosen in (of_version, references):
        try:
            estimates = cases.estimates([part for _, part in chosen], _comparison(source, run, chosen))
        except InvalidInputError as error:
            reason = error.message
            continue
        if len(of_version) < len(chosen):
            notes.append("scores are calibrated on runs of other versions, whose scores may mean something else")
        return [estimate.to_dict() for estimate in estimates]
    notes.append(f"no estimate: no earlier runs with nearly all labels, {reason}")
    return []


def _comparison(source: PredictedRuns, run: Run, references: Sequence[tuple[Run, Any]]) -> Comparison | None:
    """The findings of all frames that the run and the latest reference profiled; None without any.

    Keys are left out: those of new cases are always new.
    """
    from dataclasses import replace

    from jupyter_mlops.service.monitoring import drift_records
    from jupyter_mlops.tracking.comparison import compare

    if not references:
        return None
    records = drift_records(source.space)
    before = {
        (step.step, name): profile for step in records.steps(references[0][0]) for name, profile in step.writes.items()
    }
    parts = [
        compare(before[step.step, name], profile)
        for step in records.steps(run)
        for name, profile in step.writes.items()
        if (step.step, name) in before
    ]
    keys = {source.entry(run.id)["key"], *source.label_keys}
    findings = tuple(f for part in parts for f in part.findings if f.column not in keys)
    return replace(parts[0], findings=findings) if parts else None


def _rates(report: BiasReport) -> list[dict[str, Any]]:
    return [
        {"attribute": rate.attribute, "group": rate.group, "rate": rate.rate, **_interval(rate.interval),
         "cases": rate.cases, "small": rate.small}
        for rate in report.rates
    ]  # fmt: skip


def _gaps(report: BiasReport) -> list[dict[str, Any]]:
    """The gaps, each with the number of cases of the smallest group, compared or not."""
    smallest: dict[tuple[str, str], int] = {}
    for rate in report.rates:
        place = rate.attribute, rate.rate
        smallest[place] = min(smallest.get(place, rate.cases), rate.cases)
    return [
        {"attribute": gap.attribute, "rate": gap.rate, "highest": gap.highest, "lowest": gap.lowest,
         **_interval(gap.interval), "alarm": gap.alarm, "smallest": smallest.get((gap.attribute, gap.rate))}
        for gap in report.gaps
    ]  # fmt: skip


def _interval(interval: Any) -> dict[str, float]:
    return {"value": interval.value, "low": interval.low, "high": interval.high}


def _notes(source: PredictedRuns, rows: Sequence[dict[str, Any]], latest: Run) -> list[str]:
    if not source.labels:
        return ["no labels are known; `jupyter mlops labels JOB FILE` stores them"]
    if any(row["labelled"] for row in rows):
        return []
    keys = source.read(latest).cases.keys
    return [f"no label has a key of the predictions: labels have keys such as {next(iter(source.labels))!r}, "
            f"predictions such as {keys[0]!r}" if keys else "the predictions have no keys"]  # fmt: skip
