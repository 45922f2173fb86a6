"""What the processes of one run exchange: results of blocks, files and states, at a folder or URL.

runs/RUN/run.json           facts about the run: version, parameters, engine
runs/RUN/blocks/0003.json   the result of a block, and what it read
runs/RUN/steps/NAME.json    the state of a step, its attempt, its error and the outputs of its cells
objects/                    pickled variables and files, by digest
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, unquote

from jupyter_mlops.errors import EquivalenceError, InvalidInputError, StoreError
from jupyter_mlops.execution.committed_state import BlockResult, VariableGroup
from jupyter_mlops.execution.redaction import Redaction
from jupyter_mlops.storage.documents import Documents, open_documents, read_json, write_json
from jupyter_mlops.storage.local import ObjectStore, digest_bytes, digest_file
from jupyter_mlops.storage.store import Store, open_store

FORMAT = 1
RUN_ID = re.compile(r"[^\x00-\x1f\x7f]{1,500}")
REMOVED, FOLDER, LINK = "", "/", "->"  # what stands for a file's digest
SMALL = 1_000_000  # bytes of a variable that are fetched even if nothing seems to need it
LONGEST_NAME = 120  # characters


@dataclass(frozen=True)
class HandedOn:
    """The result of a block as another process stored it.

    :param folder: the working folder of that process.
    :param files: path relative to the working folder -> digest of what the block wrote, or REMOVED, FOLDER, or LINK and
        the link's text.
    :param inputs: path there -> digest of files that the block read, if it runs for a main line elsewhere.
    """

    result: BlockResult
    folder: str
    files: Mapping[str, str]
    inputs: Mapping[str, str] = field(default_factory=dict)


class RunArtifacts:
    """Artifacts of one run.

    :param url: a folder, or a URL that fsspec knows.
    :param run_id: name of the run, the same for all of its processes.
    :param home: folder for copies of remote objects.
    :param redaction: values that are not written there.
    """

    def __init__(self, url: str, run_id: str, home: Path, redaction: Redaction | None = None) -> None:
        if not RUN_ID.fullmatch(run_id):
            raise InvalidInputError(f"{run_id!r} is not a valid name of a run", where="--run-id")
        self.documents: Documents = open_documents(url)
        self.objects: Store = open_store(f"{url.rstrip('/')}/objects", home)
        self.folder = run_folder_of(run_id)
        self.redaction = redaction or Redaction()

    @property
    def location(self) -> str:
        return f"{self.documents.location.rstrip('/')}/{self.folder}"

    # -- the run

    def describe(self, facts: Mapping[str, Any]) -> None:
        """Record what the run is. The first process records it; the others are compared with it.

        :raises InvalidInputError: another process of this run has another version or other parameters.
        """
        present = read_json(self.documents, f"{self.folder}/run.json")
        if present is None:
            write_json(self.documents, f"{self.folder}/run.json", {"format": FORMAT, **facts})
            return
        for name in ("digest", "parameters"):
            if present.get(name) != facts.get(name):
                raise InvalidInputError(
                    f"another task of the run has {'other parameters' if name == 'parameters' else 'another version'}",
                    where=self.location,
                    remedy="Give each run a different name.",
                )

    def description(self) -> dict[str, Any] | None:
        """What `describe` recorded; None if no task of the run has started."""
        facts: dict[str, Any] | None = read_json(self.documents, f"{self.folder}/run.json")
        return facts

    # -- steps

    def put_step(self, step: str, facts: Mapping[str, Any]) -> None:
        """Record the state of a step."""
        write_json(self.documents, f"{self.folder}/steps/{_file_name(step)}.json", {"step": step, **facts})

    def step(self, step: str) -> dict[str, Any] | None:
        """The recorded state of a step; None if it has not started."""
        facts: dict[str, Any] | None = read_json(self.documents, f"{self.folder}/steps/{_file_name(step)}.json")
        return facts

    def put_file(self, name: str, data: bytes) -> str:
        """Store a file of the run; returns where."""
        self.documents.write(f"{self.folder}/{name}", data)
        return f"{self.location}/{name}"

    # -- results

    def put_result(
        self, result: BlockResult, folder: Path, since: float, present: Iterable[str] = (),
        inputs: Mapping[str, str] | None = None,
    ) -> list[str]:  # fmt: skip
        """Store the result of a block. It says in `loaded` and `values` what the block was given.

        Returns the paths of files that the block wrote outside of the working folder, which are not transferred.

        :raises EquivalenceError: a variable holds a secret, which leaves no process.

        :param folder: the working folder; files that the block wrote there are stored too.
        :param since: seconds since 1970 at which this process began. Other processes that a block starts write unseen,
            so that all files of the folder count that were changed since then.
        :param present: files that were there then; those that are gone count as removed.
        :param inputs: as in `HandedOn`.
        """
        self._require_no_secret(result)
        digests = {path: self._put_values(Path(path)) for path in {g.file for g in result.groups if g.file}}
        groups = [{**group.to_dict(), "file": digests[group.file] if group.file else None} for group in result.groups]
        document = {
            "format": FORMAT,
            "result": {**result.to_dict(), "groups": groups, "cells": {str(k): v for k, v in result.cells.items()}},
            "folder": str(folder),
            "files": self._put_files([*result.written, *_unseen(result, folder, since, present)], folder),
            "inputs": dict(inputs or {}),
        }
        write_json(self.documents, self._block(result.index), self.redaction.clean(document))
        root = os.path.realpath(folder)
        return sorted(p for p in result.written if not Path(os.path.realpath(p)).is_relative_to(root))

    def result(self, index: int) -> HandedOn | None:
        """The result of a block; None if no task has stored one. Its variables have no files yet: see `fetch`."""
        document = read_json(self.documents, self._block(index))
        if document is None:
            return None
        if document.get("format") != FORMAT:
            raise StoreError(
                f"a result of format {document.get('format')}",
                where=f"{self.documents.location}/{self._block(index)}",
                remedy="Use the same release of jupyter_mlops for all tasks of a run.",
            )
        return HandedOn(
            BlockResult.from_dict(document["result"]), document["folder"], document["files"],
            document.get("inputs", {}),
        )  # fmt: skip

    def fetch(self, result: BlockResult, names: Iterable[str] | None) -> BlockResult:
        """The result with the values of these variables in files here; None for all. The others are absent."""
        needed = None if names is None else set(names)
        paths: dict[str, str] = {}

        def placed(group: VariableGroup) -> VariableGroup:
            if group.file is None or group.live:
                return group
            local = isinstance(self.objects, ObjectStore)
            if not local and needed is not None and group.size > SMALL and not needed & set(group.names):
                return replace(group, file=None, absent=True)
            if group.file not in paths:
                paths[group.file] = str(self.objects.local_path(group.file))
            return replace(group, file=paths[group.file])

        return replace(result, groups=[placed(group) for group in result.groups])

    def lay_files(self, files: Mapping[str, str], folder: Path) -> None:
        """Let the working folder have the files that blocks wrote, as `HandedOn.files` says. Raises StoreError."""
        for name, content in files.items():
            target = Path(os.path.normpath(folder / name))
            if not target.is_relative_to(folder):
                raise StoreError(f"a file outside of the working folder: {name!r}", where=self.location)
            if content == REMOVED and target.is_dir() and not target.is_symlink():
                shutil.rmtree(target, ignore_errors=True)
            elif content == REMOVED:
                target.unlink(missing_ok=True)
            elif content == FOLDER:
                target.mkdir(parents=True, exist_ok=True)
            elif content.startswith(LINK):
                if not target.is_symlink():
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.symlink_to(content.removeprefix(LINK))
            elif not target.is_file() or digest_file(target) != content:
                target.parent.mkdir(parents=True, exist_ok=True)
                self.objects.fetch(content, target)

    def _require_no_secret(self, result: BlockResult) -> None:
        if not self.redaction:
            return
        pickled = {name: bytes.fromhex(value) for name, (_, value) in result.state.items() if value}
        exposed = [name for name, data in pickled.items() if self.redaction.shows(data)]
        for group in result.groups:
            if group.file and not group.live:
                with open(group.file, "rb") as stream:
                    pieces = [group.stream, *((offset, length) for offset, length, _ in group.buffers)]
                    if any(self._shows(stream, offset, length) for offset, length in pieces):
                        exposed += group.names
        if exposed:
            raise EquivalenceError(
                f"`{exposed[0]}` holds the value of a secret, which is not written to the artifacts",
                remedy="Read the secret where it is used, or give the steps that share it the same step:NAME tag.",
            )

    def _shows(self, stream: BinaryIO, offset: int, length: int) -> bool:
        stream.seek(offset)
        return self.redaction.shows(stream.read(length))

    def _put_values(self, path: Path) -> str:
        """Store a file of pickled values, which does not change."""
        return self.objects.link_file(path) if isinstance(self.objects, ObjectStore) else self.objects.put_file(path)

    def _put_files(self, written: Iterable[str], folder: Path) -> dict[str, str]:
        root = Path(os.path.realpath(folder))
        files: dict[str, str] = {}
        for name in written:
            path = Path(os.path.realpath(os.path.dirname(name))) / os.path.basename(name)
            if path.is_symlink() and path.is_relative_to(root):
                link = os.readlink(path)
                if not os.path.isabs(link):
                    files[path.relative_to(root).as_posix()] = f"{LINK}{link}"
                path = Path(os.path.realpath(path))
            if not path.is_relative_to(root):
                continue  # on this machine alone
            relative = path.relative_to(root).as_posix()
            if path.is_file():
                files[relative] = self.objects.put_file(path)
            elif path.is_dir():
                files[relative] = FOLDER
            elif not path.exists():
                files[relative] = REMOVED
        return files

    def _block(self, index: int) -> str:
        return f"{self.folder}/blocks/{index:04d}.json"


def _unseen(result: BlockResult, folder: Path, since: float, present: Iterable[str]) -> list[str]:
    """Paths that other processes may have written or removed, if the block started any."""
    if not result.outside:
        return []
    paths = [p for p in folder.rglob("*") if not {"__pycache__", ".ipynb_checkpoints"} & set(p.parts)]
    changed = [str(p) for p in paths if p.lstat().st_mtime >= since - 1.0]
    return [*changed, *(str(folder / name) for name in present if not os.path.lexists(folder / name))]


def files_after(changes: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """What a working folder holds after blocks wrote to it, one after the other: path -> as in `HandedOn.files`."""
    files: dict[str, str] = {}
    for change in changes:
        for path, content in change.items():
            if content == REMOVED:
                files = {other: files[other] for other in files if not other.startswith(f"{path}/")}
            files[path] = content
    return files


def run_names(documents: Documents) -> list[str]:
    """Names of the runs that have artifacts at a place."""
    return [unquote(name) for name in documents.names("runs")]


def run_folder_of(run_id: str) -> str:
    """The folder of a run's documents."""
    return f"runs/{_file_name(run_id)}"


def _file_name(name: str) -> str:
    """A name as one component of a path."""
    text = quote(name, safe="", errors="surrogatepass")
    if len(text) > LONGEST_NAME:
        return f"{text[:LONGEST_NAME]}-{digest_bytes(name.encode('utf-8', 'surrogatepass'))}"
    return text.replace(".", "%2E") if set(text) <= {"."} else text
