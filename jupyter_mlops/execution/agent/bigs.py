"""Buffers that are too large to digest: detects whether they have changed.

If a block certainly changes a variable, its large buffers get new identities without a comparison. Before a block that
may change one, a fingerprint of all its bytes is taken, and compared afterwards.
"""

from __future__ import annotations

import hashlib
import os
import sys
from typing import Any

from .memory import HASHED, address_of, fingerprint, owner_of
from .objects import is_kind


class Big:
    """A large buffer.

    :param print: its fingerprint; None if it was not computed.
    :param raw: its memory; None if it is not kept alive.
    :param mapped: whether it is in a file of another kernel, which has the original bytes.
    """

    __slots__ = ("nbytes", "ident", "print", "raw", "mapped")

    def __init__(self, nbytes: int, ident: str, print_: Any, raw: Any, mapped: bool) -> None:
        self.nbytes, self.ident, self.print, self.raw, self.mapped = nbytes, ident, print_, raw, mapped


class Bigs:
    """The large buffers of a kernel's variables.

    :param packing: the packing of the groups that they belong to.
    """

    def __init__(self, packing: Any) -> None:
        self.packing = packing
        self.certain: set[str] = set()
        self.needed: Any = None
        self.promised: dict[str, Any] = {}
        self.asked: dict[Any, Big] = {}
        self.fresh: set[Any] = set()

    def begin(self, reached: Any, certain: Any, needed: Any) -> None:
        """Prepare for a block: take fingerprints of the buffers that it may change, and release buffers that it
        certainly changes.

        :param reached: names that it may access; `certain`: those that it changes.
        :param needed: names that a later block may access; None for all.
        """
        self.certain, self.needed = certain, needed
        self.forget()
        for group in {id(g): g for g in map(self.packing.groups.get, reached) if g is not None}.values():
            look = self.looks(group.names)
            for big in group.bigs:
                if look and big.print is None and big.raw is not None:
                    big.print = fingerprint(big.raw)
                big.raw = None

    def looks(self, names: Any) -> bool:
        """Whether it is useful to know if the block changes a group of these names."""
        return self.certain.isdisjoint(names) and self.is_needed(names)

    def is_needed(self, names: Any) -> bool:
        return self.needed is None or not self.needed.isdisjoint(names)

    def promise(self, names: Any, buffers: Any) -> None:
        """Restore the identities of a group's large buffers after this block, as far as they are known for buffers that
        differ.
        """
        promised = self.promised.get("\0".join(sorted(names)), ())
        large = [raw for raw in buffers if raw.nbytes > HASHED]
        if [raw.nbytes for raw in large] != [size for size, _ in promised]:
            return
        for raw, (_, ident) in zip(large, promised):
            self.ident(names, raw)
            key = key_of(raw)
            if key in self.fresh:
                self.fresh.discard(key)
                self.asked[key].ident = ident

    def ident(self, names: Any, raw: Any) -> str:
        """What distinguishes a buffer of a group from others; equal values mean equal bytes."""
        if raw.nbytes <= HASHED:
            return content_id(raw)
        key = key_of(raw)
        if key not in self.asked:
            self.asked[key] = self.look(names, raw, key)
        return self.asked[key].ident

    def look(self, names: Any, raw: Any, key: Any) -> Big:
        """A buffer with its identity from before the block if it is equal, else with a new identity."""
        sure = not self.certain.isdisjoint(names)
        before = [b for n in names for b in self.before(n) if b.nbytes == raw.nbytes]
        prints = {b.print: b.ident for b in before if b.print is not None}
        mapped = self.packing.mapped_id(raw, look=not sure and not prints)
        print_ = fingerprint(raw) if prints and not sure and mapped is None else None
        ident = mapped or prints.get(print_)
        if ident is None:
            self.fresh.add(key)
        return Big(raw.nbytes, ident or new_id(), print_, raw, mapped is not None)

    def before(self, name: str) -> Any:
        """The large buffers that a variable had before the block."""
        group = self.packing.groups.get(name)
        return () if group is None else group.bigs

    def of(self, buffers: Any) -> list[Big]:
        """The large buffers among those that were compared."""
        return [self.asked[key_of(raw)] for raw in buffers if raw.nbytes > HASHED]

    def not_looked(self, names: Any) -> bool:
        """Whether a group of these names counts as changed only because it was not compared, as no later block
        needs it.
        """
        unseen = any(b.print is None and not b.mapped for n in names for b in self.before(n))
        return unseen and self.certain.isdisjoint(names) and not self.is_needed(names)

    def end(self) -> None:
        """The block has been reported. Memory that can't be held until the next block is compared now."""
        for big in self.asked.values():
            if big.mapped:
                big.raw = None
            elif not self.may_hold(big.raw):
                big.print = fingerprint(big.raw) if big.print is None else big.print
                big.raw = None
        self.forget()

    def may_hold(self, raw: Any) -> bool:
        """Whether a buffer is the memory of an array that is in use elsewhere."""
        numpy = sys.modules.get("numpy")
        if numpy is None or not is_kind(raw.obj, numpy.ndarray):
            return False
        base = owner_of(raw.obj).base
        return references(raw, numpy.ndarray) > UNUSED and (base is None or self.packing.is_mapped(address_of(raw)))

    def forget(self) -> None:
        self.asked, self.promised = {}, {}
        self.fresh.clear()


def key_of(raw: Any) -> Any:
    """The address of a buffer; no other buffer has it while this one is alive."""
    return address_of(raw) or ("", id(raw)), raw.nbytes


def content_id(raw: Any) -> str:
    return hashlib.blake2b(raw, digest_size=20).hexdigest()


def new_id() -> str:
    return "u" + os.urandom(16).hex()


def references(raw: Any, kind: Any = None) -> int:
    """The number of references to a buffer's owner, including that of this function. `kind`: numpy's array type, if it
    is an array.
    """
    owner = raw.obj
    while kind is not None and is_kind(owner.base, kind):
        owner = owner.base
    return sys.getrefcount(owner)


UNUSED = references(memoryview(bytearray(1)))
