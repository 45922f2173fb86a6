"""Publish a notebook: its current state becomes an immutable version of a job."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import EnvironmentBuildError, InvalidInputError
from jupyter_mlops.execution.environment import interpreter_of
from jupyter_mlops.notebook.settings import KEY
from jupyter_mlops.versions.manifest import Environment, Manifest

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from jupyter_mlops.execution.block_profile import BlockProfile
    from jupyter_mlops.jobs.records import Job, VersionRow
    from jupyter_mlops.jobs.workspace import Workspace
    from jupyter_mlops.pipeline.model import Block


@dataclass(frozen=True)
class Published:
    """A version, whether it is new, and notes for people."""

    job: Job
    version: VersionRow
    new: bool
    manifest: Manifest
    notes: tuple[str, ...] = ()


def publish(
    space: Workspace, path: Path, job_name: str = "", message: str = "", author: str = "", kernel: str = ""
) -> Published:  # fmt: skip
    """Publish a notebook. The same content is the same version, no matter who publishes it.

    :raises InvalidInputError: the notebook, the job's name or the kernel is invalid.
    """
    from jupyter_mlops.execution.execute import kernel_name
    from jupyter_mlops.jobs.catalog import require_name, whoami
    from jupyter_mlops.notebook.reader import read_notebook
    from jupyter_mlops.versions import environment as env
    from jupyter_mlops.versions.provenance import provenance
    from jupyter_mlops.versions.snapshot import snapshot

    nb = read_notebook(path)
    try:
        require_name(job_name or path.stem)
    except InvalidInputError as error:
        remedy = (
            error.remedy if job_name else "The name was taken from the notebook. Pass another one with `--job NAME`."
        )
        raise InvalidInputError(error.message, field=error.field, remedy=remedy) from None
    name = kernel_name(nb, kernel)
    notes: list[str] = []
    interpreter, described, lock = interpreter_of(name), Environment(), None
    if nb.metadata.get("kernelspec", {}).get("language", "python") in ("python", ""):
        try:
            described = env.describe(interpreter)
            lock = env.lock(described, space.home / "locks", interpreter)
            notes += lock.notes
        except EnvironmentBuildError as error:
            notes.append(f"the environment is not locked: {error.message}")
    manifest = snapshot(nb, path, space.store, described, name, _seen(space, nb, path))
    origin = provenance(path, space.store)
    if large := origin.get("git", {}).get("too_large"):
        notes.append(f"uncommitted changes are {large} bytes, too large to store: commit them")
    if lock is not None:
        origin["lock"] = {"digest": space.store.put(lock.text.encode()), "kind": lock.kind, "hashed": lock.hashed}
    if profiles := _profiles(space, nb, path):
        origin["profiles"] = profiles
    digest = manifest.put(space.store)  # the last requirement before the version becomes visible
    job = space.catalog.ensure_job(job_name or path.stem, author)
    version, new = space.catalog.add_version(job, digest, author=author or whoami(), message=message, provenance=origin)
    notes += _not_seen(space, nb, path)
    notes += _of_secrets(space, nb, path, manifest, origin.get("git", {}).get("diff", ""))
    notes += [f"{f.path} is large: only its digest is stored, its content stays in place" for f in manifest.files
              if not f.stored]  # fmt: skip
    return Published(job, version, new, manifest, tuple(notes))


def snapshot_of(space: Workspace, nb: NotebookNode, path: Path) -> tuple[Manifest, list[str]]:
    """The manifest with which a notebook would be published, and notes on its secrets; nothing is published."""
    from jupyter_mlops.execution.execute import kernel_name
    from jupyter_mlops.versions import environment as env
    from jupyter_mlops.versions.snapshot import snapshot

    name = kernel_name(nb)
    described = Environment()
    if nb.metadata.get("kernelspec", {}).get("language", "python") in ("python", ""):
        with contextlib.suppress(EnvironmentBuildError):
            described = env.describe(interpreter_of(name))
    manifest = snapshot(nb, path, space.store, described, name, _seen(space, nb, path))
    return manifest, _of_secrets(space, nb, path, manifest)


def _of_secrets(space: Workspace, nb: NotebookNode, path: Path, manifest: Manifest, diff: str = "") -> list[str]:
    """Notes on files of secrets, which are left out of a version, and on secrets that are included."""
    from jupyter_mlops.versions.secret_content import secret_notes
    from jupyter_mlops.versions.snapshot import secret_files

    left_out = secret_files(nb, path, _seen(space, nb, path), [f.path for f in manifest.files])
    notes = [
        f"{name} looks like a file of secrets and is not in the version. Use a secret (a tag secret:NAME) instead, or"
        f' list the file itself ({KEY}.files in the notebook\'s metadata: ["{name}"])'
        for name in left_out
    ]
    return [*notes, *secret_notes(nb, manifest, space.store, diff)]


def _seen(space: Workspace, nb: NotebookNode, path: Path) -> set[str]:
    """Files in the notebook's folder that its runs read and did not write.

    If cells have changed since they ran, their reads are unknown, so that the reads of all runs count.
    """
    folder = path.resolve().parent
    facts, keys = _evidence(space, path), set(_blocks(nb, path))
    profiles = [facts[key] for key in (keys if keys <= set(facts) else facts)]
    read_only = {p for profile in profiles for p in profile.reads} - {p for profile in profiles for p in profile.writes}
    return {p for p in read_only if Path(p).is_relative_to(folder)}


def _not_seen(space: Workspace, nb: NotebookNode, path: Path) -> Iterator[str]:
    """Notes on cells that look for files and have not run in their current form, unless the files are listed."""
    settings = nb.metadata.get(KEY)
    if isinstance(settings, dict) and settings.get("files"):
        return
    facts = _evidence(space, path)
    for key, block in _blocks(nb, path).items():
        if block.effects.looks_at_files and key not in facts:
            yield (
                f"cell {block.cells[0] + 1} looks for files and has not run here in its current form: what it finds"
                f" is not in the version. Run the notebook and publish again, or list the files"
                f" ({KEY}.files in its metadata)"
            )


def _profiles(space: Workspace, nb: NotebookNode, path: Path) -> dict[str, Any]:
    """What earlier runs observed of the notebook's blocks: exports order and join steps by it."""
    from jupyter_mlops.execution.profile_store import to_dict

    profiles = _evidence(space, path)
    return {key: to_dict(profiles[key], path.resolve().parent) for key in _blocks(nb, path) if key in profiles}


def _evidence(space: Workspace, path: Path) -> dict[str, BlockProfile]:
    from jupyter_mlops.execution.profile_file import evidence_file
    from jupyter_mlops.execution.profile_store import ProfileStore

    return ProfileStore(evidence_file(space.home, path), path.resolve().parent).facts


def _blocks(nb: NotebookNode, path: Path) -> dict[str, Block]:
    """The blocks of a notebook, by the key of their profile."""
    from jupyter_mlops.execution.profile_store import block_id
    from jupyter_mlops.pipeline.build import build

    return {block_id(nb.cells[i].source for i in block.cells): block for block in build(nb, path.stem).blocks}
