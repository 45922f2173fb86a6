"""Takes a snapshot of a notebook and everything that it needs."""

from __future__ import annotations

import ast
import glob
import os
from collections.abc import Iterable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.notebook.settings import KEY
from jupyter_mlops.notebook.writer import notebook_bytes
from jupyter_mlops.pipeline.build import build
from jupyter_mlops.pipeline.model import Pipeline
from jupyter_mlops.storage.local import digest_file, store_error
from jupyter_mlops.storage.store import Store
from jupyter_mlops.versions.manifest import Environment, FileEntry, Kind, Manifest
from jupyter_mlops.versions.schema import parameter_schema
from jupyter_mlops.versions.secret_files import is_secret_file

if TYPE_CHECKING:
    from nbformat import NotebookNode

LARGE_FILE_BYTES = 100_000_000  # bytes from which a file is known by its digest and place alone
RUN_METADATA_KEYS = ("papermill", "jupyter_mlops_run", "execution", "widgets", "signature")


def snapshot(
    nb: NotebookNode, path: Path, store: Store, environment: Environment, kernel: str,
    observed_files: Iterable[str] = (), large: int = LARGE_FILE_BYTES,
) -> Manifest:  # fmt: skip
    """Store a notebook and its files.

    :param path: path of the notebook: its name, and the folder of relative files.
    :param observed_files: absolute paths of files that earlier runs read.
    """
    clean_nb = without_outputs(nb)
    pipeline = build(clean_nb, path.stem)
    folder = path.resolve().parent
    files = [
        _entry(file_path, name, store, kind, large)
        for file_path, kind, name in needed_files(clean_nb, pipeline, folder, observed_files)
        if file_path != path.resolve()
    ]
    return Manifest(
        name=path.name,
        notebook=store.put(notebook_bytes(clean_nb)),
        kernel=kernel,
        language=pipeline.language,
        pipeline={**pipeline.to_dict(), "secrets": _secret_names(pipeline)},
        parameters=parameter_schema(pipeline.parameters),
        files=tuple(sorted(files)),
        environment=environment,
    )


def snapshot_notebook(nb: NotebookNode, name: str, store: Store, kernel: str) -> Manifest:
    """Store a notebook that is being edited, without its files.

    :param name: its file's name.
    """
    clean_nb = without_outputs(nb)
    pipeline = build(clean_nb, Path(name).stem)
    return Manifest(
        name=name,
        notebook=store.put(notebook_bytes(clean_nb)),
        kernel=kernel,
        language=pipeline.language,
        pipeline={**pipeline.to_dict(), "secrets": _secret_names(pipeline)},
        parameters=parameter_schema(pipeline.parameters),
        files=(),
        environment=Environment(),
    )


def _secret_names(pipeline: Pipeline) -> list[str]:
    """Names in `secret:` tags; Kale's have a path after the name."""
    secret_names = {secret.partition(":")[0] for step in pipeline.steps for secret in step.settings.secrets}
    return sorted(name for name in secret_names if name.isidentifier())


