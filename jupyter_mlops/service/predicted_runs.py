"""The predictions that runs of a job kept, with the labels that are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import InvalidInputError, NotFoundError
from jupyter_mlops.service.labels import label_sets
from jupyter_mlops.tracking.labelled_predictions import LabelledPredictions, labelled_predictions
from jupyter_mlops.tracking.labels import Label
from jupyter_mlops.tracking.prediction_table import PredictionColumns, predicted_cases
from jupyter_mlops.tracking.table_file import read_table

if TYPE_CHECKING:
    from jupyter_mlops.jobs.records import Job, Run
    from jupyter_mlops.jobs.workspace import Workspace


@dataclass(frozen=True)
class PredictionChoice:
    """Which predictions of a run, and which of their columns.

    :param variable: the variable with the predictions; "": the only one.
    :param prediction: the column of predicted values; "": a usual name. `score`: the same.
    :param positive: the label of the positive class; None: to be concluded.
    :param groups: columns to compare groups by.
    """

    variable: str = ""
    prediction: str = ""
    score: str = ""
    positive: Any = None
    groups: tuple[str, ...] = ()


class PredictedRuns:
    """Reads predictions of a job, and joins them with the labels that were known at a time.

    :param as_of: seconds since 1970; None for now.
    """

    def __init__(self, space: Workspace, job: Job, choice: PredictionChoice, as_of: float | None = None) -> None:
        self.space, self.job, self.choice, self.as_of = space, job, choice, as_of
        self._read: dict[str, LabelledPredictions] = {}

    @cached_property
    def labels(self) -> Mapping[str, Sequence[Label]]:
        """The labels of each key, in the order in which they were received."""
        sets = label_sets(self.space)
        result: dict[str, list[Label]] = {}
        for label in sets.labels(sets.of_job(self.job.id, self.as_of)):
            result.setdefault(str(label.key), []).append(label)
        return result

    @cached_property
    def label_keys(self) -> list[str]:
        """The columns that the keys of labels came from, the latest first."""
        sets = label_sets(self.space).of_job(self.job.id, self.as_of)
        return list(dict.fromkeys(entry.key for entry in reversed(sets)))

    def ids(self, last: int) -> list[str]:
        """The ids of the last runs with predictions, oldest first."""
        return self.space.run_data.predicted_runs(self.job.id, last, self.as_of)

    def read(self, run: Run) -> LabelledPredictions:
        """The cases of a run.

        :raises NotFoundError: the run has no such predictions.
        :raises InvalidInputError: columns are missing, or it is not clear which ones are meant.
        :raises StoreError: the predictions can't be read.
        """
        if run.id not in self._read:
            self._read[run.id] = self._labelled(run)
        return self._read[run.id]

    def _labelled(self, run: Run) -> LabelledPredictions:
        choice = self.choice
        entry = self.entry(run.id)
        where = f"predictions {entry['variable']} of the run {run.id}"
        table = read_table(self.space.store.get(entry["digest"]), entry["format"], where)
        candidates = [entry["key"]] if entry["key"] else [key for key in self.label_keys if key in table.columns]
        if not candidates:
            raise InvalidInputError(
                "they have no key, by which labels could be joined", where=where, field="key",
                remedy=f"Tag the cell with `predictions:{entry['variable']}:KEY`, KEY one of its columns: "
                f"{', '.join(table.names[:20])}.",
            )  # fmt: skip
        columns = PredictionColumns(candidates[0], choice.prediction, choice.score, choice.groups)
        cases = predicted_cases(table, columns, where)
        return labelled_predictions(cases, run.finished or run.created, self.labels, choice.positive)

    def entry(self, run_id: str) -> dict[str, Any]:
        """The record of the chosen predictions of a run. Raises NotFoundError, and InvalidInputError if there are
        several."""
        if self.choice.variable:
            return self.space.run_data.prediction(run_id, self.choice.variable)
        entries = self.space.run_data.predictions(run_id)
        if not entries:
            raise NotFoundError(
                "the run kept no predictions", where=run_id, remedy="Tag a cell with `predictions:VARIABLE:KEY`."
            )
        with_key = [entry for entry in entries if entry["key"]] or entries
        names = sorted({entry["variable"] for entry in with_key})
        if len(names) > 1:
            raise InvalidInputError(
                f"the run kept several predictions: {', '.join(names)}", where=run_id, field="variable",
                remedy="Name the variable with --variable.",
            )  # fmt: skip
        return with_key[-1]
