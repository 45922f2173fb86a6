"""The files of a version in a folder in which it can run.

Every version has one folder, a *lane*, for each of its simultaneous runs. A run finds the published files there,
whatever the previous run left behind. Results that earlier runs in the same lane cached can be reused.
"""

from __future__ import annotations

import contextlib
import hashlib
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
    """A folder of this version that no other run uses, or only runs that write no files.

    :param shared: whether the run is known to write no files.
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


def lanes_of_hybrids(job: str) -> str:
    """The name of the folders in which hybrids of a job's versions run: apart from its own runs, because their files
    differ, and the same for all hybrids, because cached results depend on the folder."""
    return hashlib.blake2b(f"hybrids of {job}".encode(), digest_size=20).hexdigest()


def check_out(manifest: Manifest, store: Store, folder: Path, origin: Path | None = None) -> Path:
    """Make the folder contain exactly the version's files as published; returns the notebook.

    Files of previous runs are removed. Files outside the folder are compared and not changed. Only one process at a
    time works on a folder, which several may share.

    :param origin: the folder that it was published from, which has the large files.
    :raises StoreError: an object is missing or damaged, or a large or outside file has changed.
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
    remedy = f"Restore it ({entry.size} bytes, digest {entry.digest}), or publish again."
    if not source.is_file():
        raise StoreError(
            "a large file, of which only the digest was published, is missing", where=str(source), remedy=remedy
        )
    try:
        with source.open("rb") as stream, atomic_write(target) as copy:
            if copy_with_digest(stream, copy) != entry.digest:
                raise StoreError(
                    "a large file, of which only the digest was published, has changed",
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
        raise StoreError("a file that it reads is missing", where=entry.path, remedy="Restore it, or publish again.")
    if not _matches(entry, path):
        raise StoreError(
            "a file that it reads has changed since it was published", where=entry.path, remedy="Publish again."
        )


def notebook_in(folder: Path, manifest: Manifest) -> Path:
    """The path of the notebook in its check-out: deep enough that files beside its folder are in the check-out too."""
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
    """The target of a relative path, which must be below the folder."""
    path = Path(os.path.normpath(start / name))
    if os.path.isabs(name) or path == folder or not path.is_relative_to(folder):
        raise StoreError(
            f"a path that leaves the folder: {name!r}", remedy="The version was not created by jupyter_mlops."
        )
    return path


def collect_files(folder: Path, manifest: Manifest, destination: Path) -> list[str]:
    """Move the files that a run wrote in its folder to the run directory; returns the names."""
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
