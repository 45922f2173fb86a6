"""From a notebook to a pipeline: whose each cell is, what can't be built and what is said then."""

from __future__ import annotations

import pytest

from jupyter_mlops.errors import CyclicPipelineError, InvalidNotebookError, InvalidTagError, UnknownStepError
from jupyter_mlops.pipeline.build import build, notebook_language
from tests.pipeline.notebooks import notebook, pipeline

Cells = list[tuple[str, str]]

OWNERS: dict[str, tuple[Cells, list[tuple[str, tuple[int, ...]]]]] = {
    "no tags: one step of everything": (
        [("", "x = 1"), ("markdown", "# Title"), ("", "print(x)")],
        [("notebook", (0, 2))],
    ),
    "only parameters tagged": (
        [("parameters", "x = 1"), ("", "print(x)")],
        [("notebook", (1,))],
    ),
    "an untagged cell belongs to the step above": (
        [("step:a", "x = 1"), ("", "x += 1"), ("step:b", "print(x)"), ("", "print()")],
        [("a", (0, 1)), ("b", (2, 3))],
    ),
    "an empty step tag, too": (
        [("step:a", "x = 1"), ("step:", "x += 1"), ("block:", "x += 1")],
        [("a", (0, 1, 2))],
    ),
    "untagged cells before any step": (
        [("", "import os"), ("", "def f(): pass"), ("", "x = f()"), ("step:a", "print(x)")],
        [("setup", (2,)), ("a", (3,))],
    ),
    "imports and definitions alone make no step": (
        [("", "'''About.'''\nimport os\nfrom sys import path"), ("", "class A: pass"), ("step:a", "print(A)")],
        [("a", (2,))],
    ),
    "a step that is called setup": (
        [("", "x = 1"), ("step:setup", "print(x)")],
        [("setup_2", (0,)), ("setup", (1,))],
    ),
    "a repeated name appends": (
        [("step:a", "x = 1"), ("step:b", "y = x"), ("step:a", "x = 2")],
        [("a", (0, 2)), ("b", (1,))],
    ),
    "skipped and empty cells are in no step": (
        [("step:a", "x = 1"), ("skip", "1 / 0"), ("step:a", " \n"), ("step:b skip", "2 / 0")],
        [("a", (0,))],
    ),
    "cells that no client executes are in no step": (
        [("step:a", "x = 1"), ("skip-execution", "1 / 0"), ("step:b skip-execution", "2 / 0")],
        [("a", (0,))],
    ),
    "after a skipped cell the step above goes on": (
        [("step:a", "x = 1"), ("skip", "y = 2"), ("", "print(x)")],
        [("a", (0, 2))],
    ),
    "after imports, what only imports is imports; the rest is the step above": (
        [("step:a", "x = 1"), ("imports", "import os"), ("", "import sys"), ("", "print(x)")],
        [("a", (0, 3))],
    ),
    "metrics belong to the step above": (
        [("step:a", "x = 1"), ("pipeline-metrics", "print(x)"), ("step:b", "1"), ("gate", "assert x")],
        [("a", (0, 1)), ("b", (2, 3))],
    ),
    "special wins over step": (
        [("step:a imports", "import os"), ("step:a", "print(os)")],
        [("a", (1,))],
    ),
}


@pytest.mark.parametrize(("cells", "expected"), OWNERS.values(), ids=OWNERS.keys())
def test_cells_and_their_steps(cells: Cells, expected: list[tuple[str, tuple[int, ...]]]) -> None:
    assert [(s.name, s.cells) for s in pipeline(*cells).steps] == expected


def test_blocks_are_stretches_of_one_owner_in_notebook_order() -> None:
    made = pipeline(
        ("imports", "import os"), ("step:a", "x = 1"), ("", "x = 2"), ("step:b", "y = x"), ("step:a", "x = 3")
    )
    assert [(b.owner, b.role, b.cells) for b in made.blocks] == [
        ("imports", "imports", (0,)),
        ("a", "step", (1, 2)),
        ("b", "step", (3,)),
        ("a", "step", (4,)),
    ]


def test_a_step_may_be_called_like_a_role() -> None:
    made = pipeline(("imports", "import os"), ("step:imports", "x = os"), ("functions", "def f(): return x"))
    assert [(b.owner, b.role) for b in made.blocks] == [
        ("(imports)", "imports"),
        ("imports", "step"),
        ("functions", "functions"),
    ]


def test_what_a_step_carries() -> None:
    made = pipeline(
        ("step:a model:m dataset:d limit:cpu:2 cache:enabled", "m = d = 1"),
        ("step:a gate limit:cpu:4", "assert m"),
        ("metrics", "m"),
    )
    step = made.steps[0]
    assert (step.models, step.datasets, step.gates, step.metrics) == (("m",), ("d",), (1,), (2,))
    assert (step.settings.limits, step.settings.cache) == ({"cpu": "4"}, "enabled")
    assert made.metrics == (2,)


def test_settings_from_metadata_over_defaults() -> None:
    nb = notebook(
        ("step:a", "x = 1"),
        ("step:b", "y = 2"),
        kubeflow_notebook={"steps_defaults": ["label:team:x", "limit:cpu:1"]},
        jupyter_mlops={"defaults": {"retries": 1, "limits": {"memory": "1Gi"}}},
    )
    nb.cells[1].metadata["jupyter_mlops"] = {"retries": 3, "timeout": 60, "limits": {"cpu": "8"}}
    a, b = (s.settings for s in build(nb, "test").steps)
    assert (a.retries, a.timeout, a.limits, a.labels) == (1, None, {"cpu": "1", "memory": "1Gi"}, {"team": "x"})
    assert (b.retries, b.timeout, b.limits) == (3, 60, {"cpu": "8", "memory": "1Gi"})


