"""Databases to test on: SQLite in a file, and a private PostgreSQL where its server is installed."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

OPTIONS = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c listen_addresses='' -c max_connections=60"


def postgresql_programs() -> Path | None:
    """The folder of initdb and pg_ctl, if there is one."""
    found = shutil.which("initdb")
    if found:
        return Path(os.path.realpath(found)).parent
    known = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return known[-1].parent if known else None


@contextlib.contextmanager
def private_postgresql() -> Iterator[str]:
    """A server of our own on a socket in a private folder; gives the URL of an empty database's server."""
    programs = postgresql_programs()
    assert programs is not None
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    as_user: list[str] = []
    if os.geteuid() == 0:  # the server refuses to be root
        shutil.chown(folder, "postgres", "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]

    def do(*command: str) -> None:
        done = subprocess.run([*as_user, *command], capture_output=True, text=True, check=False, cwd=folder, env=clean)
        assert done.returncode == 0, done.stdout + done.stderr

    clean = {k: v for k, v in os.environ.items() if not k.startswith("PG")} | {"LC_ALL": "C"}
    data = str(folder / "data")
    do(str(programs / "initdb"), "-D", data, "-U", "tests", "-A", "trust", "--no-sync", "-E", "UTF8")
    log = str(folder / "log")
    do(str(programs / "pg_ctl"), "-D", data, "-w", "-l", log, "-o", f"{OPTIONS} -k {folder}", "start")
    try:
        yield f"postgresql+psycopg://tests@/postgres?host={folder}"
    finally:
        with contextlib.suppress(AssertionError):
            do(str(programs / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)
