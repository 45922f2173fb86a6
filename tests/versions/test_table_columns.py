"""Files with some columns of one table and the rest of another."""

from __future__ import annotations

import csv
import gzip
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.versions.table_columns import ROWS, CsvTable, column_changes, read_table

OLD = "id,age,city\n1,30,Oslo\n2,40,Rome\n3,50,Bern\n"


def changes(old: str, new: str) -> Any:
    return column_changes(CsvTable(old.encode()), CsvTable(new.encode()))


@pytest.mark.parametrize(
    ("new", "names"),
    [
        (OLD, ()),
        (OLD.replace("30", "3000").replace("40", "4000"), ("age",)),
        (OLD.replace("Rome", '"Ro,me"'), ("city",)),
        ("id,age,city,extra\n1,30,Oslo,a\n2,40,Rome,b\n3,50,Bern,c\n", ("extra",)),
        ("id,age\n1,30\n2,40\n3,50\n", ("city",)),
        ("id,age,city\n3,50,Bern\n1,30,Oslo\n2,41,Rome\n", ("age", ROWS)),
        ("id,age,city\n1,30,Oslo\n2,40,Rome\n3,51,Bern\n4,60,Kyiv\n", ("age", ROWS)),
    ],
    ids=["same", "scaled", "quoted", "added", "removed", "reordered", "more rows"],
)
def test_what_differs(new: str, names: tuple[str, ...]) -> None:
    found = changes(OLD, new)
    assert found.changes == names
    assert list(csv.reader(io.StringIO(found.data(()).decode()))) == list(csv.reader(io.StringIO(OLD)))
    assert list(csv.reader(io.StringIO(found.data(names).decode()))) == list(csv.reader(io.StringIO(new)))


def test_one_of_two_columns() -> None:
    found = changes(OLD, "id,age,city\n1,31,Oslo\n2,41,Paris\n3,51,Bern\n")
    assert found.data(["age"]).decode() == "id,age,city\n1,31,Oslo\n2,41,Rome\n3,51,Bern\n"
    assert found.data(["city"]).decode() == "id,age,city\n1,30,Oslo\n2,40,Paris\n3,50,Bern\n"


def test_columns_of_other_rows_come_by_key() -> None:
    found = changes(OLD, "id,age,city\n2,41,Rome\n3,51,Bern\n4,61,Kyiv\n")
    assert found.data(["age"]).decode() == "id,age,city\n1,30,Oslo\n2,41,Rome\n3,51,Bern\n"
    assert found.data([ROWS]).decode() == "id,age,city\n2,40,Rome\n3,50,Bern\n4,61,Kyiv\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [(OLD, "id,age,city\n7,1,A\n8,2,B\n9,3,C\n"), (OLD, "age,id,city\n30,1,Oslo\n"), ("a\n1\n", "b\n1\n")],
    ids=["other rows", "other order", "no common column"],
)
def test_rows_that_do_not_correspond_are_refused(old: str, new: str) -> None:
    with pytest.raises(ValueError, match=r"its|rows"):
        changes(old, new)


@pytest.mark.parametrize("data", [b"", b"a,b\n", b"a,b\n1\n", b"a,a\n1,2\n", b"\x00\xff", b"\x1f\x8bbroken"])
def test_files_that_are_no_table_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_table("x.csv", data)


@pytest.mark.parametrize("name", ["model.pkl", "notes", "x.json"])
def test_other_files_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="neither"):
        read_table(name, b"a,b\n1,2\n")


@pytest.mark.parametrize("text", ["id;age\r\n1;2\r\n2;3\r\n", 'id\tage\n1\t"a\nb"\n2\tü\n', "\ufeffid|age\n1|2\n2|3\n"])
def test_the_form_of_a_file_is_kept(text: str) -> None:
    data = text.encode()
    table = CsvTable(data)
    assert column_changes(table, CsvTable(data)).data(()) == data.replace(b'\t"a\nb"', b'\t"a\nb"')


def test_a_compressed_file_stays_compressed() -> None:
    old, new = (read_table("d.csv.gz", gzip.compress(t.encode())) for t in (OLD, OLD.replace("30", "31")))
    assert b"31,Oslo" in gzip.decompress(column_changes(old, new).data(["age"]))


texts = st.text(st.characters(codec="utf-8", exclude_characters="\r\x00"), max_size=6)


@given(st.lists(st.tuples(texts, texts, texts, texts), min_size=1, max_size=6))
def test_every_text_survives(rows: list[tuple[str, str, str, str]]) -> None:
    """Two files of which the key is the same: the mixture has one column of each."""

    def file(positions: tuple[int, int]) -> CsvTable:
        target = io.StringIO(newline="")
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(["key", "first", "second"])
        writer.writerows([str(n), *(row[p] for p in positions)] for n, row in enumerate(rows))
        return CsvTable(target.getvalue().encode())

    found = column_changes(file((0, 1)), file((2, 3)))
    mixed = CsvTable(found.data(["second"]))
    assert list(mixed.column("first")) == [row[0] for row in rows]
    assert list(mixed.column("second")) == [row[3] for row in rows]


def test_parquet_columns_keep_their_types() -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")

    def file(table: Any) -> Any:
        target = io.BytesIO()
        parquet.write_table(table, target)
        return read_table("d.parquet", target.getvalue())

    old = arrow.table({"id": [1, 2, 3], "age": arrow.array([30, 40, 50], arrow.int8()), "at": [None, 1.5, 2.5]})
    new = arrow.table({"id": [3, 1, 2], "age": [5000.5, 3000.0, 4000.0], "at": [2.5, None, 1.5]})
    found = column_changes(file(old), file(new))
    assert found.changes == ("age", ROWS)
    mixed = parquet.read_table(io.BytesIO(found.data(["age"])))
    assert mixed.to_pydict() == {"id": [1, 2, 3], "age": [3000.0, 4000.0, 5000.5], "at": [None, 1.5, 2.5]}
    assert parquet.read_table(io.BytesIO(found.data(()))).schema.field("age").type == arrow.int8()
