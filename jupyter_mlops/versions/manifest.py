"""The content of a version, identified by its digest. Author, time and origin are recorded separately."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from jupyter_mlops.errors import StoreError
from jupyter_mlops.storage.store import Store

FORMAT = 1
Kind = Literal["module", "data"]


@dataclass(frozen=True, order=True)
class FileEntry:
    """A file that the notebook imports or reads.

    :param path: relative to the notebook's folder, with slashes, starting with `../` for files beside it; absolute if
        the notebook uses an absolute path.
    :param digest: of its bytes.
    :param size: bytes.
    :param stored: whether its bytes are in the object store; of a large file, only digest and path are stored.
    """

    path: str
    digest: str
    size: int
    kind: Kind = "data"
    stored: bool = True

    @property
    def is_absolute(self) -> bool:
        """Whether it is read from its absolute path on every machine."""
        return self.path.startswith("/") or (len(self.path) > 1 and self.path[1] == ":")


@dataclass(frozen=True)
class Environment:
    """The kernel's environment, as determined by its packages.

    :param python: version, such as `3.11.7`; `platform`: such as `linux-x86_64`.
    :param packages: name -> version of packages from an index, or URL of packages from a URL.
    :param others: name -> version of packages that were installed from a folder.
    :param conda: URLs with digests, for a conda environment.
    """

    python: str = ""
    implementation: str = ""
    platform: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)
    conda: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Environment:
        return cls(**{**data, "conda": tuple(data.get("conda", ()))})


@dataclass(frozen=True)
class Manifest:
    """The content of a version.

    :param notebook: digest of the notebook without outputs; `name`: its file's name.
    :param pipeline: what `show --json` prints.
    :param parameters: a JSON schema of the parameters.
    """

    name: str
    notebook: str
    kernel: str
    language: str
    pipeline: Mapping[str, Any]
    parameters: Mapping[str, Any]
    files: tuple[FileEntry, ...] = ()
    environment: Environment = field(default_factory=Environment)
    format: int = FORMAT

    def put(self, store: Store) -> str:
        """Store it; returns the digest of the version."""
        return store.put(self.to_bytes())

    def to_bytes(self) -> bytes:
        data = asdict(self)
        return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @classmethod
    def get(cls, store: Store, digest: str) -> Manifest:
        """The manifest of a version. Raises StoreError if it is missing or damaged."""
        return cls.from_dict(json.loads(store.get(digest)), digest)

    @classmethod
    def from_dict(cls, data: dict[str, Any], digest: str) -> Manifest:
        """The manifest in JSON. Raises StoreError if it has another format."""
        if data.get("format") != FORMAT:
            raise StoreError(
                f"a version of format {data.get('format')}", where=digest, remedy="Use a newer jupyter_mlops."
            )
        files = tuple(FileEntry(**entry) for entry in data["files"])
        return cls(**{**data, "files": files, "environment": Environment.from_dict(data["environment"])})
