"""The result of a rule: one problem in a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]

_SEVERITY_ORDER: dict[str, int] = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True)
class Finding:
    """A problem that may prevent a headless run.

    :param rule: name of the rule, as `jupyter mlops check` prints it.
    :param severity: `error`: will not run headless; `warning`: may have another result elsewhere or later, or leaks
        something; `info`: good to know.
    :param cell: position in `nb.cells`, None for the notebook as a whole.
    :param message: what is wrong, for people (cells counted from 1).
    :param fix: what to do.
    :param data: what a program needs to offer a fix: `tag`, the tag to remove; `path`, the literal path.
    """

    rule: str
    severity: Severity
    cell: int | None
    message: str
    fix: str
    data: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def sort_key(self) -> tuple[int, int, str, str]:
        """Sort key: errors first, then notebook order."""
        return (_SEVERITY_ORDER[self.severity], -1 if self.cell is None else self.cell, self.rule, self.message)

    def to_dict(self) -> dict[str, Any]:
        """The finding as `check --json` prints it."""
        return {
            "rule": self.rule,
            "severity": self.severity,
            "cell": self.cell,
            "message": self.message,
            "fix": self.fix,
            "data": dict(self.data),
        }
