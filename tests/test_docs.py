"""The README and the command line say the same."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"^(?:.*&& |.*`)?jupyter mlops ([^`\n]*)", re.MULTILINE)


def verb_parsers() -> dict[str, argparse.ArgumentParser]:
    """Each verb of the command line with its parser."""
    from jupyter_mlops.cli import parser

    [verbs] = [action for action in parser()._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(verbs.choices)


def options(parser: argparse.ArgumentParser) -> set[str]:
    """The options that a parser shows, but for help: a former name is not shown."""
    promised = [action for action in parser._actions if action.help is not argparse.SUPPRESS]
    return {option for action in promised for option in action.option_strings} - {"-h", "--help"}


def sections(text: str) -> dict[str, str]:
    """Title -> text of the README's third-level sections."""
    parts = re.split(r"^#{2,3} (.+)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def documented_commands() -> list[str]:
    """What stands behind `jupyter mlops` wherever the README writes it."""
    return sorted({found.group(1).strip() for found in COMMAND.finditer(README)} - {""})


@pytest.mark.parametrize("command", documented_commands())
def test_a_documented_command_is_one(command: str) -> None:
    from jupyter_mlops.cli import parser

    arguments = parser().parse_args(shlex.split(command))
    assert arguments.verb == shlex.split(command)[0]


@pytest.mark.parametrize("verb", ["show", "check", "suggest", "run", "demo"])
def test_a_promised_verb_is_there(verb: str) -> None:
    assert verb in verb_parsers()


def test_every_verb_is_documented() -> None:
    assert set(verb_parsers()) == {command.split()[0] for command in documented_commands()}
    assert set(verb_parsers()) <= set(sections(README))


def test_every_option_is_documented() -> None:
    told = sections(README)
    missing = {
        (verb, option)
        for verb, parser in verb_parsers().items()
        for option in options(parser) - {"--json"}
        if not re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", told[verb if verb != "demo" else "run"])
    }
    assert missing == set()


def test_json_is_documented_once_for_all_commands() -> None:
    found = re.search(r"Every command except (.+) takes `--json`", sections(README)["Command line"])
    assert found is not None
    without = {verb for verb, parser in verb_parsers().items() if "--json" not in options(parser)}
    assert set(re.findall(r"`([\w-]+)`", found.group(1))) == without


def test_every_documented_option_is_there() -> None:
    told = sections(README)
    unknown = {
        (verb, option)
        for verb, parser in verb_parsers().items()
        for option in re.findall(r"(?<=[`\s])--?[a-z][\w-]*", told[verb])
        if option not in options(parser)
    }
    assert unknown == set()


def test_exit_codes_are_those_of_the_errors() -> None:
    from jupyter_mlops.errors import InvalidInputError, MlopsError

    told = dict(re.findall(r"^\| (\d) \| (.*) \|$", sections(README)["Exit codes"], re.MULTILINE))
    assert set(told) == {"0", str(MlopsError.exit_code), str(InvalidInputError.exit_code)}


def test_the_changelog_begins_with_what_is_unreleased_or_this_version() -> None:
    from jupyter_mlops import __version__

    first = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert first is not None
    assert first.group(1) in ("Unreleased", __version__)
