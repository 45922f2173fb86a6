"""Results of blocks, kept so that an unchanged one need not run again.

A key covers what can be known before a block runs: its source, what it may read, the process state, the modules
imported before it and the environment. What is only known after it ran (files, local modules, generators it drew
from) is checked entry by entry.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import math
import os
import shutil
import time
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from jupyter_mlops.objects import ObjectStore, digest_file
from jupyter_mlops.pipeline.model import Block
from jupyter_mlops.run.line import RANDOM, BlockResult, Line

FORMAT = 3
KEPT = 4  # entries for one key: as many states of the files it reads are remembered
TIDIED = 600.0  # seconds in which nobody looks again for what may go
HASHED_FILE = 2_000_000_000  # larger files are known by size and time


def normalised(source: str) -> str:
    """The source without what can't show in any output: texts of whole-line comments and spaces at line ends.

    Line numbers stay, since warnings and tracebacks show them.
    """
    lines = [line.rstrip() for line in source.splitlines()]
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError, IndentationError):
        return "\n".join(lines)
    for token in tokens:
        if token.type == tokenize.COMMENT and not token.line[: token.start[1]].strip():
            lines[token.start[0] - 1] = ""
    return "\n".join(lines).rstrip()


def key_of(block: Block, sources: Iterable[str], raises: bool, line: Line, base: str, opaque: bool) -> str:
    """The key of a block on the line as it is."""
    names = None if opaque else block.access.touched | block.access.strings
    closure = line.closure(names)
    facts = {
        "format": FORMAT,
        "base": base,
        "sources": [normalised(s) for s in sources],
        "count": line.count if raises else 0,
        "names": {n: line.digest(n) for n in sorted(closure | set(names or ()))},
        "state": {r: d[0] for r, d in sorted(line.state.items()) if r not in RANDOM and d[0]},
        "imports": line.imports,
        "modules": {n: v for n, v in line.touched_modules.items() if n in (names or closure)},
    }
    return hashlib.blake2b(json.dumps(facts, sort_keys=True).encode(), digest_size=20).hexdigest()


class Cache:
    """Entries in a folder, artifacts in the object store."""

    def __init__(self, root: Path, store: ObjectStore) -> None:
        self.root = root
        self.store = store
        self._digests: dict[tuple[str, int, int], str] = {}

    # -- looking up

    def find(self, key: str, line: Line) -> BlockResult | None:
        """A result that running the block now would give again, or None."""
        folder = self.root / key[:2] / key[2:]
        try:
            names = sorted(os.listdir(folder), reverse=True)
        except OSError:
            return None
        for name in names:
            try:
                entry = json.loads((folder / name).read_bytes())
                if entry.get("format") == FORMAT and self._holds(entry, line):
                    _touch(folder / name)
                    return self._result(entry)
            except (OSError, ValueError, KeyError, TypeError, AttributeError):
                continue
        return None

    def _holds(self, entry: Mapping[str, Any], line: Line) -> bool:
        for resource, digest in entry["random"].items():
            if line.state.get(resource, ("", None))[0] != digest:
                return False
        if entry["object"] and self._size(entry["object"]) != entry["size"]:
            return False
        return all(self.file_digest(path) == digest for path, digest in entry["files"].items())

    def _size(self, digest: str) -> int:
        """Bytes of an object, -1 if it is gone. One that was cut short is as good as gone."""
        try:
            return self.store.path(digest).stat().st_size
        except OSError:
            return -1

    def _result(self, entry: Mapping[str, Any]) -> BlockResult:
        result = BlockResult.from_dict(entry["result"])
        if entry["object"]:
            path = str(self.store.path(entry["object"]))
            _touch(path)
            result.groups = [replace(g, file=path) if g.file else g for g in result.groups]
        result.from_cache = True
        return result

    def file_digest(self, path: str) -> str:
        """What a file's content is; "" if there is none."""
        try:
            facts = os.stat(path)
        except OSError:
            return ""
        if os.path.isdir(path):
            return f"folder {facts.st_mtime_ns}"
        known = (path, facts.st_mtime_ns, facts.st_size)
        if known not in self._digests:
            large = facts.st_size > HASHED_FILE
            try:
                self._digests[known] = f"{facts.st_size} {facts.st_mtime_ns}" if large else digest_file(Path(path))
            except OSError:
                return ""
        return self._digests[known]

    # -- storing

    def store_result(self, key: str, result: BlockResult, files: Mapping[str, str]) -> None:
        """Keep a result. Its artifact file is linked into the store, not moved: the run still uses it.

        :param files: path -> digest of the files it read (as they were) and wrote (as they are).
        """
        name = next((g.file for g in result.groups if g.file), None)
        digest = self._link(Path(name)) if name else ""
        data = result.to_dict()
        data["cells"] = {str(k): v for k, v in result.cells.items()}
        entry = {
            "format": FORMAT,
            "object": digest,
            "size": self._size(digest) if digest else 0,
            "random": {r: result.state_before.get(r, "") for r in RANDOM & set(result.state) if r not in result.seeded},
            "files": dict(files),
            "result": data,
        }
        folder = self.root / key[:2] / key[2:]
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f".{os.getpid()}.part"
        part.write_bytes(_json(entry))
        os.replace(part, folder / f"{time.time_ns():020d}.json")
        for old in sorted(n for n in os.listdir(folder) if n.endswith(".json"))[:-KEPT]:
            (folder / old).unlink(missing_ok=True)

    def _link(self, path: Path) -> str:
        digest = digest_file(path)
        target = self.store.path(digest)
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(f"{target.name}.{os.getpid()}.part")
            part.unlink(missing_ok=True)
            try:
                os.link(path, part)
            except OSError:
                shutil.copyfile(path, part)
            os.replace(part, target)
        return digest

    def tidy(self, limit: int) -> None:
        """`trim`, unless somebody did that a short while ago: it looks at all there is."""
        stamp = self.root / "trimmed"
        with contextlib.suppress(OSError):
            if time.time() - stamp.stat().st_mtime < TIDIED:
                return
        with contextlib.suppress(OSError):
            self.root.mkdir(parents=True, exist_ok=True)
            stamp.touch()
            self.trim(limit)

    def trim(self, limit: int) -> None:
        """Let what was not used for longest go until entries and objects hold no more than `limit` bytes."""
        found = []
        for path in (*self.store.root.glob("??/*"), *self.root.glob("??/*/*.json")):
            with contextlib.suppress(OSError):
                facts = path.stat()
                found.append((facts.st_mtime, facts.st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= limit:
                return
            path.unlink(missing_ok=True)
            total -= size
            if path.suffix == ".json":
                with contextlib.suppress(OSError):  # others may stand in it
                    path.parent.rmdir()


def _json(entry: Any) -> bytes:
    """JSON that `json` reads as it was: by orjson, which is fast, where that writes all of it."""
    import orjson

    if _finite(entry):
        with contextlib.suppress(TypeError):  # lone surrogates, keys that are no texts, integers beyond 64 bits
            return orjson.dumps(entry)
    return json.dumps(entry).encode()


def _finite(value: Any) -> bool:
    """Whether no number in it is a NaN or infinite: orjson writes null for those."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(map(_finite, value.values()))
    return all(map(_finite, value)) if isinstance(value, list | tuple) else True


def _touch(path: Path | str) -> None:
    """It was used now."""
    with contextlib.suppress(OSError):
        os.utime(path)
