"""The working folder of a run with separate processes for its tasks, which all tasks on one machine share."""

from __future__ import annotations

import json
import time
from pathlib import Path

from jupyter_mlops.errors import StoreError
from jupyter_mlops.storage.store import Store
from jupyter_mlops.versions.checkout import MAX_SLOTS, check_out, notebook_in
from jupyter_mlops.versions.manifest import Manifest

EXPIRES_S = 7 * 86_400.0  # a run that no task has touched for so long has ended without saying so


def run_folder(home: Path, manifest: Manifest, digest: str, store: Store, run_id: str) -> Path:
    """The notebook in the folder in which a run's tasks work on this machine.

    The first task of the run checks the version out, into the first folder that no other run uses. The path depends on
    nothing else, so that later runs can use cached results.

    :raises StoreError: too many runs at once, or an object is missing or damaged.
    """
    from filelock import FileLock

    base = home / "runs-of-tasks" / digest[:20]
    base.mkdir(parents=True, exist_ok=True)
    with FileLock(base / "claims.lock"):
        claims = _claims(base / "claims.json")
        number = next((n for n, (owner, _) in claims.items() if owner == run_id), None)
        if number is None:
            number = next((n for n in range(MAX_SLOTS) if n not in claims), None)
            if number is None:
                raise StoreError(f"{MAX_SLOTS} runs of one version at once", where=str(base))
            check_out(manifest, store, base / str(number))
        claims[number] = (run_id, time.time())
        _write(base / "claims.json", claims)
    return notebook_in(base / str(number), manifest)


def release_run_folder(home: Path, digest: str, run_id: str) -> None:
    """Release the folder of a run that has ended."""
    from filelock import FileLock

    base = home / "runs-of-tasks" / digest[:20]
    if not base.is_dir():
        return
    with FileLock(base / "claims.lock"):
        claims = {n: claim for n, claim in _claims(base / "claims.json").items() if claim[0] != run_id}
        _write(base / "claims.json", claims)


def _claims(path: Path) -> dict[int, tuple[str, float]]:
    """Folder number -> run, and the last time that one of its tasks used the folder."""
    try:
        claims = {int(n): (str(run), float(at)) for n, (run, at) in json.loads(path.read_text("utf-8")).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
    return {n: (run, at) for n, (run, at) in claims.items() if at > time.time() - EXPIRES_S}


def _write(path: Path, claims: dict[int, tuple[str, float]]) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps({str(n): claim for n, claim in claims.items()}), encoding="utf-8")
    part.replace(path)
