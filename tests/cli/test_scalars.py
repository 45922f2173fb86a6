"""What YAML takes for something else than text, told with the text as written."""

from __future__ import annotations

import argparse
import base64
from pathlib import Path

import pytest

from jupyter_mlops.cli.scalars import quote_source_text, scalar
from jupyter_mlops.errors import InvalidParameterError
from jupyter_mlops.notebook.parameters import Parameter, resolve
from jupyter_mlops.service import yaml_values
from tests.cli.command import command, write

TEXTS = (
    "no yes on off No TRUE true 1.10 007 0o17 0x1F 1e3 1.0e+3 12:30 190:20:30 1_000 null ~ Null .inf .NaN -0.0"
).split()


def refusal(yaml: str, kind: str = "str") -> InvalidParameterError | None:
    """What is said of a value of YAML for a parameter `country`, as the command line says it."""
    try:
        resolve((Parameter("country", kind, "de", "", source='"de"'),), yaml_values(yaml, "-y"), {})
    except InvalidParameterError as error:
        return quote_source_text(error, argparse.Namespace(parameters_yaml=[yaml]))
    return None


@pytest.mark.parametrize("text", TEXTS)
def test_the_remedy_has_the_text_as_written_and_works(text: str) -> None:
    error = refusal(f"country: {text}")
    if error is None:
        assert yaml_values(f"country: {text}", "-y") == {"country": text}
        return
    assert error.remedy == f'Write it in quotes: country: "{text}"'
    assert yaml_values(error.remedy.removeprefix("Write it in quotes: "), "-y") == {"country": text}


@pytest.mark.parametrize("text", ["y", "N", "2026-01-01", "2026-01-01T06:00:00Z", "de", '"no"', "'1.10'"])
def test_texts_that_are_taken_as_they_are(text: str) -> None:
    assert refusal(f"country: {text}") is None


@pytest.mark.parametrize(
    ("yaml", "kind", "remedy"),
    [
        ("country: [de, no]", "list[str]", 'Write it in quotes: country[1]: "no"'),
        ("country: {a: 1.10}", "dict[str, str]", "Write it in quotes: country['a']: \"1.10\""),
        ("country: no", "str | None", 'Write it in quotes: country: "no"'),
        ("country:", "str", 'Write it in quotes: country: ""'),
        ("a: &x off\ncountry: *x", "str", None),
    ],
)
def test_other_places(yaml: str, kind: str, remedy: str | None) -> None:
    error = refusal(yaml, kind)
    assert error is not None
    assert remedy is None or error.remedy == remedy


@pytest.mark.parametrize(
    ("path", "found"), [(["a"], "no"), (["b", 1], "1.10"), (["b", 5], None), (["c", "d"], "007"), (["q"], None)]
)
def test_scalars(path: list[str | int], found: str | None) -> None:
    assert scalar('a: no\nb: [x, 1.10]\nc: {d: 007}\nq: "no"', path) == found


def test_other_errors_stay() -> None:
    error = InvalidParameterError("x", where="parameter `country`", remedy="Example: country: 1")
    assert quote_source_text(error, argparse.Namespace(parameters_yaml=["country: no"])) is error


@pytest.mark.parametrize("option", ["-y", "-f", "-b"])
def test_run_says_it_whatever_gives_the_yaml(tmp_path: Path, option: str) -> None:
    path = write(tmp_path / "a.ipynb", ("parameters", 'country: str = "de"'), ("step:a", "print(country)"))
    (tmp_path / "p.yaml").write_text("country: no")
    value = {"-y": "country: no", "-f": "p.yaml", "-b": base64.b64encode(b"country: no").decode()}[option]
    done = command("run", path, option, value, cwd=tmp_path)
    assert done.code == 2 and 'Write it in quotes: country: "no"' in done.err, done
