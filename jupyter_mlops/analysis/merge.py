"""Merges the accesses of cells that run in order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from jupyter_mlops.analysis.access import Access, Call
from jupyter_mlops.analysis.opaque import HISTORY, OPAQUE_NAMES

T = TypeVar("T")


def merge(accesses: Iterable[Access]) -> Access:
    """The combined access of several cells. A name that an earlier cell certainly binds is not read by a later one."""
    reads: set[str] = set()
    binds: set[str] = set()
    certain_bindings: set[str] = set()
    deletes: set[str] = set()
    certain_mutations: set[str] = set()
    possible_mutations: set[str] = set()
    strings: set[str] = set()
    string_reads: set[str] = set()
    defines: dict[str, frozenset[str]] = {}
    global_mutations: dict[str, frozenset[str]] = {}
    argument_mutations: dict[str, frozenset[int | str]] = {}
    calls: list[Call] = []
    closure_factories: set[str] = set()
    carried_functions: dict[str, frozenset[str]] = {}
    modules: dict[str, str] = {}
    imports: list[str] = []
    star: list[str] = []
    opaque: list[str] = []
    history: list[str] = []
    for access in accesses:
        used_names = access.reads | access.certain_mutations | access.possible_mutations
        indirect_names = reachable_names(used_names, defines)
        string_reads |= access.string_reads - certain_bindings
        reads |= {n for n in access.reads | indirect_names if n not in certain_bindings}
        opaque += sorted(indirect_names & OPAQUE_NAMES - certain_bindings)
        history += sorted(n for n in indirect_names - certain_bindings if HISTORY.fullmatch(n))
        certain_mutations |= access.certain_mutations
        possible_mutations |= access.possible_mutations | indirect_names
        binds |= access.binds.union(
            *(global_mutations[n] for n in used_names | indirect_names if n in global_mutations)
        )
        certain_bindings = (certain_bindings - access.deletes) | access.certain_bindings
        deletes |= access.deletes
        strings |= access.strings
        for name in access.certain_bindings:
            defines.pop(name, None)
            global_mutations.pop(name, None)
            argument_mutations.pop(name, None)
            carried_functions.pop(name, None)
            closure_factories.discard(name)
        for name in access.binds | access.deletes:
            modules.pop(name, None)
        join(defines, access.defines)
        join(global_mutations, access.global_mutations)
        join(argument_mutations, access.argument_mutations)
        join(carried_functions, access.carried_functions)
        calls += access.calls
        closure_factories |= access.closure_factories
        modules.update(access.modules)
        imports += [m for m in access.imports if m not in imports]
        star += access.star
        opaque += access.opaque
        history += access.history
    return Access(
        reads=frozenset(reads),
        binds=frozenset(binds),
        certain_bindings=frozenset(certain_bindings),
        deletes=frozenset(deletes),
        certain_mutations=frozenset(certain_mutations),
        possible_mutations=frozenset(possible_mutations),
        defines=defines,
        global_mutations=global_mutations,
        argument_mutations=argument_mutations,
        calls=tuple(dict.fromkeys(calls)),
        closure_factories=frozenset(closure_factories),
        carried_functions=carried_functions,
        modules=modules,
        imports=tuple(imports),
        star=tuple(star),
        strings=frozenset(strings),
        string_reads=frozenset(string_reads),
        opaque=tuple(dict.fromkeys(opaque)),
        history=tuple(dict.fromkeys(history)),
    )


def join(target: dict[str, frozenset[T]], source: Mapping[str, frozenset[T]]) -> None:
    for name, values in source.items():
        target[name] = target.get(name, frozenset()) | values


def reachable_names(names: Iterable[str], defines: Mapping[str, frozenset[str]]) -> set[str]:
    """The names that these functions use, directly or through other functions."""
    result: set[str] = set()
    pending = [n for n in names if n in defines]
    while pending:
        for name in defines[pending.pop()]:
            if name not in result:
                result.add(name)
                if name in defines:
                    pending.append(name)
    return result
