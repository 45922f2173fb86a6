"""The columns of a frame as arrays, read only: pandas, polars, pyarrow, numpy, and dictionaries of arrays.

Nothing in the frame is changed: no block is consolidated, no column is selected by name (that would cache the
lookup), and no copy of the frame is made.
"""

from __future__ import annotations

import collections
import datetime
import decimal
import sys
import uuid
from collections.abc import Callable, Iterator
from typing import Any

PLAIN = (str, int, float, bool, bytes, decimal.Decimal, datetime.date, datetime.time, datetime.timedelta, uuid.UUID)
PART = 1 << 17  # rows whose texts are looked up at a time
MOST_LETTERS = 80  # of a category; longer ones are told apart by a checksum


class Column:
    """One column.

    :param dtype: the type as its library calls it.
    :param kind: numeric, integer, boolean, text, datetime, empty or other.
    :param values: numbers, or seconds since 1970 of a datetime, one for each row. None for text and other.
    :param mask: where values are missing; None if NaN alone says it.
    :param tally: the distinct texts with their counts.
    :param missing: number of missing rows, where neither values nor tally say it.
    """

    def __init__(
        self, dtype: str, kind: str, values: Any = None, mask: Any = None, tally: Any = None, missing: int = 0
    ) -> None:
        self.dtype, self.kind, self.values, self.mask, self.tally = str(dtype)[:100], kind, values, mask, tally
        self.missing = missing


class Tally:
    """Distinct texts and how often they occur.

    :param counts: rows of each distinct value.
    :param items: the distinct values from a position to another.
    :param codes: for each row the position of its value, -1 if missing; None if the library keeps it to itself.
    """

    def __init__(self, counts: Any, items: Callable[[int, int], list[Any]], codes: Any, missing: int) -> None:
        self.counts, self.items, self.codes, self.missing = counts, items, codes, missing


def module_of(value: Any) -> str:
    return type(value).__module__.partition(".")[0]


def is_frame(value: Any) -> bool:
    """Whether a value is a table: a frame of pandas or polars, a table of pyarrow, a two-dimensional array of numpy."""
    kind = (module_of(value), type(value).__name__)
    if kind == ("numpy", "ndarray"):
        return value.ndim == 2 or value.dtype.names is not None
    return kind in (("pandas", "DataFrame"), ("polars", "DataFrame"), ("pyarrow", "Table"))


def shape_of(frame: Any) -> tuple[Any, ...]:
    """Rows and columns. Raises TypeError if it is not a frame."""
    if is_frame(frame):
        if module_of(frame) == "numpy" and frame.dtype.names is not None:
            return len(frame), len(frame.dtype.names)
        return int(frame.shape[0]), int(frame.shape[1])
    if isinstance(frame, dict) and all(hasattr(value, "__len__") for value in frame.values()):
        lengths = {len(value) for value in frame.values()}
        if len(lengths) <= 1:
            return lengths.pop() if lengths else 0, len(frame)
        raise TypeError("the arrays of the dictionary have different lengths")
    raise TypeError(f"a {type(frame).__name__} is not a frame")


def every(frame: Any, step: int) -> Any:
    """Each `step`-th row of a frame, in its order."""
    if step <= 1:
        return frame
    library = module_of(frame)
    if isinstance(frame, dict):
        return {name: values[::step] for name, values in frame.items()}
    if library == "pandas":
        return frame.iloc[::step]
    if library == "polars":
        return frame.gather_every(step)
    if library == "pyarrow":
        return frame.take(list(range(0, frame.num_rows, step)))
    return frame[::step]


def columns_of(frame: Any, most: int) -> Iterator[tuple[Any, ...]]:
    """Name and `Column` of the first `most` columns, in order."""
    library = module_of(frame)
    if isinstance(frame, dict):
        pairs = ((name, _loose(values)) for name, values in list(frame.items())[:most])
    elif library == "pandas":
        names = list(frame.columns)[:most]
        pairs = ((name, _series(frame.iloc[:, i])) for i, name in enumerate(names))
    elif library == "polars":
        pairs = ((name, _polars(frame.to_series(i))) for i, name in enumerate(frame.columns[:most]))
    elif library == "pyarrow":
        pairs = ((name, _arrow(frame.column(i))) for i, name in enumerate(frame.column_names[:most]))
    elif frame.dtype.names is not None:
        pairs = ((name, _array(frame[name])) for name in frame.dtype.names[:most])
    else:
        pairs = ((str(i), _array(frame[:, i])) for i in range(min(frame.shape[1], most)))
    for name, column in pairs:
        yield label(name), column


