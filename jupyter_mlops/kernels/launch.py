"""Commands that start a kernel which could also be forked."""

from __future__ import annotations

from collections.abc import Sequence

LAUNCHER = "ipykernel_launcher"


def forkable(cmd: Sequence[str]) -> list[str] | None:
    """The interpreter and its options, if this command starts an IPython kernel in the usual way; otherwise None."""
    if LAUNCHER not in cmd:
        return None
    at = cmd.index(LAUNCHER)
    if at < 2 or cmd[at - 1] != "-m":
        return None
    options = cmd[1 : at - 1]
    return [cmd[0], *options] if all(option.startswith("-X") for option in options) else None
