"""Taking a snapshot of a notebook and all that it needs from around it."""

from __future__ import annotations

import ast
import glob
import os
from collections.abc import Iterable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import BadInput
from jupyter_mlops.notebook.settings import KEY
from jupyter_mlops.notebook.write import notebook_bytes
from jupyter_mlops.objects import digest_file, failed_to
from jupyter_mlops.pipeline.build import build
from jupyter_mlops.pipeline.model import Pipeline
from jupyter_mlops.versions.manifest import Environment, FileEntry, Kind, Manifest
from jupyter_mlops.versions.schema import parameter_schema
from jupyter_mlops.versions.store import Store

if TYPE_CHECKING:
    from nbformat import NotebookNode

LARGE = 100_000_000  # bytes from which a file is known by its digest and place alone
OF_A_RUN = ("papermill", "jupyter_mlops_run", "execution", "widgets", "signature")


def snapshot(
    nb: NotebookNode, path: Path, store: Store, environment: Environment, kernel: str,
    seen: Iterable[str] = (), large: int = LARGE,
) -> Manifest:  # fmt: skip
    """Put a notebook and its files into the store.

    :param path: where the notebook is: names it, and its folder is where relative files are looked for.
    :param seen: absolute paths of files that earlier runs read.
    """
    bare = without_outputs(nb)
    pipeline = build(bare, path.stem)
    folder = path.resolve().parent
    files = [
        _entry(found, name, store, kind, large)
        for found, kind, name in needed(bare, pipeline, folder, seen)
        if found != path.resolve()
    ]
    return Manifest(
        name=path.name,
        notebook=store.put(notebook_bytes(bare)),
        kernel=kernel,
        language=pipeline.language,
        pipeline={**pipeline.to_dict(), "secrets": _secrets(pipeline)},
        parameters=parameter_schema(pipeline.parameters),
        files=tuple(sorted(files)),
        environment=environment,
    )


def of_notebook(nb: NotebookNode, name: str, store: Store, kernel: str) -> Manifest:
    """Put a notebook that is worked on into the store, and nothing from around it.

    :param name: its file's name.
    """
    bare = without_outputs(nb)
    pipeline = build(bare, Path(name).stem)
    return Manifest(
        name=name,
        notebook=store.put(notebook_bytes(bare)),
        kernel=kernel,
        language=pipeline.language,
        pipeline={**pipeline.to_dict(), "secrets": _secrets(pipeline)},
        parameters=parameter_schema(pipeline.parameters),
        files=(),
        environment=Environment(),
    )


def _secrets(pipeline: Pipeline) -> list[str]:
    """Names that `secret:` tags ask for; Kale's have a path behind the name."""
    asked = {secret.partition(":")[0] for step in pipeline.steps for secret in step.settings.secrets}
    return sorted(name for name in asked if name.isidentifier())


def without_outputs(nb: NotebookNode) -> NotebookNode:
    """The notebook as it was before it ever ran; what is a person's stays."""
    made = deepcopy(nb)
    for name in OF_A_RUN:
        made.metadata.pop(name, None)
    made.cells = [c for c in made.cells if "injected-parameters" not in c.metadata.get("tags", ())]
    for cell in made.cells:
        for name in OF_A_RUN:
            cell.metadata.pop(name, None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return made


def needed(
    nb: NotebookNode, pipeline: Pipeline, folder: Path, seen: Iterable[str]
) -> list[tuple[Path, Kind, str]]:  # fmt: skip
    """The files that a notebook needs, each with its kind and the name it is known by: local modules that it imports,
    what it says it reads, and what it was seen to read. What its text may read and may write goes along only if a
    person names it or runs have shown that they read it and write nothing there."""
    modules = set(local_modules((m for b in pipeline.blocks for m in b.access.imports), folder))
    written = {_resolved(p, folder) for b in pipeline.blocks for p in b.effects.files_written}
    told = [(name, _resolved(name, folder)) for b in pipeline.blocks for name in b.effects.files_read]
    declared = list(_declared(nb, folder))
    beside = {path for name, path in [*told, *declared] if not os.path.isabs(name)}
    read = {path for _, path in told} - written | {path for _, path in declared} | {Path(p) for p in seen}
    data = {p for p in read - modules if p.is_file()}
    kinds: list[tuple[Path, Kind]] = [(p, "module") for p in sorted(modules)]
    kinds += [(p, "data") for p in sorted(data)]
    return [(p, kind, _name(p, folder, p in beside)) for p, kind in kinds]


def _name(path: Path, folder: Path, beside: bool) -> str:
    """Relative to the notebook's folder, or absolute where the notebook says so itself."""
    if path.is_relative_to(folder):
        return path.relative_to(folder).as_posix()
    return Path(os.path.relpath(path, folder)).as_posix() if beside else str(path)


def local_modules(imports: Iterable[str], folder: Path) -> Iterator[Path]:
    """The source files below the folder that these imports load, and those that they import in turn."""
    waiting, known = list(imports), set()
    while waiting:
        name = waiting.pop()
        parts = name.split(".")
        for depth in range(1, len(parts) + 1):
            base = folder.joinpath(*parts[:depth])
            for found in (base.with_suffix(".py"), base / "__init__.py"):
                if found in known or not found.is_file():
                    continue
                known.add(found)
                yield found
                waiting += _imports_of(found, folder)


def _imports_of(path: Path, folder: Path) -> list[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError):
        return []
    package = path.relative_to(folder).parent.parts
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            found += [name for name in (base, *(f"{base}.{a.name}".lstrip(".") for a in node.names)) if name]
    return found


def _declared(nb: Any, folder: Path) -> Iterator[tuple[str, Path]]:
    """Files that the notebook's metadata names (`jupyter_mlops.files`): by name, with wildcards, or as a whole folder;
    each with what names it."""
    told = nb.metadata.get(KEY)
    names = (told.get("files") if isinstance(told, dict) else None) or ()
    where = f"the notebook's metadata, {KEY}.files"
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) and name for name in names):
        raise BadInput("this is no list of names", where=where, remedy='Example: ["data/*.csv"]')
    for name in names:
        files = [p for p in _matches(name, folder) if p.is_file()]
        if not files:
            raise BadInput(f"the file {name!r} is not there", where=where, remedy="Mend the name, or take it out.")
        yield from ((name, _resolved(str(p), folder)) for p in files)


def _matches(name: str, folder: Path) -> Iterable[Path]:
    path = folder / name
    if path.is_dir():
        return path.rglob("*")
    if path.is_file():
        return [path]
    return [folder / found for found in glob.glob(name, root_dir=folder, recursive=True, include_hidden=True)]


def _resolved(name: str, folder: Path) -> Path:
    return Path(os.path.normpath(folder / name))


def _entry(path: Path, name: str, store: Store, kind: Kind, large: int) -> FileEntry:
    try:
        size = path.stat().st_size
        if size >= large:
            return FileEntry(name, digest_file(path), size, kind, stored=False)
        return FileEntry(name, store.put_file(path), size, kind)
    except OSError as error:
        raise failed_to("be read", error, path) from None
