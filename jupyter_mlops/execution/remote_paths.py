"""Files of a block that ran in another folder: their names here, and whether they are the same here.

Pure, except that it looks at files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from jupyter_mlops.execution.agent.looks import listing_of, look_of
from jupyter_mlops.execution.committed_state import BlockResult
from jupyter_mlops.execution.file_digests import file_facts
from jupyter_mlops.storage.local import digest_file

COMPARED = 2  # kind and size of a look; times differ between machines


def moved(path: str, folder: str, local_folder: str) -> str:
    """A path below the folder there, as it is below the folder here; any other path as it is."""
    relative = os.path.relpath(path, folder)
    if relative == os.curdir:
        return local_folder
    return path if relative.split(os.sep)[0] == os.pardir else os.path.join(local_folder, relative)


def why_other_files(result: BlockResult, folder: str, local_folder: str, inputs: Mapping[str, str]) -> str:
    """A file or folder that the block saw and that is not the same here, as a clause; "" if there is none.

    :param inputs: path there -> digest of a file that it read.
    """
    changed = set(result.written)
    for path, facts in result.read.items():
        local = moved(path, folder, local_folder)
        if path not in changed and _digest(local) != (inputs.get(path, "") if facts is not None else ""):
            return f"{_name(local, local_folder)} is not the same on the worker"
    for path, look in result.looks.items():
        local = moved(path, folder, local_folder)
        if path not in changed and not _looks_alike(local, list(look)[:COMPARED]):
            return f"{_name(local, local_folder)} is not the same on the worker"
    for path, digest in result.listed.items():
        local = moved(path, folder, local_folder)
        if not _holds(path, changed) and listing_of(local) != digest:
            return f"the files in {_name(local, local_folder)} are not the same on the worker"
    return ""


def located(result: BlockResult, folder: str, local_folder: str) -> BlockResult:
    """The result with the paths and the properties of the files local_folder, once these have been written."""
    read = [moved(path, folder, local_folder) for path in result.read]
    looks = [moved(path, folder, local_folder) for path in result.looks]
    listed = [moved(path, folder, local_folder) for path in result.listed]
    return replace(
        result,
        read={path: file_facts(path) for path in read},
        written={moved(path, folder, local_folder): act for path, act in result.written.items()},
        looks={path: look_of(path) for path in looks},
        listed={path: listing_of(path) for path in listed},
        modules={name: moved(path, folder, local_folder) for name, path in result.modules.items()},
    )


def elsewhere(paths: Iterable[str], folder: str) -> list[str]:
    """Paths that are not below a folder."""
    return [path for path in paths if moved(path, folder, "\0") == path]


def _looks_alike(path: str, look: list[Any]) -> bool:
    now = look_of(path)[:COMPARED]
    return now[: len(look)] == look and (len(now) > 1) is (bool(look[0]) and look[0] != "unreadable")


def _digest(path: str) -> str:
    return digest_file(Path(path)) if os.path.isfile(path) else ""


def _holds(folder: str, paths: Iterable[str]) -> bool:
    return any(os.path.dirname(path) == folder.rstrip(os.sep) for path in paths)


def _name(path: str, local_folder: str) -> str:
    relative = os.path.relpath(path, local_folder)
    return path if relative.startswith(os.pardir) else relative
