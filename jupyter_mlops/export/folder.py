"""An export in a folder: how it differs from what is there, and writing it without losing what a person wrote.

What the folder holds is compared as bytes by path, so that it may be a folder on this machine or one that a Jupyter
contents manager has.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from jupyter_mlops.errors import ConflictError, InvalidInputError, StoreError
from jupyter_mlops.storage.local import atomic_write

RECORD = ".jupyter-mlops-export.json"
FileState = Literal["new", "changed", "same", "removed"]


@dataclass(frozen=True)
class FileChange:
    """A file of an export, against what the folder holds.

    :param path: relative, with slashes.
    :param edited: whether it changed since the last export, or it never came from one.
    :param diff: unified diff of texts, "" for other files.
    """

    path: str
    state: FileState
    size: int = 0
    edited: bool = False
    diff: str = ""


def require_safe_paths(files: Mapping[str, bytes]) -> None:
    """Raises InvalidInputError if an exporter names a file outside of the folder."""
    for name in files:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.parts or "\\" in name or name == RECORD:
            raise InvalidInputError(f"the exporter names a file outside of the folder: {name!r}")


def compare(
    files: Mapping[str, bytes], present: Mapping[str, bytes], origins: Mapping[str, Collection[str]]
) -> list[FileChange]:
    """How a folder would change, by path.

    :param present: what it holds now of `files` and of `origins`.
    :param origins: path -> digests of what exports wrote, see `origins_of`.
    """
    changes = [_change(path, content, present.get(path), origins.get(path, ())) for path, content in files.items()]
    changes += [
        FileChange(
            path, "removed", 0, digest_of(present[path]) not in origins[path], text_diff(path, present[path], b"")
        )
        for path in origins.keys() - files.keys()
        if path in present
    ]
    return sorted(changes, key=lambda change: change.path)


def origins_of(*records: Mapping[str, str]) -> dict[str, set[str]]:
    """Path -> digests of what was written there last, as these records say."""
    origins: dict[str, set[str]] = {}
    for record in records:
        for path, digest in record.items():
            origins.setdefault(path, set()).add(digest)
    return origins


def _change(path: str, content: bytes, before: bytes | None, origins: Collection[str]) -> FileChange:
    if before is None:
        return FileChange(path, "new", len(content), diff=text_diff(path, b"", content))
    if before == content:
        return FileChange(path, "same", len(content))
    edited = digest_of(before) not in origins
    return FileChange(path, "changed", len(content), edited, text_diff(path, before, content))


def require_unedited(file_changes: list[FileChange], where: str, remedy: str) -> None:
    """Raises ConflictError if the export would replace or remove what a person wrote."""
    edited = [change.path for change in file_changes if change.edited]
    if edited:
        raise ConflictError(
            f"{', '.join(edited)} {'was' if len(edited) == 1 else 'were'} not written by an export, or edited since",
            where=where,
            remedy=remedy,
        )


def changes(
    files: Mapping[str, bytes], folder: Path, deployed: Mapping[str, str] | None = None, *, has_record: bool = True
) -> list[FileChange]:
    """How a folder on this machine would change, by path. Raises InvalidInputError if it can't be read.

    :param deployed: path -> digest of what a deployment wrote there.
    :param has_record: whether the folder has its own record; a folder of several jobs has none.
    """
    record = parse_record(_read_record(folder)) if has_record else {}
    origins = origins_of(record, deployed or {})
    try:
        present = {path: (folder / path).read_bytes() for path in {*files, *origins} if (folder / path).is_file()}
        obstacles = [folder / path for path in files if (folder / path).is_dir()]
    except OSError as error:
        raise InvalidInputError(
            f"the export folder can't be read: {error.strerror}", where=str(error.filename or folder)
        ) from None
    if obstacles:
        raise InvalidInputError("a folder is where a file of the export goes", where=str(obstacles[0]))
    return compare(files, present, origins)


def write(
    files: Mapping[str, bytes], folder: Path, facts: Mapping[str, Any], deployed: Mapping[str, str] | None = None, *,
    force: bool = False, has_record: bool = True,
) -> None:  # fmt: skip
    """Write an export, and remove what the last one wrote and this one doesn't.

    Each file is replaced by a rename, the bundle before the files that name it.

    :param facts: what the record says of the export: target, job, version, digest.
    :param deployed: path -> digest of what a deployment wrote there.
    :param force: replace edited files.
    :param has_record: whether the folder has its own record.
    :raises ConflictError: a file was edited, and `force` is not set; nothing was written.
    """
    file_changes = changes(files, folder, deployed, has_record=has_record)
    if not force:
        require_unedited(file_changes, str(folder), "Export to another folder, or replace with --force.")
    try:
        for path in sorted(files, key=lambda path: (not path.endswith(".zip"), path)):
            _write_file(folder / path, files[path])
        for change in file_changes:
            if change.state == "removed":
                (folder / change.path).unlink(missing_ok=True)
        if has_record:
            _write_file(folder / RECORD, record_content(files, facts))
    except OSError as error:
        raise StoreError(
            f"the export can't be written: {error.strerror}", where=str(error.filename or folder)
        ) from None


def _write_file(target: Path, content: bytes) -> None:
    if target.is_file() and target.read_bytes() == content:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(target) as stream:
        stream.write(content)
    if is_executable(content):
        target.chmod(0o755)


def recorded_job(folder: Path) -> str:
    """The job whose export a folder holds; "" if it has no record."""
    try:
        return str(json.loads((folder / RECORD).read_text(encoding="utf-8"))["job"])
    except (OSError, ValueError, LookupError, TypeError):
        return ""


def is_executable(content: bytes) -> bool:
    """Whether a file is a script that its engine starts by its path."""
    return content.startswith(b"#!")


def record_content(files: Mapping[str, bytes], facts: Mapping[str, Any]) -> bytes:
    """The record of an export, which is beside its files."""
    record = {**facts, "files": {path: digest_of(content) for path, content in sorted(files.items())}}
    return (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode()


def parse_record(content: bytes | None) -> dict[str, str]:
    """Path -> digest of what the last export wrote; empty if there was none or its record can't be read.

    :raises InvalidInputError: it names a file outside of the folder.
    """
    try:
        files = json.loads((content or b"").decode("utf-8"))["files"]
        paths = {str(path): str(file_digest) for path, file_digest in files.items()}
    except (ValueError, LookupError, TypeError, AttributeError):
        return {}
    require_safe_paths(dict.fromkeys(paths, b""))
    return paths


def digest_of(content: bytes) -> str:
    """The digest of a file, as records have it."""
    return hashlib.sha256(content).hexdigest()


def _read_record(folder: Path) -> bytes | None:
    try:
        return (folder / RECORD).read_bytes()
    except OSError:
        return None


def text_diff(path: str, before: bytes, after: bytes) -> str:
    """The unified diff of two texts, "" for other content."""
    try:
        old, new = before.decode("utf-8"), after.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    if "\0" in old + new:
        return ""
    lines = difflib.unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), f"a/{path}", f"b/{path}")
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
