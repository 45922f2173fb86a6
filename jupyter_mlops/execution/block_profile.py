"""Facts about a block from earlier runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BlockProfile:
    """Facts about a block with the same source from an earlier run.

    :param wrote: names that it changed.
    :param tied: those of them whose value may be observed when it is replaced (`is_tied`).
    :param state: resources it changed.
    :param writes: paths that it replaced (never appended to or removed).
    :param outside: acts other than on files.
    :param live: names that it left and that can't leave their kernel; `closed`: names of closed files, which can't
        either, but matter only to code that uses them; `holds`: state that can't leave it, such as "figures".
    :param patched: modules and classes whose attributes it changed, by the agent's names.
    :param callbacks: resources that it gave functions of the notebook, which may read any variable later.
    :param refs: `name>other` if functions in the value of a name may use the global name `other`; `*` for all.
    :param reads: files that it read, except those of the interpreter and its packages.
    :param discarded: why a helper's result could not be reused; "" if it could, or if there was none.
    :param discarded_below: digest of the sources of the blocks before it at that time.
    """

    wrote: frozenset[str] = frozenset()
    tied: frozenset[str] = frozenset()
    state: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()
    other_writes: bool = False
    outside: bool = False
    seconds: float = 0.0
    ahead_failed: bool = False
    reads: frozenset[str] = frozenset()
    discarded: str = ""
    discarded_below: str = ""
    live: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()
    holds: frozenset[str] = frozenset()
    patched: frozenset[str] = frozenset()
    callbacks: frozenset[str] = frozenset()
    refs: frozenset[str] = frozenset()
