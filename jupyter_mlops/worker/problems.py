"""What a worker can't do at the moment, for its log and its status."""

from __future__ import annotations

import logging

from jupyter_mlops.errors import DatabaseError

log = logging.getLogger("jupyter_mlops.worker")


class Problems:
    """The current problems by subject, in the order of their appearance."""

    def __init__(self) -> None:
        self.messages: dict[str, str] = {}

    def report(self, subject: str, error: DatabaseError) -> None:
        """Add a problem; only the first one of several is logged."""
        if not self.messages:
            log.warning("%s", error)
        self.messages[subject] = error.message

    def report_defect(self, subject: str, error: Exception) -> None:
        """Add a defect of ours, and log its traceback."""
        log.error("%s could not be processed", subject, exc_info=error)
        self.messages[subject] = f"{type(error).__name__}: {error}"

    def resolve(self, subject: str) -> None:
        self.messages.pop(subject, None)

    @property
    def first(self) -> str:
        """The oldest one, "" if there is none."""
        return next(iter(self.messages.values()), "")
