"""The memory of arrays and buffers, and the files in which it is transferred."""

from __future__ import annotations

import ctypes
import hashlib
import mmap
import sys
from typing import Any

PAGE = mmap.ALLOCATIONGRANULARITY
OUT_OF_BAND = 1 << 16  # bytes from which a buffer gets pages of its own in the file
HASHED = 1 << 25  # bytes up to which a buffer is known by its content


def view_maker() -> Any:
    """Makes a hashable view of memory from an address, a length and a flag; None if `hash` is not SipHash."""
    if not sys.hash_info.algorithm.startswith("siphash") or not hasattr(ctypes, "pythonapi"):
        return None
    kind = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int)
    return kind(("PyMemoryView_FromMemory", ctypes.pythonapi))


VIEW = view_maker()
READ = 0x100  # PyBUF_READ


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


def fingerprint(raw: Any) -> Any:
    """A digest of all bytes of a buffer: 64 bits of SipHash, which is twice as fast as what `hashlib` offers, or
    SHA-256 if that is not available. Two digests are only compared within one process.
    """
    address = address_of(raw) if VIEW is not None else 0
    return hash(VIEW(address, raw.nbytes, READ)) if address else hashlib.sha256(raw).digest()


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
    view, offset = memoryview(data), 0
    while offset < view.nbytes:
        offset += handle.write(view[offset : offset + (1 << 30)])
    return view.nbytes
