"""The memory of arrays and buffers, and the files that it is handed on in."""

from __future__ import annotations

import ctypes
import mmap
import sys
from typing import Any

PAGE = mmap.ALLOCATIONGRANULARITY
OUT_OF_BAND = 1 << 16  # bytes from which a buffer gets pages of its own in the file
HASHED = 1 << 25  # bytes up to which a buffer is known by its content


def extents(array: Any) -> Any:
    """Lowest and highest address of an array's memory, the upper one exclusive."""
    low = high = array.__array_interface__["data"][0]
    for size, stride in zip(array.shape, array.strides):
        if stride < 0:
            low += (size - 1) * stride
        else:
            high += (size - 1) * stride
    return low, high + array.itemsize


def owner_of(array: Any) -> Any:
    while type(getattr(array, "base", None)).__name__ == "ndarray":
        array = array.base
    return array


def overlapping(arrays: Any) -> Any:
    """Clusters of arrays whose memory overlaps."""
    cluster: list[Any] = []
    high = -1
    for item in sorted(arrays, key=lambda a: (a[0], a[1])):
        if cluster and item[0] >= high:
            if len(cluster) > 1:
                yield cluster
            cluster, high = [], -1
        cluster.append(item)
        high = max(high, item[1])
    if len(cluster) > 1:
        yield cluster


def address_of(raw: Any) -> Any:
    try:
        return ctypes.addressof(ctypes.c_char.from_buffer(raw))
    except (TypeError, ValueError):
        numpy = sys.modules.get("numpy")
        return numpy.frombuffer(raw, "u1").__array_interface__["data"][0] if numpy else 0


def is_clean(low: Any, high: Any) -> Any:
    """Whether no page of a private mapping was written to (Linux)."""
    try:
        with open("/proc/self/smaps") as handle:
            lines = handle.read().splitlines()
    except OSError:
        return False
    inside = covered = False
    for line in lines:
        head = line.split(" ", 1)[0]
        if "-" in head and not head.endswith(":"):
            start, _, end = head.partition("-")
            inside = int(start, 16) < high and int(end, 16) > low
            covered = covered or inside
        elif inside and line.startswith("Anonymous:") and int(line.split()[1]):
            return False
    return covered


def has_bytes(raw: Any, path: str, offset: Any) -> Any:
    step = 1 << 22
    try:
        with open(path, "rb") as handle:
            handle.seek(offset)
            for at in range(0, raw.nbytes, step):
                part = raw[at : at + step]
                if handle.read(part.nbytes) != bytes(part):
                    return False
    except OSError:
        return False
    return True


def write_all(handle: Any, data: Any) -> Any:
    view, done = memoryview(data), 0
    while done < view.nbytes:
        done += handle.write(view[done : done + (1 << 30)])
    return view.nbytes
