"""Text in a version that resembles a password, a key or a token: reported, but never repeated."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from jupyter_mlops.notebook import secret_text
from jupyter_mlops.storage.store import Store
from jupyter_mlops.versions.manifest import FileEntry, Manifest

if TYPE_CHECKING:
    from nbformat import NotebookNode

MOST_BYTES = 1_000_000  # of a file that is looked through
MOST_TOLD = 3  # places in one file, or in the notebook
CODE = (".py", ".ipynb", ".r", ".jl", ".sql")
REMEDY = (
    "Remove it, use a secret (a tag secret:NAME) instead and change it. If it is not a secret, end the line with"
    " `# pragma: allowlist secret`"
)


def secret_notes(nb: NotebookNode, manifest: Manifest, store: Store, diff: str = "") -> list[str]:
    """Notes on possible secrets in the notebook's cells and outputs, and in the text files of its version.

    :param diff: digest of the uncommitted changes that are stored with the version; "" if there are none.
    """
    try:
        secret_text.require()
    except ImportError:
        return ["the version was not searched for secrets: detect-secrets is not installed"]
    notes = list(_noted(_in_cells(nb), "is in the version"))
    for file in manifest.files:
        notes += _noted(_in_file(file, store), "is in the version")
    notes += _noted(_in_outputs(nb), "is in the notebook's file: a version has no outputs, but its runs show them")
    if diff:
        names = {manifest.name, *(PurePosixPath(file.path).name for file in manifest.files)}
        secrets = _in_diff(_text_of(store.get(diff)), names)
        notes += _noted(secrets, "is not committed to git, and is stored with the version as a change")
    return notes


def _noted(places_and_kinds: Iterable[tuple[str, str]], verb: str) -> Iterator[str]:
    """A note for each place, with the remedy in the last one; places beyond `MOST_TOLD` are counted."""
    places = list(places_and_kinds)
    notes = [f"{place}: possible secret ({kind}) {verb}" for place, kind in places[:MOST_TOLD]]
    if notes:
        rest = f" (and {len(places) - MOST_TOLD} more)" if len(places) > MOST_TOLD else ""
        yield from notes[:-1]
        yield f"{notes[-1]}{rest}. {REMEDY}"


def _in_cells(nb: NotebookNode) -> Iterator[tuple[str, str]]:
    for number, cell in enumerate(nb.cells, 1):
        yield from _in_text(cell.source, f"cell {number}")


def _in_outputs(nb: NotebookNode) -> Iterator[tuple[str, str]]:
    for number, cell in enumerate(nb.cells, 1):
        kinds = (kind for text in secret_text.texts_of_outputs(cell) for kind in secret_text.kinds(text))
        yield from ((f"the output of cell {number}", kind) for kind in dict.fromkeys(kinds))


def _in_file(file: FileEntry, store: Store) -> Iterator[tuple[str, str]]:
    if file.stored and file.size <= MOST_BYTES:
        data = PurePosixPath(file.path).suffix.lower() not in CODE
        yield from _in_text(_text_of(store.get(file.digest)), file.path, data=data)


def _in_diff(diff: str, names: Collection[str]) -> Iterator[tuple[str, str]]:
    """Secrets in the lines that a git diff adds. Files with names in `told` have already been searched as a whole."""
    added: dict[str, list[str]] = {}
    name = ""
    for line in diff.splitlines():
        if line.startswith("+++ "):
            name = line[4:].removeprefix("b/")
        elif line.startswith("+") and PurePosixPath(name).name not in names:
            added.setdefault(name, []).append(line[1:])
    for name, lines in added.items():
        data = PurePosixPath(name).suffix.lower() not in CODE
        kinds = (kind for _, kind in secret_text.found_in("\n".join(lines), data=data))
        yield from ((name, kind) for kind in dict.fromkeys(kinds))


def _in_text(text: str, where: str, *, data: bool = False) -> Iterator[tuple[str, str]]:
    yield from ((f"{where}, line {line}", kind) for line, kind in secret_text.found_in(text, data=data))


def _text_of(content: bytes) -> str:
    """A file as text; "" if it is not text."""
    try:
        return "" if b"\0" in content else content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return ""
