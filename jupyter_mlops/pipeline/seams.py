"""Where a run of cells without headings falls apart into pieces, and what to call them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from jupyter_mlops.pipeline.slug import slug

_LOADS = re.compile(
    r"\b(?:read_(?!only)\w+|load_\w+|loadtxt|genfromtxt|get_rdataset|fetch_\w+|urlopen|urlretrieve|DataReader|"
    r"from_csv|scan_\w+)\s*\(|\.load(?:_pandas)?\(|\brequests\.get\(|(?<![\w.])open\("
)
_FITS = re.compile(r"\.fit\w*\(|\.train\(|\bcross_val_\w+\(|\bcurve_fit\(|\bminimize\(")
_DRAWS = re.compile(r"\brandom\.|\brng\.|\.rvs\(|generate_sample\(|make_(?:blobs|moons|classification|regression)\(")
_PREDICTS = re.compile(r"\.(?:predict\w*|forecast|get_prediction|get_forecast|transform)\(")
_WRITES = re.compile(r"\.(?:to_(?:csv|parquet|excel|json|pickle|sql|feather|hdf)|savefig|save)\(|\bdump\(")
_PLOTS = re.compile(r"\bplt\.|\.plot\b|\bsns\.|\bplot\w*\(|\.hist\(|\.scatter\(|qqplot\(|\bpx\.")
_ANYTHING = re.compile("")
_PLAIN = re.compile(
    r"(?i)(?:fig|axe?s?|res|results?|rslt|mod|model|fit|fitted|out|tmp|temp|data|df|ret|idx|index|_.*|.{1,2})\d*"
)
_FEWEST = 4
_MOST = 10


@dataclass(frozen=True)
class Piece:
    """What seams and names need to know of one code cell.

    :param reads: variables it reads, modules and functions left out.
    :param binds: variables it binds, modules and functions left out.
    :param made: the variables its top-level assignments bind, in order, each with its statement.
    :param text_above: whether Markdown stands between it and the code cell above.
    """

    cell: int
    source: str
    reads: frozenset[str]
    binds: frozenset[str]
    made: tuple[tuple[str, str], ...] = ()
    text_above: bool = False


Group = tuple[Piece, ...]


def split(pieces: Sequence[Piece]) -> list[Group]:
    """Cut a run of cells into steps: the largest group at its best seam, until there are enough.

    One step for up to 3 cells, else about one for 4 cells, 10 at most. A cell that only shows
    something stays with what it shows.
    """
    groups: list[Group] = [tuple(pieces)] if pieces else []
    while len(groups) < _enough(len(pieces)):
        candidates = [(len(group), -place, place) for place, group in enumerate(groups) if _best(group) is not None]
        if not candidates:
            break
        place = max(candidates)[2]
        group = groups[place]
        seam = _best(group) or 0
        groups[place : place + 1] = [group[:seam], group[seam:]]
    return groups


def _enough(cells: int) -> int:
    if cells < _FEWEST:
        return 1
    return 2 if cells < 6 else min(_MOST, max(3, round(cells / 4)))


def _best(group: Group) -> int | None:
    scores = {place: _score(group, place) for place in range(1, len(group))}
    middle = len(group) / 2
    good = [(score, -abs(place - middle), -place) for place, score in scores.items() if score > 0]
    return -max(good)[2] if good else None


def _score(group: Group, place: int) -> int:
    piece = group[place]
    if not piece.binds or not any(one.made for one in group[:place]):
        return 0
    above = frozenset[str]().union(*(one.binds for one in group[:place]))
    unconnected = not piece.reads & above
    stage = bool(_LOADS.search(piece.source) or _FITS.search(piece.source))
    return 3 * unconnected + 2 * piece.text_above + stage


_DEEDS = (
    ("fit", _FITS, "fit_model"),
    ("load", _LOADS, "load_data"),
    ("simulate", _DRAWS, "simulate_data"),
    ("predict", _PREDICTS, "predict"),
    ("save", _WRITES, "save_results"),
)


def names(group: Group, later: Collection[str]) -> tuple[str, ...]:
    """Names for a group without heading, the best first: what its code does, and to which variable.

    :param later: names that cells below the group read.
    """
    source = "\n".join(piece.source for piece in group)
    for verb, does, plain in _DEEDS:
        if does.search(source) and (verb != "simulate" or any(piece.made for piece in group)):
            precise = _with(verb, _main(group, later, does))
            found = (plain, precise) if verb in ("load", "save") else (precise, plain)
            return tuple(one for one in found if one)
    variable = _main(group, later, _ANYTHING)
    if variable:
        return (_with("compute", variable),)
    if _PLOTS.search(source):
        return ("plot",)
    return ("prepare" if any(piece.binds for piece in group) else "show_results",)


def _main(group: Group, later: Collection[str], by: re.Pattern[str]) -> str:
    """The last telling variable made by such a statement, rather one that is read below."""
    made = [pair for piece in group for pair in piece.made]
    telling = [variable for variable, statement in made if by.search(statement) and not _PLAIN.fullmatch(variable)]
    used = [variable for variable in telling if variable in later]
    return next(reversed(used or telling), "")


def _with(verb: str, variable: str) -> str:
    words = [word for word in variable.split("_") if word.lower() != verb]
    return slug(" ".join([verb, *words])) if any(words) else ""
