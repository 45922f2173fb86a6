"""Variables that can't be transferred between kernels."""

from __future__ import annotations

from collections.abc import Iterator

from jupyter_mlops.pipeline.checks.finding import Finding
from jupyter_mlops.pipeline.checks.rule import Context, rule
from jupyter_mlops.pipeline.model import Fusion, Pipeline


@rule("unpicklable")
def unpicklable(context: Context) -> Iterator[Finding]:
    """A variable that can't be pickled binds the steps that share it to one kernel."""
    if context.pipeline is None:
        return
    for fusion in context.pipeline.fusions:
        yield Finding("unpicklable", "warning", _first_cell(context.pipeline, fusion), _message(fusion), _fix(fusion))


def _first_cell(pipeline: Pipeline, fusion: Fusion) -> int | None:
    cells = [cell for step in pipeline.steps if step.name == fusion.made_by for cell in step.cells]
    return min(cells, default=None)


def _message(fusion: Fusion) -> str:
    kind = f" ({fusion.type})" if fusion.type else ""
    reason = f": {fusion.reason}" if fusion.reason else ""
    return (
        f"`{fusion.variable}`{kind}, created by step {fusion.made_by} and needed by {_join_names(fusion.needed_by)}, "
        f"can't be transferred to another kernel{reason}. The steps {_join_names(fusion.steps)} run in one kernel and "
        "can neither be cached one by one nor run in parallel."
    )


def _fix(fusion: Fusion) -> str:
    return (
        f"Nothing, if that is acceptable. Otherwise pass on its ingredients (a path, a list, settings) and create "
        f"`{fusion.variable}` again in {_join_names(fusion.needed_by)}."
    )


def _join_names(names: tuple[str, ...]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else list(names))
