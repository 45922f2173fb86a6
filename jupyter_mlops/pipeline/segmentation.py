"""Splits cells without headings into steps, and names these."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from jupyter_mlops.pipeline.step_names import slugify

_LOADS = re.compile(
    r"\b(?:read_(?!only)\w+|load_\w+|loadtxt|genfromtxt|get_rdataset|fetch_\w+|urlopen|urlretrieve|DataReader|"
    r"from_csv|scan_\w+)\s*\(|\.load(?:_pandas)?\(|\brequests\.get\(|(?<![\w.])open\("
)
_FITS = re.compile(r"\.fit\w*\(|\.train\(|\bcross_val_\w+\(|\bcurve_fit\(|\bminimize\(")
_DRAWS = re.compile(r"\brandom\.|\brng\.|\.rvs\(|generate_sample\(|make_(?:blobs|moons|classification|regression)\(")
_PREDICTS = re.compile(r"\.(?:predict\w*|forecast|get_prediction|get_forecast|transform)\(")
_WRITES = re.compile(r"\.(?:to_(?:csv|parquet|excel|json|pickle|sql|feather|hdf)|savefig|save)\(|\bdump\(")
_PLOTS = re.compile(r"\bplt\.|\.plot\b|\bsns\.|\bplot\w*\(|\.hist\(|\.scatter\(|qqplot\(|\bpx\.")
_ANY_TEXT = re.compile("")
_GENERIC_NAME = re.compile(
    r"(?i)(?:fig|axe?s?|res|results?|rslt|mod|model|fit|fitted|out|tmp|temp|data|df|ret|idx|index|_.*|.{1,2})\d*"
)
_MIN_CELLS = 4
_MAX_STEPS = 10


@dataclass(frozen=True)
class CellSummary:
    """The facts about a code cell that segmentation and naming need.

    :param reads: variables it reads, modules and functions left out.
    :param binds: variables it binds, modules and functions left out.
    :param assignments: the variables its top-level assignments bind, in order, each with its statement.
    :param text_above: whether there is Markdown between it and the code cell above.
    """

    cell: int
    source: str
    reads: frozenset[str]
    binds: frozenset[str]
    assignments: tuple[tuple[str, str], ...] = ()
    text_above: bool = False


Group = tuple[CellSummary, ...]


def split(summaries: Sequence[CellSummary]) -> list[Group]:
    """Split a group of cells into steps: repeatedly divide the largest group at its best boundary.

    Up to 3 cells are one step; more cells are about one step per 4 cells, at most 10 steps. A cell that only shows a
    value stays with the cell that computes it.
    """
    groups: list[Group] = [tuple(summaries)] if summaries else []
    while len(groups) < _step_count(len(summaries)):
        candidates = [
            (len(group), -index, index) for index, group in enumerate(groups) if _best_boundary(group) is not None
        ]
        if not candidates:
            break
        index = max(candidates)[2]
        group = groups[index]
        boundary = _best_boundary(group) or 0
        groups[index : index + 1] = [group[:boundary], group[boundary:]]
    return groups


def _step_count(cells: int) -> int:
    if cells < _MIN_CELLS:
        return 1
    return 2 if cells < 6 else min(_MAX_STEPS, max(3, round(cells / 4)))


def _best_boundary(group: Group) -> int | None:
    scores = {index: _score(group, index) for index in range(1, len(group))}
    center = len(group) / 2
    candidates = [(score, -abs(index - center), -index) for index, score in scores.items() if score > 0]
    return -max(candidates)[2] if candidates else None


def _score(group: Group, index: int) -> int:
    summary = group[index]
    if not summary.binds or not any(earlier_summary.assignments for earlier_summary in group[:index]):
        return 0
    earlier_names = frozenset[str]().union(*(earlier_summary.binds for earlier_summary in group[:index]))
    is_unconnected = not summary.reads & earlier_names
    stage = bool(_LOADS.search(summary.source) or _FITS.search(summary.source))
    return 3 * is_unconnected + 2 * summary.text_above + stage


_ACTIONS = (
    ("fit", _FITS, "fit_model"),
    ("load", _LOADS, "load_data"),
    ("simulate", _DRAWS, "simulate_data"),
    ("predict", _PREDICTS, "predict"),
    ("save", _WRITES, "save_results"),
)


def names(group: Group, later_reads: Collection[str]) -> tuple[str, ...]:
    """Names for a group without a heading, the best first, from the calls in its code and their variables.

    :param later_reads: names that cells below the group read.
    """
    source = "\n".join(summary.source for summary in group)
    for verb, pattern, default_name in _ACTIONS:
        if pattern.search(source) and (verb != "simulate" or any(summary.assignments for summary in group)):
            specific_name = _verb_name(verb, _main_variable(group, later_reads, pattern))
            candidates = (default_name, specific_name) if verb in ("load", "save") else (specific_name, default_name)
            return tuple(name for name in candidates if name)
    variable = _main_variable(group, later_reads, _ANY_TEXT)
    if variable:
        return (_verb_name("compute", variable),)
    if _PLOTS.search(source):
        return ("plot",)
    return ("prepare" if any(summary.binds for summary in group) else "show_results",)


def _main_variable(group: Group, later_reads: Collection[str], pattern: re.Pattern[str]) -> str:
    """The last meaningful variable of such a statement, preferably one that later cells read."""
    assignments = [pair for summary in group for pair in summary.assignments]
    variables = [
        variable
        for variable, statement in assignments
        if pattern.search(statement) and not _GENERIC_NAME.fullmatch(variable)
    ]
    later_variables = [variable for variable in variables if variable in later_reads]
    return next(reversed(later_variables or variables), "")


def _verb_name(verb: str, variable: str) -> str:
    words = [word for word in variable.split("_") if word.lower() != verb]
    return slugify(" ".join([verb, *words])) if any(words) else ""
