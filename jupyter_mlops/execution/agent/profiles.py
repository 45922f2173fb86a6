"""The profile of a frame: what its columns hold, as bounded counts that can be compared and merged.

    profile(frame, reference=…, limits=…) -> {"format": 1, "rows": …, "columns": [{"name": …, "kind": …, …}, …]}

The document holds no row, no extreme value, and no category of fewer than five rows, unless `limits` ask for it.
With a reference, values are counted between the edges of the reference, so that two profiles have the same bins.
"""

from __future__ import annotations

import datetime
import sys
import zlib
from collections.abc import Iterator
from typing import Any

from .columns import MOST_LETTERS, Column, columns_of, every, is_frame, module_of, shape_of, text_of
from .sketches import (
    CHUNK,
    LENGTHS,
    Distinct,
    counts_between,
    library,
    mix,
    moments,
    number,
    packed,
    quantile_edges,
    quantiles,
)  # fmt: skip

FORMAT = 1
Document = dict[str, Any]
LIMITS = {
    "bins": 128,  # quantile groups of a number
    "top": 100,  # categories that are named
    "smallest": 5,  # rows that a named category has, and that lie beyond an edge
    "columns": 10_000,
    "cells": 400_000_000,  # beyond it, each n-th row is read
    "exact": False,  # name every category up to `top`, however rare
    "extremes": False,  # lowest and highest number
}
TRAITS = ("ascii", "digits", "letters", "upper", "lower", "padded", "empty")
__all__ = ["FORMAT", "LIMITS", "is_frame", "profile", "profile_slices"]


