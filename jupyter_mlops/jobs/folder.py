"""The folder of a run: the notebook that it executed, its log, and the files that it wrote.

Where machines share a store, the run's files are put there when it is over, and brought from there when somebody asks
for them elsewhere.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlops.objects import digest_file, failed_to, replacing

if TYPE_CHECKING:
    from jupyter_mlops.versions.store import Store

MARK = ".kept.json"  # which of the files here are those that the store has
ELSEWHERE = "elsewhere.json"  # path -> digest of what its cells wrote to other places
LARGE = 100_000_000  # bytes from which a file there is not looked at


class RunFolder:
    """What a run has left on this machine.

    :param database: the name of the database that knows the run.
    """

    def __init__(self, home: Path, run_id: str, database: str = "") -> None:
        self.path = home / "runs" / run_id
        self.database = database

    @property
    def log(self) -> Path:
        return self.path / "log.txt"

    @property
    def written(self) -> Path:
        """The folder of what its cells wrote beside the notebook."""
        return self.path / "files"

    def notebook(self, output: str = "") -> Path | None:
        """The executed notebook, which was written to `output`, maybe on another machine."""
        named = self.path / Path(output).name
        if output and named.is_file():
            return named
        return next(iter(sorted(self.path.glob("*.ipynb"))), None)

    def written_digests(self) -> dict[str, str]:
        """What its cells wrote beside the notebook: digests by names."""
        there = (path for path in self.written.rglob("*") if path.is_file())
        return {path.relative_to(self.written).as_posix(): digest_file(path) for path in there}

    def note_elsewhere(self, paths: Iterable[str]) -> None:
        """Write down which bytes its cells wrote to other places, where they stay."""
        found = {}
        for path in map(Path, sorted(paths)):
            with contextlib.suppress(OSError):  # gone meanwhile, or not to be read
                if path.is_file() and path.stat().st_size < LARGE:
                    found[str(path)] = digest_file(path)
        with contextlib.suppress(OSError):  # the run is done all the same
            (self.path / ELSEWHERE).write_text(json.dumps(found), encoding="utf-8")

    def elsewhere(self) -> dict[str, str]:
        """What its cells wrote to other places: digests by paths."""
        with contextlib.suppress(OSError, ValueError):  # none, or cut short where there was no room
            return dict(json.loads((self.path / ELSEWHERE).read_text(encoding="utf-8")))
        return {}

    def files(self) -> list[Path]:
        """All that others may ask for."""
        there = [*self.path.glob("*.ipynb"), self.log, self.path / ELSEWHERE, *self.written.rglob("*")]
        return sorted(path for path in there if path.is_file())

    def keep(self, store: Store) -> dict[str, str]:
        """Put its files into the store; returns their digests by their paths in the folder."""
        kept = {path.relative_to(self.path).as_posix(): store.put_file(path) for path in self.files()}
        self._mark(kept)
        return kept

    def bring(self, store: Store, kept: Mapping[str, str], *, written: bool = False) -> None:
        """Have the files here that `keep` returned.

        :param written: what its cells wrote too, which may be much.
        """
        have = self.marked()
        wanted = {name: digest for name, digest in kept.items() if written or not name.startswith("files/")}
        if all(have.get(name) == digest for name, digest in wanted.items()):
            return
        for name, digest in wanted.items():
            if have.get(name) != digest:
                store.fetch(digest, self.path / name)
        for path in self.files():  # of an earlier attempt
            name = path.relative_to(self.path).as_posix()
            if name in have and name not in kept:
                path.unlink(missing_ok=True)
        self._mark({**{name: digest for name, digest in have.items() if name in kept}, **wanted})

    def marked(self) -> dict[str, str]:
        """The files here that are also in the store, as they were then."""
        with contextlib.suppress(OSError, ValueError):
            told = json.loads((self.path / MARK).read_text(encoding="utf-8"))
            if told["database"] == self.database:
                return dict(told["files"])
        return {}

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def _mark(self, kept: Mapping[str, str]) -> None:
        text = json.dumps({"database": self.database, "files": dict(kept)})
        try:
            with replacing(self.path / MARK) as stream:
                stream.write(text.encode())
        except OSError as error:
            raise failed_to("be written", error, self.path) from None


def marked_folders(home: Path, database: str) -> Iterator[tuple[str, RunFolder]]:
    """The runs of a database whose files are here and in the store, by their ids."""
    for mark in home.glob(f"runs/*/{MARK}"):
        folder = RunFolder(home, mark.parent.name, database)
        if folder.marked():
            yield mark.parent.name, folder
