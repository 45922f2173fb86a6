"""Places that hold an export as files: a folder a job, among those of other jobs."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from jupyter_mlops.errors import ConflictError, InvalidInputError, StoreError
from jupyter_mlops.export import folder as export_folder
from jupyter_mlops.export.folder import RECORD, FileChange
from jupyter_mlops.places.place import Export, ItemState, Written

# Their engines look for files at the root of a repository, where files of several jobs stand together.
AT_THE_ROOT = ("github", "gitlab")


class FilePlace(ABC):
    """A tree of files with a folder for each job.

    :param location: the place's name in records.
    """

    def __init__(self, location: str, prefix: str = "") -> None:
        self.location, self.prefix = location, prefix

    def require_target(self, target: str) -> None:  # noqa: B027 - files of every target can be kept
        """Files of every target can be kept."""

    def items(self, export: Export) -> Mapping[str, str]:
        return digests(export.files)

    @abstractmethod
    def view(self) -> AbstractContextManager[Path]:
        """The root of the tree, to read."""

    @abstractmethod
    def update(self, change: Callable[[Path], None], export: Export, verb: str) -> tuple[str, bool]:
        """Let `change` write to the tree, and publish it: its revision, and whether anything is different.

        :param verb: what happens to the export, for people: "Deploy".
        """

    def changes(self, export: Export, deployed: Mapping[str, str]) -> list[FileChange]:
        with self.view() as root:
            folder = job_folder(root, export)
            return export_folder.changes(export.files, folder, deployed, has_record=has_record(export))

    def write(self, export: Export, deployed: Mapping[str, str], *, force: bool = False) -> Written:
        def change(root: Path) -> None:
            folder = job_folder(root, export)
            _require_inside(root, folder, export.files)
            export_folder.write(
                export.files, folder, export.facts, deployed, force=force, has_record=has_record(export)
            )

        revision, changed = self.update(change, export, "Deploy")
        return Written(FilePlace.items(self, export), revision, changed)

    def states(self, export: Export, deployed: Mapping[str, str]) -> dict[str, ItemState]:
        with self.view() as root:
            return states_in(job_folder(root, export), deployed)

    def remove(self, export: Export, deployed: Mapping[str, str], *, force: bool = False) -> tuple[str, ...]:
        def change(root: Path) -> None:
            folder = job_folder(root, export)
            _require_inside(root, folder, deployed)
            remove_files(folder, deployed, has_record=has_record(export), force=force)

        self.update(change, export, "Remove")
        return ()


def has_record(export: Export) -> bool:
    """Whether the folder of a job has its own record."""
    return export.target not in AT_THE_ROOT


def job_folder(root: Path, export: Export) -> Path:
    """The folder of a job. Raises ConflictError if another job has it: two names may give one slug."""
    if not has_record(export):
        return root
    folder = root / export.slug
    other = export_folder.recorded_job(folder)
    if other not in ("", export.job):
        raise ConflictError(
            f"the folder holds an export of the job {other!r}", where=str(folder), remedy="Deploy to another folder."
        )
    return folder


def digests(files: Mapping[str, bytes]) -> dict[str, str]:
    """Path -> digest, as records have it."""
    return {path: export_folder.digest_of(content) for path, content in sorted(files.items())}


def states_in(folder: Path, deployed: Mapping[str, str]) -> dict[str, ItemState]:
    """How deployed files are now. Raises StoreError for what can't be read."""
    states: dict[str, ItemState] = {}
    for path, digest in deployed.items():
        try:
            content = (folder / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            states[path] = "missing"
        except OSError as error:
            raise StoreError(f"the file can't be read: {error.strerror}", where=str(folder / path)) from None
        else:
            states[path] = "same" if export_folder.digest_of(content) == digest else "edited"
    return states


def remove_files(folder: Path, deployed: Mapping[str, str], *, has_record: bool, force: bool = False) -> None:
    """Remove deployed files, and folders that are empty then. Raises ConflictError if one was edited."""
    states = states_in(folder, deployed)
    edited = [path for path, state in states.items() if state == "edited"]
    if edited and not force:
        raise edited_error(edited, str(folder), "removed")
    try:
        for path in [*deployed, *([RECORD] if has_record else [])]:
            (folder / path).unlink(missing_ok=True)
        for parent in sorted({parent for name in deployed for parent in Path(name).parents}, reverse=True):
            if has_record or parent != Path():
                with contextlib.suppress(OSError):  # not empty
                    (folder / parent).rmdir()
    except OSError as error:
        raise StoreError(f"the file can't be removed: {error.strerror}", where=str(error.filename)) from None


def edited_error(names: list[str], where: str, verb: str = "replaced") -> ConflictError:
    """The refusal to lose an edit."""
    return ConflictError(
        f"{', '.join(names)} {'was' if len(names) == 1 else 'were'} edited since the deployment",
        where=where,
        remedy=f"Keep the edits in the notebook or elsewhere; with --force they are {verb}.",
    )


def _require_inside(root: Path, folder: Path, files: Mapping[str, object]) -> None:
    """Raises InvalidInputError if a link in the place leads what is written below a folder out of it."""
    boundary = root.resolve()
    for path in files:
        if not (folder / path).parent.resolve().is_relative_to(boundary):
            raise InvalidInputError("a link leads out of the place", where=str(folder / path))
