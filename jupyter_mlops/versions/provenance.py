"""Where a version came from: who, when, and the state of the git repository around the notebook."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from jupyter_mlops import __version__
from jupyter_mlops.versions.store import CREDENTIALS, Store

TOOLS = ("papermill", "nbformat", "nbclient", "ipykernel", "jupyter_client")
DIFF = 5_000_000  # bytes of a diff, from which on it is not kept: a part of one can't be applied


def provenance(path: Path, store: Store) -> dict[str, Any]:
    """What is known of a notebook's origin, as plain JSON."""
    tools = {"jupyter_mlops": __version__}
    for name in TOOLS:
        try:
            tools[name] = version(name)
        except PackageNotFoundError:
            continue
    told: dict[str, Any] = {
        "path": str(path.resolve()),
        "host": platform.node(),
        "platform": platform.platform(),
        "tools": tools,
    }
    git = _git(path.resolve(), store)
    return {**told, "git": git} if git else told


def _git(path: Path, store: Store) -> dict[str, Any]:
    """Commit, branch, remote and what was not committed; {} where there is no repository. `commit` is "" before the
    first one, `branch` is "" where none is checked out, `too_large` is how many bytes a diff has that is not kept."""
    root = _ask(path, "rev-parse", "--show-toplevel")
    if not root:
        return {}
    commit = _ask(path, "rev-parse", "--verify", "--quiet", "HEAD")
    changes = _say(path, "diff", "HEAD", "--binary", "--no-color", "--no-ext-diff") if commit else b""
    status = _ask(path, "status", "--porcelain", "--", str(path.parent))
    told: dict[str, Any] = {
        "commit": commit,
        "branch": _ask(path, "symbolic-ref", "--short", "--quiet", "HEAD"),
        "remote": CREDENTIALS.sub("", _ask(path, "remote", "get-url", "origin")),
        "path": path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name,
        "dirty": bool(status or changes),
    }
    if len(changes) >= DIFF:
        told["too_large"] = len(changes)
    elif changes:
        told["diff"] = store.put(changes)
    return told


def _ask(path: Path, *words: str) -> str:
    return _say(path, *words).decode("utf-8", "replace").strip()


def _say(path: Path, *words: str) -> bytes:
    try:
        done = subprocess.run(["git", "-C", str(path.parent), *words], capture_output=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return b""
    return done.stdout
