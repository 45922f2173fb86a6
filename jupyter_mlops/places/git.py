"""A branch of a Git repository as a place: GitOps, git-sync, or a project's pipelines."""

from __future__ import annotations

import getpass
import os
import re
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from jupyter_mlops.errors import ConflictError, InvalidInputError, UnreachableError
from jupyter_mlops.places.commands import call, last_words
from jupyter_mlops.places.files import FilePlace
from jupyter_mlops.places.place import Export

SCHEMES = ("https", "http", "ssh", "file")
REJECTED = re.compile(r"rejected|non-fast-forward|fetch first|cannot lock ref|failed to update ref")
# What `git check-ref-format` accepts, and no option.
BRANCH = re.compile(r"(?![-/.])(?!.*(\.\.|//|@\{|\.lock(/|$)))[^\s~^:?*\[\\\x00-\x1f\x7f]+(?<![/.])")
# Bytes are committed as they are: no line ends and no $Id$ are converted.
ATTRIBUTES = "* -text -ident\n"


def git_place(text: str) -> GitPlace:
    """The place that `git+URL#BRANCH:FOLDER` names. Raises InvalidInputError."""
    url, _, fragment = text.removeprefix("git+").partition("#")
    branch, _, folder = fragment.partition(":")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise InvalidInputError("the place is not a URL", field="place") from None
    if parts.scheme not in SCHEMES or not (parts.netloc or parts.scheme == "file") or not parts.path.strip("/"):
        raise InvalidInputError(
            f"{text!r} names no repository", field="place",
            remedy="Example: git+ssh://git@host/team/repo.git#main:dags.",
        )  # fmt: skip
    if parts.password is not None or (parts.username is not None and parts.scheme != "ssh") or parts.query:
        raise InvalidInputError(
            "the place holds credentials, and places are recorded", field="place",
            remedy="Leave them out: Git takes them from an SSH key or a credential helper.",
        )  # fmt: skip
    subfolder = PurePosixPath(folder)
    if subfolder.is_absolute() or {"..", ".git"} & set(subfolder.parts):
        raise InvalidInputError(f"{folder!r} is not a folder of the repository", field="place")
    if branch and not BRANCH.fullmatch(branch):
        raise InvalidInputError(f"{branch!r} is not the name of a branch", field="place")
    return GitPlace(url, branch, "" if subfolder == PurePosixPath() else str(subfolder))


