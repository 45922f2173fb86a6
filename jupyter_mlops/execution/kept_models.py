"""Models that steps leave: their artifacts in the object store, and their facts in the results of blocks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.config import RunConfig
from jupyter_mlops.errors import MlopsError
from jupyter_mlops.execution.committed_state import BlockResult
from jupyter_mlops.execution.redaction import Redaction
from jupyter_mlops.pipeline.model import Block

if TYPE_CHECKING:
    from jupyter_mlops.execution.kernel_session import KernelSession
    from jupyter_mlops.storage.store import Store

ELSEWHERE = "models of steps that other processes execute are not kept"


class KeptModels:
    """Keeps the models of one run.

    :param folder: a temporary folder that kernels write artifacts to.
    :param elsewhere: whether other processes execute the steps, on machines that may not reach the store.
    """

    def __init__(self, config: RunConfig, folder: Path, redaction: Redaction, *, elsewhere: bool) -> None:
        self.config, self.folder, self.redaction, self.elsewhere = config, folder, redaction, elsewhere

    @cached_property
    def store(self) -> Store:
        from jupyter_mlops.db.database import name_of
        from jupyter_mlops.storage.store import open_store

        return open_store(self.config.store, Path(self.config.home), name_of(self.config.database))

    async def keep(
        self, session: KernelSession, block: Block, result: BlockResult, signatures: Mapping[str, Any]
    ) -> None:
        """Keep the models of a block that has ended in a kernel. A model that can't be kept gets a reason.

        :param signatures: what the notebook declares, by variable.
        """
        if not block.models:
            return
        if self.elsewhere:
            result.models = {name: {"why": ELSEWHERE} for name in block.models}
            return
        answer = await session.ask(
            "models", names=list(block.models), folder=str(self.folder), signatures=dict(signatures)
        )
        for name, facts in answer["models"].items():
            result.models[name] = await asyncio.to_thread(self._stored, facts)

    def _stored(self, facts: dict[str, Any]) -> dict[str, Any]:
        """The facts of a model, with the digest of its artifact, which is now in the store."""
        if "file" not in facts:
            return {"why": self.redaction.text(facts["why"])}
        path = Path(facts.pop("file"))
        try:
            if self.redaction and self.redaction.shows(path.read_bytes()):
                return {"why": "it contains a secret"}
            facts["artifact"] = self.store.put_file(path)
        except (MlopsError, OSError) as error:
            return {"why": f"its artifact can't be stored: {error}"}
        finally:
            with contextlib.suppress(OSError):
                path.unlink()
        return facts

    def why_missing(self, block: Block, result: BlockResult) -> str:
        """Why a cached result does not have the models of its block; "" if it has them."""
        missing = [name for name in block.models if name not in result.models]
        if not missing and not self.elsewhere:
            artifacts = {n: f["artifact"] for n, f in result.models.items() if n in block.models and "artifact" in f}
            missing = [name for name, digest in artifacts.items() if not self._is_stored(digest)]
        return f"the model `{missing[0]}` was not kept" if missing else ""

    def _is_stored(self, digest: str) -> bool:
        try:
            return digest in self.store
        except MlopsError:  # unreachable: the step runs again, and says what is wrong if it can't be stored
            return False


def notes_on(models: Mapping[str, Mapping[str, Any]], step: str, selected: Collection[str]) -> list[str]:
    """A note for each model of a step that was not kept, or kept without a signature."""
    notes = []
    for name in selected:
        facts = models.get(name, {})
        if why := facts.get("why"):
            notes.append(f"the model `{name}` of step {step} was not kept: {why}")
        elif note := facts.get("note"):
            notes.append(f"the model `{name}` of step {step}: {note}")
    return notes
