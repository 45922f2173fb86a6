"""Writes a frame of predictions to a file: Parquet where pyarrow is loaded, else CSV. Nothing is pickled."""

from __future__ import annotations

import csv
import importlib
import os
import sys
from typing import Any


class NotKept(Exception):
    """Why predictions can't be kept."""


def write(value: Any, key: str, file: str) -> tuple[dict[str, Any], list[str]]:
    """Write predictions to a file. Returns key, rows and format, and notes about the key.

    :param key: the column that identifies a row; "": its position.
    :raises NotKept: the value is no frame, or lacks the key.
    """
    frame = as_frame(value)
    if key and hasattr(frame, "reset_index") and key in list(frame.index.names):
        frame = frame.reset_index()
    columns = list(frame.column_names if hasattr(frame, "column_names") else frame.columns)
    names = [str(column) for column in columns]
    if len(set(names)) != len(names):
        raise NotKept("two of its columns have the same name")
    if key and key not in names:
        raise NotKept(f"it has no column {key!r} (columns: {', '.join(names[:20]) or 'none'})")
    rows = len(frame)
    notes = key_notes(frame, columns[names.index(key)], key) if key else []
    kind = "csv"
    if "pyarrow" in sys.modules:
        try:
            _write_parquet(frame, names, file)
            kind = "parquet"
        except Exception:  # such as a column of values of several types
            if os.path.exists(file):
                os.unlink(file)
    if kind == "csv":
        _write_csv(frame, names, file)
    return {"key": key, "rows": rows, "format": kind}, notes


def as_frame(value: Any) -> Any:
    """A frame of pandas, polars or pyarrow from a frame, a series or an array. Raises NotKept."""
    library, kind = type(value).__module__.partition(".")[0], type(value).__name__
    if library == "polars" and kind == "LazyFrame":
        raise NotKept("it is a lazy frame: call collect()")
    if library in ("pandas", "polars", "pyarrow") and kind in ("DataFrame", "Table"):
        return value
    if library in ("pandas", "polars") and kind == "Series":
        return value.to_frame(value.name if value.name not in (None, "") else "prediction")
    pandas = sys.modules.get("pandas")
    shape = getattr(value, "shape", None)
    if library == "numpy" and pandas is not None and shape is not None and 1 <= len(shape) <= 2:
        names = ["prediction"] if len(shape) == 1 else [str(number) for number in range(shape[1])]
        return pandas.DataFrame(value.reshape(len(value), -1) if len(shape) == 1 else value, columns=names)
    raise NotKept(f"it is no frame but {type(value).__module__}.{kind}".replace("builtins.", ""))


def key_notes(frame: Any, column: Any, key: str) -> list[str]:
    """Sentences about keys that identify no row, or several."""
    values = frame.column(key).to_pylist() if hasattr(frame, "column_names") else list(frame[column])
    missing = sum(value is None or value != value for value in values)
    present = [value for value in values if not (value is None or value != value)]
    repeated = len(present) - len(set(map(repr, present)))
    notes = []
    if missing:
        notes.append(f"{missing:,} of {len(values):,} rows have no {key!r}")
    if repeated:
        notes.append(f"{repeated:,} of {len(values):,} rows have a {key!r} that an earlier row has")
    return notes


def _write_parquet(frame: Any, names: Any, file: str) -> None:
    arrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    if hasattr(frame, "column_names"):
        table = frame
    elif hasattr(frame, "to_arrow"):
        table = frame.to_arrow()
    else:
        table = arrow.Table.from_pandas(frame.set_axis(names, axis=1), preserve_index=False)
    parquet.write_table(table.replace_schema_metadata(None), file)


def _write_csv(frame: Any, names: Any, file: str) -> None:
    rows = frame.itertuples(index=False, name=None) if hasattr(frame, "itertuples") else _rows(frame)
    with open(file, "w", encoding="utf-8", errors="surrogateescape", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(rows)


def _rows(frame: Any) -> Any:
    if hasattr(frame, "iter_rows"):
        return frame.iter_rows()
    return (tuple(row.values()) for row in frame.to_pylist())
