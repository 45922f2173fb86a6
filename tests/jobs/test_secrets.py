"""Where the values of secrets come from, and that they are seen nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.errors import BadInput, BadParameter
from jupyter_mlops.jobs import secrets
from jupyter_mlops.jobs.templates import check, fill, names_in
from jupyter_mlops.run.redaction import SHORTEST, Redaction


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_in_keyring", {"RING": "from the keyring"}.get)


def test_from_the_environment_a_file_and_the_keyring(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("FILED=a=b\n# no\nBOTH = filed\n")
    (tmp_path / "secrets").chmod(0o600)
    environ = {"MLOPS_SECRET_TOLD": "x", "PLAIN": "y", "BOTH": "environment"}
    found = secrets.reveal(["TOLD", "PLAIN", "FILED", "BOTH", "RING"], tmp_path, environ)
    assert found == {"TOLD": "x", "PLAIN": "y", "FILED": "a=b", "BOTH": "environment", "RING": "from the keyring"}


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secrets").write_text("A=1")
    (tmp_path / "secrets").chmod(0o644)
    with pytest.raises(BadInput, match="chmod 600"):
        secrets.reveal(["A"], tmp_path, {})


@pytest.mark.parametrize("name", ["NOWHERE", "a-b", "", "../x"])
def test_what_is_not_there_is_told_by_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="secret"):
        secrets.reveal([name], tmp_path, {})


@given(st.text(min_size=SHORTEST, max_size=30), st.text(max_size=30), st.text(max_size=30))
def test_no_value_is_seen(value: str, before: str, after: str) -> None:
    redaction = Redaction([value])
    assert value not in redaction.text(before + value + after) or value in "[secret]"
    assert redaction.shows((before + value).encode("utf-8", "surrogatepass")) if value.isascii() else True


def test_values_are_taken_out_of_everything_and_in_every_form() -> None:
    redaction = Redaction(["p<ss\n'word", "abc", "longer secret"])
    told = {
        "text": "p<ss\n'word",
        "data": {"text/html": "p&lt;ss"},
        "list": ["a longer secret here", 5, None],
        "abc": "abc",
    }
    redaction.clean(told)
    assert told == {
        "text": "[secret]",
        "data": {"text/html": "[secret]"},
        "list": ["a [secret] here", 5, None],
        "abc": "abc",
    }


def test_holes() -> None:
    value = {"day": "{{ scheduled_time }}", "list": ["{{run_id}}/x", 3]}
    assert names_in(value) == {"scheduled_time", "run_id"}
    assert fill(value, {"scheduled_time": "T", "run_id": "R"}) == {"day": "T", "list": ["R/x", 3]}
    check(value)
    with pytest.raises(BadParameter, match="tomorrow"):
        check({"day": "{{ tomorrow }}"})
