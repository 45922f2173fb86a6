"""Who executes an attempt at a task: at most one process, ever.

Dask starts a task again when its worker is lost. A step that acts on the world outside must not run twice unseen, so
that each attempt is claimed in the artifacts before it begins, and a second start of the same attempt ends at once. A
later attempt replaces the claim: what is left of an earlier one can then write nothing.
"""

from __future__ import annotations

from urllib.parse import quote

from jupyter_mlops.errors import RunStoppedError
from jupyter_mlops.storage.documents import Documents, read_json, write_json
from jupyter_mlops.storage.local import digest_bytes

LONGEST_NAME = 100


class Claim:
    """The claim of one attempt.

    :param folder: the run's folder in the artifacts.
    """

    def __init__(self, documents: Documents, folder: str, task: str, attempt: int) -> None:
        name = quote(task, safe="", errors="surrogatepass").replace(".", "%2E")
        if len(name) > LONGEST_NAME:
            name = f"{name[:LONGEST_NAME]}-{digest_bytes(task.encode('utf-8', 'surrogatepass'))}"
        self.documents, self.path = documents, f"{folder}/claims/{name}.json"
        self.attempt = attempt

    def latest(self) -> int:
        """Number of the latest attempt that was claimed; 0 if none was. Raises StoreError."""
        claim = read_json(self.documents, self.path)
        return int(claim.get("attempt", 0)) if isinstance(claim, dict) else 0

    def owner(self) -> str | None:
        """The worker that has claimed this attempt or a later one; None if there is none. Raises StoreError."""
        claim = read_json(self.documents, self.path)
        if not isinstance(claim, dict) or claim.get("attempt", 0) < self.attempt:
            return None
        return str(claim.get("worker", ""))

    def take(self, worker: str) -> None:
        """Claim the attempt. Raises StoreError."""
        write_json(self.documents, self.path, {"attempt": self.attempt, "worker": worker})

    def require(self) -> None:
        """Raises RunStoppedError if a later attempt has begun."""
        if self.latest() > self.attempt:
            raise RunStoppedError("a later attempt at the step has begun elsewhere")
