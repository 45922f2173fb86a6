"""The prose linter: proselint, with the project's own rules, over everything that people read.

Usage: python -m tests.prose [FILE ...]

Without arguments it reads README, CHANGELOG, the documents, docstrings and messages of the package, and the texts of
the JupyterLab extension. It prints one line for each finding and exits with 1 if there are any. `prose.toml` has the
rules. `<!-- prose: off -->` and `<!-- prose: on -->` leave a part of a Markdown file out.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).parent.parent
RULES = Path(__file__).with_name("prose.toml")
SOURCES = (
    "README.md",
    "CHANGELOG.md",
    ".github/*.md",
    "jupyter_mlops/**/*.md",
    "jupyter_mlops/**/*.py",
    "labextension/src/**/*.ts",
    "labextension/src/**/*.tsx",
    "labextension/schema/*.json",
)
STARTS_A_PARAGRAPH = re.compile(r"\s*([-*|#>:]|\d+\. )")
LEFT_OUT = re.compile(r"<!-- prose: off -->.*?(?:<!-- prose: on -->|\Z)", re.DOTALL)
CODE_FENCE = re.compile(r"^(```|~~~).*?^\1", re.DOTALL | re.MULTILINE)
NOT_PROSE = re.compile(r"``.*?``|`[^`]*`|\]\([^)]*\)|<[^>\s][^>]*>|https?://\S+", re.DOTALL)
TYPESCRIPT = re.compile(
    r"//[^\n]*|/\*.*?\*/"  # comments
    r"|'((?:[^'\\\n]|\\.)*)'|\"((?:[^\"\\\n]|\\.)*)\"|`((?:[^`\\]|\\.)*)`"  # literals
    r"|(?<=>)([^<>{}();=]*[a-z] [a-z][^<>{}();=]*)(?=<)",  # text between two tags
    re.DOTALL,
)
# The labels of commands, which have capitals like those of JupyterLab; all other texts have not.
COMMAND_LABEL = re.compile(
    r"(?:\blabel:(?:\s*args =>)?[^,;]*?|\badd\(\s*Commands\.\w+,\s*|title\.label = )trans\.__\(\s*'([^']+)'"
    r"(?!\),\s*(?:displayType|callback))",  # but for buttons of a notification
    re.DOTALL,
)
SMALL_WORDS = frozenset("a an and as at by for from in of on or the to with without".split())
NAMES_OF_THE_UI = r"JupyterLab|Jupyter|MLOps|Run All|Python|JSON|UTC|Markdown|Enter|Escape|Shift|PostgreSQL|SQLite"
TITLE_CASE = re.compile(rf"^[A-Z][a-z]+(?: [a-z]{{1,3}})? (?!(?:{NAMES_OF_THE_UI})\b)[A-Z][a-z]+[^.]{{0,40}}$")


Kind = Literal["prose", "label", "command"]


@dataclass(frozen=True)
class Text:
    """One text that people read, with the line on which it begins."""

    path: Path
    line: int
    text: str
    kind: Kind = "prose"


@dataclass(frozen=True)
class Finding:
    """One place in a text that reads badly."""

    path: Path
    line: int
    rule: str
    excerpt: str
    message: str

    def __str__(self) -> str:
        return f"{relative(self.path)}:{self.line}: {self.rule}: {self.excerpt!r}: {self.message}"


def markdown_texts(path: Path, source: str) -> Iterator[Text]:
    """The document without code and addresses; line numbers stay."""

    def blank(match: re.Match[str]) -> str:
        return "\n" * match[0].count("\n")

    def placeholder(match: re.Match[str]) -> str:
        return "_" + "\n" * match[0].count("\n")

    yield Text(path, 1, NOT_PROSE.sub(placeholder, CODE_FENCE.sub(blank, LEFT_OUT.sub(blank, source))))


def literal(node: ast.expr) -> str | None:
    """The text of a string literal; what an f-string fills in becomes a placeholder."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "_" for part in node.values)
    return None


def is_prose(text: str) -> bool:
    """Whether a literal is a sentence or a part of one, not a pattern, a query or code."""
    return (
        len(re.findall(r"\b[a-z]{2,}\b", text)) >= 2 and " " in text.strip() and not re.search(r"[\\{}|]|\) ?->", text)
    )


def python_texts(path: Path, source: str) -> Iterator[Text]:
    """Docstrings, messages, help texts: every literal of at least two words."""
    inside_f_strings: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            inside_f_strings.update(id(part) for part in ast.walk(node) if part is not node)
        if isinstance(node, ast.expr) and id(node) not in inside_f_strings:
            text = literal(node)
            if text is not None and is_prose(readable := NOT_PROSE.sub("_", text)):
                yield Text(path, node.lineno, readable)


def typescript_texts(path: Path, source: str) -> Iterator[Text]:
    """String literals and text between tags."""
    commands = {match.end(1) for match in COMMAND_LABEL.finditer(source)} if path.name == "plugin.ts" else set()
    for match in TYPESCRIPT.finditer(source):
        text = next((group for group in match.groups() if group is not None), "")
        if re.search(r"[A-Za-z]{2,} \w", text):
            line = source.count("\n", 0, match.start()) + 1
            kind: Kind = "command" if match.end() - 1 in commands else "label"
            yield Text(path, line, re.sub(r"%\d|\$\{[^}]*\}", "_", re.sub(r"\s+", " ", text)).strip(), kind)


