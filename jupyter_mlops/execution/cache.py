"""Results of blocks, stored so that unchanged blocks need not run again.

A key covers what can be known before a block runs: its source, what it may read, the process state, the modules
imported before it and the environment. Facts that are only known after it ran (files, local modules, generators it drew
from, names that it might have bound but did not) are checked for each entry.
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
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from jupyter_mlops.execution.agent.looks import listing_of, looks_again
from jupyter_mlops.execution.agent.worth import LARGE as LARGE_SIZE
from jupyter_mlops.execution.agent.worth import worth_storing
from jupyter_mlops.execution.cache_misses import changed_fact, changed_file, changed_generator
from jupyter_mlops.execution.committed_state import RANDOM, BlockResult, CommittedState, VariableGroup
from jupyter_mlops.execution.file_digests import FileDigests
from jupyter_mlops.execution.planner import goes_unseen, rebinds
from jupyter_mlops.pipeline.model import Block
from jupyter_mlops.storage.local import ObjectStore, digest_file

FORMAT = 6
LARGE = "large"  # the folder of values that have a file each
LATEST = "latest"  # the folder of the facts of the latest result of each block
VALUES = 2  # of the same variables of a notebook, as large as that, that are kept when a run has ended
KEPT = 4  # entries for one key: as many states of the files it reads are remembered
TIDIED = 600.0  # seconds in which nobody looks again for what may go


def normalised(source: str) -> str:
    """The source without parts that no output can show: texts of whole-line comments and spaces at line ends.

    Line numbers are kept, because warnings and tracebacks show them.
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


@dataclass(frozen=True)
class Key:
    """The key of a cached result.

    :param digest: of everything that is known before the block runs.
    :param bound_anew: names that the block binds and never reads -> the digest that each has before; None for no value.
    :param facts: what the digest covers.
    """

    digest: str
    bound_anew: Mapping[str, str | None] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def __str__(self) -> str:
        return self.digest


def bound_anew(block: Block, line: CommittedState, read_by_functions: Collection[str]) -> frozenset[str]:
    """Names that a block binds and never reads, and whose earlier values can be replaced unobserved: nothing happens
    when they are deleted, and no value that the block does not replace shares objects with them.

    :param read_by_functions: global names that functions of the notebook may read; the block may call one.
    """
    anew = rebinds(block) - set(read_by_functions)
    return frozenset(
        name
        for name in anew
        if (group := line.groups.get(name)) is None or (goes_unseen(group) and anew.issuperset(group.names))
    )


def key_of(
    block: Block,
    sources: Iterable[str],
    raises: bool,
    line: CommittedState,
    base: str,
    opaque: bool,
    read_by_functions: Collection[str] = (),
) -> Key:
    """The key of a block at a committed state.

    :param read_by_functions: global names that functions of the notebook may read; the block may call one.
    """
    bound = frozenset[str]() if opaque else bound_anew(block, line, read_by_functions)
    names = None if opaque else (block.access.names | block.access.strings) - bound
    closure = line.closure(names)
    facts = {
        "format": FORMAT,
        "base": base,
        "sources": [normalised(s) for s in sources],
        "count": line.count if raises else 0,
        "names": {n: line.digest(n) for n in sorted(closure | set(names or ()))},
        "bound": sorted(bound - closure),
        "state": {r: d[0] for r, d in sorted(line.state.items()) if r not in RANDOM and d[0]},
        "imports": line.imports,
        "modules": {n: v for n, v in line.touched_modules.items() if n in (names or closure)},
    }
    digest = hashlib.blake2b(json.dumps(facts, sort_keys=True).encode(), digest_size=20).hexdigest()
    return Key(digest, {n: line.digest(n) for n in sorted(bound - closure)}, facts)