def label(name: Any) -> str:
    """The name of a column as text; the levels of a MultiIndex are joined."""
    text = " / ".join(map(str, name)) if isinstance(name, tuple) else str(name)
    return text if len(text) <= 200 else text[:199] + "…"


def text_of(value: Any) -> str:
    """A category as text. Only values of plain types say what they are: another's text would run its code."""
    if type(value) is str:
        return value
    if isinstance(value, PLAIN) or module_of(value) in ("numpy", "pandas"):
        return str(value)
    if isinstance(value, tuple) and all(isinstance(item, PLAIN) for item in value):
        return str(value)
    return type(value).__name__


def _loose(values: Any) -> Column:
    if module_of(values) == "pandas" and type(values).__name__ == "Series":
        return _series(values)
    if module_of(values) == "polars":
        return _polars(values)
    numpy = sys.modules["numpy"]
    if isinstance(values, numpy.ndarray):
        return _array(values)
    if module_of(values) == "pyarrow":
        return _arrow(values)
    array = numpy.empty(len(values), object)
    array[:] = list(values)
    return _objects(array)


def _array(values: Any) -> Column:
    """A one-dimensional array of numpy."""
    numpy = sys.modules["numpy"]
    kind, dtype = values.dtype.kind, str(values.dtype)
    if values.ndim != 1:
        return Column(dtype, "other")
    if kind in "iu":
        return Column(dtype, "integer", values)
    if kind == "f":
        wide = values if values.dtype.itemsize in (4, 8) else values.astype(numpy.float64)
        return Column(dtype, "numeric", wide)
    if kind == "b":
        return Column(dtype, "boolean", tally=_coded(values.astype(numpy.int8), numpy.array([False, True], object)))
    if kind == "M":
        return Column(dtype, "datetime", values.astype("datetime64[s]").astype(numpy.int64), numpy.isnat(values))
    if kind == "m":
        mask = numpy.isnat(values)
        seconds = values / numpy.timedelta64(1, "s")
        return Column(dtype, "numeric", seconds, mask if mask.any() else None)
    if kind == "O":
        return _objects(values)
    if kind in "US":
        distinct, codes = numpy.unique(values, return_inverse=True)
        return Column(dtype, "text", tally=_coded(codes.reshape(-1), distinct.astype(object)))
    return Column(dtype, "other")


def factorized(values: Any) -> tuple[Any, Any]:
    """Codes and distinct values, as pandas.factorize has them, part by part: its table for all rows is large."""
    numpy, pandas = sys.modules["numpy"], sys.modules["pandas"]
    size = len(values)
    if size <= 2 * PART or len(pandas.factorize(values[:PART])[1]) > PART // 8:
        codes, distinct = pandas.factorize(values)
        return codes, distinct
    positions: dict[Any, int] = {}
    codes = numpy.empty(size, numpy.int32)
    for start in range(0, size, PART):
        part, items = pandas.factorize(values[start : start + PART])
        # The last entry is what the code -1 of a missing value leads to.
        table = [positions.setdefault(item, len(positions)) for item in items] + [-1]
        codes[start : start + PART] = numpy.array(table, numpy.int32)[part]
        if len(positions) > size // 8:
            codes, distinct = pandas.factorize(values)
            return codes, distinct
    distinct = numpy.empty(len(positions), object)
    distinct[:] = list(positions)
    return codes, distinct


def _coded(codes: Any, distinct: Any) -> Tally:
    numpy = sys.modules["numpy"]
    missing = int(numpy.count_nonzero(codes < 0))
    filled = codes[codes >= 0] if missing else codes
    counts = numpy.bincount(filled, minlength=len(distinct)) if len(filled) else numpy.zeros(len(distinct), int)
    return Tally(counts, lambda start, stop: list(distinct[start:stop]), codes, missing)


