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

from jupyter_mlops.run.cache import normalised
from jupyter_mlops.run.line import BlockResult
from jupyter_mlops.run.plan import Learned

OF_THE_SYSTEM = re.compile(
    r"/(site|dist)-packages/|/lib/python3|^/(proc|dev|sys|etc|usr|lib)/|/\.(cache|config)/|\.pyc$"
)


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
        reads=frozenset(p for p, facts in result.read.items() if facts and not OF_THE_SYSTEM.search(p)),
    )


class Evidence:
    """Facts by block, in one JSON file."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.facts: dict[str, Learned] = {}
        if path is not None:
            with contextlib.suppress(OSError, ValueError, TypeError):
                for key, value in json.loads(path.read_text(encoding="utf-8")).items():
                    sets = {k: frozenset(value[k]) for k in ("wrote", "state", "writes", "reads") if k in value}
                    self.facts[key] = Learned(**{**value, **sets})

    def get(self, key: str) -> Learned | None:
        return self.facts.get(key)

    def put(self, key: str, learned: Learned) -> None:
        self.facts[key] = learned

    def save(self) -> None:
        if self.path is None:
            return
        data = {
            key: {k: sorted(v) if isinstance(v, frozenset) else v for k, v in asdict(value).items()}
            for key, value in self.facts.items()
        }
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            part = self.path.with_name(f"{self.path.name}.{os.getpid()}.part")
            part.write_text(json.dumps(data), encoding="utf-8")
            os.replace(part, self.path)
