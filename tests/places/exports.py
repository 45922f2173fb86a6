"""Exports to deploy, without a database."""

from __future__ import annotations

from typing import Any

from jupyter_mlops.places.place import Export


def export(version: int = 1, target: str = "airflow", job: str = "churn", slug: str = "churn", **files: Any) -> Export:
    """An export of a script and a bundle; `files` by their names with `_` for `.`."""
    contents = {name.replace("_", "."): text.encode() for name, text in files.items()}
    if not contents:
        contents = {f"{slug}.py": f"# v{version}\n".encode(), f"{slug}-v{version}.zip": bytes([version])}
    return Export(target, job, version, f"digest-{version}", slug, contents, "ada")
