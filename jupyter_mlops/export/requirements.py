"""What several engines demand of a plan."""

from __future__ import annotations

import re

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export import quoting
from jupyter_mlops.export.plan import ExportPlan

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def require_plain_notebook_name(plan: ExportPlan) -> None:
    """Raises InvalidInputError if the notebook's name has characters that no script should have."""
    if quoting.CONTROL.search(plan.notebook) or re.search(r"[\t\n]", plan.notebook):
        raise InvalidInputError("the notebook's file name has control characters", where=repr(plan.notebook))


def require_secret_names(plan: ExportPlan, engine: str, reserved: str = "") -> None:
    """Raises InvalidInputError if an engine can't have a secret of that name.

    :param reserved: what no name may begin with.
    """
    for secret in plan.secrets:
        if not VARIABLE.fullmatch(secret) or (reserved and secret.upper().startswith(reserved)):
            rule = f", and don't begin with {reserved}" if reserved else ""
            raise InvalidInputError(
                f"{engine} allows no secret of the name {secret!r}",
                remedy=f"Its names have ASCII letters, digits and _{rule}.",
            )
