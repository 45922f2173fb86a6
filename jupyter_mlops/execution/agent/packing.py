"""Variables as groups that are pickled, loaded and stored as one.

A group is a set of variables that share mutable objects or memory, so that two names for one object stay two names for
one object. A group that can't be pickled faithfully is live: it stays in this kernel.
"""

from __future__ import annotations

import builtins
import datetime
import enum
import gc
import hashlib
import mmap
import re
import sys
import time
import types
from typing import Any

from . import worth
from .bigs import Bigs
from .figures import OPEN
from .memory import PAGE, address_of, extents, has_bytes, is_clean, overlapping, owner_of, write_all
from .objects import IDENTIFIER, is_kind, is_single, kind_of, resolves, waited_for
from .pickler import Exact, Live, Pickler, TooCostly, has_nan, loads_again, names_main, sets_keep_order
from .remake import loads

HOLDERS = ("block", "index")  # of pandas
LOOKED_AT = 100_000  # objects inside of one that can't be pickled
ATOMIC = (str, bytes, int, float, complex, bool, type(None), tuple, frozenset, range, slice, types.BuiltinFunctionType)
UNSHARED = (str, bytes, int, float, complex, type(None), range, types.BuiltinFunctionType, types.ModuleType)


class Group:
    """Variables that are pickled, loaded and stored as one."""

    __slots__ = ("names", "digest", "live", "refs", "types", "stream", "buffers", "own", "bigs", "unlooked")

    def __init__(
        self, names: Any, digest: Any, live: Any, refs: Any, types_: Any, stream: Any = b"", buffers: Any = ()
    ) -> None:
        self.own: dict[str, str] = {}  # name -> digest of its value alone, where several make up the group
        self.names, self.digest, self.live, self.refs = names, digest, live, refs
        self.types, self.stream, self.buffers = types_, stream, buffers
        self.bigs: Any = ()  # its large buffers, as they are known
        self.unlooked = False  # whether it counts as changed because nobody needs to know

    @property
    def size(self) -> int:
        return int(len(self.stream) + sum(raw.nbytes for raw, _ in self.buffers))


class Picked:
    """One variable, pickled separately: what it shares, and why it can't be transferred."""

    __slots__ = ("stream", "buffers", "refs", "objects", "arrays", "owners", "live", "costly", "exact")

    def __init__(self) -> None:
        self.stream = b""
        self.buffers: list[Any] = []
        self.refs: set[str] = set()
        self.objects: dict[int, Any] = {}
        self.arrays: list[Any] = []
        self.owners: dict[int, Any] = {}
        self.live, self.costly, self.exact = "", False, False


