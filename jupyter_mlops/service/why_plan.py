"""What `why` would run, and how long that may take."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_mlops.jobs.workspace import Workspace
    from jupyter_mlops.service.capsules import Capsules
    from jupyter_mlops.service.why import Request


def plan(
    space: Workspace, run_id: str, request: Request | None = None, capsules: Capsules | None = None
) -> dict[str, Any]:
    """The hybrids of the axes that differ, the repeats of the two runs, and an upper bound of the time. Nothing runs.

    Narrowing down comes on top; how much it takes depends on what the hybrids show.
    """
    from jupyter_mlops.service import why
    from jupyter_mlops.service.why_environments import Environments
    from jupyter_mlops.service.why_report import hybrid_name
    from jupyter_mlops.tracking.attribution import coalitions
    from jupyter_mlops.versions.hybrid import axes_of

    request = request or why.Request()
    case = why.case(space, run_id, request, capsules)
    differences = case.hybrids.differences
    axes = axes_of(differences)
    mixtures = [c for c in coalitions(axes) if 0 < len(c) < len(axes)]
    ends = [frozenset[str](), frozenset(axes)]
    chosen = [frozenset(d for d in differences if d.axis in coalition) for coalition in (*ends, *mixtures)]
    recipes = [case.hybrids.recipe(choice) for choice in chosen] if case.hybrids.locks.keys else []
    seconds = max(case.run.seconds or 0.0, case.good.seconds or 0.0)
    repeats = 2 if request.repeats else 0
    rounds = math.ceil((len(mixtures) + repeats) / max(request.concurrency, 1))
    return {
        "run": case.run.id, "good": case.good.id, "metric": case.question.metric, "error": case.question.ename,
        "axes": {
            axis: [case.hybrids.describe(d)["what"] for d in differences if d.axis == axis] for axis in axes
        },
        "hybrids": [
            hybrid_name([a for a in axes if a in mixture], [a for a in axes if a not in mixture])
            for mixture in mixtures
        ],
        "repeats": repeats, "environments": Environments(space, case.hybrids).number_to_build(recipes),
        "seconds": rounds * seconds, "notes": [*case.notes, *case.hybrids.notes],
    }  # fmt: skip
