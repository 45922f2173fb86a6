"""Bounded summaries of a column: quantile edges, counts between them, and a HyperLogLog of its distinct values.

Nothing here imports numpy: it is taken from `sys.modules`, since a kernel must not load what its user did not.
"""

from __future__ import annotations

import base64
import math
import sys
from typing import Any

CHUNK = 1 << 17  # rows that are hashed at a time: they stay in the processor's cache
QUANTILES = 32  # quantiles are kept at 1/32 … 31/32
LENGTHS = (0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 96, 128, 256, 512, 1024, 4096)
MIX = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)  # splitmix64, Steele, Lea and Flood (2014)


def library() -> Any:
    """numpy, if the kernel has loaded it, otherwise None."""
    return sys.modules.get("numpy")


def mix(words: Any) -> Any:
    """64-bit words -> well mixed 64-bit hashes, in place."""
    numpy = library()
    for shift, factor in ((30, MIX[0]), (27, MIX[1])):
        words ^= words >> numpy.uint64(shift)
        words *= numpy.uint64(factor)
    words ^= words >> numpy.uint64(31)
    return words


class Distinct:
    """HyperLogLog (Flajolet and others, 2007) with linear counting for small numbers: standard error 1.04 / sqrt(m).

    :param precision: 2 ** precision registers of one byte.
    """

    def __init__(self, precision: int) -> None:
        self.precision = precision
        self.seen_ranks = bytearray(64 << precision)

    def add(self, hashes: Any) -> None:
        """Take 64-bit hashes."""
        numpy = library()
        size = numpy.uint64((1 << self.precision) - 1)
        rest = hashes >> numpy.uint64(self.precision)
        lowest = (rest & (~rest + numpy.uint64(1))).astype(numpy.float64)
        # A power of two as a float: its exponent is the number of trailing zeros.
        ranks = (lowest.view(numpy.uint64) >> numpy.uint64(52)).astype(numpy.int64) - 1022
        ranks[rest == 0] = 64 - self.precision + 1
        keys = (hashes & size).astype(numpy.int64) * 64 + numpy.minimum(ranks, 63)
        numpy.frombuffer(self.seen_ranks, numpy.uint8)[keys] = 1

    def registers(self) -> bytes:
        """The highest rank of each register."""
        numpy = library()
        table = numpy.frombuffer(self.seen_ranks, numpy.uint8).reshape(-1, 64)
        highest = 63 - numpy.argmax(table[:, ::-1], axis=1)
        return bytes(numpy.where(table.any(axis=1), highest, 0).astype(numpy.uint8))


def estimate(registers: bytes) -> int:
    """The number of distinct values that registers stand for."""
    size = len(registers)
    zero = registers.count(0)
    alpha = 0.7213 / (1 + 1.079 / size)
    raw = alpha * size * size / sum(2.0**-rank for rank in registers)
    if zero and raw <= 2.5 * size:
        return round(size * math.log(size / zero))
    return round(raw)


def packed(registers: bytes) -> str:
    return base64.b64encode(registers).decode("ascii")


def unpacked(text: str) -> bytes:
    return base64.b64decode(text)


def united(first: str, second: str) -> str:
    """The registers of the union of two columns. Raises ValueError if their sizes differ."""
    one_side, other_side = unpacked(first), unpacked(second)
    if len(one_side) != len(other_side):
        raise ValueError("the profiles count distinct values with different precision")
    return packed(bytes(map(max, one_side, other_side)))


def between(low: Any, high: Any) -> Any:
    """The shortest decimal numbers in [low, high), so that an edge tells little of the values beside it."""
    numpy = library()
    with numpy.errstate(all="ignore"):
        middle = low + (high - low) / 2
        middle = numpy.where(numpy.isfinite(middle) & (middle >= low) & (middle < high), middle, low)
        result = middle.copy()
        open_places = numpy.ones(len(middle), bool)
        exponent = numpy.floor(numpy.log10(numpy.abs(middle), where=middle != 0, out=numpy.zeros(len(middle))))
        for digits in range(1, 17):
            scale = 10.0 ** (digits - 1 - exponent)
            rounded = numpy.round(middle * scale) / scale
            fits = open_places & (rounded >= low) & (rounded < high)
            result[fits] = rounded[fits]
            open_places &= ~fits
            if not open_places.any():
                break
    return result + 0.0


