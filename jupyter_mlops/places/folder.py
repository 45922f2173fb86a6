"""A folder as a place: a DAG folder, a folder that machines share, a repository's working tree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from jupyter_mlops.errors import InvalidInputError, UnreachableError
from jupyter_mlops.places.files import FilePlace, has_record, job_folder
from jupyter_mlops.places.place import Export


class FolderPlace(FilePlace):
    """A folder that is there."""

    def __init__(self, root: Path, location: str = "", prefix: str = "") -> None:
        super().__init__(location or str(root), prefix)
        self.root = root

    @contextmanager
    def view(self) -> Iterator[Path]:
        if self.root.exists() and not self.root.is_dir():
            raise InvalidInputError("the place is a file", where=str(self.root), remedy="Name a folder.")
        if not self.root.is_dir():
            raise UnreachableError(
                "the folder does not exist", where=str(self.root), remedy="Create it, or mount what holds it."
            )
        yield self.root

    def update(self, change: Callable[[Path], None], export: Export, verb: str) -> tuple[str, bool]:
        with self.view() as root:
            folder = root if not has_record(export) else job_folder(root, export)
            before = _stamps(folder, export)
            change(root)
            return "", _stamps(folder, export) != before or verb == "Remove"


def _stamps(folder: Path, export: Export) -> dict[str, tuple[int, int]]:
    """What tells whether files were replaced."""
    present = [(path, folder / path) for path in export.files if (folder / path).is_file()]
    names = {str(path): (0, 0) for path in folder.iterdir()} if folder.is_dir() and has_record(export) else {}
    return {**names, **{path: (file.stat().st_ino, file.stat().st_mtime_ns) for path, file in present}}
