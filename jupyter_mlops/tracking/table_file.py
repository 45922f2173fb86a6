"""Tables in CSV and Parquet files, as columns of Python values."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_mlops.errors import InvalidInputError

MAGIC = b"PAR1"
FORMATS = ("csv", "parquet")


@dataclass(frozen=True)
class Table:
    """Columns of the same length by name. Values from CSV are texts."""

    columns: Mapping[str, Sequence[Any]]
    rows: int

    @property
    def names(self) -> list[str]:
        return list(self.columns)

    def column(self, name: str, purpose: str, where: str = "", field: str = "") -> Sequence[Any]:
        """The values of a column.

        :param purpose: what it holds, which is the field of the error unless `field` names another.
        :raises InvalidInputError: there is no such column.
        """
        if name not in self.columns:
            listed = ", ".join(self.names[:20]) + (", …" if len(self.names) > 20 else "")
            raise InvalidInputError(
                f"there is no column {name!r} with the {purpose}", where=where, field=field or purpose,
                remedy=f"Name one of its columns: {listed or 'none'}.",
            )  # fmt: skip
        return self.columns[name]


def format_of(data: bytes) -> str:
    """`parquet` if the bytes begin like such a file, otherwise `csv`."""
    return "parquet" if data[:4] == MAGIC else "csv"


def read_table(data: bytes, form: str, where: str) -> Table:
    """The table in the bytes of a file.

    :param form: `csv` (UTF-8, a header line, commas) or `parquet` (needs pyarrow).
    :param where: the file, for errors.
    :raises InvalidInputError: the bytes are not such a table, or pyarrow is not installed.
    """
    return _read_parquet(data, where) if form == "parquet" else _read_csv(data, where)


def _read_csv(data: bytes, where: str) -> Table:
    try:
        reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))
        lines = [(reader.line_num, line) for line in reader if line]
    except UnicodeDecodeError as error:
        raise InvalidInputError(
            f"byte {error.start} is not UTF-8", where=where, remedy="Save the file as CSV in UTF-8, or as Parquet."
        ) from None
    except csv.Error as error:
        raise InvalidInputError(f"it is not CSV: {error}", where=where, remedy="Save it with commas.") from None
    if not lines:
        raise InvalidInputError("the file is empty", where=where, remedy="Give a header line and a line for each row.")
    (_, names), *rows = lines
    _require_distinct(names, where)
    for number, line in rows:
        if len(line) != len(names):
            raise InvalidInputError(
                f"line {number} has {len(line)} values for {len(names)} columns", where=where,
                remedy="Separate values by commas, and quote values that contain one.",
            )  # fmt: skip
    columns = zip(*(line for _, line in rows), strict=True) if rows else ([] for _ in names)
    return Table({name: list(values) for name, values in zip(names, columns, strict=True)}, len(rows))


def _read_parquet(data: bytes, where: str) -> Table:
    from jupyter_mlops.import_guard import unblock

    unblock()
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise InvalidInputError(
            "reading Parquet needs pyarrow, which is not installed here", where=where,
            remedy="`pip install pyarrow` beside jupyter_mlops, or give CSV.",
        ) from None  # fmt: skip
    try:
        table = parquet.read_table(pyarrow.BufferReader(data))
        columns = [column.to_pylist() for column in table.columns]
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        line = str(error).split("\n")[0][:200]
        raise InvalidInputError(f"it is not a Parquet file that can be read: {line}", where=where) from None
    _require_distinct(table.column_names, where)
    return Table(dict(zip(table.column_names, columns, strict=True)), table.num_rows)


def _require_distinct(names: Sequence[str], where: str) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InvalidInputError(f"two columns are called {repeated[0]!r}", where=where, remedy="Rename one of them.")
