"""Texts that name copies of files instead of the files."""

from __future__ import annotations

import pytest

from jupyter_mlops.versions.outside_files import FOLDER, copy_of, redirected, redirected_value, unnamed

PATHS = ["/data/daily/x.csv"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("read('/data/daily/x.csv')", f"read('{FOLDER}/data/daily/x.csv')"),
        ('root = "/data"', f'root = "{FOLDER}/data"'),
        ('root = "/data/"', f'root = "{FOLDER}/data/"'),
        ("f'/data/daily/{name}.csv'", f"f'{FOLDER}/data/daily/{{name}}.csv'"),
        ("glob('/data/daily/*.csv')", f"glob('{FOLDER}/data/daily/*.csv')"),
        ("read('/data/daily/y.csv')", "read('/data/daily/y.csv')"),
        ("read('/data/da')", "read('/data/da')"),
        ("a / b", "a / b"),
        ("read('/')", "read('/')"),
        ("read('x.csv')", "read('x.csv')"),
        ("read('/{name}')", "read('/{name}')"),
    ],
)
def test_texts_in_code(source: str, expected: str) -> None:
    assert redirected(source, PATHS) == expected


def test_values_of_parameters() -> None:
    assert redirected_value("/data/daily/x.csv", PATHS) == f"{FOLDER}/data/daily/x.csv"
    assert redirected_value("/data/daily", PATHS) == f"{FOLDER}/data/daily"
    assert [redirected_value(value, PATHS) for value in ("/other", 3, None, "")] == ["/other", 3, None, ""]


def test_files_that_nothing_names() -> None:
    assert unnamed(PATHS, ["open(a + b)"], [3]) == PATHS
    assert unnamed(PATHS, ["open('/data/daily/x.csv')"], []) == []
    assert unnamed(PATHS, [], ["/data/daily"]) == []


@pytest.mark.parametrize("path", ["/a/b.csv", "C:\\a\\b.csv", "/a b/ü.csv", "//server/x"])
def test_a_copy_is_below_the_folder(path: str) -> None:
    assert copy_of(path).startswith(f"{FOLDER}/") and ":" not in copy_of(path) and "\\" not in copy_of(path)
