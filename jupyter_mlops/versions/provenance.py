"""The origin of a version: author, time, and the state of the notebook's git repository."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from jupyter_mlops import __version__
from jupyter_mlops.storage.store import CREDENTIALS, Store

TOOLS = ("papermill", "nbformat", "nbclient", "ipykernel", "jupyter_client")
MAX_DIFF_BYTES = 5_000_000  # bytes of a diff, from which on it is not kept: a part of one can't be applied


def provenance(path: Path, store: Store) -> dict[str, Any]:
    """The origin of a notebook as plain JSON."""
    tools = {"jupyter_mlops": __version__}
    for name in TOOLS:
        try:
            tools[name] = version(name)
        except PackageNotFoundError:
            continue
    record: dict[str, Any] = {
        "path": str(path.resolve()),
        "host": platform.node(),
        "platform": platform.platform(),
        "tools": tools,
    }
    git = _git_record(path.resolve(), store)
    return {**record, "git": git} if git else record


def _git_record(path: Path, store: Store) -> dict[str, Any]:
    """Commit, branch, remote and what was not committed; {} where there is no repository. `commit` is "" before the
    first one, `branch` is "" where none is checked out, `too_large` is how many bytes a diff has that is not kept."""
    root = _git_text(path, "rev-parse", "--show-toplevel")
    if not root:
        return {}
    commit = _git_text(path, "rev-parse", "--verify", "--quiet", "HEAD")
    diff = _git_output(path, "diff", "HEAD", "--binary", "--no-color", "--no-ext-diff") if commit else b""
    status = _git_text(path, "status", "--porcelain", "--", str(path.parent))
    record: dict[str, Any] = {
        "commit": commit,
        "branch": _git_text(path, "symbolic-ref", "--short", "--quiet", "HEAD"),
        "remote": CREDENTIALS.sub("", _git_text(path, "remote", "get-url", "origin")),
        "path": path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name,
        "dirty": bool(status or diff),
    }
    if len(diff) >= MAX_DIFF_BYTES:
        record["too_large"] = len(diff)
    elif diff:
        record["diff"] = store.put(diff)
    return record


def _git_text(path: Path, *git_arguments: str) -> str:
    return _git_output(path, *git_arguments).decode("utf-8", "replace").strip()


def _git_output(path: Path, *git_arguments: str) -> bytes:
    try:
        process = subprocess.run(
            ["git", "-C", str(path.parent), *git_arguments], capture_output=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return b""
    return process.stdout
