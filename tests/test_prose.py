"""The prose linter finds bad sentences in every kind of source, and none in what we publish."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("proselint")

from tests import prose

BAD_SENTENCES = {
    "The worker is told of the end.": "own.told",
    "There are none to be had.": "own.none",
    "A job without a version, if it is one.": "own.none",
    "Let it go on where it stopped.": "own.go-on",
    "The step binds the name anew.": "own.anew",
    "It is closed all the same.": "own.all-the-same",
    "Each step has a kernel of its own.": "own.of-its-own",
    "Figures, tables and the like are kept.": "own.the-like",
    "It says which of both is newer.": "own.which-of-both",
    "It waits so that it sees the end so that it can report it.": "own.so-that-it",
    "Somebody has to start it.": "own.somebody",
    "It reports what becomes of the run.": "own.becomes-of",
    "It lets go of old entries.": "own.let-go",
    "A variable that can't be handed on.": "own.hand-over",
    "Mend the cell.": "own.mend",
    "The block retires in order.": "own.glossary",
    "All but for the first.": "own.but-for",
    "It has the the same word twice.": "own.repeated-word",
    "Simply press the button.": "own.apology",
}
GOOD_SENTENCES = [
    "The worker resumes the run from the first step that did not complete.",
    "None if there is none.",
    "A new line every 30 s, and a hand-written note.",
    "Two names for one object stay two names for one object.",
]


@pytest.mark.parametrize(("sentence", "rule"), BAD_SENTENCES.items())
def test_a_bad_sentence_is_found(sentence: str, rule: str) -> None:
    assert [finding.rule for finding in prose.lint_source(Path("a.md"), f"# Title\n\n{sentence}\n")] == [rule]


@pytest.mark.parametrize("sentence", GOOD_SENTENCES)
def test_a_good_sentence_is_not(sentence: str) -> None:
    assert prose.lint_source(Path("a.md"), sentence) == []


@pytest.mark.parametrize(
    ("name", "source", "line"),
    [
        ("a.md", "One\n\nLet it go on here.", 3),
        ("a.md", "The value can't be handed\non to others.", 1),
        ("a.py", 'def f():\n    """Let it go on."""', 2),
        ("a.py", 'raise ValueError(\n    f"{name} can\'t "\n    "be handed on"\n)', 2),
        ("a.py", 'parser.add_argument("-f", help="let it go on")', 1),
        ("a.ts", "// go on\nconst text = trans.__('Let it go on');", 2),
        ("a.tsx", "const a = (\n  <p>Let it go on</p>\n);", 2),
        ("a.json", '{\n  "title": "Go on",\n  "default": "go on"\n}', 2),
    ],
)
def test_each_kind_of_source_is_read(name: str, source: str, line: int) -> None:
    assert [finding.line for finding in prose.lint_source(Path(name), source)] == [line]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("a.md", "`let it go on`"),
        ("a.md", "```text\nlet it go on\n```"),
        ("a.md", "<!-- prose: off -->\nLet it go on.\n<!-- prose: on -->"),
        ("a.py", 'x = "go-on"  # let it go on'),
        ("a.ts", "/* let it go on */"),
    ],
)
def test_code_is_not_read(name: str, source: str) -> None:
    assert prose.lint_source(Path(name), source) == []


@pytest.mark.parametrize(
    ("name", "source", "rules"),
    [
        ("view.tsx", "trans.__('Run History')", ["own.capitals"]),
        ("view.tsx", "trans.__('Run history')", []),
        ("view.tsx", "trans.__('Open JupyterLab')", []),
        ("plugin.ts", "addCommand(id, { label: trans.__('Open run history') })", ["own.capitals"]),
        ("plugin.ts", "addCommand(id, { label: trans.__('Open Run History') })", []),
        ("plugin.ts", "add(Commands.run, trans.__('Run from This Step'), run)", []),
        ("plugin.ts", "add(Commands.run, trans.__('Run from this step'), run)", ["own.capitals"]),
        ("plugin.ts", "{ label: trans.__('Open run'), callback: open }", []),
    ],
)
def test_commands_use_title_case_and_labels_sentence_case(name: str, source: str, rules: list[str]) -> None:
    assert [finding.rule for finding in prose.lint_source(Path(name), source)] == rules


def test_the_command_fails_for_a_bad_file(tmp_path: Path) -> None:
    path = tmp_path / "bad.md"
    path.write_text("Good.\n\nLet it go on.\n", encoding="utf-8")
    command = [sys.executable, "-m", "tests.prose", str(path)]
    result = subprocess.run(command, cwd=prose.ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stdout.startswith(f"{path}:3: own.go-on: ")


def test_everything_that_people_read_is_linted() -> None:
    names = {prose.relative(path) for path in prose.files()}
    assert {"README.md", "CHANGELOG.md", ".github/CONTRIBUTING.md", "jupyter_mlops/docs/glossary.md"} <= names
    assert {"jupyter_mlops/cli/run.py", "labextension/src/jobs/list.tsx", "labextension/schema/plugin.json"} <= names
    assert not [name for name in names if "__tests__" in name]


def test_what_we_publish_has_no_findings() -> None:
    found = [f for path in prose.files() for f in prose.lint_source(path, path.read_text(encoding="utf-8"))]
    assert [str(finding) for finding in prose.excess(found)] == []
