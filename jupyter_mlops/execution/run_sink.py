"""Where a run puts what it leaves behind besides its notebook. Without a sink, it leaves digests alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class RunSink:
    """Where a run puts what it leaves behind.

    :param keep_input: stores the bytes of a file that was read: (path, digest, bytes) -> "", or why they are not
        stored. None: they are not asked for.
    :param keep_file: stores a file that a step left; returns its digest. None: files are not asked for.
    :param references: (step, variable) -> the profile that a new one is compared with.
    :param profile_frames: whether to profile every frame that a step transfers to later ones.
    """

    keep_input: Callable[[Path, str, int], str] | None = None
    keep_file: Callable[[Path], str] | None = None
    references: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    profile_frames: bool = False
