"""The command and environment that other processes see."""

from __future__ import annotations

import importlib
import os
import struct
from typing import Any

SET_MEMORY, SET_MAP = 35, 14  # PR_SET_MM, PR_SET_MM_MAP of prctl(2)

retained: list[Any] = []  # memory that Linux reads for as long as the process lives


def set_process_title(command: list[str], env: dict[str, str]) -> None:
    """Show this command and environment in `ps` and other tools, if the system supports it."""
    ctypes: Any = importlib.import_module("ctypes")
    words = [b"\0".join([*map(os.fsencode, parts), b""]) for parts in (command, [f"{k}={v}" for k, v in env.items()])]
    title = b"".join(words)
    retained.append(ctypes.create_string_buffer(title, len(title)))
    start = ctypes.addressof(retained[-1])
    middle, end = start + len(words[0]), start + len(title)
    library = ctypes.CDLL(None, use_errno=True)
    library.sbrk.restype = ctypes.c_void_p
    with open("/proc/self/stat", "rb") as stat:
        fields = [0, 0, 0, *map(int, stat.read().rpartition(b") ")[2].split()[1:])]  # numbered as proc(5) does
    places = [*fields[25:27], *fields[44:47], library.sbrk(0), fields[27], start, middle, middle, end]
    memory_map = struct.pack("=11QQII", *places, 0, 0, 0xFFFFFFFF)
    library.prctl(SET_MEMORY, SET_MAP, memory_map, len(memory_map), 0)
