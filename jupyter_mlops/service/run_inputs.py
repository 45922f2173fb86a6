"""What a finished run executed and read, as one side of a comparison by hybrids."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import InvalidInputError, MlopsError, StoreError
from jupyter_mlops.service.capsules import Capsules, StoredCapsules, files_read

if TYPE_CHECKING:
    from jupyter_mlops.jobs.records import Run, VersionRow
    from jupyter_mlops.jobs.workspace import Workspace
    from jupyter_mlops.versions.hybrid import Side
    from jupyter_mlops.versions.manifest import Environment, FileEntry, Manifest

MAX_FROZEN_BYTES = 2_000_000_000  # size of a file up to which its content is copied to the store for hybrids


@dataclass(frozen=True)
class RunInputs:
    """The manifest of a run's version with the data files that the run read.

    :param environment: the one that the run had.
    :param outside: the files that it read at absolute paths.
    :param missing: why the content of some files is not available, by path.
    """

    manifest: Manifest
    environment: Environment
    outside: Mapping[str, FileEntry]
    missing: Mapping[str, str]


def inputs_of(space: Workspace, run: Run, capsules: Capsules | None = None) -> RunInputs:
    """What a run read, as far as it is recorded: the files of its version, and those of its capsule.

    :raises InvalidInputError: the run has no version, or is of an unpublished notebook without a capsule.
    """
    from jupyter_mlops.service.run_values import manifest_of

    if run.version_id is None:
        raise InvalidInputError("the run has no version", where=run.id)
    version = space.catalog.version_by_id(run.version_id)
    manifest: Manifest = manifest_of(space, version)
    capsule = (capsules or StoredCapsules(space)).of(run.id)
    if capsule is None and run.options.get("in_folder"):
        raise InvalidInputError(
            "what it read is not recorded", where=run.id,
            remedy="Publish the notebook: runs of a version can be compared.",
        )  # fmt: skip
    origin = Path(str(version.provenance.get("path") or run.options.get("in_folder") or "")).parent
    if run.options.get("in_folder"):
        origin = Path(str(run.options["in_folder"]))
    frozen = _Frozen(space, origin)
    entries = {entry.path: entry for entry in manifest.files}
    outside: dict[str, FileEntry] = {}
    files = files_read(capsule or {})
    written_paths = _written_by(space, run) if files else frozenset[str]()
    for path, facts in files.items():
        if path not in entries and path in written_paths:
            continue
        entry = frozen.entry(path, facts, entries.get(path))
        if entry is not None and entry.is_absolute:
            outside[path] = entry
        elif entry is not None and (path not in entries or entries[path].kind == "data"):
            entries[path] = entry
    for path, entry in list(entries.items()):
        if (
            entry.is_absolute
            and path not in outside
            and (available := frozen.entry(path, _facts(entry), entry)) is not None
        ):
            outside[path] = available
        elif not entry.is_absolute and not entry.stored:
            entries[path] = frozen.entry(path, _facts(entry), entry) or entry
    manifest = replace(manifest, files=tuple(sorted(entries.values())))
    return RunInputs(manifest, _environment(manifest, capsule), outside, frozen.missing)


def sides(space: Workspace, old: Run, new: Run, capsules: Capsules | None = None) -> tuple[Side, Side, list[str]]:
    """Two runs as the sides of hybrids, and notes on what is not available."""
    from jupyter_mlops.versions.hybrid import Side

    inputs = [inputs_of(space, run, capsules) for run in (old, new)]
    paths = _substitutes(inputs[0], inputs[1])
    result = []
    for run, side_inputs in zip((old, new), inputs, strict=True):
        outside = {path: entry for path, entry in side_inputs.outside.items() if path in paths}
        files = tuple(f for f in side_inputs.manifest.files if not (f.is_absolute and f.path in outside))
        manifest = replace(side_inputs.manifest, files=files)
        lock = _lock(space, run.version_id, side_inputs.environment)
        result.append(Side(manifest, side_inputs.environment, dict(run.parameters), lock, outside))
    notes = [f"{path}: {reason}" for path, reason in {**inputs[0].missing, **inputs[1].missing}.items()]
    return result[0], result[1], notes


def past_side(
    space: Workspace, run: Run, capsules: Capsules | None = None
) -> tuple[Side, Mapping[str, str]]:  # fmt: skip
    """A past run for a replay, and why the content of some of its files is not available."""
    from jupyter_mlops.versions.hybrid import Side

    inputs = inputs_of(space, run, capsules)
    outside = {path: entry for path, entry in inputs.outside.items() if _digest_at(Path(path)) != entry.digest}
    files = tuple(f for f in inputs.manifest.files if not (f.is_absolute and f.path in outside))
    lock = _lock(space, run.version_id, inputs.environment)
    manifest = replace(inputs.manifest, files=files)
    return Side(manifest, inputs.environment, dict(run.parameters), lock, outside), inputs.missing


def candidate_side(space: Workspace, version: VersionRow) -> Side:
    """A version as it was published, without the files that it reads at absolute paths: a replay has those of the
    past run."""
    from jupyter_mlops.service.run_values import manifest_of
    from jupyter_mlops.versions.hybrid import Side

    manifest: Manifest = manifest_of(space, version)
    lock = _lock(space, version.id, manifest.environment)
    files = tuple(entry for entry in manifest.files if not entry.is_absolute)
    return Side(replace(manifest, files=files), manifest.environment, {}, lock)


def _substitutes(old: RunInputs, new: RunInputs) -> set[str]:
    """The outside files of which copies must take the place: they differ, or are not what they were any more."""
    paths = set()
    for path in {*old.outside, *new.outside}:
        digests = {entry.digest for side in (old, new) if (entry := side.outside.get(path)) is not None}
        is_available = path not in old.missing and path not in new.missing
        if is_available and (len(digests) > 1 or _digest_at(Path(path)) not in digests):
            paths.add(path)
    return paths


class _Frozen:
    """Files whose content is in the store, or is put there if the file is still what it was.

    :param origin: the folder of relative paths.
    """

    def __init__(self, space: Workspace, origin: Path) -> None:
        self.space, self.origin = space, origin
        self.missing: dict[str, str] = {}

    def entry(self, path: str, facts: Mapping[str, Any], published: FileEntry | None) -> FileEntry | None:
        """The file with this content; None if the content is not available, with the reason in `missing`."""
        from jupyter_mlops.versions.manifest import FileEntry

        digest, size = str(facts["digest"]), int(facts.get("bytes") or 0)
        try:
            if digest not in self.space.store:
                place = Path(path) if os.path.isabs(path) else self.origin / path
                if size > MAX_FROZEN_BYTES or _digest_at(place) != digest:
                    self.missing[path] = "its content was not kept, and the file has changed"
                    return None
                self.space.store.put_file(place)
        except (MlopsError, OSError) as error:
            self.missing[path] = f"its content can't be read: {error}"
            return None
        if published is not None:
            return FileEntry(path, digest, size, published.kind)
        return FileEntry(path, digest, size, "module" if path.endswith(".py") else "data")


def _facts(entry: FileEntry) -> dict[str, Any]:
    return {"digest": entry.digest, "bytes": entry.size}


def _written_by(space: Workspace, run: Run) -> frozenset[str]:
    """The files that a run wrote; it may have read them too."""
    folder = space.folder_of(run.id, with_written=True)
    return frozenset({*folder.written_digests(), *folder.origin()})


def _digest_at(path: Path) -> str:
    from jupyter_mlops.storage.local import digest_file

    try:
        return digest_file(path) if path.is_file() else ""
    except OSError:
        return ""


def _environment(manifest: Manifest, capsule: Mapping[str, Any] | None) -> Environment:
    """The environment that a run really had: its version's, unless its capsule has other packages."""
    published = manifest.environment
    recorded = (capsule or {}).get("environment") or {}
    packages = {_normal(name): str(value) for name, value in (recorded.get("packages") or {}).items()}
    if not packages or not published.python:
        return published
    python = str(recorded.get("python") or published.python)
    before = {**published.packages, **published.others}
    if python == published.python and all(
        _version(before.get(name)) == _version(value) for name, value in packages.items()
    ):
        return published
    others = {**published.others, **{name: v for name, v in packages.items() if name in published.others}}
    listed = {**published.packages, **{name: v for name, v in packages.items() if name not in others}}
    return replace(published, python=python, packages=listed, others=others)


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _version(value: object) -> str:
    """The number of a package's version, which may be the URL of its wheel."""
    text = str(value)
    if "://" not in text:
        return text
    parts = text.partition("#")[0].rpartition("/")[2].split("-")
    return parts[1] if len(parts) > 2 else text


def _lock(space: Workspace, version_id: int | None, environment: Environment) -> tuple[str, str]:
    """Text and kind of the lock of an environment: its version's if it is the published one."""
    from jupyter_mlops.service.run_values import manifest_of

    assert version_id is not None
    version = space.catalog.version_by_id(version_id)
    lock: Mapping[str, Any] = version.provenance.get("lock") or {}
    if manifest_of(space, version).environment == environment and lock.get("digest"):
        try:
            return space.store.get(str(lock["digest"])).decode(), str(lock.get("kind", "pylock"))
        except StoreError:
            return "", ""
    if not environment.packages:
        return "", ""
    pins = [f"{name} @ {v}" if "://" in v else f"{name}=={v}" for name, v in sorted(environment.packages.items())]
    return "".join(f"{pin}\n" for pin in pins), "pins"


def outside_writes(space: Workspace, runs: Collection[Run]) -> list[str]:
    """Files that runs wrote outside of their folders."""
    return sorted({path for run in runs for path in space.folder_of(run.id).origin()})