def without_outputs(nb: NotebookNode) -> NotebookNode:
    """The notebook without outputs and execution data; everything else is kept."""
    result = deepcopy(nb)
    for name in RUN_METADATA_KEYS:
        result.metadata.pop(name, None)
    result.cells = [c for c in result.cells if "injected-parameters" not in c.metadata.get("tags", ())]
    for cell in result.cells:
        for name in RUN_METADATA_KEYS:
            cell.metadata.pop(name, None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return result


def needed_files(
    nb: NotebookNode, pipeline: Pipeline, folder: Path, observed_files: Iterable[str]
) -> list[tuple[Path, Kind, str]]:  # fmt: skip
    """The files that a notebook needs, each with its kind and its name in the version: local modules that it imports,
    files that it names, and files that earlier runs read.

    A file that the code may both read and write is included only if the notebook's metadata names it, or if runs have
    read it and not written it. A file of secrets is included only if the metadata names it in full, without wildcards.
    """
    modules = set(local_modules((m for b in pipeline.blocks for m in b.access.imports), folder))
    written_paths = {_resolve(p, folder) for b in pipeline.blocks for p in b.effects.files_written}
    static_reads = [(name, _resolve(name, folder)) for b in pipeline.blocks for name in b.effects.files_read]
    declarations = list(_declared_files(nb, folder))
    relative_paths = {path for name, path in [*static_reads, *declarations] if not os.path.isabs(name)}
    read_paths = (
        {path for _, path in static_reads} - written_paths
        | {path for _, path in declarations}
        | {Path(p) for p in observed_files}
    )
    named_paths = {path for name, path in declarations if Path(name).name == path.name}
    data = {p for p in read_paths - modules if p.is_file() and (p in named_paths or not is_secret_file(p))}
    kinds: list[tuple[Path, Kind]] = [(p, "module") for p in sorted(modules)]
    kinds += [(p, "data") for p in sorted(data)]
    return [(p, kind, _entry_name(p, folder, p in relative_paths)) for p, kind in kinds]


def secret_files(
    nb: NotebookNode, path: Path, observed_files: Iterable[str], version_names: Iterable[str]
) -> list[str]:
    """The files that a notebook reads and that are left out of its version because they look like files of secrets.

    :param version_names: names of the files that are in the version.
    """
    folder = path.resolve().parent
    read_paths = [_resolve(name, folder) for b in build(nb, path.stem).blocks for name in b.effects.files_read]
    read_paths += [file_path for _, file_path in _declared_files(nb, folder)]
    version_paths = {_resolve(name, folder) for name in version_names}
    omitted_paths = {
        p
        for p in (*read_paths, *map(Path, observed_files))
        if is_secret_file(p) and p.is_file() and p not in version_paths
    }
    return sorted(Path(os.path.relpath(p, folder)).as_posix() for p in omitted_paths)


def _entry_name(path: Path, folder: Path, is_relative: bool) -> str:
    """Relative to the notebook's folder, or absolute if the notebook uses an absolute path."""
    if path.is_relative_to(folder):
        return path.relative_to(folder).as_posix()
    return Path(os.path.relpath(path, folder)).as_posix() if is_relative else str(path)


def local_modules(imports: Iterable[str], folder: Path) -> Iterator[Path]:
    """The source files below the folder that these imports load, directly or indirectly."""
    pending, visited = list(imports), set()
    while pending:
        name = pending.pop()
        parts = name.split(".")
        for depth in range(1, len(parts) + 1):
            base = folder.joinpath(*parts[:depth])
            for source_path in (base.with_suffix(".py"), base / "__init__.py"):
                if source_path in visited or not source_path.is_file():
                    continue
                visited.add(source_path)
                yield source_path
                pending += _imports_of(source_path, folder)


def _imports_of(path: Path, folder: Path) -> list[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError, MemoryError, OSError):
        return []
    package = path.relative_to(folder).parent.parts
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            parent_package = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*parent_package, *([node.module] if node.module else [])])
            names += [name for name in (base, *(f"{base}.{a.name}".lstrip(".") for a in node.names)) if name]
    return names


def _declared_files(nb: Any, folder: Path) -> Iterator[tuple[str, Path]]:
    """Files that the notebook's metadata names (`jupyter_mlops.files`): by name, with wildcards, or as a whole folder;
    each with the entry that names it.
    """
    settings = nb.metadata.get(KEY)
    names = (settings.get("files") if isinstance(settings, dict) else None) or ()
    location = f"the notebook's metadata, {KEY}.files"
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) and name for name in names):
        raise InvalidInputError("this is not a list of names", where=location, remedy='Example: ["data/*.csv"]')
    for name in names:
        files = [p for p in _matches(name, folder) if p.is_file()]
        if not files:
            raise InvalidInputError(
                f"the file {name!r} is not there", where=location, remedy="Correct or remove the name."
            )
        yield from ((name, _resolve(str(p), folder)) for p in files)


def _matches(name: str, folder: Path) -> Iterable[Path]:
    path = folder / name
    if path.is_dir():
        return path.rglob("*")
    if path.is_file():
        return [path]
    return [folder / match for match in glob.glob(name, root_dir=folder, recursive=True, include_hidden=True)]


def _resolve(name: str, folder: Path) -> Path:
    return Path(os.path.normpath(folder / name))


def _entry(path: Path, name: str, store: Store, kind: Kind, large: int) -> FileEntry:
    try:
        size = path.stat().st_size
        if size >= large:
            return FileEntry(name, digest_file(path), size, kind, stored=False)
        return FileEntry(name, store.put_file(path), size, kind)
    except OSError as error:
        raise store_error("be read", error, path) from None
