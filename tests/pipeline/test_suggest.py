import json
import re
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat import NotebookNode, v4

from jupyter_mlops.pipeline.suggest import MAX_STEPS, Suggestion, apply, describe, suggest

Cell = tuple[str, str]


def notebook(*sources: str, **metadata: Any) -> NotebookNode:
    """Cells by their text; those that begin with `#` and a blank or another `#` are Markdown."""
    cells = [
        v4.new_markdown_cell(source.removeprefix("text:"))
        if source.startswith(("# ", "##", "text:"))
        else v4.new_code_cell(source)
        for source in sources
    ]
    return v4.new_notebook(cells=cells, metadata=metadata)


def tags(nb: NotebookNode) -> list[str]:
    """The suggested tag of every cell, "" for none."""
    found = suggest(nb).tags
    return [found.get(index, "") for index in range(len(nb.cells))]


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        pytest.param(
            ["# Title", "import numpy as np", "## Load", "a = np.ones(3)", "a.sum()", "## Fit it", "b = a * 2"],
            ["", "imports", "", "step:load", "step:load", "", "step:fit_it"],
            id="H2 under one H1",
        ),
        pytest.param(
            ["# Load", "a = f()", "# Fit", "b = a * 2"],
            ["", "step:load", "", "step:fit"],
            id="several H1 are steps",
        ),
        pytest.param(
            ["### Title", "#### Load", "a = f()", "#### Fit", "b = a"],
            ["", "", "step:load", "", "step:fit"],
            id="levels are relative",
        ),
        pytest.param(
            ["# T", "## Fit", "a = f()", "### One", "b = f()", "#### Detail", "c = f()", "### Two", "d = f()"],
            ["", "", "step:fit", "", "step:one", "", "step:one", "", "step:two"],
            id="two levels count, deeper ones belong to the heading above",
        ),
        pytest.param(
            ["# T", "## Empty", "text: prose", "## Load", "a = f()", "## Fit", "b = a"],
            ["", "", "", "", "step:load", "", "step:fit"],
            id="a heading without code is no step",
        ),
        pytest.param(
            ["# T", "## Fit", "a = f()", "## Fit", "b = f()"],
            ["", "", "step:fit", "", "step:fit_2"],
            id="names are unique",
        ),
        pytest.param(
            ["# T", "## Pigs", "### Data", "a = f()", "## Cows", "### Data", "b = f()"],
            ["", "", "", "step:data", "", "", "step:cows_data"],
            id="a repeated heading takes its parent's name",
        ),
        pytest.param(
            ["# T", "## 数据", "a = f()", "## 模型", "b = a"],
            ["", "", "step:step_1", "", "step:step_2"],
            id="headings that can't be written in ASCII",
        ),
        pytest.param(
            ["# T", "import pandas as pd", "df = pd.read_csv('a.csv')", "## Fit", "b = df"],
            ["", "imports", "step:load_data", "", "step:fit"],
            id="code above the first heading is named by what it does",
        ),
        pytest.param(
            ["# T", "import numpy as np", "np.random.seed(1)", "## Draw", "a = np.random.rand()", "## Use", "b = a"],
            ["", "imports", "step:draw", "", "step:draw", "", "step:use"],
            id="a seed belongs to the first step",
        ),
        pytest.param(
            ["import a", "def f():\n    return 1", "class C:\n    pass", "x = f()", "def g():\n    return x", "g()"],
            ["imports", "functions", "functions", "step:main", "step:main", "step:main"],
            id="definitions are functions only before any step",
        ),
        pytest.param(
            ["import a", "n = 10\nname = 'x'", "y = a.f(n)"],
            ["imports", "parameters", "step:main"],
            id="literals are parameters",
        ),
        pytest.param(
            ["n = 10", "n = n + 1"],
            ["step:main", "step:main"],
            id="a literal that is set anew is no parameter",
        ),
        pytest.param(
            ["scores = [0]", "scores[0] = 1"],
            ["step:main", "step:main"],
            id="a list that is changed is no parameter",
        ),
        pytest.param(
            ["n = 10", "print('hello')"],
            ["step:main", "step:main"],
            id="a literal that nothing uses is no parameter",
        ),
        pytest.param(
            ["n = 10", "def f():\n    return n", "f()"],
            ["parameters", "functions", "step:main"],
            id="a parameter may be read by a function",
        ),
        pytest.param(
            ["n = 10", "m = 20", "print(n, m)"],
            ["parameters", "step:main", "step:main"],
            id="one cell of parameters",
        ),
        pytest.param(["print(1)"], ["step:main"], id="a single cell"),
        pytest.param(["# My study", "print(1)"], ["", "step:my_study"], id="a single cell under a title"),
        pytest.param(["import a"], ["imports"], id="imports alone"),
        pytest.param(["x = f(", "y = 1"], ["step:main", "step:main"], id="a cell with a syntax error"),
        pytest.param(["", "  \n", "x = f()"], ["", "", "step:main"], id="empty cells get no tag"),
    ],
)
def test_tags(sources: list[str], expected: list[str]) -> None:
    assert tags(notebook(*sources)) == expected


def test_without_headings_steps_follow_the_data() -> None:
    nb = notebook(
        "import pandas as pd",
        "sales = pd.read_csv('sales.csv')",
        "sales.head()",
        "text: Another table.",
        "shops = pd.read_csv('shops.csv')",
        "shops.head()",
        "text: Now a model.",
        "model = Ridge().fit(sales, shops)",
        "print(model.coef_)",
        "model",
    )
    assert [(step.name, step.cells) for step in suggest(nb).steps] == [
        ("load_data", (1, 2)),
        ("load_shops", (4, 5)),
        ("fit_model", (7, 8, 9)),
    ]


