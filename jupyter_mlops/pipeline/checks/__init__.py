"""The check: will this notebook run headless?

Each rule is a function decorated with `@rule(NAME)` in a module of this folder. Other packages add rules as entry
points of the group `jupyter_mlops.checks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module, metadata
from pkgutil import iter_modules

from jupyter_mlops.pipeline.checks.finding import Finding, Severity
from jupyter_mlops.pipeline.checks.rule import Context, KernelFacts, RuleFunction, registered_rules, rule

__all__ = ["GROUP", "Context", "Finding", "KernelFacts", "RuleFunction", "Severity", "check", "rule", "rules"]

GROUP = "jupyter_mlops.checks"


def check(context: Context) -> list[Finding]:
    """Run every rule. Returns errors first, then warnings, then remarks, each in notebook order.

    A rule that fails becomes a finding and does not affect the others.
    """
    functions, failures = rules()
    findings = set(failures)
    for name, function in functions.items():
        findings.update(_run_rule(name, function, context))
    return sorted(findings, key=lambda finding: finding.sort_key)


def rules() -> tuple[Mapping[str, RuleFunction], tuple[Finding, ...]]:
    """Every rule by name, and a finding for each that could not be loaded."""
    for module in iter_modules(__path__):
        import_module(f"{__name__}.{module.name}")
    rules_by_name = dict(registered_rules())
    failures = []
    for entry in metadata.entry_points(group=GROUP):
        try:
            rules_by_name.setdefault(entry.name, entry.load())
        except Exception as error:
            failures.append(_failure_finding(entry.name, error))
    return rules_by_name, tuple(failures)


def _run_rule(name: str, function: RuleFunction, context: Context) -> list[Finding]:
    try:
        return list(function(context))
    except Exception as error:
        return [_failure_finding(name, error)]


def _failure_finding(name: str, error: Exception) -> Finding:
    return Finding(
        rule=name,
        severity="warning",
        cell=None,
        message=f"The check {name} could not run: {type(error).__name__}: {error}",
        fix="Report this to the author of the check; the other checks are not affected.",
    )
