"""The history of an alias: what it named when, and what a rollback undoes. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from jupyter_mlops.jobs.records import Record

Action = Literal["promote", "rollback", "set", "remove"]


@dataclass(frozen=True)
class AliasChange(Record):
    """One change of an alias. Changes are never changed themselves.

    :param number: 1, 2, … of this alias.
    :param version: number of the version that the alias names since then; None: the alias was removed.
    :param previous: number of the version before; None: there was no alias, or it is not known.
    :param changed: seconds since 1970.
    :param author: "" if it is not known.
    :param undoes: number of the change that this rollback undoes.
    :param gates: results of the gates at that time, as `GateResult.to_dict` returns them.
    :param overridden: whether it was made although a gate had not passed.
    """

    job_id: int
    alias: str
    number: int
    version: int | None
    previous: int | None
    changed: float
    author: str
    reason: str
    action: str
    undoes: int | None
    gates: list[dict[str, Any]]
    overridden: bool

    @property
    def version_name(self) -> str:
        """`v3`, or "" if the alias was removed."""
        return "" if self.version is None else f"v{self.version}"

    @property
    def is_imported(self) -> bool:
        """Whether it stands for everything that happened before changes were recorded."""
        return self.number == 1 and self.action == "set" and not self.author


def effective(changes: Sequence[AliasChange]) -> list[AliasChange]:
    """The changes that no rollback has undone, oldest first, without the rollbacks.

    :param changes: of one alias, oldest first.
    """
    stack: list[AliasChange] = []
    for change in changes:
        if change.action == "rollback":
            stack = [earlier for earlier in stack if earlier.number != change.undoes]
        else:
            stack.append(change)
    return stack


def undoable(changes: Sequence[AliasChange]) -> AliasChange | None:
    """The change that the next rollback undoes: the last one that is not undone. None: there is none.

    After it, the alias names `previous` of that change.

    :param changes: of one alias, oldest first.
    """
    return next(reversed(effective(changes)), None)


def change_at(changes: Sequence[AliasChange], time: float) -> AliasChange | None:
    """The last change until a time; None if the alias did not exist or had no history yet.

    :param changes: of one alias, oldest first; times never decrease.
    """
    return next((change for change in reversed(changes) if change.changed <= time), None)


def has_been_at(changes: Sequence[AliasChange], version: int) -> bool:
    """Whether a version has been at a stage and was not taken back from there by a rollback.

    :param changes: of the stage's alias, oldest first.
    """
    return any(change.version == version for change in effective(changes))
