"""Where a finding begins: the first step whose result shows it, and whether the step read it or made it.

A step that shows a finding which is in none of the frames that it read made it itself: that is its code. A finding
that is there in the first frame of the pipeline came from outside, unless only the code of that step changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from jupyter_mlops.tracking.column_identity import SAME, column_names, distance
from jupyter_mlops.tracking.comparison import CHANCE, Comparison, compare
from jupyter_mlops.tracking.drift_finding import DriftFinding
from jupyter_mlops.tracking.frame_tests import RunTimes

Document = Mapping[str, Any]
Cause = Literal["world", "code", "either"]
INHERITED = 0.75  # share of a change that is enough to say that it was there before
SHAPE_KINDS = frozenset(
    {"distribution", "sign", "unit", "constant", "categories", "new category", "vanished category", "text"}
)


@dataclass(frozen=True)
class StepProfiles:
    """The frames at the boundaries of one step.

    :param reads: profile of each frame that the step read from earlier steps, by variable.
    :param writes: profile of each frame that it left, by variable.
    :param code_changed: whether its code differs from the reference's; None if that is not known.
    :param inputs_changed: whether the files and parameters that it read differ; None if that is not known.
    """

    step: str
    reads: Mapping[str, Document]
    writes: Mapping[str, Document]
    code_changed: bool | None = None
    inputs_changed: bool | None = None


@dataclass(frozen=True)
class Origin:
    """One finding with the place where it begins.

    :param step: the first step whose result shows it.
    :param variable: the frame there.
    :param cause: `world` if the step read it, `code` if the step made it, `either` if both are possible.
    :param later: the other steps that show it.
    """

    finding: DriftFinding
    step: str
    variable: str
    cause: Cause
    text: str
    later: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class _Frame:
    """A frame that a step left, compared with the reference's, and the frames that the step read."""

    step: StepProfiles
    variable: str
    reference: Document
    comparison: Comparison
    sources: tuple[_Frame, ...]

    @property
    def cause(self) -> Cause:
        """What a finding comes from that begins in this frame."""
        if self.step.reads:
            return "code"
        if self.step.code_changed and self.step.inputs_changed is False:
            return "code"
        return "either" if self.step.code_changed else "world"


def locate(
    reference: Sequence[StepProfiles], current: Sequence[StepProfiles], chance: float = CHANCE,
    earlier_rows: Mapping[tuple[str, str], Sequence[int]] | None = None, times: RunTimes | None = None,
) -> list[Origin]:  # fmt: skip
    """Each finding at its first step.

    :param reference: the steps of the reference run, in the order of the pipeline.
    :param current: the same of the current run. Steps that the reference lacks are passed over.
    :param chance: the promised rate of false findings, for all frames together.
    :param earlier_rows: for a step and a variable, the numbers of rows of earlier runs.
    :param times: when the two runs were.
    """
    earlier = {step.step: step for step in reference}
    number = sum(len(step.writes) for step in current) or 1
    latest: dict[str, _Frame] = {}
    origins: dict[tuple[str, str, str], Origin] = {}
    for step in current:
        before = earlier.get(step.step)
        if before is None:
            continue
        frames = [
            _Frame(
                step, variable, before.writes[variable],
                compare(
                    before.writes[variable], profile, chance=chance / number, times=times,
                    earlier_rows=(earlier_rows or {}).get((step.step, variable), ()),
                ),
                tuple(latest[name] for name in step.reads if name in latest),
            )
            for variable, profile in step.writes.items() if variable in before.writes
        ]  # fmt: skip
        for frame in frames:
            for finding in frame.comparison.findings:
                _note(origins, finding, frame)
        latest.update((frame.variable, frame) for frame in frames)
    return list(origins.values())


def _note(origins: dict[tuple[str, str, str], Origin], finding: DriftFinding, frame: _Frame) -> None:
    first, cause = _trace(finding, frame)
    key = first.step.step, cause.kind, cause.column
    origin = origins.get(key)
    if origin is None:
        origin = Origin(cause, first.step.step, first.variable, first.cause, _text(cause, first))
    if frame.step.step not in (origin.step, *origin.later):
        origin = replace(origin, later=(*origin.later, frame.step.step))
    origins[key] = origin


def _trace(finding: DriftFinding, frame: _Frame) -> tuple[_Frame, DriftFinding]:
    """The first frame with the finding, and the finding as it is there."""
    output = column_names(frame.reference).get(finding.column)
    for source in frame.sources:
        columns = _same_columns(finding, output, source.reference)
        for earlier in source.comparison.findings:
            if _continues(finding, earlier, columns):
                return _trace(earlier, source)
        if _is_under_way(finding, columns, source.comparison):
            return _trace(finding, source)
    if output is not None and finding.kind in SHAPE_KINDS and not _is_read(finding.column, frame):
        for source in frame.sources:  # a column that the step computes from what it reads
            for earlier in source.comparison.findings:
                if earlier.kind in SHAPE_KINDS | {"missing", "swapped", "infinite"}:
                    return _trace(earlier, source)
    return frame, finding


def _is_read(column: str, frame: _Frame) -> bool:
    return any(column in column_names(source.reference) for source in frame.sources)


def _same_columns(finding: DriftFinding, output: Document | None, read: Document) -> set[str]:
    """Columns of a frame that was read that hold what the column holds: by its name, otherwise by its profile."""
    columns = column_names(read)
    names = {finding.column, str(finding.data.get("was", finding.column))} & {*columns, ""}
    if output is not None and finding.column not in columns:
        names |= {name for name, column in columns.items() if distance(column, output) <= SAME / 10}
    return names


def _continues(finding: DriftFinding, earlier: DriftFinding, columns: set[str]) -> bool:
    if earlier.column not in columns and earlier.column != finding.column:
        return False
    return earlier.kind == finding.kind or {earlier.kind, finding.kind} <= SHAPE_KINDS | {"swapped"}


def _is_under_way(finding: DriftFinding, columns: set[str], comparison: Comparison) -> bool:
    """Whether a frame that was read shows the change too, though less clearly than a finding needs."""
    if not finding.test or finding.test == "bin":  # the bin that changed most may be another one
        return False
    sizes = (comparison.columns[name].sizes for name in columns if name in comparison.columns)
    return any(part.get(finding.test, 0.0) >= INHERITED * finding.size for part in sizes)


def _text(finding: DriftFinding, frame: _Frame) -> str:
    reasons = {
        "world": "it was in the data: the world changed",
        "code": "what the step read does not show it: your code",
        "either": "the code of this step changed too: your code or the world",
    }
    return f"{finding.text} (first in `{frame.variable}` after step `{frame.step.step}`; {reasons[frame.cause]})"


def by_cause(origins: Sequence[Origin]) -> Iterator[str]:
    """The sentences for people, the project's own code first."""
    for cause in ("code", "either", "world"):
        yield from (origin.text for origin in origins if origin.cause == cause)
