"""Puts what a run leaves behind into the object store, and says what it put there."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import StoreError
from jupyter_mlops.execution.inputs import CHANGED
from jupyter_mlops.execution.run_sink import RunSink
from jupyter_mlops.jobs.run_data import FrameProfile, KeptObject, Prediction, RunData

if TYPE_CHECKING:
    from jupyter_mlops.jobs.policies import Policies
    from jupyter_mlops.jobs.records import Run, VersionRow
    from jupyter_mlops.jobs.run_data import RunDataStore
    from jupyter_mlops.storage.store import Store
    from jupyter_mlops.versions.manifest import Environment, Manifest

FORMAT = 1


class RunDataWriter:
    """What one run leaves behind, on its way to the object store.

    :param present: digest -> bytes of the inputs that the job's runs have kept.
    :param baseline: the profiles of the run that this one is compared with.
    """

    def __init__(
        self, store: Store, rules: Policies, manifest: Manifest, present: Mapping[str, int],
        baseline: Iterable[Mapping[str, Any]] = (),
    ) -> None:  # fmt: skip
        self.store, self.rules = store, rules
        self.free: Collection[str] = {entry.digest for entry in manifest.files if entry.stored}
        self.inputs = dict(present)
        self.room = rules.keep_inputs_bytes - sum(present.values())
        self.kept: dict[str, int] = {}
        self.lock = threading.Lock()
        self.references = dict(self._references(baseline))

    def _references(self, baseline: Iterable[Mapping[str, Any]]) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
        for entry in baseline:
            with contextlib.suppress(OSError, StoreError, ValueError):
                yield (entry["step"], entry["variable"]), json.loads(self.store.get(entry["digest"]))

    def sink(self) -> RunSink:
        """Where the run puts what it leaves behind."""
        return RunSink(
            keep_input=self.keep_input if self.rules.keep_inputs == "bytes" else None,
            keep_file=self.store.put_file,
            references=self.references,
            profile_frames=self.rules.profile_frames,
        )

    def keep_input(self, path: Path, digest: str, size: int) -> str:
        """Store the bytes of a file that was read. Returns "", or why they are not stored."""
        with self.lock:
            if digest in self.kept:
                return ""
            costs = 0 if digest in self.free or digest in self.inputs else size
            if costs > self.room:
                return f"{size:,} bytes are more than is left of the job's {self.rules.keep_inputs_bytes:,}"
            self.room -= costs
        try:
            stored = self.store.put_file(path)
        except (OSError, StoreError) as error:
            stored, why = "", f"it could not be stored: {error}"
        else:
            why = "" if stored == digest else CHANGED
        with self.lock:
            if why:
                self.room += costs
            else:
                self.kept[digest] = size
        return why

    def finish(self, capsule: Mapping[str, Any], record: Mapping[str, Any]) -> RunData:
        """Store the documents of a run that has ended. Problems become notes of its record."""
        objects = []
        for digest, size in self.kept.items():
            objects.append(KeptObject(digest, "input", 0 if digest in self.free else size))
        try:
            data = canonical(capsule)
            document = self.store.put(data)
            objects.append(KeptObject(document, "capsule", len(data)))
        except (OSError, StoreError) as error:
            record["notes"].append(f"what the run read could not be stored: {error}")
            document = ""
        frames = record.get("frames", {})
        profiles = self._profiles(frames.get("profiles", ()), objects, record["notes"])
        predictions = [
            Prediction(**{field.name: entry[field.name] for field in fields(Prediction)})
            for entry in frames.get("predictions", ())
        ]
        objects += [KeptObject(e["digest"], "prediction", e["bytes"]) for e in frames.get("predictions", ())]
        return RunData(record.get("points", ()), document, objects, profiles, predictions)

    def _profiles(
        self, entries: Iterable[Mapping[str, Any]], objects: list[KeptObject], notes: list[str]
    ) -> list[FrameProfile]:
        profiles = []
        for entry in entries:
            step, variable, document = entry["step"], entry["variable"], entry["document"]
            try:
                data = canonical(document)
                digest = self.store.put(data)
                profiles.append(FrameProfile(step, variable, int(document["rows"]), digest))
                objects.append(KeptObject(digest, "profile", len(data)))
            except (OSError, StoreError, ValueError, KeyError, TypeError) as error:
                notes.append(f"{step}: the profile of `{variable}` could not be stored: {error}")
        return profiles


def writer_of(run: Run, data: RunDataStore, store: Store, rules: Policies, manifest: Manifest) -> RunDataWriter:
    """The writer of a run of a job, which keeps to what the job's other runs have kept."""
    if run.job_id is None:
        return RunDataWriter(store, rules, manifest, {})
    baseline = data.baseline(run.job_id)
    profiles = data.profiles(baseline) if baseline and baseline != run.id else []
    return RunDataWriter(store, rules, manifest, data.kept_bytes(run.job_id), profiles)


def capsule_of(
    run_id: str, job: str | None, version: VersionRow, environment: Environment, record: Mapping[str, Any],
    folder: Path = Path(), notebook: Path = Path(),
) -> dict[str, Any]:  # fmt: skip
    """The capsule of a run: what it read.

    :param environment: of the kernel that it ran in.
    :param record: its `inputs` and `parameters`.
    :param folder: the folder of its version's files; `notebook`: the one of its notebook, inside of that.
    """
    steps = {}
    for name, step in record.get("inputs", {}).items():
        files = {_inside(path, entry, folder, notebook): entry for path, entry in step["files"].items()}
        steps[name] = {**step, "files": files}
    return {
        "format": FORMAT, "run": run_id, "job": job, "version": version.digest,
        "parameters": record["parameters"],
        "environment": {
            "lock": (version.provenance.get("lock") or {}).get("digest"), "python": environment.python,
            "packages": {**environment.packages, **environment.others},
        },
        "steps": steps,
    }  # fmt: skip


def _inside(path: str, entry: dict[str, Any], folder: Path, notebook: Path) -> str:
    """The path in a capsule: relative for files of the version, also for those beside the notebook's folder."""
    if os.path.isabs(path) and Path(path).is_relative_to(folder):
        entry["inside"] = True
        return os.path.relpath(path, notebook).replace(os.sep, "/")
    return path


def canonical(document: Mapping[str, Any]) -> bytes:
    """JSON that is the same for the same content. Raises ValueError for NaN and infinity."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