class GitPlace(FilePlace):
    """A folder of a branch.

    Each deployment is a commit on a fresh shallow clone, and one push. A push that is rejected because of another
    one is tried once more on top of that. Nothing is ever pushed by force.
    """

    def __init__(self, url: str, branch: str, folder: str) -> None:
        fragment = f"{branch}:{folder}" if folder else branch
        super().__init__(f"git+{url}#{fragment}" if fragment else f"git+{url}")
        self.url, self.branch, self.folder = url, branch, folder

    @contextmanager
    def view(self) -> Iterator[Path]:
        with self._clone() as clone:
            yield self._root(clone)

    def update(self, change: Callable[[Path], None], export: Export, verb: str) -> tuple[str, bool]:
        with self._clone() as clone:
            branch = self.branch or self._git(clone, "symbolic-ref", "--short", "HEAD").stdout.strip()
            for is_last in (False, True):
                change(self._root(clone))
                self._git(clone, "add", "--all", "--force", ".")
                if self._git(clone, "diff", "--cached", "--quiet", accepts=(0, 1)).returncode == 0:
                    return self._head(clone), False
                self._commit(clone, export, verb)
                pushed = self._git(clone, "push", "origin", f"HEAD:refs/heads/{branch}", accepts=None)
                if pushed.returncode == 0:
                    return self._head(clone), True
                if is_last or not REJECTED.search(pushed.stderr):
                    raise ConflictError(
                        f"the push was rejected: {last_words(pushed)}", where=self.location,
                        remedy="Check that you may push to the branch, and deploy again.",
                    )  # fmt: skip
                self._git(clone, "fetch", "--depth", "1", "origin", f"refs/heads/{branch}")
                self._git(clone, "reset", "--hard", "FETCH_HEAD")
        raise AssertionError("unreachable")

    def _root(self, clone: Path) -> Path:
        root = clone / self.folder
        if not root.resolve().is_relative_to(clone.resolve()):
            raise InvalidInputError(f"{self.folder!r} leads out of the repository", where=self.location)
        return root

    @contextmanager
    def _clone(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="jupyter-mlops-deploy-") as temporary:
            clone = Path(temporary).resolve() / "clone"
            options = ["--branch", self.branch] if self.branch else []
            cloned = self._git(
                None, "clone", "--quiet", "--depth", "1", "--single-branch", "--no-checkout", "--no-tags", *options,
                "--", self.url, str(clone), accepts=None,
            )  # fmt: skip
            if cloned.returncode != 0:
                self._refuse(cloned)
            if self._git(clone, "rev-parse", "--verify", "--quiet", "HEAD", accepts=None).returncode != 0:
                raise InvalidInputError(
                    "the repository has no commit yet", where=self.location, remedy="Push a first commit."
                )
            (clone / ".git" / "info").mkdir(exist_ok=True)
            (clone / ".git" / "info" / "attributes").write_text(ATTRIBUTES, encoding="utf-8")
            self._git(clone, "checkout", "--quiet", "--force", "HEAD", "--")
            yield clone

    def _refuse(self, cloned: subprocess.CompletedProcess[str]) -> None:
        if "Remote branch" in cloned.stderr and "not found" in cloned.stderr:
            raise InvalidInputError(
                f"the repository has no branch {self.branch!r}", where=self.location,
                remedy=f"Create it: git push origin HEAD:{self.branch}",
            )  # fmt: skip
        raise UnreachableError(
            f"the repository can't be read: {last_words(cloned)}", where=self.location,
            remedy="Check the address, the network, and that your SSH key or credential helper opens it.",
        )  # fmt: skip

    def _commit(self, clone: Path, export: Export, verb: str) -> None:
        message = (
            f"{verb} {export.job} v{export.version} for {export.target}\n\n"
            f"Job: {export.job}\nVersion: v{export.version}\nVersion-digest: {export.digest}\n"
        )
        author = export.author or _user()
        has_identity = self._git(clone, "config", "user.email", accepts=None).returncode == 0
        identity = [] if has_identity else ["-c", f"user.name={author}", "-c", f"user.email={_user()}@{_host()}"]
        self._git(clone, *identity, "commit", "--quiet", "--cleanup=verbatim", "--message", message)

    def _head(self, clone: Path) -> str:
        return self._git(clone, "rev-parse", "HEAD").stdout.strip()

    def _git(
        self, clone: Path | None, *words: str, accepts: Sequence[int] | None = (0,)
    ) -> subprocess.CompletedProcess[str]:
        """Run git, without questions. Raises UnreachableError for an exit code that isn't accepted; None: all are."""
        variables = {"GIT_TERMINAL_PROMPT": "0", "GIT_ALLOW_PROTOCOL": "https:http:ssh:file"}
        if "GIT_SSH_COMMAND" not in os.environ and "GIT_SSH" not in os.environ:
            variables["GIT_SSH_COMMAND"] = "ssh -o BatchMode=yes -o ConnectTimeout=20"
        settings = ["-c", "core.autocrlf=false", "-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false"]
        finished = call(["git", *settings, *words], where=self.location, folder=clone, variables=variables)
        if accepts is not None and finished.returncode not in accepts:
            raise UnreachableError(f"git {words[0]} failed: {last_words(finished)}", where=self.location)
        return finished


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "jupyter_mlops"


def _host() -> str:
    return re.sub(r"[^\w.-]", "", socket.gethostname()) or "localhost"
