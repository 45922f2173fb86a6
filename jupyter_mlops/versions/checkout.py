"""A version's files in a folder, so that it can run there.

Every version has one folder for each of its runs at once: a lane. What a run finds there is what was published,
whatever the run before it left behind; results kept by earlier runs in the same lane can be used again.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import shutil
from collections.abc import Iterator
from pathlib import Path

from jupyter_mlops.errors import StoreError
from jupyter_mlops.storage.local import atomic_write, copy_with_digest, digest_file, store_error
from jupyter_mlops.storage.store import Store
from jupyter_mlops.versions.manifest import FileEntry, Manifest

MAX_SLOTS = 1000
NESTED_FOLDER = "within"  # the folder of a notebook that reads what lies beside its folder


@contextlib.contextmanager
def checkout_slot(home: Path, digest: str, *, shared: bool) -> Iterator[Path]:
    """A folder of this version that nobody else uses meanwhile, or only those who write nothing either.

    :param shared: whether the run is known to write no files there.
    """
    from filelock import FileLock, Timeout

    base = home / "checkouts" / digest[:20]
    base.mkdir(parents=True, exist_ok=True)
    if shared:
        yield base / "0"
        return
    for number in range(MAX_SLOTS):
        lock = FileLock(base / f"{number}.lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            continue
        try:
            yield base / str(number)
        finally:
            lock.release()
        return
    raise StoreError(f"{MAX_SLOTS} runs of one version at once", where=str(base))


def check_out(manifest: Manifest, store: Store, folder: Path, origin: Path | None = None) -> Path:
    """Make the folder hold the version's files as they were published and nothing else; returns the notebook.

    What a run before left there is removed. Files outside of the folder are looked at, and not touched. Of several at
    once, which may share a folder, one is at work.

    :param origin: the folder it was published from, where large files are.
    :raises StoreError: an object is gone or damaged, or a large or outside file is no longer what it was.
    """
    from filelock import FileLock

    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.files"):
        target = notebook_in(folder, manifest)
        targets = {
            entry: _resolve(entry.path, target.parent, folder) for entry in manifest.files if not entry.is_absolute
        }
        expected_paths = {*targets.values(), target}
        for path in sorted(folder.rglob("*"), reverse=True):
            if path.is_dir() and not path.is_symlink():
                with contextlib.suppress(OSError):
                    path.rmdir()
            elif path not in expected_paths:
                path.unlink(missing_ok=True)
        for entry in manifest.files:
            if entry.is_absolute:
                _require_outside(entry)
            else:
                _put_file(entry, store, targets[entry], origin)
        _fetch(manifest.notebook, store, target)
        return target


def _put_file(entry: FileEntry, store: Store, target: Path, origin: Path | None) -> None:
    if _matches(entry, target):
        return
    if entry.stored or entry.digest in store:
        _fetch(entry.digest, store, target)
    else:
        _copy_large(entry, Path(os.path.normpath((origin or Path()) / entry.path)), target)


def _copy_large(entry: FileEntry, source: Path, target: Path) -> None:
    remedy = f"Put it there as it was ({entry.size} bytes, digest {entry.digest}), or publish again."
    if not source.is_file():
        raise StoreError(
            "a large file, which was published by its digest alone, is gone", where=str(source), remedy=remedy
        )
    try:
        with source.open("rb") as stream, atomic_write(target) as copy:
            if copy_with_digest(stream, copy) != entry.digest:
                raise StoreError(
                    "a large file, which was published by its digest alone, has changed since",
                    where=str(source), remedy=remedy,
                )  # fmt: skip
    except OSError as error:
        raise store_error("be copied", error, source) from None


def _fetch(digest: str, store: Store, target: Path) -> None:
    if not target.is_file() or digest_file(target) != digest:
        store.fetch(digest, target)


def _matches(entry: FileEntry, path: Path) -> bool:
    return path.is_file() and path.stat().st_size == entry.size and digest_file(path) == entry.digest


def _require_outside(entry: FileEntry) -> None:
    path = Path(entry.path)
    if not path.is_file():
        raise StoreError("a file that it reads is gone", where=entry.path, remedy="Put it back, or publish again.")
    if not _matches(entry, path):
        raise StoreError(
            "a file that it reads has changed since it was published", where=entry.path, remedy="Publish again."
        )


def notebook_in(folder: Path, manifest: Manifest) -> Path:
    """Where the notebook stands in its checkout: so deep that what lies beside its folder is in the checkout too."""
    parent_counts = (posixpath.normpath(e.path).split("/").count("..") for e in manifest.files if not e.is_absolute)
    depth = max(parent_counts, default=0)
    return _resolve(manifest.name, folder.joinpath(*[NESTED_FOLDER] * depth), folder)


def require_safe_paths(manifest: Manifest) -> None:
    """Raises StoreError if a version would put a file where it must not."""
    folder = Path("/checkout")
    notebook = notebook_in(folder, manifest)
    for entry in manifest.files:
        if not entry.is_absolute:
            _resolve(entry.path, notebook.parent, folder)


def _resolve(name: str, start: Path, folder: Path) -> Path:
    """Where a relative path leads, which is below the folder."""
    path = Path(os.path.normpath(start / name))
    if os.path.isabs(name) or path == folder or not path.is_relative_to(folder):
        raise StoreError(f"a path that leaves the folder: {name!r}", remedy="The version was not made by us.")
    return path


def collect_files(folder: Path, manifest: Manifest, destination: Path) -> list[str]:
    """Move what a run wrote in its folder to where it is kept; returns the names."""
    notebook = notebook_in(folder, manifest)
    entries_by_path = {_resolve(e.path, notebook.parent, folder): e for e in manifest.files if not e.is_absolute}
    names = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path != notebook and "__pycache__" not in path.parts:
            if path in entries_by_path and _matches(entries_by_path[path], path):
                continue
            is_beside_notebook = path.is_relative_to(notebook.parent)
            name = path.relative_to(notebook.parent if is_beside_notebook else folder).as_posix()
            target = destination / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
            names.append(name)
    return names
