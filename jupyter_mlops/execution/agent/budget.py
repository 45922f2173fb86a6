"""Calls that end when their time is over, and leave the kernel as it was."""

from __future__ import annotations

import ctypes
import sys
import time
import warnings
from _thread import allocate_lock, get_ident, start_new_thread
from typing import Any


class OverBudget(BaseException):
    """The time is over."""


def within(seconds: float, function: Any, *arguments: Any) -> Any:
    """Call a function in this thread. Raises OverBudget if it takes longer, as soon as Python code runs again.

    The watching thread has no name and no number, so that those of the notebook are what they would be.
    """
    thread, over = get_ident(), allocate_lock()
    over.acquire()
    ended: list[bool] = []
    guard = allocate_lock()

    def watch() -> None:
        if not over.acquire(timeout=seconds):
            with guard:
                if not ended:
                    _raise_in(thread, OverBudget)

    start_new_thread(watch, ())
    try:
        return function(*arguments)
    finally:
        with guard:
            ended.append(True)
        over.release()
        _raise_in(thread, None)


def _raise_in(thread: int, error: Any) -> None:
    argument = ctypes.py_object(error) if error is not None else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), argument)


class Untouched:
    """Random generators and warnings are afterwards what they were before."""

    def __enter__(self) -> None:
        random, numpy_random = sys.modules.get("random"), sys.modules.get("numpy.random")
        self.random = random.getstate() if random is not None else None
        self.numpy = numpy_random.get_state() if numpy_random is not None else None
        self.show = getattr(warnings, "_showwarnmsg_impl", None)
        if self.show is not None:  # `catch_warnings` would have warnings shown again that were shown before
            setattr(warnings, "_showwarnmsg_impl", lambda message: None)  # noqa: B010

    def __exit__(self, *error: object) -> None:
        if self.random is not None:
            sys.modules["random"].setstate(self.random)
        if self.numpy is not None:
            sys.modules["numpy.random"].set_state(self.numpy)
        if self.show is not None:
            setattr(warnings, "_showwarnmsg_impl", self.show)  # noqa: B010


def deadline(seconds: float) -> float:
    """The time (monotonic) in so many seconds."""
    return time.monotonic() + seconds
