"""The model that is served, and its replacement by the model of a new version."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.serving.served_model import ServedModel
from jupyter_mlops.serving.sources import Source

RETRY_AFTER = 30.0  # seconds until a model that failed to load is tried again
log = logging.getLogger("jupyter_mlops.serving")


class ModelSlot:
    """Holds the served model. A request takes the reference once, so it is answered by one model, and a replaced model
    is dropped with its last request.

    :param count: is called with the name of a counter: `swaps`, `load_failures`.
    :ivar problem: why the model to serve is not the one that is served; "" if it is.
    """

    def __init__(
        self, source: Source, count: Callable[[str], None] = lambda counter: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.source, self.count, self.clock = source, count, clock
        self.model: ServedModel | None = None
        self.problem = ""
        self.failed_digest, self.failed_at = "", 0.0

    def start(self) -> ServedModel:
        """Load the first model. Raises MlopsError if that is not possible."""
        digest = self.source.current()
        self.model = self._loaded(digest)
        return self.model

    def refresh(self) -> bool:
        """Look for a new model; load and warm it beside the served one, then swap. Returns whether that happened. What
        fails leaves the served model in its place, and `problem` says why. Called in a thread."""
        try:
            digest = self.source.current()
        except MlopsError as error:
            self._fail(str(error), "")
            return False
        if self.model is not None and digest == self.model.digest:
            self._recover()
            return False
        if digest == self.failed_digest and self.clock() - self.failed_at < RETRY_AFTER:
            return False
        try:
            model = self._loaded(digest)
        except Exception as error:  # a pickle may raise anything
            self.count("load_failures")
            self._fail(str(error) if isinstance(error, MlopsError) else type(error).__name__, digest)
            return False
        before, self.model = self.model, model
        self._recover()
        self.count("swaps")
        old = "nothing" if before is None else f"v{before.version} (run {before.run})"
        log.info("now serving v%s (run %s) in the place of %s", model.version, model.run, old)
        return True

    def _loaded(self, digest: str) -> ServedModel:
        model = self.source.load(digest)
        model.warm()
        return model

    def _fail(self, problem: str, digest: str) -> None:
        self.failed_digest, self.failed_at = digest, self.clock()
        text = " ".join(problem.split())
        if text != self.problem:
            current = "nothing" if self.model is None else f"v{self.model.version}"
            log.error("still serving %s: %s", current, text)
        self.problem = text

    def _recover(self) -> None:
        self.problem, self.failed_digest = "", ""
