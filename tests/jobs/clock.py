"""A clock that a test sets."""

from __future__ import annotations


class Clock:
    """Seconds since 1970, as told."""

    def __init__(self, now: float = 1_767_225_600.0) -> None:  # 2026-01-01 00:00 UTC
        self.now = now

    def __call__(self) -> float:
        return self.now

    def go(self, seconds: float) -> None:
        self.now += seconds