def _series(series: Any) -> Column:
    """A column of pandas, whatever holds its values."""
    numpy = sys.modules["numpy"]
    dtype = series.dtype
    name = type(dtype).__name__
    if isinstance(dtype, numpy.dtype):
        return _objects(series.to_numpy(), str(dtype)) if dtype.kind == "O" else _array(series.to_numpy())
    if name == "CategoricalDtype":
        array = series.array
        return Column("category", "text", tally=_coded(array.codes, numpy.asarray(array.categories, object)))
    if name == "SparseDtype":
        dense = _array(numpy.asarray(series.array))
        dense.dtype = str(dtype)
        return dense
    if name == "DatetimeTZDtype":
        return _times(series, str(dtype))
    if name == "PeriodDtype":
        return _times(series.dt.to_timestamp(), str(dtype))
    if name == "ArrowDtype" and "pyarrow" in sys.modules:
        column = _arrow(sys.modules["pyarrow"].chunked_array([sys.modules["pyarrow"].array(series.array)]))
        column.dtype = str(dtype)
        return column
    if hasattr(series.array, "_mask") and hasattr(series.array, "_data"):
        return _nullable(series, dtype)
    codes, distinct = factorized(series.array)
    return Column(str(dtype), "text" if name == "StringDtype" else "other", tally=_coded(codes, distinct))


def _nullable(series: Any, dtype: Any) -> Column:
    numpy = sys.modules["numpy"]
    mask, data = series.array._mask, series.array._data
    if data.dtype.kind == "b":
        codes = numpy.where(mask, -1, data).astype(numpy.int8)
        return Column(str(dtype), "boolean", tally=_coded(codes, numpy.array([False, True], object)))
    column = _array(data)
    column.dtype, column.mask = str(dtype), mask if mask.any() else None
    return column


def _times(series: Any, dtype: str) -> Column:
    numpy = sys.modules["numpy"]
    column = _array(series.to_numpy(dtype="datetime64[ns]").astype("datetime64[s]"))
    column.dtype, column.mask = dtype, numpy.asarray(series.isna())
    return column


def _objects(values: Any, dtype: str = "object") -> Column:
    """Python objects: what they are is decided by their types."""
    numpy = sys.modules["numpy"]
    kinds = collections.Counter(map(type, values))
    absent = [cls for cls in kinds if cls is type(None) or cls.__name__ in ("NAType", "NaTType")]
    missing = sum(kinds.pop(cls) for cls in absent)
    numbers = (int, float, decimal.Decimal, numpy.floating, numpy.integer)
    if kinds and all(issubclass(cls, numbers) and not issubclass(cls, bool) for cls in kinds):
        return _object_numbers(values, dtype, all(issubclass(cls, (int, numpy.integer)) for cls in kinds))
    if float in kinds:  # NaN among texts
        missing += sum(1 for item in values if type(item) is float and item != item)
        if sum(kinds.values()) + sum(1 for item in values if item is None) <= missing:
            kinds.clear()
    if not kinds:
        return Column(dtype, "empty", missing=len(values))
    if all(issubclass(cls, datetime.date) for cls in kinds):
        return _object_times(values, dtype)
    try:
        tally = _counted(values, missing)
    except TypeError:  # lists, dictionaries, arrays
        return Column(dtype, "other", missing=missing)
    kind = "boolean" if set(kinds) <= {bool, numpy.bool_} else "text" if set(kinds) <= {*PLAIN, numpy.str_} else "other"
    return Column(dtype, kind, tally=tally)


def _object_numbers(values: Any, dtype: str, integers: bool) -> Column:
    numpy = sys.modules["numpy"]
    nan = float("nan")
    absent = ("NoneType", "NAType", "NaTType")
    floats = numpy.array([nan if type(item).__name__ in absent else _float(item) for item in values], float)
    return Column(dtype, "integer" if integers else "numeric", floats)


def _float(item: Any) -> float:
    try:
        return float(item)
    except (OverflowError, ValueError):
        return float("inf") if item > 0 else float("-inf")


