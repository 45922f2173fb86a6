"""Two profiles compared: what is different beyond chance and beyond a practical size.

The promise: for independent rows of one distribution, at most a share `chance` of comparisons has any finding, however
many columns and tests there are. Each test gets an equal part of it, and its bound holds for every number of rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from jupyter_mlops.tracking import column_tests, effect_sizes
from jupyter_mlops.tracking.column_identity import column_names, renamed, swapped
from jupyter_mlops.tracking.column_pair import ColumnPair, family, profile_rows
from jupyter_mlops.tracking.drift_finding import KINDS, DriftFinding, Measure
from jupyter_mlops.tracking.frame_tests import RunTimes, duplicates, row_number, stale
from jupyter_mlops.tracking.noise import detectable_distance
from jupyter_mlops.tracking.units import unit_change

CHANCE = 0.01
Document = Mapping[str, Any]
SHAPES = ("distribution", "categories", "new category", "vanished category", "text")
# A finding of the first kind explains those of the others on the same column.
EXPLAINS = {
    "retyped": set(KINDS),
    "constant": {"unit", "swapped", "sign", "unique", *SHAPES},
    "unit": {"sign", "distribution", "unique"},
    "swapped": {"sign", "unit", "missing", "unique", *SHAPES},
    "new category": {"text", "categories", "unique"},
    "vanished category": {"text", "categories"},
    "categories": {"text", "unique"},
    "distribution": {"unique"},
    "sign": {"unique"},
    "missing": {"unique"},
}


@dataclass(frozen=True)
class ColumnChange:
    """How different one column is, whether or not it is a finding.

    :param sizes: size of each test.
    :param detectable: the smallest distance of distributions that these numbers of rows tell from chance.
    :param power: `full` if that is no more than the practical size, otherwise `low`.
    """

    column: str
    sizes: Mapping[str, float]
    effects: Mapping[str, float | None]
    detectable: float
    power: str


@dataclass(frozen=True)
class Comparison:
    """The result of a comparison.

    :param chance: at most this share of comparisons without any change has a finding.
    :param tests: number of tests that share the promise.
    """

    findings: tuple[DriftFinding, ...]
    columns: Mapping[str, ColumnChange]
    rows: int
    reference_rows: int
    chance: float
    tests: int
    notes: tuple[str, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def compare(
    reference: Document, current: Document, *, chance: float = CHANCE, earlier_rows: Sequence[int] = (),
    times: RunTimes | None = None,
) -> Comparison:  # fmt: skip
    """Compare two profiles, the current one counted on the edges of the reference.

    :param chance: the promised rate of comparisons with a false finding.
    :param earlier_rows: numbers of rows of earlier runs, for the test of the number of rows.
    :param times: when the two runs were, for the test of freshness.
    """
    sizes = profile_rows(reference), profile_rows(current)
    before, after = column_names(reference), column_names(current)
    shared = [name for name in before if name in after]
    findings = row_number(reference, current, earlier_rows)
    if not reference.get("reason") and not current.get("reason"):  # otherwise nobody looked at the columns
        findings += schema(before, after)
    if times:
        findings += [finding for name in shared for finding in stale(name, before[name], after[name], times)]
    pairs = [
        ColumnPair(before[name], after[name], *sizes)
        for name in shared
        if family(before[name]) == family(after[name]) or "empty" in (family(before[name]), family(after[name]))
    ]
    results = {pair.name: column_tests.measures(pair) for pair in pairs}
    frame = duplicates(reference, current, sizes)
    tests = sum(map(len, results.values())) + len(frame)
    for measure in [*frame, *(measure for part in results.values() for measure in part)]:
        if measure.size >= measure.practical and measure.chance <= chance / tests:
            findings.append(measure.finding())
    findings = explained(findings, before, after)
    changes = {pair.name: column_change(pair, results[pair.name], chance / max(1, tests)) for pair in pairs}
    return Comparison(
        tuple(findings), changes, current["rows"], reference["rows"], chance, tests, notes(current, changes)
    )


def schema(before: Mapping[str, Document], after: Mapping[str, Document]) -> list[DriftFinding]:
    """Columns that were added, removed, renamed, or hold another kind of value."""
    removed = [name for name in before if name not in after]
    added = [name for name in after if name not in before]
    findings = []
    for old, new in renamed([before[name] for name in removed], [after[name] for name in added]):
        names = next(n for n in removed if before[n] is old), next(n for n in added if after[n] is new)
        removed.remove(names[0])
        added.remove(names[1])
        text = f"`{names[0]}` is called `{names[1]}` now; the values are the same"
        findings.append(DriftFinding("renamed", names[1], text, data={"was": names[0]}))
    findings += [DriftFinding("removed", name, f"`{name}` is not there any more") for name in removed]
    findings += [DriftFinding("added", name, f"`{name}` is a new column") for name in added]
    for name in before:
        kinds = family(before[name]), family(after[name]) if name in after else ""
        if name in after and kinds[0] != kinds[1] and "empty" not in kinds:
            text = f"`{name}` holds {noun(after[name])}; it held {noun(before[name])} in the reference"
            data = {"before": before[name]["dtype"], "now": after[name]["dtype"]}
            findings.append(DriftFinding("retyped", name, text, data=data))
    return findings


def noun(column: Document) -> str:
    """What a column holds, for people."""
    kinds = {"number": "numbers", "text": "text", "boolean": "true and false", "datetime": "times"}
    return f"{kinds.get(family(column), 'other values')} ({column['dtype']})"


def explained(
    findings: list[DriftFinding], before: Mapping[str, Document], after: Mapping[str, Document]
) -> list[DriftFinding]:
    """The findings in order, without those that another one explains."""
    moved = {f.column for f in findings if f.column and f.kind in {*EXPLAINS["swapped"], "constant", "retyped"}}
    pairs = swapped(before, after, [name for name in before if name in moved and name in after])
    for first, second in pairs:
        for name, other in ((first, second), (second, first)):
            text = f"`{name}` holds the values of `{other}`: the two columns were swapped"
            findings.append(DriftFinding("swapped", name, text, data={"with": other}))
    crossed = {name for pair in pairs for name in pair}
    findings = [f for f in findings if f.column not in crossed or f.kind != "retyped"]
    findings += _unit_changes(findings, before, after, crossed)
    present = {(finding.column, finding.kind) for finding in findings}
    explaining = {
        (column, kind) for column, cause in present for kind in EXPLAINS.get(cause, ()) if cause != kind
    }  # fmt: skip
    remaining = [finding for finding in findings if (finding.column, finding.kind) not in explaining]
    strongest: dict[tuple[str, str], DriftFinding] = {}
    for finding in remaining:
        key = finding.column, finding.kind
        if key not in strongest or finding.size > strongest[key].size:
            strongest[key] = finding
    doubled = ("", "duplicates") in strongest
    ordered = [f for f in strongest.values() if not (doubled and f.kind == "unique")]
    names = list(dict.fromkeys([*before, *after]))
    return sorted(ordered, key=lambda f: (KINDS.index(f.kind), names.index(f.column) if f.column in names else -1))


def _unit_changes(
    findings: list[DriftFinding], before: Mapping[str, Document], after: Mapping[str, Document], crossed: set[str]
) -> list[DriftFinding]:
    result = []
    for name in dict.fromkeys(f.column for f in findings if f.kind in ("distribution", "sign")):
        if name in crossed:
            continue
        change = unit_change(before[name]["numbers"]["quantiles"], after[name]["numbers"]["quantiles"])
        if change:
            text = f"`{name}` looks {change}: the shape is that of the reference, the unit is not"
            cause = max((f for f in findings if f.column == name), key=lambda f: f.size)
            result.append(
                DriftFinding("unit", name, text, cause.size, cause.practical, cause.chance, {"change": change})
            )
    return result


def column_change(pair: ColumnPair, measures: Sequence[Measure], chance: float) -> ColumnChange:
    """Effect sizes of one column, and how small a change could be seen."""
    first, second = pair.bins if pair.numbers else pair.category_counts
    effects: dict[str, float | None] = {}
    if sum(first) and sum(second):
        effects = {
            "psi": effect_sizes.stability_index(first, second),
            "psi_expected": effect_sizes.expected_stability_index(len(first), sum(first), sum(second)),
            "js": effect_sizes.jensen_shannon(first, second),
            "tv": effect_sizes.total_variation(first, second),
        }
    if pair.numbers:
        effects["ks"] = effect_sizes.largest_distance(first, second)
        effects["wasserstein"] = effect_sizes.wasserstein(*(part["quantiles"] for part in pair.numbers))
    detectable = detectable_distance(chance, pair.rows, pair.others)
    power = "full" if detectable <= column_tests.DISTANCE else "low"
    sizes: dict[str, float] = {}
    for measure in measures:
        sizes[measure.name] = max(sizes.get(measure.name, 0.0), measure.size)
    return ColumnChange(pair.name, sizes, effects, detectable, power)


def notes(current: Document, changes: Mapping[str, ColumnChange]) -> tuple[str, ...]:
    """What a reader should know of the comparison itself."""
    result = [f"the columns were not read: {current['reason']}"] if current.get("reason") else []
    low = [change.detectable for change in changes.values() if change.power == "low"]
    if low and current["rows"]:
        result.append(
            f"{current['rows']} rows are few: a distribution has to move by {max(low):.2g} (largest distance) "
            "before it differs from chance"
        )
    if current.get("sampled"):
        result.append(f"each {current['sampled']['every']}th row was read")
    if current.get("omitted"):
        result.append(f"{current['omitted']} columns beyond the first {len(current['columns'])} were not read")
    return tuple(result)
