"""Tables that have some columns of one file and the rest of another: CSV and Parquet.

Values are not interpreted: the fields of a CSV file are texts, the columns of a Parquet file keep their types.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

ROWS = "which rows there are"  # the name of a change that concerns no single column
MAX_BYTES = 200_000_000  # size of a file up to which its columns are compared
SAME_ROWS = 0.5  # share of equal fields, or of common keys, from which two files have the same rows
SEPARATORS = ",;\t|"
Cell = tuple[int, int]  # which table (0: old, 1: new), and the position of the row


class Table(ABC):
    """A table with named columns."""

    names: list[str]
    length: int

    @abstractmethod
    def column(self, name: str) -> Sequence[Any]:
        """The values of a column."""

    @abstractmethod
    def mixed(self, other: Table, cells: dict[str, list[Cell]]) -> bytes:
        """A file with these columns, each with the cells of this table (0) and the other one (1)."""


class CsvTable(Table):
    """A text file with one line of names, possibly compressed by gzip. Raises ValueError if it has another form."""

    def __init__(self, data: bytes) -> None:
        self.packed = data[:2] == b"\x1f\x8b"
        data = _unpacked(data) if self.packed else data
        self.encoding = "utf-8-sig" if data.startswith(b"\xef\xbb\xbf") else "utf-8"
        try:
            text = data.decode(self.encoding)
        except UnicodeDecodeError:
            self.encoding = "latin-1"
            text = data.decode(self.encoding)
        self.end = "\r\n" if "\r\n" in text else "\n"
        first = text.partition("\n")[0]
        self.separator = max(SEPARATORS, key=first.count)
        try:
            rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=self.separator) if row]
        except csv.Error as error:
            raise ValueError(str(error)) from None
        if len(rows) < 2 or any(len(row) != len(rows[0]) for row in rows) or len(set(rows[0])) != len(rows[0]):
            raise ValueError("not a table with one line of names")
        self.names, self._rows, self.length = rows[0], rows[1:], len(rows) - 1

    def column(self, name: str) -> Sequence[str]:
        position = self.names.index(name)
        return [row[position] for row in self._rows]

    def mixed(self, other: Table, cells: dict[str, list[Cell]]) -> bytes:
        sources = {name: [t.column(name) if name in t.names else () for t in (self, other)] for name in cells}
        columns = [[sources[name][side][row] for side, row in places] for name, places in cells.items()]
        target = io.StringIO(newline="")
        writer = csv.writer(target, delimiter=self.separator, lineterminator=self.end)
        writer.writerow(list(cells))
        writer.writerows(zip(*columns, strict=True))
        data = target.getvalue().encode(self.encoding)
        return gzip.compress(data, mtime=0) if self.packed else data


class ParquetTable(Table):
    """A Parquet file. Raises ValueError if it can't be read, or pyarrow is not installed."""

    def __init__(self, data: bytes) -> None:
        try:
            import pyarrow.parquet as parquet
        except ImportError:
            raise ValueError("pyarrow is not installed") from None
        try:
            self.table = parquet.read_table(io.BytesIO(data))
        except Exception as error:  # pyarrow raises errors of many kinds
            raise ValueError(str(error)) from None
        self.names, self.length = list(self.table.column_names), self.table.num_rows
        if len(set(self.names)) != len(self.names):
            raise ValueError("two columns have the same name")

    def column(self, name: str) -> Sequence[Any]:
        values: Sequence[Any] = self.table.column(name).to_pylist()
        return values

    def mixed(self, other: Table, cells: dict[str, list[Cell]]) -> bytes:
        import pyarrow as arrow
        import pyarrow.parquet as parquet

        assert isinstance(other, ParquetTable)
        columns = {name: self._column_of(other, name, places) for name, places in cells.items()}
        result = arrow.table(columns)
        if (metadata := other.table.schema.metadata) and result.column_names == other.names:
            result = result.replace_schema_metadata(metadata)
        target = io.BytesIO()
        parquet.write_table(result, target)
        return target.getvalue()

    def _column_of(self, other: ParquetTable, name: str, places: list[Cell]) -> Any:
        """The cells of one column; they have the type of the table that most of them are from."""
        import pyarrow as arrow

        tables = [t.table.column(name) if name in t.names else None for t in (self, other)]
        sides = {side for side, _ in places}
        if len(sides) <= 1:
            source: Any = tables[sides.pop()] if sides else next(t for t in tables if t is not None)
            return source.take(arrow.array([row for _, row in places], arrow.int64()))
        present = [t for t in tables if t is not None]
        leading = present[-1 if sum(side for side, _ in places) * 2 >= len(places) else 0].type
        try:
            joined = arrow.chunked_array([chunk for t in present for chunk in t.cast(leading).chunks], leading)
        except (arrow.ArrowInvalid, arrow.ArrowNotImplementedError) as error:
            raise ValueError(f"column {name}: {error}") from None
        shift = (0, self.length if len(present) > 1 else 0)
        return joined.take(arrow.array([shift[side] + row for side, row in places], arrow.int64()))