def quantile_edges(ordered: Any, bins: int, smallest: int) -> list[float]:
    """Edges between `bins` groups of about equal size; a value on an edge belongs below it.

    No edge lies beyond the `smallest` lowest or highest values, unless so many values are equal: then the edge is
    beside them, and a value that is new below or above is counted apart.

    :param ordered: finite values, ascending.
    """
    numpy = library()
    size = len(ordered)
    groups = min(bins, size // smallest)
    if groups < 1:
        return []
    positions = numpy.arange(1, groups) * size // groups - 1
    values = ordered[numpy.concatenate([[0], positions, [size - 1]])]
    begins = numpy.searchsorted(ordered, values, "left")
    ends = numpy.searchsorted(ordered, values, "right")
    frequent = ends - begins >= max(smallest, size // bins)
    frequent[[0, -1]] = (ends - begins)[[0, -1]] >= smallest
    above = (ends < size - smallest + 1) & (ends >= smallest)
    above[[0, -1]] &= frequent[[0, -1]]
    below = frequent & (begins >= smallest) & (begins <= size - smallest)
    edges = [
        between(ordered[ends[above] - 1].astype(float), ordered[ends[above]].astype(float)),
        between(ordered[begins[below] - 1].astype(float), ordered[begins[below]].astype(float)),
    ]
    integers = bool((values == numpy.floor(values)).all())
    low, high = float(values[0]), float(values[-1])
    if frequent[0]:
        edges.append(numpy.array([low - _step(low, integers)]))
    if frequent[-1]:
        edges.append(numpy.array([high + _step(high, integers)]))
    joined = numpy.unique(numpy.concatenate(edges))
    return [float(edge) for edge in joined[numpy.isfinite(joined)]]


def _step(value: float, integers: bool) -> float:
    return 0.5 if integers and abs(value) < 2**50 else max(abs(value), 1.0) * 1e-9


def counts_between(ordered: Any, edges: list[float]) -> list[int]:
    """How many values lie up to the first edge, between each two, and above the last."""
    numpy = library()
    places = numpy.searchsorted(ordered, numpy.array(edges, float), "right") if edges else numpy.array([], int)
    return [int(count) for count in numpy.diff(numpy.concatenate([[0], places, [len(ordered)]]))]


def quantiles(ordered: Any, smallest: int) -> list[Any]:
    """The quantiles at 1/32 … 31/32, shortened; None where fewer than `smallest` values lie beyond."""
    numpy = library()
    size = len(ordered)
    points = numpy.arange(1, QUANTILES) / QUANTILES
    inside = (points * size >= smallest) & ((1 - points) * size >= smallest)
    if not inside.any():
        return [None] * (QUANTILES - 1)
    places = points[inside] * (size - 1)
    lower = places.astype(int)
    first = ordered[lower].astype(float)
    second = ordered[numpy.minimum(lower + 1, size - 1)].astype(float)
    exact = first + (second - first) * (places - lower)
    reach = numpy.abs(exact) * 5e-6
    short = iter(between(exact - reach, exact + reach))
    return [float(next(short)) if ok else None for ok in inside]


def moments(ordered: Any, edges: list[float]) -> tuple[float, float]:
    """Mean and sum of squared deviations of the values, those beyond the outer edges set to them."""
    numpy = library()
    low, high = (edges[0], edges[-1]) if edges else (float(ordered[0]), float(ordered[-1]))
    first, last = numpy.searchsorted(ordered, [low, high], "right")
    inside = ordered[first:last].astype(float)
    below, beyond, size = int(first), len(ordered) - int(last), len(ordered)
    with numpy.errstate(all="ignore"):
        mean = (float(inside.sum()) + below * low + beyond * high) / size
        inside -= mean
        squares = float(numpy.dot(inside, inside)) + below * (low - mean) ** 2 + beyond * (high - mean) ** 2
    return mean, squares


def number(value: float) -> Any:
    """A float for JSON: NaN and infinity as strings."""
    return value if math.isfinite(value) else str(value)