def profile(frame: Any, reference: Document | None = None, limits: Document | None = None) -> Document:
    """The profile of a frame (format 1), ready for JSON. Nothing in the frame is changed.

    :param reference: an earlier profile; its edges are used for the columns of the same name.
    :param limits: entries of LIMITS that are to be different.
    :raises TypeError: for a value that is not a frame.
    """
    bounds = {**LIMITS, **(limits or {})}
    rows, width = shape_of(frame)
    document = {
        "format": FORMAT, "type": f"{module_of(frame)}.{type(frame).__name__}", "rows": rows, "sampled": None,
        "columns": [], "omitted": max(0, width - bounds["columns"]), "duplicates": None, "reason": "",
    }  # fmt: skip
    if library() is None:
        document["reason"] = "numpy is not loaded in the kernel"
        return document
    step = max(1, -(-rows * max(1, min(width, bounds["columns"])) // bounds["cells"]))
    if step > 1:
        frame = every(frame, step)
        document["sampled"] = {"rows": -(-rows // step), "every": step}
    bounds = _narrowed(bounds, min(width, bounds["columns"]))
    references = {identity(column): column for column in (reference or {}).get("columns", ())}
    hasher = RowHasher(shape_of(frame)[0])
    names: Document = {}
    for name, column in columns_of(frame, bounds["columns"]):
        copy = names[name] = names.get(name, -1) + 1
        described = {"name": name, "dtype": column.dtype, "kind": column.kind}
        if copy:
            described["copy"] = copy
        _describe(described, column, hasher, references.get((name, copy)) or {}, bounds)
        document["columns"].append(described)
    document["duplicates"] = hasher.duplicates(frame) if width <= bounds["columns"] else None
    return document


def profile_slices(
    frame: Any, by: str, reference: Document | None = None, limits: Document | None = None, most: int = 20
) -> Document:
    """The profiles of a frame's rows for each of the `most` frequent categories of a column (pandas only).

    :param reference: the slices of an earlier frame, as this function returns them.
    """
    bounds = {**LIMITS, **(limits or {})}
    numpy = library()
    position = [label for label, _ in columns_of(frame, bounds["columns"])].index(by)
    [(_, column)] = list(columns_of(frame.iloc[:, position : position + 1], 1))
    tally = column.tally
    if tally is None or tally.codes is None:
        raise TypeError(f"{by} has no categories")
    slices = {}
    for code in numpy.argsort(-tally.counts, kind="stable")[:most]:
        if tally.counts[code] < bounds["smallest"]:
            break
        value = text_of(tally.items(int(code), int(code) + 1)[0])[:MOST_LETTERS]
        part = frame.iloc[numpy.flatnonzero(tally.codes == code)]
        slices[value] = profile(part, (reference or {}).get(value), limits)
    return slices


def identity(column: Document) -> tuple[Any, ...]:
    """Name and number among the columns of the same name."""
    return column["name"], column.get("copy", 0)


def _narrowed(bounds: Document, width: int) -> Document:
    """Bounds for a frame of many columns: the profile as a whole stays below 32 MB."""
    if width <= 1000:
        return {**bounds, "precision": 10}
    return {**bounds, "precision": 8, "bins": min(bounds["bins"], 32), "top": min(bounds["top"], 20)}


def _describe(described: Document, column: Column, hasher: RowHasher, reference: Document, bounds: Document) -> None:
    distinct = Distinct(bounds["precision"])
    if column.tally is not None:
        _describe_texts(described, column, distinct, hasher, reference, bounds)
    elif column.values is not None and column.kind in ("numeric", "integer"):
        _describe_numbers(described, column, distinct, hasher, reference, bounds)
    elif column.values is not None:
        _describe_times(described, column, distinct, hasher, bounds)
    else:
        described["missing"] = column.missing
        hasher.possible &= column.kind == "empty"


def _describe_numbers(
    described: Document, column: Column, distinct: Distinct, hasher: RowHasher, reference: Document, bounds: Document
) -> None:
    numpy = library()
    values = column.values if column.mask is None else column.values[~column.mask]
    ordered = numpy.sort(values)
    first, last, nans = 0, len(ordered), 0
    if ordered.dtype.kind == "f":
        first, last, end = (int(numpy.searchsorted(ordered, bound, side)) for bound, side in (
            (-numpy.inf, "right"), (numpy.inf, "left"), (numpy.inf, "right")))  # fmt: skip
        nans = len(ordered) - end
    infinite = [first, len(ordered) - nans - last]
    finite = ordered[first:last]
    size = len(finite)
    below, upto = (int(numpy.searchsorted(finite, 0, side)) for side in ("left", "right"))
    described["missing"] = len(column.values) - len(values) + nans
    different = int(numpy.count_nonzero(finite[1:] != finite[:-1])) + 1 if size else 0
    integers = size if finite.dtype.kind in "iu" else int(numpy.count_nonzero(finite == numpy.floor(finite)))
    edges = (reference.get("numbers") or {}).get("edges")
    edges = quantile_edges(finite, bounds["bins"], bounds["smallest"]) if not edges and size else edges or []
    mean, squares = moments(finite, edges) if size else (0.0, 0.0)
    described["numbers"] = {
        "finite": size, "infinite": infinite, "zero": upto - below, "negative": below, "whole": integers,
        "edges": edges, "counts": counts_between(finite, edges), "quantiles": quantiles(finite, bounds["smallest"]),
        "mean": number(mean), "squares": number(squares),
    }  # fmt: skip
    if bounds["extremes"] and size:
        described["numbers"]["extremes"] = [number(float(finite[0])), number(float(finite[-1]))]
    for start, hashes in number_hashes(column):
        hasher.add(start, hashes)
        present = hashes if column.mask is None else hashes[~column.mask[start : start + CHUNK]]
        distinct.add(present if not nans else present[~numpy.isnan(values_at(column, start))])
    _finish(described, distinct, different + (infinite[0] > 0) + (infinite[1] > 0))


def values_at(column: Column, start: int) -> Any:
    """The present values of a chunk of rows."""
    part = column.values[start : start + CHUNK]
    return part if column.mask is None else part[~column.mask[start : start + CHUNK]]


def number_hashes(column: Column) -> Iterator[tuple[Any, ...]]:
    """Start and hashes of each chunk of rows; missing values have one hash."""
    numpy = library()
    for start in range(0, len(column.values), CHUNK):
        part = column.values[start : start + CHUNK]
        if part.dtype.kind == "f":
            words = (part.astype(numpy.float64) + 0.0).view(numpy.uint64)
            words[numpy.isnan(part)] = 1
        else:
            words = part.astype(numpy.int64).view(numpy.uint64)
        if column.mask is not None:
            words[column.mask[start : start + CHUNK]] = 1
        yield start, mix(words)


def _describe_times(
    described: Document, column: Column, distinct: Distinct, hasher: RowHasher, bounds: Document
) -> None:
    numpy = library()
    described["missing"] = int(numpy.count_nonzero(column.mask)) if column.mask is not None else 0
    present = column.values if not described["missing"] else column.values[~column.mask]
    different = len(numpy.unique(present))
    described["times"] = {"first": None, "last": None, "unit": "hour"}
    if len(present) >= (1 if bounds["extremes"] else bounds["smallest"]):
        first, last = int(present.min()), int(present.max())
        unit = 3600 if last - first < 8 * 86400 else 86400
        described["times"] = {
            "first": moment(first // unit * unit), "last": moment(last // unit * unit),
            "unit": "hour" if unit == 3600 else "day",
        }  # fmt: skip
    for start, hashes in number_hashes(column):
        hasher.add(start, hashes)
        distinct.add(hashes if not described["missing"] else hashes[~column.mask[start : start + CHUNK]])
    _finish(described, distinct, different)


def moment(seconds: int) -> Any:
    """Seconds since 1970 as ISO 8601 in UTC; years that a calendar lacks stay a number."""
    try:
        return (datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)).isoformat() + "Z"
    except OverflowError:
        return seconds


def _describe_texts(
    described: Document, column: Column, distinct: Distinct, hasher: RowHasher, reference: Document, bounds: Document
) -> None:
    numpy, tally = library(), column.tally
    counts = tally.counts
    described["missing"] = tally.missing
    expected = {name for name, _ in (reference.get("texts") or {}).get("top", ())}
    lengths, traits = [0] * len(LENGTHS), [0] * len(TRAITS)
    hashes = numpy.zeros(len(counts), numpy.uint64)
    order = numpy.argsort(-counts, kind="stable")[: bounds["top"]]
    named: dict[int, Any] = {int(position): None for position in order if counts[position]}
    for start in range(0, len(counts), CHUNK):
        texts = [text_of(value) for value in tally.items(start, start + CHUNK)]
        hashes[start : start + len(texts)] = [
            zlib.crc32(data) << 20 ^ len(data) for data in (text.encode("utf-8", "surrogatepass") for text in texts)
        ]
        if column.kind == "text":
            _add_lengths(lengths, traits, texts, counts[start : start + CHUNK])
        for offset, text in enumerate(texts):
            if start + offset in named or text in expected:
                named[start + offset] = text
    mix(hashes)
    used = counts > 0
    distinct.add(hashes[used])
    if tally.codes is None:
        hasher.possible = False
    else:
        missing_hash = numpy.uint64(1)
        for start in range(0, len(tally.codes), CHUNK):
            codes = tally.codes[start : start + CHUNK]
            chosen = hashes[codes] if len(hashes) else numpy.zeros(len(codes), numpy.uint64)
            hasher.add(start, numpy.where(codes < 0, missing_hash, chosen))
    smallest = 1 if bounds["exact"] else bounds["smallest"]
    top: dict[str, int] = {}
    for position, text in named.items():
        if text is not None and counts[position] >= smallest:
            name = shortened(text)
            top[name] = top.get(name, 0) + int(counts[position])
    named_counts = [int(counts[position]) for position, text in named.items() if text is not None]
    unnamed = [count for count in named_counts if count < smallest]
    if len(named) < len(counts):
        others = numpy.delete(counts, list(named))
        unnamed.append(int(others.max()) if len(others) else 0)
    described["texts"] = {
        "top": [[name, count] for name, count in sorted(top.items(), key=lambda item: (-item[1], item[0]))],
        "other": int(counts.sum()) - sum(top.values()),
        "unnamed": max(unnamed, default=0),  # rows of the most frequent category without a name
    }
    if column.kind == "text":
        described["texts"].update(lengths=lengths, traits=dict(zip(TRAITS, traits)))
    _finish(described, distinct, int(numpy.count_nonzero(used)))


def shortened(text: str) -> str:
    """A category's name: long ones are cut, and told apart by a checksum."""
    if len(text) <= MOST_LETTERS:
        return text.encode("utf-8", "replace").decode("utf-8")
    return f"{shortened(text[: MOST_LETTERS - 10])}…{zlib.crc32(text.encode('utf-8', 'surrogatepass')):08x}"


def _add_lengths(lengths: list[Any], traits: list[Any], texts: list[Any], counts: Any) -> None:
    numpy = library()
    places = numpy.searchsorted(LENGTHS, [len(text) for text in texts], "right") - 1
    for position, count in enumerate(numpy.bincount(places, counts[: len(texts)], len(LENGTHS))):
        lengths[position] += int(count)
    tests = (
        str.isascii, str.isdigit, str.isalpha, str.isupper, str.islower,
        lambda text: text[:1].isspace() or text[-1:].isspace(), lambda text: not text,
    )  # fmt: skip
    for position, test in enumerate(tests):
        holds = numpy.fromiter(map(test, texts), bool, len(texts))
        traits[position] += int(counts[: len(texts)][holds].sum())


def _finish(described: Document, distinct: Distinct, different: int) -> None:
    described["distinct"] = {"count": different, "exact": True, "registers": packed(distinct.registers())}
    described["constant"] = different == 1


class RowHasher:
    """Hashes of whole rows, to count rows that equal an earlier one."""

    def __init__(self, rows: int) -> None:
        self.possible = True
        self.hashes = library().zeros(rows, library().uint64)

    def add(self, start: int, hashes: Any) -> None:
        """Take the next column's hashes of the rows from `start` on."""
        numpy = library()
        part = self.hashes[start : start + len(hashes)]
        part *= numpy.uint64(0x9E3779B97F4A7C15)
        part += hashes

    def duplicates(self, frame: Any) -> Any:
        """The number of rows that equal an earlier row; None if it is not known."""
        if not self.possible:
            return polars_duplicates(frame) if module_of(frame) == "polars" else None
        self.hashes.sort()
        return int(library().count_nonzero(self.hashes[1:] == self.hashes[:-1]))


def polars_duplicates(frame: Any) -> Any:
    try:
        return int(frame.height - frame.n_unique()) if frame.width else None
    except sys.modules["polars"].exceptions.PolarsError:  # columns that can't be compared
        return None
