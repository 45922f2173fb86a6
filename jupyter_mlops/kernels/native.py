"""Calls of compiled code into the C library: clock, entropy, files, network.

Python's audit events and wrappers do not cover C, C++, Cython or Rust code that calls libc directly:
`pandas.Timestamp("today")`, `numpy.datetime64("now")`, a polars scan. A dynamically linked library reaches libc through
its global offset table, so replacing entries of that table detects those calls, in libraries that are loaded now or
later, without a compiler, a preloaded library or privileges. An entry leads to a few instructions that record the call
and jump to libc.

There are two kinds of records:

    notice  "the clock was read": Python is asked, by `Py_AddPendingCall`, to run a callback as soon as the call is
            over, while the frame that made it is still the current one. Calls of the main thread alone.
    path    a path and its flags are copied into a ring, which is read when the block is over. Calls of every thread.

Linux on x86-64. Elsewhere, and where memory can't be made executable, `install` returns None.

The instructions are those of `stubs.s` beside this file; a test assembles it and compares.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import struct
import sys
from typing import Any

NOTICE = bytes.fromhex(
    "49bb8877665544332211504d8b1364488b042500000000493b02756d49837a08007466b80100000041f643200274094881ff"
    "3e010000755141f6432001741183ff0b774551b9210900000fa3f95973394989431849ff431049837a1000752a49c7421001"
    "000000575652514150415141524153498b7a2031f641ff5218415b415a41594158595a5e5f5841ff6308"
)
PATH = bytes.fromhex(
    "49bb8877665544332211504d8b1349837a0800746a4889f841f643200174034889f04885c07458515253b901000000f0490f"
    "c14a2849234a3048c1e10a49034a38498b5b2048891948897910f6c30275034889f2f6c30474030fb7164889510831d28a1c"
    "10885c111884db740fffc281fae603000072ebc6441118005b5a595841ff6308"
)
INHERITED = (
    "_jupyter_mlops_native"  # the attribute of `ctypes.pythonapi` where a forked process finds its parent's stubs
)
RECORD_AT = 2  # where a stub holds the address of its record
SLOT, SLOTS = 1024, 4096  # bytes of a note in the ring, and how many it holds (a power of two)
HEAD = 24  # bytes of a note before its path
AT_FDCWD = -100 & 0xFFFFFFFF

# Forms of a notice: only of clocks that tell the time of day; only where the system call is getrandom.
TIME_OF_DAY, GETRANDOM = 1, 2
# Forms of a path: it is the second argument; the flags are the third; the second argument is a mode, as text;
# the first is a version and no folder.
SECOND, THIRD_FLAGS, MODE, VERSION = 1, 2, 4, 8
OPEN, LOOK, LIST, WRITE, CONNECT, START = range(1, 7)  # what is done with a path
OWN = 1 << 32  # it is Python itself that does it
CODE = 8 * mmap.PAGESIZE

CLOCKS = {"clock_gettime": TIME_OF_DAY, "time": 0, "gettimeofday": 0}
ENTROPY = {"getrandom": 0, "getentropy": 0, "syscall": GETRANDOM}
IDENTITY = dict.fromkeys(
    ("gethostname", "uname", "getloadavg", "getrusage", "times", "getlogin_r", "getppid", "getpid"), 0
)
PATHS = {
    "open": (OPEN, 0), "open64": (OPEN, 0), "creat": (WRITE, 0),
    "openat": (OPEN, SECOND | THIRD_FLAGS), "openat64": (OPEN, SECOND | THIRD_FLAGS),
    "fopen": (OPEN, MODE), "fopen64": (OPEN, MODE),
    "stat": (LOOK, 0), "stat64": (LOOK, 0), "lstat": (LOOK, 0), "lstat64": (LOOK, 0), "access": (LOOK, 0),
    "__xstat": (LOOK, SECOND | VERSION), "__xstat64": (LOOK, SECOND | VERSION),
    "__lxstat": (LOOK, SECOND | VERSION), "__lxstat64": (LOOK, SECOND | VERSION),
    "fstatat": (LOOK, SECOND), "fstatat64": (LOOK, SECOND), "statx": (LOOK, SECOND), "faccessat": (LOOK, SECOND),
    "opendir": (LIST, 0), "readlink": (LOOK, 0),
    "unlink": (WRITE, 0), "rename": (WRITE, 0), "mkdir": (WRITE, 0), "truncate": (WRITE, 0), "truncate64": (WRITE, 0),
    "getaddrinfo": (CONNECT, 0),
    "system": (START, 0), "popen": (START, 0), "execve": (START, 0), "posix_spawn": (START, SECOND),
}  # fmt: skip
# Libraries that carry libc itself, or the talk between kernel and client.
LEFT_ALONE = ("ld-linux", "ld-musl", "libc.so", "libc-", "libc.musl", "libm.so", "libpthread", "libdl.", "librt.",
              "libgcc_s", "linux-vdso", "libzmq", "_zmq", "libsodium", "libffi", "_ctypes.")  # fmt: skip
DT_PLTRELSZ, DT_STRTAB, DT_SYMTAB, DT_RELA, DT_RELASZ, DT_STRSZ, DT_JMPREL, DT_RELACOUNT = (
    2, 5, 6, 7, 8, 10, 23, 0x6FFFFFF9,
)  # fmt: skip
GOT_SLOTS = frozenset({6, 7})  # R_X86_64_GLOB_DAT, R_X86_64_JUMP_SLOT
PT_DYNAMIC, PT_GNU_RELRO = 2, 0x6474E552
PROT_READ, PROT_WRITE, PROT_EXEC = 1, 2, 4


class _Info(ctypes.Structure):
    _fields_ = (
        ("addr", ctypes.c_uint64), ("name", ctypes.c_char_p), ("phdr", ctypes.c_void_p), ("phnum", ctypes.c_uint16),
        ("adds", ctypes.c_uint64), ("subs", ctypes.c_uint64),
    )  # fmt: skip


_Visit = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Info), ctypes.c_size_t, ctypes.c_void_p)
_Callback = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p)


class Native:
    """Stubs in this process, and their records.

    :param notice: called with [(what, whether Python itself asked)] while the frame that made the call is current.
    """

    OPEN, LOOK, LIST, WRITE, CONNECT, START = OPEN, LOOK, LIST, WRITE, CONNECT, START

    def __init__(self, notice: Any) -> None:
        self.notice = notice
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.pthread_self.restype = ctypes.c_void_p
        self.libc.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
        # None of this is ever given back: libraries call the stubs to the very end of the process.
        self.ring, self.data = self._memory(SLOT * SLOTS), self._memory(mmap.PAGESIZE * 2)
        self.code = self._memory(CODE)
        self.callback = _Callback(self._pending)
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self.callback))
        self.shared = (ctypes.c_uint64 * 8).from_address(self.data)
        self.shared[0] = self.libc.pthread_self()
        self.shared[3] = _address(ctypes.pythonapi.Py_AddPendingCall)
        self.shared[4] = _address(self.callback)
        self.shared[6], self.shared[7] = SLOTS - 1, self.ring
        self.read_to = 0
        self.unread: list[tuple[int, str, bool]] = []
        self.records: list[tuple[str, bool, Any]] = []
        self.stubs: dict[tuple[str, bool], int] = {}
        self.stubs_of: dict[bool, dict[bytes, int]] = {True: {}, False: {}}
        self.data_used, self.code_used = 64, 0
        self.seen: set[int] = set()
        self.adds = -1
        self._build()

    # -- the stubs

    def _memory(self, size: int) -> int:
        """Address of new memory, in whole pages."""
        self.libc.mmap.restype = ctypes.c_void_p
        self.libc.mmap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, *(ctypes.c_int,) * 3, ctypes.c_long)
        start = self.libc.mmap(None, size, PROT_READ | PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
        if start in (None, ctypes.c_void_p(-1).value):
            raise OSError(ctypes.get_errno(), "mmap")
        return int(start)

    def _build(self) -> None:
        for from_python in (True, False):
            for reading, table in (
                ("clock", CLOCKS),
                ("entropy", ENTROPY),
                ("identity", IDENTITY if from_python else {}),
            ):
                for symbol, form in table.items():
                    self._notice(symbol, from_python, form, reading)
        for symbol, (deed, form) in PATHS.items():
            if (real := self._real(symbol)) is not None:
                self.stubs[symbol, False] = self._stub(PATH, real, form | deed << 8)
                if deed == LOOK:  # Python's own looks raise no audit event
                    self._notice(symbol, True, 0, "look")
                    own_look = form | deed << 8 | OWN
                    self.stubs[symbol, True] = self._stub(PATH, self.stubs[symbol, True], own_look)
        for (symbol, from_python), stub in self.stubs.items():
            self.stubs_of[from_python][symbol.encode()] = stub
        if self.libc.mprotect(self.code, CODE, PROT_READ | PROT_EXEC):
            raise OSError(ctypes.get_errno(), "mprotect")

    def _notice(self, symbol: str, from_python: bool, form: int, reading: str) -> None:
        if (real := self._real(symbol)) is not None:
            self.stubs[symbol, from_python] = self._stub(NOTICE, real, form, (reading, from_python))

    def _real(self, symbol: str) -> int | None:
        try:
            return _address(getattr(self.libc, symbol))
        except AttributeError:
            return None

    def _stub(self, template: bytes, real: int, form: int, notice: tuple[str, bool] | None = None) -> int:
        """Address of new instructions that record a call and continue to `real`."""
        record = (ctypes.c_uint64 * 5).from_address(self.data + self.data_used)
        record[0], record[1], record[4] = ctypes.addressof(self.shared), real, form
        self.data_used += 40
        at = self.code + self.code_used
        ctypes.memmove(at, template, len(template))
        ctypes.c_uint64.from_address(at + RECORD_AT).value = ctypes.addressof(record)
        self.code_used += (len(template) + 15) // 16 * 16
        if notice is not None:
            self.records.append((*notice, record))
        return at

    # -- what they noted

    def watch(self, on: bool) -> None:
        """Start or stop recording."""
        self.shared[1] = int(on)

    def _pending(self, _: Any) -> int:
        self.shared[2] = 0
        records = []
        for reading, from_python, record in self.records:
            if record[3]:
                record[3] = 0
                records.append((reading, from_python))
        if records and self.shared[1]:
            self.shared[1] = 0  # what the callback itself does is nobody's act
            with contextlib.suppress(BaseException):  # whoever runs now must not be told
                self.notice(records)
            self.shared[1] = 1
        return 0

    def looks(self) -> tuple[list[str], bool]:
        """Paths that Python itself inspected without opening them since the last call, and whether the ring
        overflowed.
        """
        used, begin = self.shared[5], self.read_to
        self.read_to = used
        paths = []
        for number in range(max(begin, used - SLOTS), used):
            start = self.ring + (number & SLOTS - 1) * SLOT
            form, flags, folder = struct.unpack("<QQQ", ctypes.string_at(start, HEAD))
            text = os.fsdecode(ctypes.string_at(start + HEAD))
            deed = (form & ~OWN) >> 8
            if (
                form & (SECOND | VERSION) == SECOND
                and deed in (OPEN, LOOK)
                and not os.path.isabs(text)
                and folder & 0xFFFFFFFF != AT_FDCWD
            ):
                if not text:
                    continue  # it asks about an open file
                text = _below(folder & 0xFFFFFFFF, text)
            if form & OWN:
                paths.append(text)
            else:
                self.unread.append((deed, text, _writes(deed, form, flags)))
        return list(dict.fromkeys(paths)), used - begin > SLOTS

    def paths(self) -> tuple[list[tuple[int, str, bool]], bool]:
        """The acts of compiled libraries on paths since the last call: (act, path, whether it writes); and whether the
        ring overflowed.
        """
        _, overflowed = self.looks()
        unread, self.unread = self.unread, []
        return list(dict.fromkeys(unread)), overflowed

    # -- the tables of the libraries

    def update(self) -> None:
        """Process libraries that were loaded since the last call."""
        adds = _loaded(self.libc)
        if adds == self.adds:
            return
        self.adds = adds
        for base, name, dynamic, relro in _libraries(self.libc):
            if dynamic not in self.seen:
                self.seen.add(dynamic)
                file = os.path.basename(name)
                if not file.startswith(LEFT_ALONE):
                    from_python = not name or file.startswith("libpython") or os.sep + "lib-dynload" + os.sep in name
                    self._redirect(base, dynamic, relro, from_python)

    def _redirect(self, base: int, dynamic: int, relro: tuple[int, int], from_python: bool) -> None:
        tags = _tags(dynamic)
        if DT_STRTAB not in tags or DT_SYMTAB not in tags:
            return
        strings, symbols = (tags[tag] + (base if tags[tag] < base else 0) for tag in (DT_STRTAB, DT_SYMTAB))
        stubs = self.stubs_of[from_python]
        counted = tags.get(DT_RELACOUNT, 0) * 24
        for tag, size, skip in ((DT_JMPREL, DT_PLTRELSZ, 0), (DT_RELA, DT_RELASZ, counted)):
            if tag not in tags or tags.get(size, 0) <= skip:
                continue
            start = tags[tag] + (base if tags[tag] < base else 0)
            table = ctypes.string_at(start + skip, tags[size] - skip)
            slots = [(o, i >> 32) for o, i, _ in struct.iter_unpack("<QQq", table) if i & 0xFFFFFFFF in GOT_SLOTS]
            if not slots:
                continue
            last = max(symbol for _, symbol in slots)
            names = ctypes.string_at(symbols, (last + 1) * 24)
            for offset, symbol in slots:
                name = _string_at(strings + int.from_bytes(names[symbol * 24 : symbol * 24 + 4], "little"))
                if name in stubs:
                    self._point(base + offset, stubs[name], relro)

    def _point(self, slot: int, stub: int, relro: tuple[int, int]) -> None:
        page = slot & -mmap.PAGESIZE
        sealed = relro[0] <= slot < relro[1]
        if sealed and self.libc.mprotect(page, mmap.PAGESIZE, PROT_READ | PROT_WRITE):
            return
        ctypes.c_uint64.from_address(slot).value = stub
        if sealed:
            self.libc.mprotect(page, mmap.PAGESIZE, PROT_READ)


def install(notice: Any) -> Any:
    """Install the stubs in this process, unless its parent did before the fork; None if that is impossible."""
    if sys.platform != "linux" or os.uname().machine != "x86_64" or ctypes.sizeof(ctypes.c_void_p) != 8:
        return None
    if sys.implementation.name != "cpython":
        return None
    try:
        native = vars(ctypes.pythonapi).pop(INHERITED, None) or Native(notice)
        native.notice = notice
        native.shared[0] = native.libc.pthread_self()
        native.update()
    except (OSError, ValueError, AttributeError):
        return None
    return native


def prepare() -> None:
    """Install the stubs in a process whose children will `install` them; libraries loaded by then are processed only
    once.
    """
    native: Any = install(lambda records: None)
    if native is not None:
        setattr(ctypes.pythonapi, INHERITED, native)


_string_at = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p)(("PyBytes_FromString", ctypes.pythonapi))


def _address(function: Any) -> int:
    value = ctypes.cast(function, ctypes.c_void_p).value
    if value is None:
        raise AttributeError("no address")
    return value


def _writes(deed: int, form: int, flags: int) -> bool:
    if form & MODE:
        return bool(set(flags.to_bytes(8, "little")[:2]) & set(b"wa+"))
    return deed == WRITE or (deed == OPEN and bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)))


def _below(descriptor: int, path: str) -> str:
    try:
        return os.path.join(os.readlink(f"/proc/self/fd/{descriptor}"), path)
    except OSError:
        return path


def _loaded(libc: Any) -> int:
    """The number of libraries that have been loaded so far."""
    counts = [0]

    def visit(info: Any, size: int, _: Any) -> int:
        counts[0] = info.contents.adds
        return 1

    libc.dl_iterate_phdr(_Visit(visit), None)
    return counts[0]


def _libraries(libc: Any) -> list[tuple[int, str, int, tuple[int, int]]]:
    """Base address, file, address of the dynamic section, and the range sealed after loading, for each library."""
    libraries = []

    def visit(info: Any, size: int, _: Any) -> int:
        base, dynamic, relro = info.contents.addr, 0, (0, 0)
        for number in range(info.contents.phnum):
            kind, _flags, _offset, address, _physical, _file, length, _align = struct.unpack(
                "<IIQQQQQQ", ctypes.string_at(info.contents.phdr + number * 56, 56)
            )
            if kind == PT_DYNAMIC:
                dynamic = base + address
            elif kind == PT_GNU_RELRO:
                relro = (base + address & -mmap.PAGESIZE, base + address + length)
        if dynamic:
            libraries.append((base, os.fsdecode(info.contents.name or b""), dynamic, relro))
        return 0

    libc.dl_iterate_phdr(_Visit(visit), None)
    return libraries


def _tags(dynamic: int) -> dict[int, int]:
    tags: dict[int, int] = {}
    while True:
        tag, value = struct.unpack("<QQ", ctypes.string_at(dynamic, 16))
        if tag == 0:
            return tags
        tags.setdefault(tag, value)
        dynamic += 16