def test_one_long_section_is_cut_by_its_data() -> None:
    sources = [f"value_{n} = load(value_{n - 1})\nprint(value_{n})" if n % 3 == 0 else f"print({n})" for n in range(12)]
    names = {step.name for step in suggest(notebook("# T", "## Only", *sources)).steps}
    assert 2 <= len(names) <= 10


def test_too_many_subheadings_join_their_parents() -> None:
    inner = [part for n in range(MAX_STEPS) for part in (f"### Part {n}x", f"a{n} = {n}")]
    steps = suggest(notebook("# T", "## First", *inner, "## Second", "b = f()")).steps
    assert [step.name for step in steps] == ["first", "second"]
    assert len(steps[0].cells) == MAX_STEPS


@pytest.mark.parametrize(
    "existing", [["step:load"], ["block:load"], ["other", "step:load"], ["step:"]], ids=lambda tags: "+".join(tags)
)
def test_a_notebook_with_steps_is_left_alone(existing: list[str]) -> None:
    nb = notebook("a = 1", "## Fit", "b = a")
    nb.cells[0].metadata["tags"] = existing
    suggestion = suggest(nb)
    assert suggestion.tags == {} and "nothing was changed" in suggestion.message
    assert apply(nb, suggestion) == nb


@pytest.mark.parametrize("tag", ["parameters", "pipeline-parameters", "imports", "functions", "metrics", "skip"])
def test_cells_with_a_role_keep_it_and_get_no_step(tag: str) -> None:
    nb = notebook("n = 10", "m = 20", "print(n, m)")
    nb.cells[1].metadata["tags"] = [tag, "mine"]
    suggestion = suggest(nb)
    assert 1 not in suggestion.tags
    assert apply(nb, suggestion).cells[1].metadata["tags"] == [tag, "mine"]


def test_existing_parameters_are_the_only_ones() -> None:
    nb = notebook("n = 10", "m = 20", "print(n, m)")
    nb.cells[1].metadata["tags"] = ["parameters"]
    assert suggest(nb).parameters == ()


@pytest.mark.parametrize(
    "metadata",
    [{"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}, {"language_info": {"name": "julia"}}],
)
def test_other_languages_are_one_step(metadata: dict[str, Any]) -> None:
    suggestion = suggest(notebook("x <- 1", **metadata))
    assert suggestion.tags == {} and "Python" in suggestion.message


def test_nothing_to_tag() -> None:
    assert suggest(notebook("# Only text")).message
    nb = notebook("n = 10")
    nb.cells[0].metadata["tags"] = ["parameters"]
    assert "already have a role" in suggest(nb).message


def test_apply_adds_tags_and_nothing_else() -> None:
    nb = notebook("import a", "# T", "## Load", "x = a.f()", "x", custom={"kept": [1]})
    nb.cells[3].metadata = nbformat.from_dict({"tags": ["mine"], "collapsed": True, "jupyter": {"x": 1}})
    nb.cells[4].outputs = [v4.new_output("stream", name="stdout", text="1\n")]
    nb.cells[4].execution_count = 7
    before = json.loads(nbformat.writes(nb))
    result = apply(nb, suggest(nb))
    assert json.loads(nbformat.writes(nb)) == before
    nbformat.validate(result)
    after = json.loads(nbformat.writes(result))
    assert after["cells"][3]["metadata"]["tags"] == ["mine", "step:load"]
    for cell in (*before["cells"], *after["cells"]):
        cell["metadata"].pop("tags", None)
    assert after == before


CELLS = st.sampled_from(
    [
        "# Title",
        "## Load",
        "## Fit",
        "### Fit",
        "#### 数据",
        "text: prose",
        "import os",
        "n = 10",
        "def f():\n    return n",
        "x = open('a').read()",
        "y = x + str(n)",
        "print(y)",
        "z = f(",
        "",
    ]
)


@given(st.lists(CELLS, max_size=40))
def test_every_code_cell_gets_one_tag_and_steps_follow_one_another(sources: list[str]) -> None:
    nb = notebook(*sources)
    suggestion = suggest(nb)
    code = [index for index, cell in enumerate(nb.cells) if cell.cell_type == "code" and cell.source.strip()]
    assert list(suggestion.tags) == code
    in_steps = [index for step in suggestion.steps for index in step.cells]
    assert in_steps == sorted(in_steps)
    assert in_steps == [index for index in code if suggestion.tags[index].startswith("step:")]
    names = [step.name for step in suggestion.steps]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z_][a-z0-9_]{0,34}", name) for name in names)
    assert sum(tag == "parameters" for tag in suggestion.tags.values()) <= 1


def test_applied_once_it_is_never_applied_again() -> None:
    once = apply(nb := notebook("a = f()", "## B", "b = a"), suggest(nb))
    assert apply(once, suggest(once)) == once


def test_describe_counts_cells_from_one() -> None:
    nb = notebook("import a", "n = 10", "# T", "## Load", "x = a.f(n)", "x", "x", "## Fit", "y = x")
    lines = [line.split() for line in describe(suggest(nb)).splitlines()]
    assert lines == [
        ["parameters", "cell", "2", "n"],
        ["imports", "cell", "1"],
        ["step:load", "cells", "5–7", "“Load”"],
        ["step:fit", "cell", "9", "“Fit”"],
    ]


def test_describe_says_why_there_is_nothing() -> None:
    assert describe(Suggestion(message="why")) == "why"
