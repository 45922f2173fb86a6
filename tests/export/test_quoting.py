"""Values as literals of other languages come back as they were."""

from __future__ import annotations

import ast
import subprocess
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlops.export import quoting

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=8,
)


@given(text=TEXTS)
def test_python(text: str) -> None:
    assert ast.literal_eval(quoting.python(text)) == text


@given(document=DOCUMENTS)
def test_yaml(document: Any) -> None:
    assert yaml.safe_load(quoting.yaml(document)) == document


@pytest.mark.parametrize(
    "text",
    ["yes", "NO", "on", "null", "~", "", "1", "1e3", "0x1f", "0o7", "1_000", "12:30:45", ".inf", "2026-01-31", "="],
)
def test_yaml_of_every_version_reads_a_text_as_a_text(text: str) -> None:
    written = quoting.yaml({"key": text})
    assert written.strip() != f"key: {text}"
    assert yaml.safe_load(written) == {"key": text}


def test_yaml_of_several_lines_is_a_block() -> None:
    assert quoting.yaml({"run": "a\nb\n"}) == "run: |\n  a\n  b\n"


@settings(max_examples=25)
@given(text=st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=40))
def test_shell(text: str) -> None:
    command = f"printf %s {quoting.shell(text)}"
    assert subprocess.run(["sh", "-c", command], capture_output=True, check=True).stdout == text.encode()


@given(text=TEXTS)
def test_a_comment_ends_nowhere_but_at_its_end(text: str) -> None:
    written = quoting.comment(text)
    assert all(line.startswith("#") for line in written.splitlines())
    assert ast.parse(written).body == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("${var.x}", '"$${var.x}"'),
        ("%{ if true }", '"%%{ if true }"'),
        ('a"b\n', '"a\\"b\\n"'),
        (True, "true"),
        (None, "null"),
        (1.5, "1.5"),
        ({"a": [1, "b"]}, '{"a" = [1, "b"]}'),
    ],
)
def test_hcl(value: Any, expected: str) -> None:
    assert quoting.hcl(value) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("50% $HOME", '"50%% $$HOME"'), ('a"b\\c', '"a\\"b\\\\c"'), ("two\nlines", '"two\\nlines"')],
)
def test_systemd(text: str, expected: str) -> None:
    assert quoting.systemd(text) == expected
