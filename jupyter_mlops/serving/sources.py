"""Where a served model comes from: the database and the store, or a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.serving.loading import load_artifact
from jupyter_mlops.serving.served_model import ServedModel

if TYPE_CHECKING:
    from jupyter_mlops.jobs.models import Model
    from jupyter_mlops.jobs.workspace import Workspace
    from jupyter_mlops.serving.settings import ServeSettings


class Source(Protocol):
    """Names the model to serve, and loads it."""

    def current(self) -> str:
        """The digest of the document of the model to serve now. Cheap: asked every second."""

    def load(self, digest: str) -> ServedModel:
        """Load the model whose digest `current` returned."""


class RegistrySource:
    """The model that a selector of a job's versions stands for."""

    def __init__(self, space: Workspace, settings: ServeSettings) -> None:
        self.space, self.settings = space, settings
        self.job = space.catalog.job(settings.job)
        space.catalog.version(self.job, settings.selector)  # says which versions there are
        self.run_id = space.queue.full_id(settings.run) if settings.run else ""
        self.latest: Model | None = None

    def current(self) -> str:
        self.latest = self.space.models.current(self.job, self.settings.selector, self.settings.model, self.run_id)
        return self.latest.digest

    def load(self, digest: str) -> ServedModel:
        from jupyter_mlops.jobs.models import read_document

        document = read_document(self.space.store, digest)
        record = self.latest
        number = record.number if record is not None and record.digest == digest else 0
        value = load_artifact(self.space.store, document, any_environment=self.settings.any_environment)
        return ServedModel(value, document, str(number), digest, self.settings.method)


class FolderSource:
    """The model in a folder that `jupyter mlops models JOB --export DIR` wrote."""

    def __init__(self, folder: Path, settings: ServeSettings) -> None:
        self.folder, self.settings = folder, settings

    def _document(self) -> bytes:
        try:
            return (self.folder / "model.json").read_bytes()
        except OSError as error:
            raise InvalidInputError(
                f"the model can't be read: {error.strerror}",
                where=str(self.folder / "model.json"),
                remedy="Name a folder that `jupyter mlops models JOB --export DIR` wrote.",
            ) from None

    def current(self) -> str:
        from jupyter_mlops.storage.local import digest_bytes

        return digest_bytes(self._document())

    def load(self, digest: str) -> ServedModel:
        from jupyter_mlops.serving.loading import FolderStore

        try:
            document = json.loads(self._document())
            version = str(document.get("number", 0))
            store = FolderStore(self.folder / "model.pkl")
            value = load_artifact(store, document, any_environment=self.settings.any_environment)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidInputError(
                f"the document of the model can't be used: {type(error).__name__}",
                where=str(self.folder / "model.json"),
                remedy="Export the model again.",
            ) from None
        return ServedModel(value, document, version, digest, self.settings.method)
