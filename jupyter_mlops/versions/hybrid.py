"""Hybrids of two runs: manifests that take some of their differences from one run and the rest from the other."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from jupyter_mlops.errors import StoreError
from jupyter_mlops.notebook.reader import parse_notebook
from jupyter_mlops.storage.store import Store
from jupyter_mlops.versions.cell_changes import SETTINGS, CellChanges
from jupyter_mlops.versions.lock_changes import LockChanges
from jupyter_mlops.versions.manifest import Environment, FileEntry, Manifest
from jupyter_mlops.versions.outside_files import copy_of, redirected, redirected_value, unnamed
from jupyter_mlops.versions.snapshot import snapshot_notebook
from jupyter_mlops.versions.table_columns import ColumnChanges, column_changes, read_table

AXES = ("code", "data", "environment", "parameters")


@dataclass(frozen=True, order=True)
class Difference:
    """One thing that differs between two runs.

    :param axis: one of `AXES`; `kind`: cell, module, file, column, package or parameter.
    :param name: what it is; of a column, the path of its file.
    :param part: the name of a column.
    """

    axis: str
    kind: str
    name: str
    part: str = ""


@dataclass(frozen=True)
class Side:
    """What one of the two runs executed.

    :param manifest: its version, with the files that the run read.
    :param environment: the one that the run had.
    :param parameters: the values that it was started with.
    :param lock: text and kind of its environment's lock; "" if there is none.
    :param outside: files that it read at absolute paths, of which the content is in the store.
    """

    manifest: Manifest
    environment: Environment
    parameters: Mapping[str, Any]
    lock: tuple[str, str] = ("", "")
    outside: Mapping[str, FileEntry] = field(default_factory=dict)

    @cached_property
    def values(self) -> dict[str, Any]:
        """The values of all its parameters, defaults included."""
        defaults = {p["name"]: p["default"] for p in self.manifest.pipeline["parameters"]}
        return {**defaults, **self.parameters}


@dataclass(frozen=True)
class Recipe:
    """What a hybrid executes.

    :param lock: digest and kind, if its environment is one of several.
    :param replaced: files outside of its folder of which copies take the place; it must not read the files themselves.
    """

    manifest: str
    parameters: Mapping[str, Any]
    lock: tuple[str, str] | None = None
    replaced: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        facts = json.dumps([self.manifest, self.parameters, self.lock], sort_keys=True, default=str)
        return hashlib.blake2b(facts.encode(), digest_size=16).hexdigest()

    @property
    def options(self) -> dict[str, Any]:
        """The options of a run of it."""
        options: dict[str, Any] = {"manifest": self.manifest, "hybrid": self.key, "executor": "local"}
        if self.lock is not None:
            options["lock"] = {"digest": self.lock[0], "kind": self.lock[1]}
        if self.replaced:
            options["replaced"] = list(self.replaced)
        return options


class Hybrids:
    """The hybrids of an old and a new run."""

    def __init__(self, old: Side, new: Side, store: Store) -> None:
        self.old, self.new, self.store = old, new, store
        self.sides = (old, new)
        self.notes: list[str] = []
        books = [parse_notebook(store.get(s.manifest.notebook), s.manifest.name) for s in self.sides]
        self.cells = CellChanges(books[0], books[1], self._common_parameters())
        self.locks = LockChanges((old.environment, new.environment), (old.lock, new.lock))
        self._columns: dict[str, ColumnChanges] = {}
        self._recipes: dict[frozenset[Difference], Recipe] = {}

    # -- what differs

    @cached_property
    def differences(self) -> tuple[Difference, ...]:
        """All that differs, in the order of the axes."""
        return (
            *(Difference("code", "cell", key) for key in self.cells.keys),
            *(Difference("code", "module", path) for path in self._different_files("module")),
            *(Difference("data", "file", path) for path in self._different_files("data")),
            *(Difference("data", "file", path) for path in self._different_outside()),
            *(Difference("environment", "package", key) for key in self.locks.keys),
            *(Difference("parameters", "parameter", name) for name in self._different_parameters()),
        )

    def columns_of(self, difference: Difference) -> tuple[Difference, ...]:
        """The changes of a file's columns; the file itself if its columns can't be compared, which a note explains."""
        path = difference.name
        entries = [self._file(side, path) for side in self.sides]
        try:
            if entries[0] is None or entries[1] is None:
                return (difference,)
            tables = [read_table(path, self.store.get(entry.digest)) for entry in entries if entry is not None]
            changes = column_changes(*tables)
        except (ValueError, StoreError) as error:
            self.notes.append(f"{path} is not compared by columns: {error}")
            return (difference,)
        self._columns[path] = changes
        return tuple(Difference("data", "column", path, name) for name in changes.changes) or (difference,)

    def describe(self, difference: Difference) -> dict[str, Any]:
        """A difference for people: `what`, and its place."""
        if difference.kind == "cell":
            return {"kind": "cell", **self.cells.describe(difference.name)}
        if difference.kind == "column":
            text = f"file {difference.name}, column {difference.part}"
            return {"kind": "column", "what": text, "file": difference.name, "column": difference.part}
        if difference.kind == "package":
            return {"kind": "package", "what": self.locks.describe(difference.name), "package": difference.name}
        if difference.kind == "parameter":
            before, after = (side.values.get(difference.name) for side in self.sides)
            text = f"parameter {difference.name}: {_short(before)} → {_short(after)}"
            return {"kind": "parameter", "what": text, "parameter": difference.name, "before": before, "after": after}
        return {"kind": difference.kind, "what": f"{difference.kind} {difference.name}", "file": difference.name}

    # -- what a hybrid executes

    def recipe(self, chosen: frozenset[Difference]) -> Recipe:
        """The old run with the chosen differences.

        :raises ValueError: there is no such mixture, for example of columns.
        """
        if chosen not in self._recipes:
            self._recipes[chosen] = self._mixed(chosen)
        return self._recipes[chosen]

    def _mixed(self, chosen: frozenset[Difference]) -> Recipe:
        book = self.cells.notebook({d.name for d in chosen if d.kind == "cell"})
        has_new_settings = not self.cells.settings or Difference("code", "cell", SETTINGS) in chosen
        kernel = self.sides[has_new_settings].manifest.kernel
        outside = self._substituted
        for cell in book.cells:
            if cell.cell_type == "code" and outside:
                cell.source = redirected(cell.source, outside)
        base = snapshot_notebook(book, self.new.manifest.name, self.store, kernel)
        files = [*self._modules(chosen), *self._data(chosen)]
        packages = {d.name for d in chosen if d.axis == "environment"}
        environment = self.locks.environment(packages) if self.locks.keys else self.new.manifest.environment
        manifest = replace(base, files=tuple(sorted(files)), environment=environment)
        lock = None
        if self.locks.keys:
            text, kind = self.locks.lock(packages)
            lock = (self.store.put(text.encode()), kind) if text else None
        names = {p["name"] for p in manifest.pipeline["parameters"]}
        is_python = manifest.language == "python"
        values = {name: v for name, v in self._values(chosen).items() if name in names or not is_python}
        values = {name: redirected_value(value, outside) for name, value in values.items()}
        return Recipe(manifest.put(self.store), values, lock, outside)

    def _values(self, chosen: frozenset[Difference]) -> dict[str, Any]:
        different = self._different_parameters()
        names = {*self.old.parameters, *self.new.parameters, *different}
        values: dict[str, Any] = {}
        for name in sorted(names):
            is_new = name not in different or Difference("parameters", "parameter", name) in chosen
            for side in self.sides[is_new], self.sides[not is_new]:
                if name in side.values:
                    values[name] = side.values[name]
                    break
        return values

    def _modules(self, chosen: frozenset[Difference]) -> list[FileEntry]:
        different = self._different_files("module")
        entries = []
        for path in sorted({f.path for side in self.sides for f in side.manifest.files if f.kind == "module"}):
            is_new = path not in different or Difference("code", "module", path) in chosen
            entry = _entry(self.sides[is_new].manifest, path)
            if entry is not None:
                entries.append(self._redirected_module(entry))
        return entries

    def _redirected_module(self, entry: FileEntry) -> FileEntry:
        if not self._substituted:
            return entry
        source = self.store.get(entry.digest)
        try:
            data = redirected(source.decode(), self._substituted).encode()
        except UnicodeDecodeError:
            return entry
        return entry if data == source else replace(entry, digest=self.store.put(data), size=len(data))

    def _data(self, chosen: frozenset[Difference]) -> list[FileEntry]:
        different = {*self._different_files("data"), *self._different_outside()}
        paths = {f.path for side in self.sides for f in side.manifest.files if f.kind == "data"}
        entries = []
        for path in sorted(paths | set(self._substituted)):
            is_new = path not in different or Difference("data", "file", path) in chosen
            entry = self._file(self.sides[is_new], path)
            columns = {d.part for d in chosen if d.kind == "column" and d.name == path}
            if columns and path in self._columns:
                entry = self._file_with_columns(path, columns)
            if entry is not None:
                entries.append(replace(entry, path=copy_of(path)) if path in self._substituted else entry)
        return entries

    def _file_with_columns(self, path: str, columns: Collection[str]) -> FileEntry:
        changes = self._columns[path]
        if set(columns) == set(changes.changes):
            entry = self._file(self.new, path)
            assert entry is not None
            return entry
        data = changes.data(columns)
        return FileEntry(path, self.store.put(data), len(data))

    # -- the sides

    def _file(self, side: Side, path: str) -> FileEntry | None:
        return side.outside.get(path) or _entry(side.manifest, path)

    def _different_files(self, kind: str) -> list[str]:
        old, new = ({f.path: f.digest for f in s.manifest.files if f.kind == kind} for s in self.sides)
        paths = sorted(path for path in {*old, *new} if old.get(path) != new.get(path))
        return [path for path in paths if path not in self._substituted]

    def _different_outside(self) -> list[str]:
        old, new = (side.outside for side in self.sides)
        return [p for p in self._substituted if getattr(old.get(p), "digest", "") != getattr(new.get(p), "digest", "")]

    @cached_property
    def _substituted(self) -> tuple[str, ...]:
        """The outside files of which copies take the place."""
        paths = sorted({*self.old.outside, *self.new.outside})
        missing: set[str] = set()
        for side, book in zip(self.sides, (self.cells.old, self.cells.new), strict=True):
            if not side.outside:
                continue
            modules = [f for f in side.manifest.files if f.kind == "module" and f.digest in self.store]
            sources = [cell.source for cell in book.cells]
            sources += [self.store.get(entry.digest).decode(errors="replace") for entry in modules]
            missing.update(unnamed(side.outside.keys(), sources, side.values.values()))
        self.notes += [
            f"{path} can't be put in place of another: neither the code nor a parameter names it as text"
            for path in sorted(missing)
        ]
        return tuple(path for path in paths if path not in missing)

    def _common_parameters(self) -> set[str]:
        names = [{p["name"] for p in side.manifest.pipeline["parameters"]} for side in self.sides]
        return names[0] & names[1]

    def _different_parameters(self) -> list[str]:
        old, new = (side.values for side in self.sides)
        return [name for name in sorted({*old} & {*new}) if not _equal(old[name], new[name])]


def axes_of(differences: Sequence[Difference]) -> list[str]:
    """The axes that differ."""
    return [axis for axis in AXES if any(d.axis == axis for d in differences)]


def _entry(manifest: Manifest, path: str) -> FileEntry | None:
    return next((entry for entry in manifest.files if entry.path == path), None)


def _equal(first: Any, second: Any) -> bool:
    return json.dumps(first, sort_keys=True, default=str) == json.dumps(second, sort_keys=True, default=str)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:59]}…"