def schema_texts(path: Path, source: str) -> Iterator[Text]:
    """Titles, descriptions and labels of a settings schema."""

    def texts(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            for key, item in value.items():
                if key in ("title", "description", "label") and isinstance(item, str):
                    yield item
                else:
                    yield from texts(item)
        elif isinstance(value, list):
            for item in value:
                yield from texts(item)

    for text in texts(json.loads(source)):
        yield Text(path, source[: max(source.find(json.dumps(text, ensure_ascii=False)), 0)].count("\n") + 1, text)


EXTRACTORS = {
    ".md": markdown_texts,
    ".py": python_texts,
    ".ts": typescript_texts,
    ".tsx": typescript_texts,
    ".json": schema_texts,
}


def files() -> Iterator[Path]:
    """Everything that is linted, without tests and generated files."""
    for pattern in SOURCES:
        for path in sorted(ROOT.glob(pattern)):
            if "__tests__" not in path.parts and path.name != "wire.ts" and "labextension/static" not in str(path):
                yield path


@cache
def checks() -> tuple[Any, ...]:
    """The checks of proselint that `prose.toml` turns on, and the project's own."""
    from proselint.checks import __register__
    from proselint.registry import CheckRegistry
    from proselint.registry.checks import Check, engine, types

    rules = tomllib.loads(RULES.read_text(encoding="utf-8"))
    registry = CheckRegistry()
    if not registry.checks:
        registry.register_many(__register__)
    enabled = registry.get_all_enabled(dict(sorted(rules["proselint"].items(), key=lambda item: -len(item[0]))))
    own = [
        Check(
            check_type=types.ExistenceSimple(pattern=rf"\b(?:{pattern})(?!\w)"),
            engine=engine.Fancy(),
            path=f"own.{name}",
            message=rule["message"].replace("{", "{{").replace("}", "}}"),
        )
        for name, rule in rules["own"].items()
        for pattern in rule["patterns"]
    ]
    return (*enabled, *own)


def capitals(text: Text) -> str:
    """What is wrong with the capitals of a text of the user interface; "" if nothing is."""
    if text.kind == "command":
        words = [word for word in text.text.split() if word.isalpha() and word not in SMALL_WORDS]
        return "" if all(word[0].isupper() for word in words) else "commands use title case, as in JupyterLab"
    if text.kind == "label" and TITLE_CASE.match(text.text):
        return "labels use sentence case"
    return ""


def flatten(texts: list[Text]) -> tuple[str, list[int], list[int]]:
    """All texts in one, with wrapped lines joined: the positions at which its lines begin, and their line numbers."""
    content, starts, numbers = "\n", [0], [1]
    for text in texts:
        is_paragraph = False
        for offset, line in enumerate(text.text.split("\n")):
            is_continued = is_paragraph and line.strip() and not STARTS_A_PARAGRAPH.match(line)
            content += " " if is_continued else "\n\n"
            starts.append(len(content))
            numbers.append(text.line + offset)
            content += line.strip()
            is_paragraph = bool(line.strip())
    return content + "\n\n", starts, numbers


def lint_source(path: Path, source: str) -> list[Finding]:
    """The findings of one file, one for each line and rule."""
    texts = list(EXTRACTORS[path.suffix](path, source))
    content, starts, numbers = flatten(texts)
    findings = {
        (text.line, "own.capitals"): Finding(path, text.line, "own.capitals", text.text, problem)
        for text in texts
        if (problem := capitals(text))
    }
    for check in checks():
        for result in check.check_with_flags(content):
            excerpt = content[slice(*result.span)]
            begin = result.span[0] + len(excerpt) - len(excerpt.lstrip())
            line = numbers[bisect_right(starts, begin) - 1]
            finding = Finding(path, line, result.check_path, excerpt.strip(), result.message)
            findings.setdefault((line, result.check_path), finding)
    return [findings[key] for key in sorted(findings)]


def relative(path: Path) -> str:
    """The path below the repository."""
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)


def excess(findings: list[Finding]) -> list[Finding]:
    """The findings without those that `prose.toml` still allows in a folder, if they have not become more."""
    left: dict[str, int] = tomllib.loads(RULES.read_text(encoding="utf-8"))["left"]
    for prefix, number in left.items():
        inside = [finding for finding in findings if relative(finding.path).startswith(prefix)]
        if len(inside) <= number:
            findings = [finding for finding in findings if finding not in inside]
    return findings


def main(arguments: list[str]) -> int:
    """Lint the files that are named, or all."""
    paths = [Path(argument).resolve() for argument in arguments] or list(files())
    findings = excess([f for path in paths for f in lint_source(path, path.read_text(encoding="utf-8"))])
    for finding in findings:
        print(finding)
    print(f"{len(paths)} files, {len(findings)} findings", file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
