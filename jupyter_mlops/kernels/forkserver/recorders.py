"""What an import reads and writes is recorded: environment variables and streams."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

OF_A_KERNEL = {"encoding": "UTF-8", "isatty": lambda: False}  # what ipykernel's streams answer


class EnvironRecorder:
    """Records the names of environment variables that are read, `*` for all of them, until it is closed."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        kind: Any = type(os.environ)
        self.plain = kind.__getitem__, kind.__iter__
        self.kind = kind

        def noted_item(environ: Any, key: str) -> Any:
            if environ is os.environ:
                self.names.add(os.fsdecode(key))
            return self.plain[0](environ, key)

        def noted_all(environ: Any) -> Any:
            self.names.add("*")
            return self.plain[1](environ)

        kind.__getitem__, kind.__iter__ = noted_item, noted_all

    def now(self) -> dict[str, str]:
        """The environment without recording."""
        recording = self.kind.__getitem__, self.kind.__iter__
        self.kind.__getitem__, self.kind.__iter__ = self.plain
        try:
            return dict(os.environ)
        finally:
            self.kind.__getitem__, self.kind.__iter__ = recording

    def close(self) -> None:
        self.kind.__getitem__, self.kind.__iter__ = self.plain


class StreamProxy:
    """Replaces sys.stdout or sys.stderr during imports; references to it write to the current stream later."""

    def __init__(self, name: str, instead: Any, wrote: Callable[[], None]) -> None:
        self.__dict__.update(_name=name, _instead=instead, _wrote=wrote)

    def __getattr__(self, name: str) -> Any:
        now = getattr(sys, self._name)
        if now is not self:
            return getattr(now, name)
        if name in ("write", "writelines"):
            self._wrote()
        if name in OF_A_KERNEL:
            return OF_A_KERNEL[name]
        return getattr(self._instead, name)
