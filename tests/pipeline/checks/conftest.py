"""Notebooks in a line, and what a rule finds in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from nbformat import NotebookNode, from_dict, v4

from jupyter_mlops.pipeline.checks import Context, Finding, check

Found = list[tuple[str, int | None]]


def build(*sources: str, **metadata: Any) -> NotebookNode:
    """A notebook of code cells; metadata need not be valid."""
    nb = v4.new_notebook(cells=[v4.new_code_cell(source) for source in sources])
    nb.metadata = from_dict(metadata)
    return nb


@pytest.fixture
def notebook() -> Callable[..., NotebookNode]:
    return build


@pytest.fixture
def findings() -> Callable[..., list[Finding]]:
    """Findings of one rule; sources or a notebook first, then fields of the Context."""

    def run(rule: str, *sources: str | NotebookNode, **facts: Any) -> list[Finding]:
        nb = sources[0] if len(sources) == 1 and isinstance(sources[0], NotebookNode) else build(*sources)
        return [finding for finding in check(Context(nb, **facts)) if finding.rule == rule]

    return run


@pytest.fixture
def found(findings: Callable[..., list[Finding]]) -> Callable[..., Found]:
    """The same as (severity, cell)."""
    return lambda rule, *sources, **facts: [(one.severity, one.cell) for one in findings(rule, *sources, **facts)]
