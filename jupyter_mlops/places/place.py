"""What a place is, and which one a text names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol
from urllib.parse import urlsplit

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export.folder import FileChange
from jupyter_mlops.storage.store import URL

ItemState = Literal["same", "edited", "missing"]
EXAMPLES = "/srv/airflow/dags, git+ssh://git@host/team/repo.git#main:dags, kubectl:CONTEXT/NAMESPACE, crontab:FOLDER"
PASSWORD = re.compile(r"://[^/@#]*:[^/@#]*@")


@dataclass(frozen=True)
class Export:
    """An export that a place holds or is to hold.

    :param slug: the job's name in lowercase ASCII letters, digits and hyphens.
    :param files: path -> content; empty if the version can't be exported any more.
    :param author: who deploys it.
    """

    target: str
    job: str
    version: int
    digest: str
    slug: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    author: str = ""

    @property
    def facts(self) -> dict[str, object]:
        """What the record of a folder says of it."""
        return {"target": self.target, "job": self.job, "version": self.version, "digest": self.digest}


@dataclass(frozen=True)
class Written:
    """What a place holds after a deployment.

    :param items: path of a file, or name of an object -> digest of what was written.
    :param revision: such as a Git commit, "" if the place has none.
    :param changed: whether anything had to be written.
    :param notes: what a person has to know or to do, a sentence each.
    """

    items: Mapping[str, str]
    revision: str = ""
    changed: bool = True
    notes: tuple[str, ...] = ()


class Place(Protocol):
    """Holds deployed exports of any number of jobs, among files of other people.

    `deployed` is what the last deployment of the same job wrote: `Written.items`, empty if there was none. Every method
    raises UnreachableError if the place doesn't answer, and InvalidInputError if it can't be what its name says.
    """

    @property
    def location(self) -> str:
        """The name under which deployments are recorded. It has no secrets."""

    @property
    def prefix(self) -> str:
        """The folder that files name as theirs; "" if the exporter's choice is right."""

    def require_target(self, target: str) -> None:
        """Raises InvalidInputError if files of this target do nothing there."""

    def items(self, export: Export) -> Mapping[str, str]:
        """What a deployment of the export would record: path of a file, or name of an object -> digest."""

    def changes(self, export: Export, deployed: Mapping[str, str]) -> list[FileChange]:
        """How the place would change."""

    def write(self, export: Export, deployed: Mapping[str, str], *, force: bool = False) -> Written:
        """Let the place hold the export, and remove what was deployed before and is not part of it.

        :param force: replace edited files.
        :raises ConflictError: a file was edited, and `force` is not set; nothing was written.
        """

    def states(self, export: Export, deployed: Mapping[str, str]) -> dict[str, ItemState]:
        """How each deployed item is now."""

    def remove(self, export: Export, deployed: Mapping[str, str], *, force: bool = False) -> tuple[str, ...]:
        """Remove what was deployed; returns what a person has to know, a sentence each. Raises ConflictError."""


def open_place(text: str) -> Place:
    """The place that a text names: a folder, `git+URL#BRANCH:FOLDER`, `kubectl:CONTEXT/NAMESPACE`, `crontab:FOLDER` or
    `systemd:FOLDER`. Nothing is reached yet. Raises InvalidInputError."""
    if not text.strip() or any(ord(sign) < 32 or ord(sign) == 127 or "\ud800" <= sign <= "\udfff" for sign in text):
        raise InvalidInputError(f"{text!r} is not a place", field="place", remedy=f"Examples: {EXAMPLES}.")
    if PASSWORD.search(text):
        raise InvalidInputError(
            "the place holds a password, and places are recorded", field="place",
            remedy="Leave it out: Git takes it from an SSH key or a credential helper.",
        )  # fmt: skip
    kind, separator, rest = text.partition(":")
    if text.startswith("git+"):
        from jupyter_mlops.places.git import git_place

        return git_place(text)
    if separator and kind == "kubectl":
        from jupyter_mlops.places.kubernetes import kubernetes_place

        return kubernetes_place(rest)
    if separator and kind == "crontab":
        from jupyter_mlops.places.cron import CrontabPlace

        return CrontabPlace(install_folder(rest))
    if separator and kind == "systemd":
        from jupyter_mlops.places.systemd import SystemdPlace

        return SystemdPlace(install_folder(rest))
    return _folder_place(text)


def _folder_place(text: str) -> Place:
    from jupyter_mlops.places.folder import FolderPlace

    if URL.match(text):
        scheme = urlsplit(text).scheme
        if scheme != "file":
            raise InvalidInputError(f"{scheme}: is not a kind of place", field="place", remedy=f"Examples: {EXAMPLES}.")
        text = urlsplit(text).path
    return FolderPlace(Path(text).expanduser().absolute())


def install_folder(text: str) -> Path:
    """A folder whose path a crontab and a unit can contain without quoting. Raises InvalidInputError."""
    path = Path(text).expanduser()
    if not text or not path.is_absolute() or not re.fullmatch(r"[A-Za-z0-9/._+-]+", str(path)) or ".." in path.parts:
        raise InvalidInputError(
            f"{text!r} is not an absolute path of letters, digits and /._+-", field="place",
            remedy="Name the folder for scripts and bundles, such as crontab:/home/ada/jobs.",
        )  # fmt: skip
    return path


def require_one_of(target: str, targets: tuple[str, ...], kind: str) -> None:
    """Raises InvalidInputError unless the target is one that a place of this kind executes."""
    if target not in targets:
        raise InvalidInputError(
            f"{kind} does nothing with files of the target {target!r}", field="place",
            remedy=f"It takes: {', '.join(targets)}. A folder or a Git branch takes every target.",
        )  # fmt: skip
