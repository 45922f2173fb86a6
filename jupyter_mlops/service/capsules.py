"""The input capsule of a run: what each of its steps read, by digest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from jupyter_mlops.jobs.workspace import Workspace

SYSTEM = ("/proc/", "/sys/", "/dev/")  # files of the system, which have no content to put in place


class Capsules(Protocol):
    """Where capsules are found."""

    def of(self, run_id: str) -> dict[str, Any] | None:
        """The capsule of a run; None if there is none, or it can't be read."""


class StoredCapsules:
    """The capsules of the workspace."""

    def __init__(self, space: Workspace) -> None:
        self.space = space

    def of(self, run_id: str) -> dict[str, Any] | None:
        from jupyter_mlops.jobs.capsules import capsules_of

        return capsules_of(self.space.db, self.space.store, [run_id]).get(run_id)


def files_read(capsule: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The files that a run read, by path: `digest`, `bytes` and `kept`. Of a file that changed meanwhile, what was
    read first."""
    files: dict[str, dict[str, Any]] = {}
    for step in capsule.get("steps", {}).values():
        for path, facts in step.get("files", {}).items():
            if isinstance(facts, dict) and facts.get("digest") and not path.startswith(SYSTEM):
                files.setdefault(path, facts)
    return files
