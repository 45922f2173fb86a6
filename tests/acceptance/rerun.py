"""A row of the rerun table: a notebook that runs, something that changes, and what the second run has to show.

The second run has to show what Run All in a fresh kernel shows after the change, whatever the first run kept. A row
also says which steps the second run must have taken from the cache, and which it must not: a result that the change
reaches is stale, and a result that it does not reach is worth keeping.

Everything happens in a folder of the row's own. In cells, file names and contents, `@work@` stands for the working
folder, `@home@` for the home folder, `@site@` for a folder of installed packages, and `@shm@`, `@etc@`,
`@usr@` for new folders below /dev/shm, /etc, /usr/local/share. Where a row mentions one, it is there (and HOME or
PYTHONPATH names it).
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.acceptance.row import Row

ELSEWHERE = {"@shm@": "/dev/shm", "@etc@": "/etc", "@usr@": "/usr/local/share"}
HERE = {"@work@": "work", "@home@": "home", "@site@": "site"}
PLACE = re.compile("|".join([*HERE, *ELSEWHERE]))


@dataclass(frozen=True)
class Place:
    """Where a row runs.

    :param root: the folder that holds all of the row's own folders.
    :param names: placeholder -> the folder it stands for.
    """

    root: Path
    names: Mapping[str, str]

    @property
    def work(self) -> Path:
        return Path(self.names["@work@"])

    def text(self, template: str) -> str:
        """The text with its placeholders filled in."""
        return PLACE.sub(lambda found: self.names[found[0]], template)

    def path(self, name: str) -> Path:
        """The path of a file that a row names: relative to the working folder, or below a placeholder or `~`."""
        if name.startswith("~/"):
            name = f"@home@/{name[2:]}"
        return self.work / self.text(name)


Change = Callable[[Place], None]


@dataclass(frozen=True)
class RerunRow(Row):
    """A notebook that is run twice.

    :param prepare: what to do before the first run, once the files are laid: for files that are no text.
    :param change: what happens between the first run and the second.
    :param cells_after: the notebook of the second run, if it is another one.
    :param env: variables of the environment of both runs.
    :param env_after: variables of the second run's environment; None: the variable is gone.
    :param kept: steps that the second run must take from the cache.
    :param not_kept: steps that the second run must execute.
    :param moves: steps that must show something else in the second run than in the first.
    :param volatile: steps that no two runs show the same of: they are not compared with Run All.
    :param masks: patterns of what is taken out of all texts before they are compared.
    """

    prepare: Change | None = None
    change: Change | None = None
    cells_after: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    env_after: Mapping[str, str | None] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()
    not_kept: frozenset[str] = frozenset()
    moves: frozenset[str] = frozenset()
    volatile: frozenset[str] = frozenset()
    masks: tuple[str, ...] = ()

    def mentions(self, placeholder: str) -> bool:
        """Whether anything of the row stands in the folder of that placeholder."""
        texts = [self.cells, self.cells_after, *self.files, *self.files.values(), *self.env.values()]
        return any(placeholder in text for text in texts)


# -- changes


def write(name: str, content: str) -> Change:
    """A file gets another content, or comes into being.

    A module that changes within the second of its first form and keeps its length is the same to Python, which compares
    both with what it has compiled: it gets a later time.
    """

    def change(place: Place) -> None:
        path = place.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        then = path.stat().st_mtime if path.exists() else None
        path.write_text(place.text(content), encoding="utf-8")
        if then is not None and path.suffix == ".py":
            os.utime(path, (then + 2, then + 2))

    return change


def remove(name: str) -> Change:
    return lambda place: place.path(name).unlink()


def touch(name: str) -> Change:
    """A file is saved again with the content it has."""

    def change(place: Place) -> None:
        path = place.path(name)
        content = path.read_bytes()
        path.write_bytes(content)
        ahead = path.stat().st_mtime_ns + 5_000_000_000
        os.utime(path, ns=(ahead, ahead))

    return change


def link(name: str, target: str) -> Change:
    """A symbolic link is made, or pointed elsewhere."""

    def change(place: Place) -> None:
        path = place.path(name)
        path.unlink(missing_ok=True)
        path.symlink_to(place.text(target))

    return change


def chmod(name: str, bits: int) -> Change:
    return lambda place: place.path(name).chmod(bits)


def dated(name: str, seconds: float) -> Change:
    """A file gets another time of its last change."""
    return lambda place: os.utime(place.path(name), (seconds, seconds))


def all_of(*changes: Change) -> Change:
    def change(place: Place) -> None:
        for each in changes:
            each(place)

    return change


def next_second(place: Place) -> None:
    """Time passes until a clock that shows seconds shows another one."""
    began = int(time.time())
    while int(time.time()) == began:
        time.sleep(0.02)


# -- the folder of a row


def missing_folders(row: RerunRow) -> list[str]:
    """Folders of this machine that the row needs to write into, and can't."""
    return [folder for mark, folder in ELSEWHERE.items() if row.mentions(mark) and not os.access(folder, os.W_OK)]


@contextmanager
def laid_out(row: RerunRow) -> Iterator[tuple[RerunRow, Place]]:
    """The row with its placeholders filled in, its files laid and prepared, its folders removed at the end."""
    with ExitStack() as stack:
        root = Path(os.path.realpath(stack.enter_context(tempfile.TemporaryDirectory(prefix="rerun-"))))
        names = {mark: str(root / name) for mark, name in HERE.items()}
        for mark, parent in ELSEWHERE.items():
            if row.mentions(mark):
                names[mark] = stack.enter_context(tempfile.TemporaryDirectory(prefix="rerun-", dir=parent))
        place = Place(root, names)
        for mark in HERE:
            Path(names[mark]).mkdir()
        for name, content in row.files.items():
            write(name, textwrap.dedent(content).lstrip("\n"))(place)
        if row.prepare is not None:
            row.prepare(place)
        yield replace(row, cells=place.text(row.cells), cells_after=place.text(row.cells_after)), place


def environment(row: RerunRow, place: Place, *, after: bool) -> dict[str, str | None]:
    """The variables that differ from this process's while a notebook of the row runs; None: it is not set."""
    variables: dict[str, str | None] = {name: place.text(value) for name, value in row.env.items()}
    if row.mentions("~") or row.mentions("@home@"):
        variables["HOME"] = place.names["@home@"]
    if row.mentions("@site@"):
        inherited = os.environ.get("PYTHONPATH", "")
        variables["PYTHONPATH"] = os.pathsep.join(filter(None, [place.names["@site@"], inherited]))
    if after:
        later = row.env_after.items()
        variables |= {name: None if value is None else place.text(value) for name, value in later}
    return variables


@contextmanager
def with_environment(variables: Mapping[str, str | None]) -> Iterator[None]:
    """This process's environment with these variables."""
    before = dict(os.environ)
    try:
        for name, value in variables.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        yield
    finally:
        for name in variables:
            os.environ.pop(name, None)
            if name in before:
                os.environ[name] = before[name]


class Snapshot:
    """All folders of a row as they are now, to be put back at the same paths."""

    def __init__(self, place: Place, folder: Path) -> None:
        self.copies = {path: folder / mark.strip("@") for mark, path in place.names.items() if os.path.isdir(path)}
        for path, copy in self.copies.items():
            shutil.copytree(path, copy, symlinks=True)

    def restore(self) -> None:
        for path, copy in self.copies.items():
            for entry in Path(path).iterdir():
                shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
            shutil.copytree(copy, path, symlinks=True, dirs_exist_ok=True)
