"""What earlier runs showed of each block, kept beside the pipeline: the next run can be parallel at once."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jupyter_mlops.run.cache import normalised
from jupyter_mlops.run.line import BlockResult
from jupyter_mlops.run.plan import Learned

OF_PACKAGES = re.compile(r"/(site|dist)-packages/|/lib/python3|/\.(cache|config)/|\.pyc$")
PATHS = ("writes", "reads")


def block_id(sources: Iterable[str]) -> str:
    """The name under which a block's evidence is kept: its source."""
    text = "\0".join(normalised(s) for s in sources)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def learn(result: BlockResult) -> Learned:
    """What one run of a block shows."""
    return Learned(
        wrote=frozenset(n for n in result.wrote if not n.startswith("@")),
        state=frozenset(result.state),
        writes=frozenset(p for p, how in result.written.items() if how == "w"),
        other_writes=any(how != "w" for how in result.written.values()),
        outside=bool(result.outside),
        seconds=result.seconds,
        reads=frozenset(p for p, facts in result.read.items() if facts and not OF_PACKAGES.search(p)),
    )


class Evidence:
    """Facts by block, in one JSON file. What lies in the working folder is known by its relative path: the same is read
    and written there wherever that folder is, a person's or one that a version is checked out to.

    :param folder: the working folder.
    """

    def __init__(self, path: Path | None, folder: str | Path = "") -> None:
        self.path = path
        self.folders = {str(folder), os.path.realpath(folder)} if str(folder) else set()
        self.facts: dict[str, Learned] = {}
        if path is not None:
            with contextlib.suppress(OSError, ValueError, TypeError):
                for key, value in json.loads(path.read_text(encoding="utf-8")).items():
                    sets = {k: frozenset(value[k]) for k in ("wrote", "state", "writes", "reads") if k in value}
                    for name in PATHS:
                        sets[name] = frozenset(os.path.join(folder, p) for p in sets.get(name, ()))
                    self.facts[key] = Learned(**{**value, **sets})

    def get(self, key: str) -> Learned | None:
        return self.facts.get(key)

    def put(self, key: str, learned: Learned) -> None:
        self.facts[key] = learned

    def save(self) -> None:
        if self.path is None:
            return
        data = {key: self._plain(value) for key, value in self.facts.items()}
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            part = self.path.with_name(f"{self.path.name}.{os.getpid()}.part")
            part.write_text(json.dumps(data), encoding="utf-8")
            os.replace(part, self.path)

    def _plain(self, learned: Learned) -> dict[str, Any]:
        told = {k: sorted(v) if isinstance(v, frozenset) else v for k, v in asdict(learned).items()}
        return {**told, **{name: sorted(map(self._told, told[name])) for name in PATHS}}

    def _told(self, path: str) -> str:
        inside = (path[len(folder) + 1 :] for folder in self.folders if path.startswith(folder + os.sep))
        return next(inside, path)