class Packing:
    """Packs the variables of a kernel into groups, and unpacks those of others.

    :param agent: the agent of the kernel.
    """

    def __init__(self, agent: Any) -> None:
        self.agent = agent
        self.groups: dict[str, Group] = {}
        self.heavy: set[str] = set()
        self.exact: set[str] = set()
        self.keep: list[Any] = []
        self.finalized: set[int] = set()
        self.mapped: list[Any] = []
        self.bigs = Bigs(self)
        self.speed = worth.SPEED  # bytes of a large value that were written in a second

    def pick(self, name: str, deadline: Any, views: Any = ()) -> Any:
        exact = self.agent.identity_seen or name in self.exact
        picked, pickler = Picked(), (Exact if exact else Pickler)(self.agent, views, deadline)
        value = self.agent.value(name)
        if name.startswith("@module|"):
            value = self.module_part(value, deadline)
        try:
            pickler.dump([value])
            picked.exact = has_nan(pickler.stream.getvalue())
            if picked.exact and not exact:
                self.exact.add(name)
                pickler = Exact(self.agent, views, deadline)
                pickler.dump([value])
        except Exception as error:
            picked.live = str(error) if isinstance(error, Live) else f"{type(error).__name__}: {error}"
            picked.costly = isinstance(error, TooCostly)
        else:
            picked.stream = pickler.stream.getvalue()
            if b"__main__" in picked.stream and names_main(picked.stream):
                picked.live = "refers to something that only this kernel has"
            elif not sets_keep_order(pickler):
                picked.live = "a set whose order a copy would not keep"
            elif pickler.doubtful and not loads_again(picked.stream, pickler.buffers):
                picked.live = "it can be pickled, but not loaded"
            elif pickler.twice or (self.agent.identity_seen and is_kind(value, str) and value.isidentifier()):
                picked.live = "one object in several places, in a notebook that compares identities"
        picked.buffers, picked.refs = pickler.buffers, pickler.refs
        picked.arrays, picked.owners = pickler.arrays, pickler.owners
        if is_kind(value, str) and len(value) < 10000:
            picked.refs |= {"'" + word for word in IDENTIFIER.findall(value)}
        memo = pickler.memo.copy()
        apart = pickler.axes - {id(value)}
        picked.objects = {k: item[1] for k, item in memo.items() if k not in apart and self.shares(item[1])}
        picked.objects.pop(id(None), None)
        picked.objects.update(pickler.atoms)
        if picked.live:
            self.look_inside(value, picked)
        if self.shares(value):
            picked.objects[id(value)] = value
        return picked

    def part_of(self, name: str, others: Any) -> Any:
        """A completely pickled variable that contains the object of this one and is transferred with it, or None."""
        if self.agent.identity_seen or name.startswith("@"):
            return None
        value = self.agent.value(name)
        if not self.shares(value) or not any(id(value) in o.objects and not o.live for o in others):
            return None
        picked = Picked()
        picked.objects[id(value)] = value
        return picked

    def look_inside(self, value: Any, picked: Any) -> None:
        """The parts of an object that was not pickled completely, which it may share with others."""
        numpy = sys.modules.get("numpy")
        skipped = (self, self.agent, self.agent.shell, self.agent.user_ns, sys.modules, builtins.__dict__, picked)
        visited = set(map(id, skipped))
        waiting = [value]
        while waiting and len(visited) < LOOKED_AT:
            obj = waiting.pop()
            if id(obj) in visited or is_kind(obj, UNSHARED):
                continue
            visited.add(id(obj))
            if is_kind(obj, (type, types.FunctionType)):
                if resolves(obj):
                    continue
                picked.refs |= self.agent.direct_refs(obj)
            if type(obj) is dict and "__builtins__" in obj:
                continue  # the globals of a module
            if self.shares(obj):
                picked.objects[id(obj)] = obj
            if numpy is not None and is_kind(obj, numpy.ndarray) and obj.size and not obj.dtype.hasobject:
                picked.arrays.append((*extents(obj), obj, False))
            waiting += gc.get_referents(obj)

    def is_mapped(self, address: Any) -> Any:
        """Whether this is memory of a file that was transferred."""
        return any(low <= address < high for low, high, _, _ in self.mapped)

    def shares(self, obj: Any) -> Any:
        """Whether a copy of this object could be detected."""
        if is_kind(obj, types.ModuleType):
            return False
        if is_kind(obj, ATOMIC):
            return self.agent.identity_seen and not is_single(obj)
        if is_kind(obj, (type, types.FunctionType)):
            return not resolves(obj)
        kind = type(obj)
        if "function" in kind.__name__ and resolves(obj):
            return False
        if kind is re.Pattern or (is_kind(obj, (enum.Enum, datetime.tzinfo)) and resolves(kind)):
            return False  # loading gives the one object again
        pandas = sys.modules.get("pandas")
        if pandas is not None:
            if is_kind(obj, pandas.api.extensions.ExtensionDtype):
                return False
            if kind is list and any(obj is c._metadata for c in (pandas.DataFrame, pandas.Series)):
                return False
        if kind.__module__ == "numpy" and "dtype" in kind.__name__.lower():
            return False
        return not (kind.__module__.startswith("numpy.dtypes") or kind.__module__.startswith("pandas.core.dtypes"))

    def module_part(self, data: Any, deadline: Any) -> Any:
        part = {}
        for key, value in data.items():
            try:
                Pickler(self.agent, (), deadline).dump([value])
            except Exception:
                continue
            part[key] = value
        return part

    def partition(self, names: Any, picked: Any) -> Any:  # noqa: C901 (to be split: union, overlaps, reasons)
        """Unite the names whose objects or memory are shared. Returns lists of names and shared arrays."""
        parent = {name: name for name in names}

        def find(name: str) -> Any:
            while parent[name] != name:
                parent[name] = parent[parent[name]]
                name = parent[name]
            return name

        owner: dict[int, str] = {}
        arrays: list[Any] = []
        stuck: dict[str, str] = {}
        for name in names:
            for key, obj in picked[name].objects.items():
                if key in owner:
                    parent[find(name)] = find(owner[key])
                    if self.agent.identity_seen and is_kind(obj, ATOMIC):
                        stuck[name] = "one object under two names, in a notebook that compares identities"
                else:
                    owner[key] = name
            arrays += [(low, high, obj, exempt, name) for low, high, obj, exempt in picked[name].arrays]
        for name in names:
            for key in picked[name].owners:
                if key in owner:
                    parent[find(name)] = find(owner[key])
                    stuck[name] = "an array over the memory of a bytearray"
        views: set[int] = set()
        for cluster in overlapping(arrays):
            plain = [a for a in cluster if a[3] is False]
            holders = {(a[4], id(a[2])) for a in cluster if a[3] in HOLDERS}
            if self.agent.memory_seen and len({a[4] for a in cluster}) > 1:
                stuck.update((a[4], "shared memory, in a notebook that checks for it") for a in cluster)
                for item in cluster[1:]:
                    parent[find(item[4])] = find(cluster[0][4])
                continue
            if not plain or len({id(a[2]) for a in cluster}) < 2:
                if any(a[3] is True for a in cluster) and len({id(a[2]) for a in cluster}) > 1:
                    stuck.update((a[4], "memory that several variables share") for a in cluster)
                continue
            for item in cluster[1:]:
                parent[find(item[4])] = find(cluster[0][4])
            if (len(holders) > 1 and "index" in {a[3] for a in cluster}) or any(a[3] is True for a in cluster):
                stuck.update((a[4], "memory shared by an index, frames and an array") for a in cluster)
            else:
                views |= {id(a[2]) for a in cluster} | {id(owner_of(a[2])) for a in cluster}
                views |= {id(a[2].base) for a in cluster if a[3] in HOLDERS and a[2].base is not None}
        united: dict[Any, Any] = {}
        for name in names:
            united.setdefault(find(name), []).append(name)
        return list(united.values()), views, stuck

    def groups_of(self, names: Any, deadline: Any) -> Any:
        """Pickle these variables into groups, together with the names that their functions use."""
        self.keep = []
        self.finalized = waited_for()
        try:
            picked: dict[str, Picked] = {}
            for name in sorted(names, key=lambda n: n != OPEN):
                picked[name] = self.part_of(name, picked.values()) or self.pick(name, deadline)
            parts, views, stuck = self.partition(names, picked)
            groups = []
            for part in parts:
                live = {n: picked[n].live or stuck.get(n, "") for n in part}
                live = {n: reason for n, reason in live.items() if reason}
                refs = set().union(*(picked[n].refs for n in part))
                kinds = {n: kind_of(self.agent.value(n)) for n in part}
                if live:
                    groups.append(Group(part, "", live, refs, kinds))
                    self.heavy.update(n for n in part if picked[n].costly)
                elif len(part) == 1 and not (views & {id(a[2]) for a in picked[part[0]].arrays}):
                    groups.append(self.group(part, picked[part[0]].stream, picked[part[0]].buffers, refs, kinds))
                else:
                    exact = any(picked[n].exact for n in part)
                    group = self.joint(part, views, refs, kinds, deadline, exact)
                    group.own = {
                        n: self.digest(picked[n].stream, (self.bigs.ident(part, raw) for raw in picked[n].buffers))
                        for n in part
                        if picked[n].stream
                    }
                    groups.append(group)
            return groups
        finally:
            self.keep = []

    def joint(self, part: Any, views: Any, refs: Any, kinds: Any, deadline: Any, exact: bool) -> Any:
        pickler: Any = None
        values = [self.agent.value(n) for n in part]
        values = [self.module_part(v, deadline) if n.startswith("@module|") else v for n, v in zip(part, values)]
        try:
            for kind in (Exact,) if exact else (Pickler, Exact):
                pickler = kind(self.agent, views, deadline)
                pickler.dump(values)
                if not has_nan(pickler.stream.getvalue()):
                    break
        except Exception as error:
            return Group(part, "", {part[0]: str(error)}, refs, kinds)
        stream = pickler.stream.getvalue()
        if not sets_keep_order(pickler):
            return Group(part, "", {part[0]: "a set whose order a copy would not keep"}, refs, kinds)
        return self.group(part, stream, pickler.buffers, refs, kinds)

    def group(self, part: Any, stream: Any, buffers: Any, refs: Any, kinds: Any) -> Any:
        self.bigs.promise(part, buffers)
        identified = [(raw, self.bigs.ident(part, raw)) for raw in buffers]
        value = self.digest(stream, (ident for _, ident in identified))
        digest = hashlib.blake2b("\0".join([value, *part]).encode(), digest_size=20).hexdigest()
        packed = Group(part, digest, {}, refs, kinds, stream, identified)
        packed.bigs, packed.unlooked = self.bigs.of(buffers), self.bigs.not_looked(part)
        packed.own = {part[0]: value} if len(part) == 1 else {}
        return packed

    def digest(self, stream: Any, idents: Any) -> str:
        """A digest of the value alone, regardless of objects that share parts with it."""
        digester = hashlib.blake2b(stream, digest_size=20)
        for ident in idents:
            digester.update(ident.encode())
        return digester.hexdigest()

    def mapped_id(self, raw: Any, look: bool) -> Any:
        """The identity of memory of a transferred file, if it is unchanged; otherwise None.

        :param look: whether to compare it with the file if it was written to.
        """
        address = address_of(raw)
        for low, high, path, offsets in self.mapped:
            if low <= address and address + raw.nbytes <= high:
                ident = offsets.get(address - low)
                same = ident and ident[0] == raw.nbytes
                if same and (is_clean(address, address + raw.nbytes) or (look and has_bytes(raw, path, address - low))):
                    return ident[1]
        return None

    def load(self, manifest: Any) -> None:
        start, length = manifest["stream"]
        stream: Any
        buffers: Any
        with open(manifest["file"], "rb") as handle:
            if manifest["buffers"]:
                mapping = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_COPY)
                view = memoryview(mapping)
                buffers = [view[offset : offset + size] for offset, size, _ in manifest["buffers"]]
                stream = view[start : start + length]
                low = address_of(view)
                offsets = {offset: (size, ident) for offset, size, ident in manifest["buffers"]}
                self.mapped.append((low, low + len(view), manifest["file"], offsets))
            else:
                handle.seek(start)
                stream, buffers = handle.read(length), ()
        values = loads(stream, buffers)
        group = Group(manifest["names"], manifest["digest"], {}, set(manifest["refs"]), manifest["types"])
        group.own = dict(manifest.get("own", {}))
        for name, value in zip(manifest["names"], values):
            self.agent.assign(name, value)
            self.groups[name] = group

    def manifest(self, group: Any, path: str | None, at: int, offsets: Any) -> Any:
        buffers = [[offset, raw.nbytes, ident] for offset, (raw, ident) in zip(offsets, group.buffers)]
        return {
            "names": group.names, "digest": group.digest, "types": group.types, "refs": sorted(group.refs),
            "file": path, "stream": [at, len(group.stream)], "buffers": buffers, "own": group.own,
        }  # fmt: skip

    def unwritten(self, group: Any) -> Any:
        """A group that stays in this kernel, with the identities of its buffers."""
        return self.manifest(group, None, 0, [0] * len(group.buffers))

    def write(self, path: str, groups: Any, request: Any) -> Any:
        """Write groups to `path`, and each large one that is worth it to a separate file beside it.

        :param request: what `worth_writing` asks of it.
        """
        files: dict[int, Any] = {}
        small = [g for g in groups if g.size < worth.LARGE]
        if small:
            files.update(zip(map(id, small), self.write_file(path, small)))
        for number, group in enumerate(groups):
            if group.size < worth.LARGE:
                continue
            if worth.worth_writing(group.size, group.names, request, self.speed):
                began = time.monotonic()
                [files[id(group)]] = self.write_file(f"{path}.{number}", [group])
                self.speed = min(worth.SPEED, group.size / max(1e-9, time.monotonic() - began))
            else:
                files[id(group)] = self.unwritten(group)
        return [files[id(group)] for group in groups]

    def write_file(self, path: str, groups: Any) -> Any:
        entries = []
        with open(path, "wb", buffering=0) as handle:
            at = 0
            for group in groups:
                offsets = []
                for raw, _ in group.buffers:
                    at += write_all(handle, bytes(-at % PAGE))
                    offsets.append(at)
                    at += write_all(handle, raw)
                entries.append(self.manifest(group, path, at, offsets))
                at += write_all(handle, group.stream)
        return entries
