"""Profiles of blocks from earlier runs, so that the next run can be parallel from the start."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from jupyter_mlops.execution.block_profile import BlockProfile
from jupyter_mlops.execution.cache import normalised
from jupyter_mlops.execution.committed_state import BlockResult, callbacks
from jupyter_mlops.execution.planner import goes_unseen, is_tied

OF_PACKAGES = re.compile(r"/(site|dist)-packages/|/lib/python3|/\.(cache|config)/|\.pyc$")
PATHS = ("writes", "reads")
SETS = ("wrote", "state", "tied", "live", "closed", "holds", "patched", "callbacks", "refs", *PATHS)


def block_id(sources: Iterable[str]) -> str:
    """The key of a block's profile: a digest of its source."""
    text = "\0".join(normalised(s) for s in sources)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def learn(result: BlockResult, earlier: BlockProfile | None = None) -> BlockProfile:
    """The profile of a block from one run.

    :param earlier: the profile from earlier runs; its record of discarded results is retained.
    """
    return replace(
        earlier or BlockProfile(),
        wrote=frozenset(n for n in result.wrote if not n.startswith("@")),
        tied=frozenset(n for g in result.groups if is_tied(g) for n in g.names),
        state=frozenset(result.state),
        holds=frozenset(result.stuck),
        callbacks=callbacks(result.state),
        refs=frozenset(_refs(result)),
        patched=frozenset(n for n in result.wrote if n.startswith("@")),
        live=frozenset(n for g in result.groups if not g.portable and not goes_unseen(g) for n in g.names),
        closed=frozenset(n for g in result.groups if g.live and goes_unseen(g) for n in g.names),
        writes=frozenset(p for p, act in result.written.items() if act == "w"),
        other_writes=any(act != "w" for act in result.written.values()),
        outside=bool(result.outside),
        seconds=result.seconds,
        reads=frozenset(p for p, facts in result.read.items() if facts and not OF_PACKAGES.search(p)),
    )


def _refs(result: BlockResult) -> Iterator[str]:
    """The global names that functions use. Words of strings are left out: one may be a secret."""
    for group in result.groups:
        for ref in group.refs:
            if not ref.startswith("'") and ref not in group.names:
                yield from (f"{name}>{ref}" for name in group.names)


class ProfileStore:
    """Profiles by block, in one JSON file. Paths in the working folder are stored relative to it, so that they hold in
    the notebook's own folder and in the check-out of a version.

    :param folder: the working folder.
    """

    def __init__(self, path: Path | None, folder: str | Path = "") -> None:
        self.path = path
        self.folders = {str(folder), os.path.realpath(folder)} if str(folder) else set()
        self.facts: dict[str, BlockProfile] = {}
        self.changed: set[str] = set()  # keys of profiles that are not in the file yet
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            for key, value in self._kept().items():
                self.facts[key] = from_dict(value, folder)

    def get(self, key: str) -> BlockProfile | None:
        return self.facts.get(key)

    def put(self, key: str, learned: BlockProfile) -> None:
        if self.facts.get(key) != learned:
            self.changed.add(key)
        self.facts[key] = learned

    def save(self) -> None:
        """Merge new profiles into the file; entries that other runs saved meanwhile are retained."""
        if self.path is None or not self.changed:
            return
        changed = {key: self._plain(self.facts[key]) for key in self.changed}
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self._alone():
                part = self.path.with_name(f"{self.path.name}.{os.getpid()}.part")
                part.write_text(json.dumps({**self._kept_whole(), **changed}), encoding="utf-8")
                os.replace(part, self.path)
            self.changed.clear()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the lock that prevents other processes from saving to the file."""
        assert self.path is not None
        with self.path.with_suffix(".lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _kept(self) -> dict[str, Any]:
        """The content of the file. Raises OSError or ValueError if it can't be read."""
        stored: dict[str, Any] = {} if self.path is None else json.loads(self.path.read_text(encoding="utf-8"))
        return stored

    def _kept_whole(self) -> dict[str, Any]:
        """The content of the file; empty if it can't be read."""
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stored = self._kept()
            return dict(stored.items())
        return {}

    def _plain(self, profile: BlockProfile) -> dict[str, Any]:
        return to_dict(profile, *self.folders)


def to_dict(profile: BlockProfile, *folders: str | Path) -> dict[str, Any]:
    """A profile as JSON, with paths relative to a folder in which they lie."""
    plain = {k: sorted(v) if isinstance(v, frozenset) else v for k, v in asdict(profile).items()}
    return {**plain, **{name: sorted(_relative(path, folders) for path in plain[name]) for name in PATHS}}


def from_dict(data: Mapping[str, Any], folder: str | Path = "") -> BlockProfile:
    """The profile that `to_dict` wrote. Raises TypeError or AttributeError if it is invalid.

    :param folder: the folder that relative paths start from.
    """
    sets = {name: frozenset(data[name]) for name in SETS if name in data}
    for name in PATHS:
        sets[name] = frozenset(os.path.join(folder, path) for path in sets.get(name, ()))
    return BlockProfile(**{**data, **sets})


def _relative(path: str, folders: Iterable[str | Path]) -> str:
    inside = (path[len(str(folder)) + 1 :] for folder in folders if path.startswith(f"{folder}{os.sep}"))
    return next(inside, path)
