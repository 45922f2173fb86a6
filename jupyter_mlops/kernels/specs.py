"""Finds kernels by name: Jupyter's, and those of environments that this process built."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_client.kernelspec import KernelSpecManager

OURS: list[str] = []  # folders of kernelspecs, of this process alone
MANAGERS: dict[tuple[str, ...], KernelSpecManager] = {}


def spec_manager() -> KernelSpecManager:
    """Jupyter's kernelspec manager, which includes our kernelspecs. It is reused while the search path is the same,
    because creating one is slower than querying it.
    """
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_core.paths import jupyter_path

    where = (*jupyter_path("kernels"), *OURS)
    if where not in MANAGERS:
        MANAGERS.clear()
        manager = MANAGERS[where] = KernelSpecManager()
        manager.kernel_dirs = [*manager.kernel_dirs, *OURS]
    return MANAGERS[where]


def add_kernel(folder: Path, name: str, interpreter: Sequence[str]) -> str:
    """Add a kernelspec for an interpreter, in a folder of such specs that this process searches."""
    spec = folder / name / "kernel.json"
    if not spec.is_file():
        spec.parent.mkdir(parents=True, exist_ok=True)
        argv = [*interpreter, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        text = json.dumps({"argv": argv, "display_name": name, "language": "python", "metadata": {"debugger": True}})
        part = spec.with_suffix(".part")
        part.write_text(text, encoding="utf-8")
        part.replace(spec)
    if str(folder) not in OURS:
        OURS.append(str(folder))
    return name
