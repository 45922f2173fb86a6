"""Names as identifiers of other languages."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.export.identifiers import LONGEST, Syntax, unique_identifiers

VALID: dict[Syntax, str] = {
    "python": r"[A-Za-z][A-Za-z0-9_]*",
    "dns": r"[a-z]([a-z0-9-]*[a-z0-9])?",
    "word": r"[A-Za-z][A-Za-z0-9_]*",
}


@pytest.mark.parametrize(
    ("syntax", "name", "expected"),
    [
        ("python", "train", "train"),
        ("python", "train model", "train_model"),
        ("python", "class", "class_"),
        ("python", "2nd", "step_2nd"),
        ("dns", "Train_Model", "train-model"),
        ("dns", "Über größe", "uber-grosse"),
        ("dns", "2nd", "n-2nd"),
        ("word", "a+b", "a_b"),
    ],
)
def test_identifiers_stay_readable(syntax: Syntax, name: str, expected: str) -> None:
    assert unique_identifiers([name], syntax) == {name: expected}


@pytest.mark.parametrize("syntax", VALID)
@given(names=st.lists(st.text(max_size=80), unique=True, max_size=8))
def test_identifiers_are_valid_and_unique(syntax: Syntax, names: list[str]) -> None:
    identifiers = unique_identifiers(names, syntax)
    assert list(identifiers) == names
    assert len(set(identifiers.values())) == len(names)
    for identifier in identifiers.values():
        assert re.fullmatch(VALID[syntax], identifier)
        assert len(identifier) <= LONGEST[syntax]
    if syntax == "python":
        assert all(identifier.isidentifier() for identifier in identifiers.values())


def test_names_that_look_alike_are_told_apart() -> None:
    first, second = unique_identifiers(["a-b", "a b"], "python").values()
    assert first == "a_b"
    assert re.fullmatch(r"a_b_[0-9a-f]{8}", second)
