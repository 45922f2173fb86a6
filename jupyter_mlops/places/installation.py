"""A folder from which this machine itself runs jobs, with the environment that deploys them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from jupyter_mlops.errors import StoreError
from jupyter_mlops.places.folder import FolderPlace
from jupyter_mlops.places.place import Export

VENV = "venv"


class InstallationPlace(FolderPlace):
    """Scripts, bundles and an environment in a folder for each job.

    Where a job's folder has no environment `venv`, it is a link to the one that runs this.
    """

    def __init__(self, root: Path, location: str) -> None:
        super().__init__(root, location, str(root))

    @contextmanager
    def view(self) -> Iterator[Path]:
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"the folder can't be made: {error.strerror}", where=str(self.root)) from None
        with super().view() as root:
            yield root

    def update(self, change: Callable[[Path], None], export: Export, verb: str) -> tuple[str, bool]:
        venv = self.root / export.slug / VENV
        if verb == "Remove" and venv.is_symlink():
            venv.unlink()
        result = super().update(change, export, verb)
        if verb != "Remove" and not venv.exists() and not venv.is_symlink():
            venv.symlink_to(sys.prefix)
        return result