def _object_times(values: Any, dtype: str) -> Column:
    numpy = sys.modules["numpy"]
    epoch, seconds, mask = datetime.datetime(1970, 1, 1), [], []
    for item in values:
        lacking = not isinstance(item, datetime.date) or type(item).__name__ == "NaTType"
        mask.append(lacking)
        if lacking:
            seconds.append(0)
        elif isinstance(item, datetime.datetime):
            aware = item.replace(tzinfo=None) - (item.utcoffset() or datetime.timedelta())
            seconds.append(int((aware - epoch).total_seconds()))
        else:
            seconds.append((item.toordinal() - 719163) * 86400)
    return Column(dtype, "datetime", numpy.array(seconds, numpy.int64), numpy.array(mask, bool))


def _counted(values: Any, missing: int) -> Tally:
    numpy, pandas = sys.modules["numpy"], sys.modules.get("pandas")
    if pandas is not None:
        return _coded(*factorized(values))
    positions: dict[Any, Any] = {}
    codes = [-1 if item is None or item != item else positions.setdefault(item, len(positions)) for item in values]
    distinct = numpy.empty(len(positions), object)
    distinct[:] = list(positions)
    return _coded(numpy.array(codes, int), distinct)


def _polars(series: Any) -> Column:
    numpy, dtype = sys.modules["numpy"], str(series.dtype)
    family = dtype.partition("(")[0]
    missing = int(series.null_count())
    if dtype.startswith(("Int", "UInt")):
        return Column(dtype, "integer", series.to_numpy())
    if family in ("Float32", "Float64"):
        return Column(dtype, "numeric", series.to_numpy())
    if family == "Decimal":
        return Column(dtype, "numeric", series.cast(sys.modules["polars"].Float64).to_numpy())
    if family in ("Datetime", "Date"):
        seconds = series.dt.epoch("s").fill_null(0).to_numpy()
        return Column(dtype, "datetime", seconds, series.is_null().to_numpy())
    if family == "Duration":
        return Column(dtype, "numeric", series.dt.total_milliseconds().to_numpy() / 1000.0)
    if family in ("String", "Utf8", "Categorical", "Enum", "Boolean"):
        counted = series.drop_nulls().value_counts(sort=True)
        counts = numpy.asarray(counted.to_series(1).to_numpy(), int)
        items = counted.to_series(0)
        tally = Tally(counts, lambda start, stop: items.slice(start, stop - start).to_list(), None, missing)
        return Column(dtype, "boolean" if family == "Boolean" else "text", tally=tally, values=None)
    return Column(dtype, "empty" if family == "Null" else "other", missing=missing)


def _arrow(column: Any) -> Column:
    numpy, arrow = sys.modules["numpy"], sys.modules["pyarrow"]
    if isinstance(column, arrow.Array):
        column = arrow.chunked_array([column])
    kind, dtype = column.type, str(column.type)
    types = arrow.types
    if types.is_integer(kind) and not column.null_count:
        return Column(dtype, "integer", column.to_numpy())
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        wide = column.cast(arrow.float64(), safe=False) if not types.is_floating(kind) else column
        return Column(dtype, "integer" if types.is_integer(kind) else "numeric", wide.to_numpy())
    if types.is_timestamp(kind) or types.is_date(kind):
        seconds = column.cast(arrow.timestamp("s", getattr(kind, "tz", None)), safe=False).cast(arrow.int64())
        mask = numpy.asarray(column.is_null())
        return Column(dtype, "datetime", numpy.asarray(seconds.fill_null(0)), mask)
    if types.is_duration(kind):
        return _array(column.to_numpy())
    if types.is_null(kind):
        return Column(dtype, "empty", missing=len(column))
    inner = kind.value_type if types.is_dictionary(kind) else kind
    if not (types.is_boolean(inner) or types.is_string(inner) or types.is_large_string(inner) or "view" in str(inner)):
        return Column(dtype, "other", missing=int(column.null_count))
    counted = (column.cast(inner) if types.is_dictionary(kind) else column).drop_null().value_counts()
    items, counts = counted.field("values"), numpy.asarray(counted.field("counts"))
    tally = Tally(counts, lambda a, b: items.slice(a, b - a).to_pylist(), None, int(column.null_count))
    return Column(dtype, "boolean" if types.is_boolean(inner) else "text", tally=tally)
