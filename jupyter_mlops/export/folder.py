"""An export in a folder: how it differs from what is there, and writing it without losing what a person wrote."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping
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
    :param edited: whether somebody changed it since the last export, or it never came from one.
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


def changes(
    files: Mapping[str, bytes], folder: Path, deployed: Mapping[str, str] | None = None, *, has_record: bool = True
) -> list[FileChange]:
    """How the folder would change, by path. Raises InvalidInputError if it can't be read.

    :param deployed: path -> digest of what a deployment wrote there.
    :param has_record: whether the folder has a record of its own; a folder of several jobs has none.
    """
    record = _origins(folder, deployed, has_record)
    result = []
    try:
        for path, content in sorted(files.items()):
            target = folder / path
            if target.is_dir():
                raise InvalidInputError("a folder is where a file of the export goes", where=str(target))
            if not target.exists():
                result.append(FileChange(path, "new", len(content), diff=text_diff(path, b"", content)))
                continue
            present = target.read_bytes()
            if present == content:
                result.append(FileChange(path, "same", len(content)))
                continue
            edited = digest_of(present) not in record.get(path, ())
            result.append(FileChange(path, "changed", len(content), edited, text_diff(path, present, content)))
        for path in sorted(record.keys() - files.keys()):
            target = folder / path
            if target.is_file():
                present = target.read_bytes()
                edited = digest_of(present) not in record[path]
                result.append(FileChange(path, "removed", 0, edited, text_diff(path, present, b"")))
    except OSError as error:
        raise InvalidInputError(
            f"the export folder can't be read: {error.strerror}", where=str(error.filename or folder)
        ) from None
    return result


def write(
    files: Mapping[str, bytes], folder: Path, facts: Mapping[str, Any], deployed: Mapping[str, str] | None = None, *,
    force: bool = False, has_record: bool = True,
) -> None:  # fmt: skip
    """Write an export, and remove what the last one wrote and this one doesn't.

    Each file is replaced by a rename, the bundle before the files that name it, and old files go last: whoever reads
    the folder meanwhile finds each file whole, and the bundle that it names.

    :param facts: what the record says of the export: target, job, version, digest.
    :param deployed: as in `changes`; `has_record` too.
    :param force: replace files that somebody edited.
    :raises ConflictError: somebody edited a file, and `force` is not set; nothing was written.
    """
    edited = [c.path for c in changes(files, folder, deployed, has_record=has_record) if c.edited]
    if edited and not force:
        raise ConflictError(
            f"{', '.join(edited)} {'was' if len(edited) == 1 else 'were'} not written by an export, or edited since",
            where=str(folder),
            remedy="Export to another folder, or replace with --force.",
        )
    try:
        stale = _origins(folder, deployed, has_record).keys() - files.keys()
        for path in sorted(files, key=lambda path: (not path.endswith(".zip"), path)):
            _write_file(folder / path, files[path])
        for path in stale:
            (folder / path).unlink(missing_ok=True)
        if has_record:
            record = {**facts, "files": {path: digest_of(content) for path, content in sorted(files.items())}}
            _write_file(folder / RECORD, (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode())
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
    if content.startswith(b"#!"):
        target.chmod(0o755)


def _origins(folder: Path, deployed: Mapping[str, str] | None, has_record: bool) -> dict[str, set[str]]:
    """Path -> digests of what we wrote there last, as the folder and a deployment say."""
    origins: dict[str, set[str]] = {}
    for record in (_record(folder) if has_record else {}, deployed or {}):
        for path, digest in record.items():
            origins.setdefault(path, set()).add(digest)
    return origins


def recorded_job(folder: Path) -> str:
    """The job whose export a folder holds; "" if it has no record."""
    try:
        return str(json.loads((folder / RECORD).read_text(encoding="utf-8"))["job"])
    except (OSError, ValueError, LookupError, TypeError):
        return ""


def _record(folder: Path) -> dict[str, str]:
    """Path -> digest of what the last export wrote; empty if there was none."""
    try:
        files = json.loads((folder / RECORD).read_text(encoding="utf-8"))["files"]
        paths = {str(path): str(digest) for path, digest in files.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}
    require_safe_paths(dict.fromkeys(paths, b""))
    return paths


def digest_of(content: bytes) -> str:
    """The digest by which records know a file."""
    return hashlib.sha256(content).hexdigest()


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
