"""Several accesses as one: what cells do, run in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from jupyter_mlops.notebook.access import Access, Call
from jupyter_mlops.notebook.opaque import HISTORY, OPAQUE_NAMES

T = TypeVar("T")


def merge(accesses: Iterable[Access]) -> Access:
    """What several cells do, run in order: what an earlier one certainly binds is no read of a later one."""
    reads: set[str] = set()
    binds: set[str] = set()
    certain: set[str] = set()
    deletes: set[str] = set()
    mutates: set[str] = set()
    passes: set[str] = set()
    strings: set[str] = set()
    defines: dict[str, frozenset[str]] = {}
    changes: dict[str, frozenset[str]] = {}
    alters: dict[str, frozenset[int | str]] = {}
    calls: list[Call] = []
    makers: set[str] = set()
    carries: dict[str, frozenset[str]] = {}
    modules: dict[str, str] = {}
    imports: list[str] = []
    star: list[str] = []
    opaque: list[str] = []
    history: list[str] = []
    for one in accesses:
        used = one.reads | one.mutates | one.passes
        followed = follow(used, defines)
        reads |= {n for n in one.reads | followed if n not in certain}
        opaque += sorted(followed & OPAQUE_NAMES - certain)
        history += sorted(n for n in followed - certain if HISTORY.fullmatch(n))
        mutates |= one.mutates
        passes |= one.passes | followed
        binds |= one.binds.union(*(changes[n] for n in used | followed if n in changes))
        certain = (certain - one.deletes) | one.certain
        deletes |= one.deletes
        strings |= one.strings
        for name in one.certain:
            defines.pop(name, None)
            changes.pop(name, None)
            alters.pop(name, None)
            carries.pop(name, None)
            makers.discard(name)
        for name in one.binds | one.deletes:
            modules.pop(name, None)
        join(defines, one.defines)
        join(changes, one.changes)
        join(alters, one.alters)
        join(carries, one.carries)
        calls += one.calls
        makers |= one.makers
        modules.update(one.modules)
        imports += [m for m in one.imports if m not in imports]
        star += one.star
        opaque += one.opaque
        history += one.history
    return Access(
        reads=frozenset(reads),
        binds=frozenset(binds),
        certain=frozenset(certain),
        deletes=frozenset(deletes),
        mutates=frozenset(mutates),
        passes=frozenset(passes),
        defines=defines,
        changes=changes,
        alters=alters,
        calls=tuple(dict.fromkeys(calls)),
        makers=frozenset(makers),
        carries=carries,
        modules=modules,
        imports=tuple(imports),
        star=tuple(star),
        strings=frozenset(strings),
        opaque=tuple(dict.fromkeys(opaque)),
        history=tuple(dict.fromkeys(history)),
    )


def join(known: dict[str, frozenset[T]], more: Mapping[str, frozenset[T]]) -> None:
    for name, found in more.items():
        known[name] = known.get(name, frozenset()) | found


def follow(names: Iterable[str], defines: Mapping[str, frozenset[str]]) -> set[str]:
    """The names that functions among these use, and the functions among those, and so on."""
    found: set[str] = set()
    waiting = [n for n in names if n in defines]
    while waiting:
        for name in defines[waiting.pop()]:
            if name not in found:
                found.add(name)
                if name in defines:
                    waiting.append(name)
    return found
