"""The answer of `why` in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def hybrid_name(new: Sequence[str], old: Sequence[str]) -> str:
    """`new code with old data and parameters`"""
    return f"new {_listed(new)} with old {_listed(old)}"


def sentences(answer: Mapping[str, Any]) -> list[str]:
    """The answer, a line each."""
    shares, is_failure = answer["shares"], not answer["metric"]
    lines = [_headline(answer)]
    if not answer["axes"]:
        lines.append("nothing that is recorded differs between the two runs")
    lines += [_share(share, is_failure, len(shares) == 1) for share in shares]
    if abs(answer["residual"]) > 1e-9:
        lines.append(_residual(answer))
    lines += [f"interaction: {text}" for text in answer["interactions"]]
    return lines + [f"note: {note}" for note in answer["notes"]]


def _headline(answer: Mapping[str, Any]) -> str:
    if not answer["metric"]:
        return f"the run fails with {answer['error'] or 'an error'}; {answer['good']} completed"
    before, after = answer["before"], answer["after"]
    verb = "fell" if after < before else "rose" if after > before else "did not change:"
    noise = "" if answer["deterministic"] else f" (one run varies by ±{answer['noise']:.3g})"
    return f"{answer['metric']} {verb} {before:.6g} → {after:.6g} since {answer['good']}{noise}"


def _share(share: Mapping[str, Any], is_failure: bool, is_only: bool) -> str:
    name = " × ".join(share["axes"])
    value = f"{share['share']:.0%} of the failure" if is_failure else f"{share['share']:+.4g}"
    details = [cause["what"] for cause in share["causes"]]
    if len(share["axes"]) > 1:
        details.insert(0, "only together")
    if share["within_noise"]:
        details = ["no effect" if not share["noise"] else f"within noise, ±{share['limit']:.2g}"]
    return f"{name}: {value}" + (f" ({'; '.join(details)})" if details else "")


def _residual(answer: Mapping[str, Any]) -> str:
    value = f"{answer['residual']:+.4g}"
    if answer["residual_within_noise"]:
        return f"noise: {value}"
    return (
        f"not recorded: {value} (the runs give other values today than then: something that is not recorded, such as "
        "a database, a service or a file whose content was not kept, has changed)"
    )


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
