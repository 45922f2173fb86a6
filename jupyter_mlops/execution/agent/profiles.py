"""The profile of a frame."""

from __future__ import annotations

from typing import Any


def profile(frame: Any, reference: Any = None) -> dict[str, Any]:
    """The profile of a frame, as JSON has it.

    :param reference: the profile whose edges it keeps.
    """
    return {"format": 1, "rows": len(frame), "columns": []}
