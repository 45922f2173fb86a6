"""Cleans up after killed processes: folders of their kernels, and kernels with their child processes."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import tempfile
from collections.abc import Iterable
from pathlib import Path

FOLDER = "mlops-{pid}-"
NAME = re.compile(r"mlops-(\d+)-")
PID = "kernel.pid"
LONG = 70  # characters; a socket's path may have 107, and ours are in a folder in there


def make_folder() -> Path:
    """A new private folder for the sockets of this process; `sweep` removes it when the process has ended."""
    return Path(tempfile.mkdtemp(prefix=FOLDER.format(pid=os.getpid()), dir=place()))


def place() -> str:
    """The folder of temporary files, or one with a short path if a socket path in that one would be too long."""
    usual = tempfile.gettempdir()
    if len(os.fsencode(usual)) <= LONG:
        return usual
    folders = (os.environ.get("XDG_RUNTIME_DIR", ""), "/tmp", "/var/tmp")
    return next((p for p in folders if p and len(p) <= LONG and os.access(p, os.W_OK | os.X_OK)), usual)


def register_kernel(folder: Path, pid: int) -> None:
    """Record the process of a kernel beside its sockets."""
    with contextlib.suppress(OSError):
        (folder / PID).write_text(f"{pid} {_start(pid)}", encoding="ascii")


def reap_orphans(home: Path | None = None) -> int:
    """End kernels whose owner has ended, and remove their folders and the work folders of the home; returns the
    number.
    """
    swept = 0
    for folder in [f for p in {place(), tempfile.gettempdir()} for f in _orphaned(Path(p))]:
        with contextlib.suppress(OSError, ValueError):
            pid, start = (folder / PID).read_text(encoding="ascii").split(" ")
            end_session(int(pid), start)
        shutil.rmtree(folder, ignore_errors=True)
        swept += 1
    for folder in () if home is None else _orphaned(home):
        shutil.rmtree(folder, ignore_errors=True)
        swept += 1
    return swept


def end_session(pid: int, start: str) -> None:
    """Kill all processes of a kernel's session: the kernel, if it is still the same process, and its children."""
    if _start(pid) not in ("", start):
        return  # another process has its number now
    for entry in Path("/proc").iterdir() if Path("/proc/self").exists() else ():
        if entry.name.isdigit() and int(entry.name) not in (os.getpid(), os.getppid()):
            with contextlib.suppress(OSError):
                if os.getsid(int(entry.name)) == pid:
                    os.kill(int(entry.name), signal.SIGKILL)


def _orphaned(place: Path) -> Iterable[Path]:
    try:
        names = os.listdir(place)
    except OSError:
        return
    for name in names:
        match = re.match(r"(?:mlops|work)-(\d+)-", name)
        path = place / name
        with contextlib.suppress(OSError):
            if match and path.is_dir() and path.stat().st_uid == os.getuid() and not _start(int(match[1])):
                yield path


def _start(pid: int) -> str:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        return "" if fields[0] == "Z" else fields[19]
    except (OSError, IndexError):
        return ""
