"""The attributes that a process passes to its child processes, besides environment and working folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

# Lines of /proc/self/status, and what they are called where a difference is told.
STATUS = {
    "Umask": "umask", "Uid": "user", "Gid": "group", "Groups": "groups", "CapEff": "capabilities",
    "SigBlk": "blocked signals", "SigIgn": "ignored signals", "Cpus_allowed_list": "processors",
    "Mems_allowed_list": "memory nodes", "NoNewPrivs": "privileges", "Seccomp": "system calls",
}  # fmt: skip
LIMITS = (
    "RLIMIT_AS", "RLIMIT_CORE", "RLIMIT_CPU", "RLIMIT_DATA", "RLIMIT_FSIZE", "RLIMIT_MEMLOCK", "RLIMIT_NOFILE",
    "RLIMIT_NPROC", "RLIMIT_STACK",
)  # fmt: skip
FILES = 4096  # open files: what Jupyter's server raises its own limit to, where it may, and so that of its kernels
SPACES = ("mnt", "net", "pid", "user")
# SIGINT and SIGTERM are handled by all that start kernels; Python itself ignores SIGPIPE and SIGXFSZ, Popen undoes it.
NOT_HANDED_ON = sum(1 << (number - 1) for number in (2, 13, 15, 25))


def process_context() -> dict[str, Any]:
    """The attributes by name, as plain JSON, so that they can be compared later or with those of another process."""
    return {
        **_status(),
        "priority": _priority(),
        "scheduling": _scheduling(),
        "limits": _limits(),
        "namespaces": _namespaces(),
    }


def _status() -> dict[str, Any]:
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return {"umask": _umask(), "user": os.getuid() if hasattr(os, "getuid") else None}
    fields = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    ignored = int(fields.get("SigIgn", "0"), 16) & ~NOT_HANDED_ON
    return {label: fields.get(name) for name, label in STATUS.items()} | {"ignored signals": ignored}


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _priority() -> int | None:
    return os.getpriority(os.PRIO_PROCESS, 0) if hasattr(os, "getpriority") else None


def _scheduling() -> int | None:
    return os.sched_getscheduler(0) if hasattr(os, "sched_getscheduler") else None


def _limits() -> dict[str, list[int]]:
    try:
        import resource
    except ImportError:
        return {}
    limits = {name: list(resource.getrlimit(getattr(resource, name))) for name in LIMITS if hasattr(resource, name)}
    soft, hard = limits["RLIMIT_NOFILE"]
    if 0 <= soft < FILES:
        limits["RLIMIT_NOFILE"][0] = min(FILES, hard) if hard >= 0 else FILES
    return limits


def _namespaces() -> list[str]:
    """The namespaces of files, networks, processes and users in which it runs."""
    namespaces = []
    for name in SPACES:
        try:
            namespaces.append(os.readlink(f"/proc/self/ns/{name}"))
        except OSError:
            continue
    return namespaces
