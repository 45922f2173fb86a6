"""Loading a model: its bytes are verified, and its environment is compared, before anything is unpickled."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import InvalidInputError, StoreError
from jupyter_mlops.serving.container import container_files

if TYPE_CHECKING:
    from jupyter_mlops.storage.store import Store

LOOSE = frozenset({"numpy", "scipy", "pandas", "joblib", "cloudpickle"})  # only their major version must be the same


class FolderStore:
    """The artifact of an exported model, in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def get(self, digest: str) -> bytes:
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise StoreError(f"the artifact can't be read: {error.strerror}", where=str(self.path)) from None

    def locate(self, digest: str) -> str:
        return str(self.path)


def load_artifact(store: Store | FolderStore, document: Mapping[str, Any], *, any_environment: bool = False) -> Any:
    """The model of a document.

    Unpickling runs code that the artifact contains. The artifact comes from the object store, and its digest is
    verified before it is loaded.

    :param any_environment: load it even if the installed packages differ from those it was made with.
    :raises InvalidInputError: the environment differs.
    :raises StoreError: the artifact is missing, damaged, or can't be loaded.
    """
    artifact = document["artifact"]
    if not any_environment and (differences := environment_differences(document)):
        raise InvalidInputError(
            f"this environment differs from that of the model: {'; '.join(differences)}",
            where=f"model {document['variable']} of {document['job']}",
            remedy="Install these versions, or use --any-environment.",
        )
    data = verified_bytes(store, artifact["digest"])
    import pickle

    try:
        return pickle.loads(data)
    except Exception as error:
        raise StoreError(
            f"the model can't be loaded: {type(error).__name__}: {error}",
            where=f"model {document['variable']} of {document['job']}",
            remedy="Load it in the environment that it was made in.",
        ) from error


def verified_bytes(store: Store | FolderStore, digest: str) -> bytes:
    """The bytes of an object. Raises StoreError if they don't match the digest, even if the store does not check."""
    from jupyter_mlops.storage.local import digest_bytes

    data = store.get(digest)
    if digest_bytes(data) != digest:
        raise StoreError("the artifact is damaged", where=store.locate(digest), remedy="Run the job again.")
    return data


def environment_differences(document: Mapping[str, Any]) -> list[str]:
    """How this environment differs from the one that a model was made in, in what matters to load it."""
    from importlib import metadata

    differences = []
    packages = dict(document["packages"])
    if framework := document.get("framework"):
        packages.setdefault(framework["name"], framework["version"])
    for name, version in sorted(packages.items()):
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            differences.append(f"{name} {version} is not installed")
            continue
        loose = name.lower() in LOOSE
        if _part(installed, loose) != _part(version, loose):
            differences.append(f"{name} is {installed}, the model was made with {version}")
    python = platform.python_version()
    minor = ".".join(document["python"].split(".")[:2])
    if document["artifact"]["format"] == "cloudpickle" and not python.startswith(f"{minor}."):
        differences.append(
            f"Python is {python}, the model has code of the notebook compiled by Python {document['python']}"
        )
    return differences


def _part(version: str, loose: bool) -> str:
    return version.split(".")[0] if loose else version


def export_artifact(store: Store, document: Mapping[str, Any], number: int, folder: Path) -> list[str]:
    """Write a model to a folder, which is created: its artifact, its document, and a Dockerfile that serves it. Returns
    the paths.

    :param number: of its version.
    """
    import json

    folder.mkdir(parents=True, exist_ok=True)
    artifact, facts = folder / "model.pkl", folder / "model.json"
    artifact.write_bytes(verified_bytes(store, document["artifact"]["digest"]))
    text = json.dumps({**document, "number": number}, indent=1, sort_keys=True, ensure_ascii=False)
    facts.write_text(f"{text}\n", encoding="utf-8")
    for name, content in container_files(document, number).items():
        (folder / name).write_text(content, encoding="utf-8")
    return sorted(str(path) for path in folder.iterdir())
