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


class PrivatePostgresql:
    """A server of our own on a socket in a private folder, that can be stopped and started again."""

    def __init__(self) -> None:
        programs = postgresql_programs()
        assert programs is not None
        self.programs = programs
        self.folder = Path(tempfile.mkdtemp(prefix="pg-"))
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("PG")} | {"LC_ALL": "C"}
        self.as_user: list[str] = []
        if os.geteuid() == 0:  # the server refuses to be root
            shutil.chown(self.folder, "postgres", "postgres")
            self.as_user = ["runuser", "-u", "postgres", "--"]
        self.do("initdb", "-U", "tests", "-A", "trust", "--no-sync", "-E", "UTF8")

    @property
    def url(self) -> str:
        """Of its first database, which is empty."""
        return f"postgresql+psycopg://tests@/postgres?host={self.folder}"

    def start(self) -> None:
        self.do("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", f"{OPTIONS} -k {self.folder}", "start")

    def stop(self) -> None:
        """Whoever is connected is thrown out."""
        self.do("pg_ctl", "-m", "immediate", "stop")

    def do(self, program: str, *words: str) -> None:
        command = [*self.as_user, str(self.programs / program), "-D", str(self.folder / "data"), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.folder, env=self.env)
        assert done.returncode == 0, done.stdout + done.stderr


@contextlib.contextmanager
def postgresql_server() -> Iterator[PrivatePostgresql]:
    """A server that runs, until the end."""
    server = PrivatePostgresql()
    server.start()
    try:
        yield server
    finally:
        with contextlib.suppress(AssertionError):
            server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)


@contextlib.contextmanager
def private_postgresql() -> Iterator[str]:
    """The URL of the first database of a server of our own."""
    with postgresql_server() as server:
        yield server.url
