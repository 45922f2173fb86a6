"""The bounds of a run's metrics, and the names of environment variables that code reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlops.execution import environ_names
from jupyter_mlops.execution.agent.points import MOST
from jupyter_mlops.execution.run_metrics import RunMetrics


def test_a_result_from_before_points_were_kept_has_its_last_values() -> None:
    metrics = RunMetrics({}, [])
    metrics.add({"accuracy": 0.5}, {})
    assert (metrics.last, metrics.points, metrics.notes()) == ({"accuracy": 0.5}, [], [])


def test_a_run_keeps_so_many_points_and_names() -> None:
    metrics = RunMetrics({}, [])
    for block in range(2):
        names = [f"m{block}-{number}" for number in range(MOST - 1)]
        logged = {"points": [[name, 1, None, 0.0] for name in names], "left_out": 2, "names_left_out": 0}
        metrics.add(dict.fromkeys(names, 1), logged)
    metrics.add({"m0-1": 2}, {})
    assert (len(metrics.points), len(metrics.last), metrics.last["m0-1"]) == (MOST, MOST, 2)
    points, names_note = metrics.notes()
    assert f"{MOST - 2 + 4:,} more" in points
    assert f"{MOST - 2:,} times" in names_note


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("os.environ['A']", ["A"]), ('os.environ.get("A", "x")', ["A"]), ("os.getenv('A')", ["A"]),
        ("environ [ 'A' ]", ["A"]), ("%env A", ["A"]), ("os.environb[b'A']", ["A"]),
        ("os.getenv('A') + os.environ['B'] + os.getenv('A')", ["A", "B"]),
        ("os.environ[name]", []), ("settings['A']", []), ("%env A=1", []),
    ],
)  # fmt: skip
def test_names_that_code_reads(source: str, names: list[str]) -> None:
    assert environ_names.names_in(source) == names


@pytest.mark.parametrize(
    ("name", "value", "is_secret"),
    [
        ("API_TOKEN", "x", True), ("DB_PASSWORD", "x", True), ("MY_KEY", "x", True),
        ("DATABASE_URL", "pg://u:p@h/d", True),
        ("REGION", "eu", False), ("MONKEY", "x", False), ("DATABASE_URL", "pg://h/d", False),
    ],
)  # fmt: skip
def test_what_looks_like_a_secret_has_no_digest(name: str, value: str, is_secret: bool) -> None:
    digest = environ_names.digests({name: value}, b"k" * 32)[name]
    assert (digest is None) is is_secret


def test_digests_of_other_keys_are_told_apart_and_secrets_are_left_out() -> None:
    first, second = (environ_names.digests({"A": "eu"}, key * 32)["A"] for key in (b"a", b"b"))
    assert first is not None
    assert second is not None
    assert first[:8] != second[:8]
    assert environ_names.digests({"A": "see hush here"}, b"a" * 32, ("hush",)) == {"A": None}


def test_the_key_of_a_home_stays_and_is_its_owners(tmp_path: Path) -> None:
    key = environ_names.key_of(tmp_path)
    assert environ_names.key_of(tmp_path) == key
    assert [path.name for path in tmp_path.iterdir()] == [environ_names.KEY_FILE]
    assert (tmp_path / environ_names.KEY_FILE).stat().st_mode & 0o077 == 0
    assert len(environ_names.key_of(tmp_path / "missing")) == 32