def test_the_public_form() -> None:
    made = pipeline(("parameters", "n: int = 3  # how many"), ("step:a", "x = [n]"), ("step:b prev:a", "print(x)"))
    assert made.to_dict() == {
        "name": "test",
        "parameters": [{"name": "n", "type": "int", "default": 3, "help": "how many"}],
        "steps": [
            {"name": "a", "cells": [1], "inputs": ["n"], "outputs": ["x"], "after": []},
            {"name": "b", "cells": [2], "inputs": ["x"], "outputs": [], "after": ["a"]},
        ],
        "edges": [
            {"from": "a", "to": "b", "variables": ["x"], "kind": "data"},
            {"from": "a", "to": "b", "variables": [], "kind": "prev"},
        ],
    }


def test_injected_parameters_declare_nothing() -> None:
    made = pipeline(("parameters", "n = 3"), ("injected-parameters", "n = 5"), ("step:a", "print(n)"))
    assert [(p.name, p.default) for p in made.parameters] == [("n", 3)]
    assert made.blocks[0].cells == (0, 1)


LANGUAGES = [
    ({}, "python"),
    ({"kernelspec": {"name": "python3"}}, "python"),
    ({"kernelspec": {"name": ""}}, "python"),
    ({"kernelspec": {"name": "ir", "language": "R"}}, "r"),
    ({"kernelspec": {"name": "ir"}}, "r"),
    ({"kernelspec": {"name": "julia-1.11"}}, "julia"),
    ({"kernelspec": {"name": "x"}, "language_info": {"name": "bash"}}, "bash"),
    ({"kernelspec": {"name": "x", "language": "python3"}}, "python"),
]


@pytest.mark.parametrize(("metadata", "language"), LANGUAGES)
def test_the_language(metadata: dict[str, object], language: str) -> None:
    assert notebook_language(metadata) == language


def test_another_language_is_one_step() -> None:
    made = pipeline(
        ("parameters", "n <- 3"),
        ("step:a", "x <- n"),
        ("skip", "y"),
        ("step:b", "print(x"),
        kernelspec={"name": "ir", "display_name": "R"},
    )
    assert [(s.name, s.cells) for s in made.steps] == [("notebook", (0, 1, 3))]
    assert made.parameters == made.edges == ()
    assert made.skipped == (2,)


def test_a_notebook_without_code() -> None:
    made = pipeline(("markdown", "# Nothing"))
    assert made.steps == made.blocks == ()
    assert build(notebook(kernelspec={"name": "ir", "display_name": "R"}), "r").blocks == ()


BROKEN = {
    "syntax": (("x = 1", "def f(:\n  pass"), InvalidNotebookError, ["cell 2, line 1", "`def f(:`", "skip"]),
    "return outside a function": (("x = 1\nreturn x",), InvalidNotebookError, ["cell 1, line 2", "return"]),
    "null byte": (("x = '\0'",), InvalidNotebookError, ["cell 1"]),
}


@pytest.mark.parametrize(("sources", "kind", "said"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_cell_is_named(sources: tuple[str, ...], kind: type[Exception], said: list[str]) -> None:
    with pytest.raises(kind) as caught:
        pipeline(*(("", s) for s in sources))
    assert all(part in str(caught.value) for part in said), str(caught.value)


def test_a_broken_cell_that_is_meant_to_fail_is_fine() -> None:
    assert pipeline(("raises-exception", "x ="), ("", "print(1)")).steps[0].cells == (0, 1)


def test_syntax_of_a_later_python_is_left_to_its_kernel() -> None:
    later = {"name": "python", "version": "3.99.0"}
    assert pipeline(("step:a", "x = <new>"), language_info=later).blocks[0].access.opaque
    with pytest.raises(InvalidNotebookError):
        pipeline(("step:a", "x = <new>"), language_info={"name": "python", "version": "3.8.1"})


PREV: dict[str, tuple[Cells, type[Exception], list[str]]] = {
    "unknown": (
        [("step:load", "x = 1"), ("step:b prev:lod", "y = 1")],
        UnknownStepError,
        ["cell 2", "`prev:lod`", "Did you mean `prev:load`?"],
    ),
    "skipped": (
        [("step:a skip", "x = 1"), ("step:b prev:a", "y = 1")],
        UnknownStepError,
        ["cell 2", "All cells of `a` are tagged `skip`"],
    ),
    "itself": ([("step:a prev:a", "x = 1")], CyclicPipelineError, ["cell 1", "itself"]),
    "below": (
        [("step:a prev:b", "x = 1"), ("step:b", "y = 1")],
        CyclicPipelineError,
        ["cell 1", "`prev:b`", "starts below it in cell 2"],
    ),
    "each other": (
        [("step:a prev:b", "x = 1"), ("step:b prev:a", "y = 1")],
        CyclicPipelineError,
        ["cell 1", "`prev:b`"],
    ),
    "two steps": ([("step:a step:b", "x = 1")], InvalidTagError, ["cell 1", "`a`, `b`"]),
}


@pytest.mark.parametrize(("cells", "kind", "said"), PREV.values(), ids=PREV.keys())
def test_prev_that_can_not_be_is_told(cells: Cells, kind: type[Exception], said: list[str]) -> None:
    with pytest.raises(kind) as caught:
        pipeline(*cells)
    assert all(part in str(caught.value) for part in said), str(caught.value)


def test_an_unknown_setting_is_told_with_its_cell() -> None:
    nb = notebook(("step:a", "x = 1"))
    nb.cells[0].metadata["jupyter_mlops"] = {"retires": 1}
    with pytest.raises(InvalidTagError, match="cell 1"):
        build(nb, "test")
