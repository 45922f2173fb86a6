"""Environment variables that count for what is kept."""

from __future__ import annotations

import pytest

from jupyter_mlops.execution.environ import IGNORED, NAMES, counted


def test_each_name_stands_once_and_with_a_reason() -> None:
    names = [name for group in IGNORED.values() for name in group.split()]
    assert len(names) == len(set(names)) == len(NAMES)
    assert all(IGNORED)


@pytest.mark.parametrize(
    "name", [f"{name}_X" for name in sorted(NAMES)] + ["TERM_START", "GIT_BRANCH", "XDG_DATA_HOME"]
)
def test_a_name_that_begins_like_an_ignored_one_counts(name: str) -> None:
    assert counted({name: "1"}, []) == [(name, "1")]


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("x = 1", []),
        ("print(os.environ['TERM'])", ["TERM"]),
        ("os.getenv('HOSTNAME', '')", ["HOSTNAME"]),
        ("os.environ.get('COLUMNS')", ["COLUMNS"]),
        ("print(dict(os.environ))", ["COLUMNS", "HOSTNAME", "TERM"]),
        ("env = os.environ.copy()", ["COLUMNS", "HOSTNAME", "TERM"]),
        ("!env", ["COLUMNS", "HOSTNAME", "TERM"]),
        ("%env", ["COLUMNS", "HOSTNAME", "TERM"]),
        ("%env A=1", []),
    ],
)
def test_an_ignored_name_counts_where_the_notebook_names_it(source: str, names: list[str]) -> None:
    variables = {"TERM": "xterm", "HOSTNAME": "here", "COLUMNS": "80"}
    assert [name for name, _ in counted(variables, [source])] == names
