"""The rules of stages: which aliases promotions change, and when a version may enter a stage. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence

from jupyter_mlops.errors import ConflictError, NotFoundError
from jupyter_mlops.jobs.policies import Policies
from jupyter_mlops.registry.history import AliasChange, has_been_at


def require_stage(rules: Policies, alias: str, job: str) -> None:
    """Raises NotFoundError for an alias to which nothing is promoted: it is neither a stage nor protected."""
    names = list(dict.fromkeys((*rules.stage_names, *rules.protected)))
    if alias not in names:
        near = difflib.get_close_matches(alias, names, 1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        raise NotFoundError(
            f"{alias!r} is not a stage", where=job, field="to",
            remedy=f"{hint}Stages: {', '.join(names)}. The policy `stages` sets them.",
        )  # fmt: skip


def require_settable(rules: Policies, alias: str, gated: Collection[str], job: str) -> None:
    """Raises ConflictError for an alias that only a promotion may let name a version.

    :param gated: stages that have gates.
    """
    if alias in rules.protected:
        raise ConflictError(
            f"{alias} is protected: only promotions and rollbacks change it", where=job,
            remedy=f"jupyter mlops promote JOB VERSION --to {alias}",
        )  # fmt: skip
    if alias in gated:
        raise ConflictError(
            f"{alias} has gates: only promotions check them", where=job,
            remedy=f"jupyter mlops promote JOB VERSION --to {alias}",
        )  # fmt: skip


def require_removable(rules: Policies, alias: str, job: str) -> None:
    """Raises ConflictError for a protected alias."""
    if alias in rules.protected:
        raise ConflictError(
            f"{alias} is protected: only promotions and rollbacks change it", where=job,
            remedy="Roll back, or take it out of the policy `protected` first.",
        )  # fmt: skip


def stage_before(rules: Policies, alias: str) -> str:
    """The stage that a version must have been at before it enters another one; "" if the order doesn't matter."""
    names = rules.stage_names
    if not rules.is_ordered or alias not in names[1:]:
        return ""
    return names[names.index(alias) - 1]


def require_order(rules: Policies, alias: str, version: int, changes: Sequence[AliasChange], job: str) -> None:
    """Raises ConflictError if a version has not been at the stage before.

    :param changes: of all aliases of the job, oldest first.
    """
    before = stage_before(rules, alias)
    if before and not has_been_at([change for change in changes if change.alias == before], version):
        raise ConflictError(
            f"v{version} has not been at {before}, the stage before {alias}", where=job,
            remedy=f"Promote it to {before} first. The policy `stage_order` turns this rule off.",
        )  # fmt: skip
