"""The run directory: the executed notebook, the run log, and the files that the run wrote.

With a shared store, the run's files are uploaded when it has finished, and downloaded on demand on other machines.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlops.jobs import run_log
from jupyter_mlops.storage.local import atomic_write, digest_file, store_error

if TYPE_CHECKING:
    from jupyter_mlops.storage.store import Store

MARK = ".kept.json"  # lists the local files that are also in the store
ELSEWHERE = "elsewhere.json"  # path -> digest of files that its cells wrote to other places
LARGE = 100_000_000  # size in bytes from which a file there is not hashed


class RunDirectory:
    """The files of a run on this machine.

    :param database: the name of the database that holds the run.
    """

    def __init__(self, home: Path, run_id: str, database: str = "") -> None:
        self.path = home / "runs" / run_id
        self.database = database

    @property
    def log(self) -> Path:
        """The file of its log records. Runs from before the JSON log have only its text."""
        old = self.path / run_log.TEXT_NAME
        return old if old.is_file() else self.path / run_log.NAME

    @property
    def written(self) -> Path:
        """The folder of files that its cells wrote beside the notebook."""
        return self.path / "files"

    def notebook(self, output: str = "") -> Path | None:
        """The executed notebook, which was written to `output`, possibly on another machine."""
        named = self.path / Path(output).name
        if output and named.is_file():
            return named
        return next(iter(sorted(self.path.glob("*.ipynb"))), None)

    def written_digests(self) -> dict[str, str]:
        """Digests, by name, of files that its cells wrote beside the notebook."""
        paths = (path for path in self.written.rglob("*") if path.is_file())
        return {path.relative_to(self.written).as_posix(): digest_file(path) for path in paths}

    def set_origin(self, paths: Iterable[str]) -> None:
        """Record the digests of files that its cells wrote to other places, where they stay."""
        digests = {}
        for path in map(Path, sorted(paths)):
            with contextlib.suppress(OSError):  # deleted meanwhile, or unreadable
                if path.is_file() and path.stat().st_size < LARGE:
                    digests[str(path)] = digest_file(path)
        with contextlib.suppress(OSError):  # the run has finished in any case
            (self.path / ELSEWHERE).write_text(json.dumps(digests), encoding="utf-8")

    def origin(self) -> dict[str, str]:
        """Digests, by path, of files that its cells wrote to other places."""
        with contextlib.suppress(OSError, ValueError):  # missing, or truncated by a full disk
            return dict(json.loads((self.path / ELSEWHERE).read_text(encoding="utf-8")))
        return {}

    def files(self) -> list[Path]:
        """All files that may be requested."""
        paths = [*self.path.glob("*.ipynb"), self.log, self.path / ELSEWHERE, *self.written.rglob("*")]
        return sorted(path for path in paths if path.is_file())

    def upload(self, store: Store) -> dict[str, str]:
        """Upload its files to the store. Returns their digests by path in the folder."""
        digests = {path.relative_to(self.path).as_posix(): store.put_file(path) for path in self.files()}
        self._mark(digests)
        return digests

    def download(self, store: Store, digests: Mapping[str, str], *, with_written: bool = False) -> None:
        """Download the files that `upload` returned.

        :param with_written: include what its cells wrote, which may be large.
        """
        have = self.marked()
        selected = {name: digest for name, digest in digests.items() if with_written or not name.startswith("files/")}
        if all(have.get(name) == digest for name, digest in selected.items()):
            return
        for name, digest in selected.items():
            if have.get(name) != digest:
                store.fetch(digest, self.path / name)
        for path in self.files():  # left by an earlier attempt
            name = path.relative_to(self.path).as_posix()
            if name in have and name not in digests:
                path.unlink(missing_ok=True)
        self._mark({**{name: digest for name, digest in have.items() if name in digests}, **selected})

    def marked(self) -> dict[str, str]:
        """The local files that are also in the store, as of their upload."""
        with contextlib.suppress(OSError, ValueError):
            mark = json.loads((self.path / MARK).read_text(encoding="utf-8"))
            if mark["database"] == self.database:
                return dict(mark["files"])
        return {}

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def _mark(self, digests: Mapping[str, str]) -> None:
        text = json.dumps({"database": self.database, "files": dict(digests)})
        try:
            with atomic_write(self.path / MARK) as stream:
                stream.write(text.encode())
        except OSError as error:
            raise store_error("be written", error, self.path) from None


def marked_folders(home: Path, database: str) -> Iterator[tuple[str, RunDirectory]]:
    """The ids of the runs of a database whose files are both local and in the store."""
    for mark in home.glob(f"runs/*/{MARK}"):
        folder = RunDirectory(home, mark.parent.name, database)
        if folder.marked():
            yield mark.parent.name, folder
