"""Environment locks that have some packages of one lock and the rest of another."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

from jupyter_mlops.versions.environment import LOCK_MARKER, differences
from jupyter_mlops.versions.manifest import Environment

INTERPRETER = "Python"  # the name of the change of interpreter and platform
WHOLE = "the environment"  # the name of the only change between locks that can't be mixed
_NAME = re.compile(r'^name = "([^"]+)"', re.MULTILINE)


class LockChanges:
    """The packages that differ between two environments.

    :param locks: their locks, with the kind of each.
    """

    def __init__(
        self, environments: tuple[Environment, Environment], locks: tuple[tuple[str, str], tuple[str, str]]
    ) -> None:  # fmt: skip
        self.environments, self.locks = environments, locks
        self.keys = self._keys()

    def _keys(self) -> list[str]:
        old, new = self.environments
        if not differences(old, new):
            return []
        (first, kind), (second, other_kind) = self.locks
        if kind != other_kind or kind == "conda" or not first or not second:
            return [WHOLE]
        names = sorted({*old.packages, *new.packages})
        changed = [name for name in names if old.packages.get(name) != new.packages.get(name)]
        same_interpreter = (old.python, old.implementation, old.platform) == (
            new.python, new.implementation, new.platform,
        )  # fmt: skip
        return [*changed, *([] if same_interpreter else [INTERPRETER])] or [WHOLE]

    def environment(self, chosen: Collection[str]) -> Environment:
        """The old environment with the chosen changes."""
        old, new = self.environments
        if set(self.keys) <= set(chosen):
            return new
        if not chosen:
            return old
        packages = dict(old.packages)
        for name in set(chosen) - {INTERPRETER}:
            packages.pop(name, None)
            if name in new.packages:
                packages[name] = new.packages[name]
        base = new if INTERPRETER in chosen else old
        return replace(base, packages=dict(sorted(packages.items())), others=old.others)

    def lock(self, chosen: Collection[str]) -> tuple[str, str]:
        """The lock of `environment`, and its kind."""
        old, new = self.locks
        if set(self.keys) <= set(chosen):
            return new
        if not chosen:
            return old
        parts = [_packages(text) for text, _ in self.locks]
        names = sorted({*parts[0], *parts[1]} - {""})
        blocks = [parts[name in chosen].get(name, "") for name in names]
        head = parts[INTERPRETER in chosen].get("", "")
        return head + "".join(blocks), old[1]

    def describe(self, key: str) -> str:
        """`pandas 2.1.0 → 2.2.0`"""
        old, new = self.environments
        if key == INTERPRETER:
            return f"Python {old.python} ({old.platform}) → {new.python} ({new.platform})"
        if key == WHOLE:
            return WHOLE
        return f"{key} {old.packages.get(key, 'not installed')} → {new.packages.get(key, 'not installed')}"


def _packages(text: str) -> dict[str, str]:
    """The part of a lock that each package has; what stands before them all under ""."""
    if LOCK_MARKER not in text:
        lines = [line for line in text.splitlines() if line.strip()]
        return {re.split(r" @ |==", line)[0]: f"{line}\n" for line in lines}
    head, *blocks = re.split(r"(?m)^(?=\[\[packages\]\]\s*$)", text)
    parts = {"": head}
    for block in blocks:
        name = _NAME.search(block)
        parts[name.group(1).lower().replace("_", "-").replace(".", "-") if name else ""] = block
    return parts
