"""The tests on one column. Each gives a measure: how much differs, and how probable that is by chance alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from jupyter_mlops.tracking.column_pair import ColumnPair
from jupyter_mlops.tracking.drift_finding import Measure
from jupyter_mlops.tracking.effect_sizes import largest_distance
from jupyter_mlops.tracking.noise import distance_chance, share_chance

# The least change that counts, as a share of the rows.
MISSING = 0.01
INFINITE = 0.005
RARE = 0.005  # a category, a sign or a value that was not there before
SHARE = 0.03  # a category, zeros, values in one bin
OUTSIDE = 0.01  # values beyond the reference's outer edges
DISTANCE = 0.05  # Kolmogorov–Smirnov
UNIQUE = 0.01
Test = Callable[[ColumnPair], Iterator[Measure]]


def percent(share: float) -> str:
    """A share for people: three digits, and not 0% for what is there."""
    return f"{100 * share:.3g}%"


def share_measure(
    name: str, kind: str, column: str, text: tuple[str, str], counts: Sequence[int], sizes: Sequence[int],
    practical: float, data: Mapping[str, object] | None = None, tests: int = 1,
) -> Measure:  # fmt: skip
    """The measure of a share of the rows. The chance is only worked out for what is large enough to count.

    :param text: the sentence before and after the current share.
    :param counts: rows in the reference and now.
    :param tests: how many shares were looked at to choose this one.
    """
    before, now = (count / size if size else 0.0 for count, size in zip(counts, sizes, strict=True))
    size = abs(now - before)
    chance = share_chance(counts[0], sizes[0], counts[1], sizes[1]) if size >= practical else 1.0
    filled = f"{text[0]}{percent(now)}{text[1]}, {percent(before)} in the reference"
    return Measure(name, kind, column, filled, size, practical, min(1.0, chance * tests), data or {})


def missing(pair: ColumnPair) -> Iterator[Measure]:
    """More or fewer missing values."""
    text = f"`{pair.name}`: ", " of the values are missing"
    counts = pair.reference["missing"], pair.current["missing"]
    yield share_measure("missing", "missing", pair.name, text, counts, (pair.rows, pair.others), MISSING)


def infinite(pair: ColumnPair) -> Iterator[Measure]:
    """More or fewer infinite values."""
    if pair.numbers:
        text = f"`{pair.name}`: ", " of the values are infinite"
        counts = [sum(part["infinite"]) for part in pair.numbers]
        yield share_measure("infinite", "infinite", pair.name, text, counts, (pair.rows, pair.others), INFINITE)


def sign(pair: ColumnPair) -> Iterator[Measure]:
    """Negative values or zeros, more or fewer than before."""
    if not pair.numbers:
        return
    sizes = [part["finite"] for part in pair.numbers]
    for key, noun in (("negative", "negative values"), ("zero", "zeros")):
        counts = [part[key] for part in pair.numbers]
        practical = RARE if key == "negative" and not min(counts) else SHARE
        text = f"`{pair.name}`: ", f" {noun}"
        yield share_measure(key, "sign", pair.name, text, counts, sizes, practical, {"sign": key})


def distribution(pair: ColumnPair) -> Iterator[Measure]:
    """The distribution as a whole, and single bins of it."""
    first, second = pair.bins
    if not pair.numbers:
        return
    sizes = sum(first), sum(second)
    distance = largest_distance(first, second)
    text = f"`{pair.name}`: the distribution moved; the largest distance is {distance:.3g}"
    yield Measure("distance", "distribution", pair.name, text, distance, DISTANCE, distance_chance(distance, *sizes))
    yield _bin(pair, first, second)


def _bin(pair: ColumnPair, first: list[int], second: list[int]) -> Measure:
    """The bin whose share changed most clearly."""
    sizes = sum(first), sum(second)
    largest, position = -1.0, 0
    for place, (before, now) in enumerate(zip(first, second, strict=True)):
        practical = OUTSIDE if place in (0, len(first) - 1) else SHARE
        change = abs(now / sizes[1] - before / sizes[0]) / practical if all(sizes) else 0.0
        if change > largest:
            largest, position = change, place
    practical = OUTSIDE if position in (0, len(first) - 1) else SHARE
    low, high = bin_range(pair, position)
    text = f"`{pair.name}`: ", f" of the values {_range_text(low, high)}"
    data = {"low": low, "high": high}
    counts = first[position], second[position]
    return share_measure("bin", "distribution", pair.name, text, counts, sizes, practical, data, len(first))


def bin_range(pair: ColumnPair, position: int) -> tuple[float | None, float | None]:
    """The edges of a bin; None where it is open."""
    edges = pair.numbers[0]["edges"] if pair.numbers else []
    return (edges[position - 1] if position else None), (edges[position] if position < len(edges) else None)


def _range_text(low: float | None, high: float | None) -> str:
    if low is None and high is None:
        return "are numbers"
    if low is None:
        return f"are at most {high:.6g}"
    return f"are above {low:.6g}" if high is None else f"lie between {low:.6g} and {high:.6g}"


def constant(pair: ColumnPair) -> Iterator[Measure]:
    """One value in all rows, where the reference has several."""
    before, now = pair.distinct()
    if before < 2 or now < 1 or not (pair.numbers or pair.texts):
        return
    text = f"`{pair.name}` has the same value in all rows; the reference has {before} different values"
    yield Measure("constant", "constant", pair.name, text, float(now == 1), 1.0, _constant_chance(pair, now))


def _constant_chance(pair: ColumnPair, distinct: int) -> float:
    if distinct != 1:
        return 1.0
    if pair.numbers:
        first, second = pair.bins
    else:
        first, second = pair.category_counts
    position = max(range(len(second)), key=second.__getitem__)
    return min(1.0, len(second) * share_chance(first[position], sum(first), second[position], sum(second)))


def categories(pair: ColumnPair) -> Iterator[Measure]:
    """New, vanished, more and less frequent categories."""
    if not pair.texts:
        return
    rows = [sum(count for _, count in part["top"]) + part["other"] for part in pair.texts]
    hidden = [min(part["other"], part["unnamed"]) for part in pair.texts]
    counts = []
    for name, before, now in pair.categories:
        first = _nearest(hidden[0], now or 0, rows[0], rows[1]) if before is None else before
        counts.append((name, first, _nearest(hidden[1], first, rows[1], rows[0]) if now is None else now))
    groups: dict[str, list[tuple[float, str, int, int]]] = {
        "new category": [],
        "vanished category": [],
        "categories": [],
    }
    for name, count, other in counts:
        old, new = count / rows[0] if rows[0] else 0.0, other / rows[1] if rows[1] else 0.0
        kind = "new category" if old < new / 8 else "vanished category" if new < old / 8 else "categories"
        groups[kind].append((abs(new - old), name, count, other))
    for kind, members in groups.items():
        yield _category_measure(pair, kind, sorted(members, key=lambda row: (-row[0], row[1])), rows)


def _nearest(most: int, other: int, rows: int, others: int) -> int:
    """The count of a category without a name, of which only the bound `most` is certain: the nearest to no change."""
    return min(most, round(other * rows / others)) if others else 0


def _category_measure(
    pair: ColumnPair, kind: str, members: list[tuple[float, str, int, int]], rows: list[int]
) -> Measure:
    """The category of a kind whose share changed most."""
    practical = SHARE if kind == "categories" else RARE
    _, name, first, second = members[0] if members else (0.0, "", 0, 0)
    verb = {"new category": "is new", "vanished category": "is gone"}.get(kind, "changed")
    text = f"`{pair.name}`: `{name}` {verb}: ", " of the rows"
    data = {"categories": [row[1] for row in members if row[0] >= practical][:20]}
    tests = max(1, sum(pair.distinct()))
    return share_measure(kind, kind, pair.name, text, (first, second), rows, practical, data, tests)


def texts(pair: ColumnPair) -> Iterator[Measure]:
    """Lengths and letters of texts that are too many to be named."""
    if not pair.texts or not all("lengths" in part for part in pair.texts) or not any(p["other"] for p in pair.texts):
        return
    lengths = [part["lengths"] for part in pair.texts]
    sizes = sum(lengths[0]), sum(lengths[1])
    distance = largest_distance(*lengths)
    text = f"`{pair.name}`: the lengths of the texts changed; the largest distance is {distance:.3g}"
    yield Measure("lengths", "text", pair.name, text, distance, DISTANCE, distance_chance(distance, *sizes))
    for trait, first in pair.texts[0]["traits"].items():
        other = pair.texts[1]["traits"][trait]
        sentence = f"`{pair.name}`: ", f" of the texts are {trait}"
        yield share_measure(
            f"trait {trait}", "text", pair.name, sentence, (first, other), sizes, SHARE, {"trait": trait}
        )


def unique(pair: ColumnPair) -> Iterator[Measure]:
    """Repeated values in a column that had none."""
    before, now = pair.distinct()
    sizes = [rows - part["missing"] for rows, part in ((pair.rows, pair.reference), (pair.others, pair.current))]
    if before < 100 or before != sizes[0] or sizes[1] > 2 * sizes[0]:
        return
    text = f"`{pair.name}`: ", " of the values repeat another"
    counts = 0, max(0, sizes[1] - now)
    yield share_measure("unique", "unique", pair.name, text, counts, sizes, UNIQUE)


TESTS: tuple[Test, ...] = (missing, infinite, sign, distribution, constant, categories, texts, unique)


def measures(pair: ColumnPair) -> list[Measure]:
    """All tests that the column allows, significant or not: their number is what the promise is divided by."""
    return [measure for test in TESTS for measure in test(pair)]
