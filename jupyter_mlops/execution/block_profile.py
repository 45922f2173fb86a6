"""What an earlier run showed of a block."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BlockProfile:
    """Evidence of an earlier run of a block with the same source.

    :param wrote: names it left different.
    :param tied: those of them whose value can't go unseen (`is_tied`).
    :param state: resources it changed.
    :param writes: paths it wrote anew (never appended to or removed).
    :param outside: acts other than on files.
    :param live: names it left that can't leave their kernel; `closed`: names of closed files, which can't either, but
        matter only to who uses them; `holds`: state that can't leave it, such as "figures".
    :param patched: modules and classes whose attributes it changed, as the agent names them.
    :param callbacks: resources that it gave functions of the notebook, which may read any variable later.
    :param refs: `name>other` where functions in the value of a name may use the global name `other`; `*` for all.
    :param reads: files it read, but for those of the interpreter and its packages.
    :param discarded: why a helper's result could not be adopted; "" if it could, or none was made.
    :param discarded_below: digest of the sources of the blocks before it then.
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
