"""Paths that exist on one machine only."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jupyter_mlops.pipeline.checks.finding import Finding, Severity
from jupyter_mlops.pipeline.checks.literal import strings
from jupyter_mlops.pipeline.checks.rule import Context, rule

_ROOTS = (
    "Applications|Library|Users|Volumes|code|content|data|databricks|dbfs|dev|drive|efs|etc|export|gpfs|home|"
    "kaggle|lustre|media|mnt|net|nfs|notebooks|opt|private|proj|project|projects|repo|root|scratch|shared|srv|"
    "storage|tmp|usr|var|work|workspace|workspaces"
)
_POSIX = re.compile(rf"(?:file://)?/(?:{_ROOTS})(?:/.*)?")
_FILE = re.compile(r"/(?:[^/\s<>{}$^*?|]+/)+[^/\s<>{}$^*?|]+\.(?!html?$|php$|aspx?$|js$)[A-Za-z][A-Za-z0-9]{1,7}")
_WINDOWS = re.compile(r"[A-Za-z]:[\\/](?![\\/]).*|\\\\[^\\/\s]+[\\/][^\\/\s].*")
_HOME = re.compile(r"~[\\/][\w.].*")
_TEMPORARY = re.compile(r"(?:file://)?(?:/private)?(?:/var)?/tmp(?:/.*)?")
_PORTABLE = re.compile(r"/dev/(?:null|stdin|stdout|stderr|u?random|shm)|/bin/(?:ba)?sh|/usr/bin/env")
_MAX_LENGTH = 1024


@rule("absolute_paths")
def absolute_paths(context: Context) -> Iterator[Finding]:
    """A literal path that starts at the root, at a drive or at someone's home folder."""
    for cell in context.cells:
        for text in dict.fromkeys(strings(cell.tree)):
            if is_absolute_path(text):
                yield _finding(cell.index, text)


def is_absolute_path(text: str) -> bool:
    """Whether a literal is a path on one machine, and not a URL path or a pattern."""
    if len(text) > _MAX_LENGTH or "\n" in text or _PORTABLE.fullmatch(text):
        return False
    return any(pattern.fullmatch(text) for pattern in (_POSIX, _FILE, _WINDOWS, _HOME))


def _finding(cell: int, path: str) -> Finding:
    severity: Severity = "info" if _TEMPORARY.fullmatch(path) else "warning"
    problem = (
        "other machines and other steps may not see the files there"
        if severity == "info"
        else "it exists on this machine only"
    )
    return Finding(
        "absolute_paths",
        severity,
        cell,
        f"Cell {cell + 1} names the path {path!r}: {problem}.",
        "Make it relative to the notebook's folder, or use a parameter.",
        {"path": path},
    )
