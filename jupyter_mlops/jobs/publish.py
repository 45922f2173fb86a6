"""Publishing: what a notebook is now becomes a version of a job, and never changes again."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlops.errors import BadInput, EnvironmentFailed
from jupyter_mlops.jobs.perform import interpreter_of
from jupyter_mlops.notebook.settings import KEY
from jupyter_mlops.versions.manifest import Environment, Manifest

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from jupyter_mlops.jobs.records import Job, VersionRow
    from jupyter_mlops.jobs.workspace import Workspace
    from jupyter_mlops.pipeline.model import Block
    from jupyter_mlops.run.plan import Learned


@dataclass(frozen=True)
class Published:
    """A version, whether it is new, and what should be known of it."""

    job: Job
    version: VersionRow
    new: bool
    manifest: Manifest
    notes: tuple[str, ...] = ()


def publish(
    space: Workspace, path: Path, job_name: str = "", message: str = "", author: str = "", kernel: str = ""
) -> Published:  # fmt: skip
    """Publish a notebook. The same content is the same version, whoever publishes it again.

    :raises BadInput: the notebook, the job's name or the kernel is none.
    """
    from jupyter_mlops.jobs.catalog import require_name, whoami
    from jupyter_mlops.notebook.read import read_notebook
    from jupyter_mlops.run.execute import kernel_name
    from jupyter_mlops.versions import environment as env
    from jupyter_mlops.versions.provenance import provenance
    from jupyter_mlops.versions.snapshot import snapshot

    nb = read_notebook(path)
    try:
        require_name(job_name or path.stem)
    except BadInput as error:
        remedy = error.remedy if job_name else "It was taken from the notebook: name the job yourself (`--job NAME`)."
        raise BadInput(error.message, where=error.where, remedy=remedy) from None
    name = kernel_name(nb, kernel)
    notes: list[str] = []
    interpreter, described, lock = interpreter_of(name), Environment(), None
    if nb.metadata.get("kernelspec", {}).get("language", "python") in ("python", ""):
        try:
            described = env.describe(interpreter)
            lock = env.lock(described, space.home / "locks", interpreter)
            notes += lock.notes
        except EnvironmentFailed as error:
            notes.append(f"the environment is not locked: {error.message}")
    manifest = snapshot(nb, path, space.store, described, name, _seen(space, nb, path))
    origin = provenance(path, space.store)
    if large := origin.get("git", {}).get("too_large"):
        notes.append(f"what is not committed to git is {large} bytes, which is too much to be kept: commit it")
    if lock is not None:
        origin["lock"] = {"digest": space.store.put(lock.text.encode()), "kind": lock.kind, "hashed": lock.hashed}
    digest = manifest.put(space.store)  # the last of what has to be there before anybody may know of it
    job = space.catalog.ensure_job(job_name or path.stem, author)
    version, new = space.catalog.add_version(job, digest, author=author or whoami(), message=message, provenance=origin)
    notes += _not_seen(space, nb, path)
    notes += [f"{f.path} is large: kept by its digest, its bytes stay where they are" for f in manifest.files
              if not f.stored]  # fmt: skip
    return Published(job, version, new, manifest, tuple(notes))


def snapshot_of(space: Workspace, nb: NotebookNode, path: Path) -> Manifest:
    """What a notebook would be published as; nothing is published."""
    from jupyter_mlops.run.execute import kernel_name
    from jupyter_mlops.versions import environment as env
    from jupyter_mlops.versions.snapshot import snapshot

    name = kernel_name(nb)
    described = Environment()
    if nb.metadata.get("kernelspec", {}).get("language", "python") in ("python", ""):
        with contextlib.suppress(EnvironmentFailed):
            described = env.describe(interpreter_of(name))
    return snapshot(nb, path, space.store, described, name, _seen(space, nb, path))


def _seen(space: Workspace, nb: NotebookNode, path: Path) -> set[str]:
    """Files in the notebook's folder that its runs were seen to read and did not write.

    Of cells that changed since they ran it can't be told what they read: then all that any run read counts.
    """
    folder = path.resolve().parent
    facts, ours = _evidence(space, path), set(_blocks(nb, path))
    known = [facts[key] for key in (ours if ours <= set(facts) else facts)]
    seen = {p for one in known for p in one.reads} - {p for one in known for p in one.writes}
    return {p for p in seen if Path(p).is_relative_to(folder)}


def _not_seen(space: Workspace, nb: NotebookNode, path: Path) -> Iterator[str]:
    """Notes on cells that look for files and have not run as they are, if nobody says which files those are."""
    told = nb.metadata.get(KEY)
    if isinstance(told, dict) and told.get("files"):
        return
    facts = _evidence(space, path)
    for key, block in _blocks(nb, path).items():
        if block.effects.looks_at_files and key not in facts:
            yield (
                f"cell {block.cells[0] + 1} looks for files and has not run here as it is: what it finds is not in the"
                f" version. Run the notebook and publish again, or name the files ({KEY}.files in its metadata)"
            )


def _evidence(space: Workspace, path: Path) -> dict[str, Learned]:
    from jupyter_mlops.run.evidence import Evidence

    return Evidence(space.home / "evidence" / f"{path.stem}.json", path.resolve().parent).facts


def _blocks(nb: NotebookNode, path: Path) -> dict[str, Block]:
    """The blocks of a notebook by what evidence of them is kept under."""
    from jupyter_mlops.pipeline.build import build
    from jupyter_mlops.run.evidence import block_id

    return {block_id(nb.cells[i].source for i in block.cells): block for block in build(nb, path.stem).blocks}