class Cache:
    """Entries in a folder, variable groups in the object store, large ones in a separate folder for each notebook's
    variables.

    An entry with missing variable groups, for whatever reason, remains valid: they are marked as absent.
    """

    def __init__(self, root: Path, store: ObjectStore) -> None:
        self.root = root
        self.store = store
        self.filled: set[Path] = set()  # folders that large values were put into
        self.files = FileDigests()

    # -- looking up

    def find(self, key: Key, line: CommittedState) -> BlockResult | None:
        """A result that the block would have if it ran now, or None."""
        folder = self._folder(key)
        try:
            names = sorted(os.listdir(folder), reverse=True)
        except OSError:
            return None
        for name in names:
            try:
                entry = json.loads((folder / name).read_bytes())
                if entry.get("format") == FORMAT and self._holds(entry, key, line):
                    _touch(folder / name)
                    return self._result(entry)
            except (OSError, ValueError, KeyError, TypeError, AttributeError):
                continue
        return None

    def _folder(self, key: Key) -> Path:
        return self.root / key.digest[:2] / key.digest[2:]

    def _holds(self, entry: Mapping[str, Any], key: Key, line: CommittedState) -> bool:
        if any(entry["kept"].get(name, digest) != digest for name, digest in key.bound_anew.items()):
            return False
        for resource, digest in entry["random"].items():
            if line.state.get(resource, ("", None))[0] != digest:
                return False
        result = entry["result"]
        return (
            all(self.file_digest(path) == digest for path, digest in entry["files"].items())
            and all(looks_again(path, look) for path, look in result["looks"].items())
            and all(listing_of(folder) == digest for folder, digest in result["listed"].items())
            and all(facts["digest"] in self.store for facts in result.get("frames", {}).get("predictions", {}).values())
        )

    def why_missing(self, key: Key, line: CommittedState, notebook: str) -> str:
        """Why `find` has no result although one was stored for the same code of a notebook; "" if none was."""
        try:
            latest = json.loads(self._latest(key, notebook).read_bytes())
            if latest["digest"] != key.digest:
                return changed_fact(latest["facts"], key.facts)
            names = sorted(os.listdir(self._folder(key)), reverse=True)
            entry = json.loads((self._folder(key) / names[0]).read_bytes())
            return self._why_not_holding(entry, line)
        except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError):
            return ""

    def _why_not_holding(self, entry: Mapping[str, Any], line: CommittedState) -> str:
        result = entry["result"]
        files = [path for path, digest in entry["files"].items() if self.file_digest(path) != digest]
        files += [path for path, look in result["looks"].items() if not looks_again(path, look)]
        files += [folder for folder, digest in result["listed"].items() if listing_of(folder) != digest]
        generators = [r for r, digest in entry["random"].items() if line.state.get(r, ("", None))[0] != digest]
        return changed_file(files) or changed_generator(generators)

    def _latest(self, key: Key, notebook: str) -> Path:
        """The file that has the facts of the latest result stored for the code of a block."""
        code = json.dumps([notebook, key.facts.get("sources")]).encode()
        return self.root / LATEST / f"{hashlib.blake2b(code, digest_size=16).hexdigest()}.json"

    def _result(self, entry: Mapping[str, Any]) -> BlockResult:
        result = BlockResult.from_dict(entry["result"])
        small = _there(self.store.path(entry["object"]), entry["size"]) if entry["object"] else None
        large = {digest: _there(self.root / LARGE / path, size) for digest, (path, size) in entry["large"].items()}
        result.groups = [
            group if group.live else _placed(group, large.get(group.digest, small)) for group in result.groups
        ]
        result.from_cache, result.digests = True, dict(entry["files"])
        return result

    def file_digest(self, path: str) -> str:
        """The digest of a file's content; "" if it does not exist."""
        return self.files.digest(path)

    # -- storing

    def store_result(
        self, key: Key, result: BlockResult, files: Mapping[str, str], cost: float = math.inf, notebook: str = ""
    ) -> None:
        """Store a result. Its files are linked into the store, not moved, because the run still uses them.

        :param files: path -> digest of the files it read (as they were) and wrote (as they are).
        :param cost: seconds of computing to recreate its values; large values that are not worth storing are left out.
        :param notebook: the owner of the values, for `bound`.
        """
        groups = kept_of(result, cost)
        name = next((g.file for g in groups if g.file and g.size < LARGE_SIZE), None)
        digest = self._link(Path(name)) if name else ""
        data = result.to_dict()
        data["groups"] = [{**g.to_dict(), "file": "kept" if g.file else None} for g in groups]
        data["cells"] = {str(k): v for k, v in result.cells.items()}
        entry = {
            "format": FORMAT,
            "object": digest,
            "size": self.store.path(digest).stat().st_size if digest else 0,
            "large": {g.digest: self._link_large(g, notebook) for g in groups if g.file and g.size >= LARGE_SIZE},
            "kept": {name: digest for name, digest in key.bound_anew.items() if name not in result.wrote},
            "random": {r: result.state_before.get(r, "") for r in RANDOM & set(result.state) if r not in result.seeded},
            "files": dict(files),
            "result": data,
        }
        folder = self._folder(key)
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f".{os.getpid()}.part"
        part.write_bytes(_json(entry))
        os.replace(part, folder / f"{time.time_ns():020d}.json")
        if key.facts:
            latest = self._latest(key, notebook)
            latest.parent.mkdir(exist_ok=True)
            part = latest.with_suffix(f".{os.getpid()}.part")
            part.write_bytes(_json({"digest": key.digest, "facts": key.facts}))
            os.replace(part, latest)
        for old in sorted(n for n in os.listdir(folder) if n.endswith(".json"))[:-KEPT]:
            (folder / old).unlink(missing_ok=True)

    def drop(self, key: Key) -> None:
        """Delete the entries of a key."""
        shutil.rmtree(self._folder(key), ignore_errors=True)

    def bound(self) -> None:
        """Delete the bytes of all but the latest large values of the variables that were stored here."""
        for folder in self.filled:
            with contextlib.suppress(OSError):
                stored = sorted((p.stat().st_mtime_ns, p) for p in folder.iterdir() if p.suffix != ".part")
                for _, path in stored[:-VALUES]:
                    path.unlink(missing_ok=True)

    def _link_large(self, group: VariableGroup, notebook: str) -> tuple[str, int]:
        """The path of a large value, relative to `LARGE`, and its bytes. Its name is its digest, which is unique
        to it.
        """
        assert group.file is not None
        lineage = hashlib.blake2b("\0".join([notebook, *group.names]).encode(), digest_size=10).hexdigest()
        target = self.root / LARGE / lineage / group.digest
        self.filled.add(target.parent)
        size = os.stat(group.file).st_size
        if _there(target, size) is None:
            _link_to(Path(group.file), target)
        return f"{lineage}/{group.digest}", size

    def _link(self, path: Path) -> str:
        digest = digest_file(path)
        target = self.store.path(digest)
        if not target.is_file():
            _link_to(path, target)
        return digest

    def tidy(self, limit: int) -> None:
        """Call `trim` unless that happened recently, because it scans the whole cache."""
        stamp = self.root / "trimmed"
        with contextlib.suppress(OSError):
            if time.time() - stamp.stat().st_mtime < TIDIED:
                return
        with contextlib.suppress(OSError):
            self.root.mkdir(parents=True, exist_ok=True)
            stamp.touch()
            self.trim(limit)

    def trim(self, limit: int) -> None:
        """Delete the least recently used entries until entries and objects have at most `limit` bytes."""
        entries = []
        patterns = ("??/*/*.json", f"{LARGE}/*/*", f"{LATEST}/*")
        for path in (*self.store.root.glob("??/*"), *(p for pattern in patterns for p in self.root.glob(pattern))):
            with contextlib.suppress(OSError):
                facts = path.stat()
                entries.append((facts.st_mtime, facts.st_size, path))
        total = sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries):
            if total <= limit:
                return
            path.unlink(missing_ok=True)
            total -= size
            if path.is_relative_to(self.root):
                with contextlib.suppress(OSError):  # others may stand in it
                    path.parent.rmdir()