def _unpacked(data: bytes) -> bytes:
    """Raises ValueError if the data is damaged or too large."""
    try:
        with gzip.open(io.BytesIO(data)) as stream:
            content = stream.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(str(error)) from None
    if len(content) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES} bytes")
    return content


def read_table(path: str, data: bytes) -> Table:
    """The table in a file. Raises ValueError if there is none, or it is too large."""
    if len(data) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES} bytes")
    name = path.lower().removesuffix(".gz")
    if name.endswith((".parquet", ".pq")):
        return ParquetTable(data)
    if name.endswith((".csv", ".tsv", ".txt", ".tab")):
        return CsvTable(data)
    raise ValueError("it is neither CSV nor Parquet")


@dataclass(frozen=True)
class ColumnChanges:
    """The changes between two tables whose rows correspond.

    :param keys: the rows of each table as values of a key, or as positions.
    :param changes: names of columns that were changed, added or removed; `ROWS` if the rows are not the same.
    """

    old: Table
    new: Table
    keys: tuple[list[Any], list[Any]]
    changes: tuple[str, ...]

    def data(self, chosen: Collection[str]) -> bytes:
        """The old table with the chosen changes."""
        names = [
            *(name for name in self.old.names if name in self.new.names or name not in chosen),
            *(name for name in self.new.names if name not in self.old.names and name in chosen),
        ]
        positions = tuple({key: row for row, key in enumerate(keys)} for keys in self.keys)
        base = self.keys[ROWS in chosen]
        cells: dict[str, list[Cell]] = {}
        for name in names:
            sides = [side for side, table in enumerate((self.old, self.new)) if name in table.names]
            order = sorted(sides, key=lambda side: side != (name in chosen))
            places = []
            for key in base:
                side = next((side for side in order if key in positions[side]), None)
                if side is None:
                    raise ValueError(f"column {name} has no value for the row {key!r}")
                places.append((side, positions[side][key]))
            cells[name] = places
        return self.old.mixed(self.new, cells)


def column_changes(old: Table, new: Table) -> ColumnChanges:
    """How two tables differ. Raises ValueError if their rows don't correspond, or their columns have another order."""
    common = [name for name in old.names if name in new.names]
    if [name for name in new.names if name in old.names] != common or type(old) is not type(new):
        raise ValueError("its columns have another order")
    columns = {name: (list(old.column(name)), list(new.column(name))) for name in common}
    keys = _keys(old, new, columns)
    rows = [{key: row for row, key in enumerate(side)} for side in keys]
    pairs = [(rows[0][key], rows[1][key]) for key in keys[0] if key in rows[1]]
    changed = [
        name for name in old.names
        if name not in columns or any(columns[name][0][i] != columns[name][1][j] for i, j in pairs)
    ]  # fmt: skip
    changed += [name for name in new.names if name not in columns]
    return ColumnChanges(old, new, keys, tuple(changed + [ROWS] * (keys[0] != keys[1])))


def _keys(old: Table, new: Table, columns: dict[str, tuple[list[Any], list[Any]]]) -> tuple[list[Any], list[Any]]:
    """What identifies the rows of the two tables: their positions, or a column of unique values."""
    if old.length == new.length and columns:
        equal = [sum(map(_same, *values)) / max(old.length, 1) for values in columns.values()]
        if 1.0 in equal or sum(equal) / len(equal) >= SAME_ROWS:
            return list(range(old.length)), list(range(new.length))
    for first, second in columns.values():
        try:
            old_keys, new_keys = set(first), set(second)
        except TypeError:  # lists and other values that can't be keys
            continue
        if len(old_keys) < len(first) or len(new_keys) < len(second):
            continue
        if len(old_keys & new_keys) >= SAME_ROWS * max(len(old_keys), len(new_keys)):
            return first, second
    raise ValueError("its rows are other ones, and no column identifies them")


def _same(first: Any, second: Any) -> bool:
    return bool(first == second)