def kept_of(result: BlockResult, cost: float) -> list[VariableGroup]:
    """The groups of a result for storage: only those with bytes here that are worth storing.

    :param cost: seconds of computing to recreate the values.
    """
    return [g if g.file and worth_storing(g.size, cost) else replace(g, file=None) for g in result.groups]


def _there(path: Path, size: int) -> str | None:
    """A file in use; None if it does not exist or was truncated."""
    try:
        if path.stat().st_size != size:
            return None
    except OSError:
        return None
    _touch(path)
    return str(path)


def _placed(group: VariableGroup, path: str | None) -> VariableGroup:
    """A group with its bytes in a file, if they were stored and the file exists."""
    file = path if group.file else None
    return replace(group, file=file, absent=file is None)


def _link_to(path: Path, target: Path) -> None:
    """Link or copy a file to another path, atomically."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    try:
        os.link(path, part)
    except OSError:
        shutil.copyfile(path, part)
    os.replace(part, target)


def _json(entry: Any) -> bytes:
    """JSON that `json` reads without a change: by orjson, which is fast, if it can write all of it."""
    import orjson

    if _finite(entry):
        with contextlib.suppress(TypeError):  # lone surrogates, keys that are no texts, integers beyond 64 bits
            return orjson.dumps(entry)
    return json.dumps(entry).encode()


def _finite(value: Any) -> bool:
    """Whether all its numbers are finite: orjson writes null for NaN and infinity."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return all(map(_finite, value.values()))
    return all(map(_finite, value)) if isinstance(value, list | tuple) else True


def _touch(path: Path | str) -> None:
    """Update the time of last use."""
    with contextlib.suppress(OSError):
        os.utime(path)
