"""From a pipeline to the tasks of an engine."""

from __future__ import annotations

import nbformat
import pytest

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.execution.block_profile import BlockProfile
from jupyter_mlops.export.build import ancestors, tasks_of
from jupyter_mlops.export.plan import ExportTask
from jupyter_mlops.pipeline.build import build
from jupyter_mlops.pipeline.model import Pipeline


def pipeline(*cells: tuple[str, str]) -> Pipeline:
    """A pipeline of cells (tags, source)."""
    nb = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source, metadata={"tags": tags.split()}) for tags, source in cells]
    )
    return build(nb, "made")


def after(tasks: tuple[ExportTask, ...]) -> dict[str, tuple[str, ...]]:
    return {task.name: task.after for task in tasks}


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        pytest.param(
            [("step:a", "x = 1"), ("step:b", "y = x"), ("step:c", "z = x"), ("step:d", "print(y, z)")],
            {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")},
            id="a diamond",
        ),
        pytest.param(
            [("step:a", "x = 1"), ("step:b", "y = x"), ("step:c", "print(x, y)")],
            {"a": (), "b": ("a",), "c": ("b",)},
            id="edges that follow from others are left out",
        ),
        pytest.param(
            [("step:a", "x = 1"), ("step:b", "open('out.txt', 'w').write('b')"), ("step:c", "y = 2")],
            {"a": (), "b": ("a",), "c": ()},
            id="what writes a file waits for everything above it",
        ),
        pytest.param(
            [("step:a", "x = 1"), ("step:b", "import requests\nrequests.post('http://x')")],
            {"a": (), "b": ("a",)},
            id="what uses the network waits for everything above it",
        ),
        pytest.param(
            [("step:a", "x = 1"), ("step:b gate", "assert 1"), ("step:c", "y = 2")],
            {"a": (), "b": (), "c": ("b",)},
            id="everything below a gate waits for it",
        ),
        pytest.param(
            [("step:a", "import os\nx = 1"), ("step:b", "print(os.sep)")],
            {"a": (), "b": ("a",)},
            id="a module that only a step imports",
        ),
        pytest.param(
            [("imports", "import os"), ("step:a", "x = 1"), ("step:b", "print(os.sep)")],
            {"a": (), "b": ()},
            id="imports run in every process",
        ),
        pytest.param(
            [("step:a", "import pandas as pd\npd.set_option('display.width', 9)"), ("step:b", "y = 1")],
            {"a": (), "b": ("a",)},
            id="process state",
        ),
        pytest.param(
            [("step:a", "import random\nrandom.seed(1)"), ("step:b", "y = 1"), ("step:c", "z = random.random()")],
            {"a": (), "b": (), "c": ("a",)},
            id="random generators matter to those that draw",
        ),
        pytest.param(
            [("parameters", "import time\nat = time.time()"), ("step:a", "x = at"), ("step:b", "y = at")],
            {"a": (), "b": ("a",)},
            id="one process reads the clock for all",
        ),
        pytest.param(
            [("step:a", "x = 1"), ("step:b", "import doctest\ndoctest.testmod()")],
            {"a": (), "b": ("a",)},
            id="what looks at all names of the notebook",
        ),
        pytest.param(
            [("step:a", "x = 1"), ("step:b prev:a", "y = 2")],
            {"a": (), "b": ("a",)},
            id="a prev: tag",
        ),
    ],
)
def test_a_task_waits_for_what_it_needs(cells: list[tuple[str, str]], expected: dict[str, tuple[str, ...]]) -> None:
    assert after(tasks_of(pipeline(*cells))) == expected


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        pytest.param(
            [("step:a", "f = open('x')"), ("step:b", "print(f.read())"), ("step:c", "y = 1")],
            ["a+b", "c"],
            id="a value that can't be pickled",
        ),
        pytest.param(
            [("step:a", "x = 1"), ("step:b", "y = x"), ("step:a", "x = y + 1"), ("step:c", "print(x)")],
            ["a+b", "c"],
            id="steps whose cells stand between each other",
        ),
        pytest.param(
            [("step:a", "x = 1"), ("step:b", "print(globals())"), ("step:c", "y = 1")],
            ["a+b", "c"],
            id="a step that looks at everything before it",
        ),
    ],
)
def test_steps_that_cant_be_separated_are_one_task(cells: list[tuple[str, str]], expected: list[str]) -> None:
    assert [task.name for task in tasks_of(pipeline(*cells))] == expected


def test_keep_going_does_not_wait() -> None:
    made = pipeline(("step:a", "x = 1"), ("step:b", "open('out.txt', 'w').write('b')"))
    cell = nbformat.v4.new_code_cell(
        "open('out.txt', 'w').write('b')",
        metadata={"tags": ["step:b"], "jupyter_mlops": {"keep_going": True}},
    )
    first = nbformat.v4.new_code_cell("x = 1", metadata={"tags": ["step:a"]})
    lenient = build(nbformat.v4.new_notebook(cells=[first, cell]), "made")
    assert after(tasks_of(made))["b"] == ("a",)
    assert after(tasks_of(lenient))["b"] == ()


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        (BlockProfile(), {"a": (), "b": ()}),
        (BlockProfile(outside=True), {"a": (), "b": ()}),
        (BlockProfile(state=frozenset({"locale"})), {"a": (), "b": ("a",)}),
        (BlockProfile(state=frozenset({"random"})), {"a": (), "b": ()}),
        (BlockProfile(patched=frozenset({"@patch|json|dumps"})), {"a": (), "b": ("a",)}),
        (BlockProfile(wrote=frozenset({"y"})), {"a": (), "b": ("a",)}),
        (BlockProfile(wrote=frozenset({"f", "z"}), refs=frozenset({"y>f"})), {"a": (), "b": ("a",)}),
        (BlockProfile(callbacks=frozenset({"numpy"})), {"a": (), "b": ("a",)}),
        (BlockProfile(live=frozenset({"y"})), {"a+b": ()}),
        (BlockProfile(holds=frozenset({"threads"})), {"a+b": ()}),
        (BlockProfile(holds=frozenset({"figures"})), {"a": (), "b": ()}),
    ],
)
def test_what_an_earlier_run_showed_counts(profile: BlockProfile, expected: dict[str, tuple[str, ...]]) -> None:
    made = pipeline(("step:a", "f()"), ("step:b", "print(y)"))
    assert after(tasks_of(made, {0: profile})) == expected


def test_what_acted_in_an_earlier_run_waits() -> None:
    made = pipeline(("step:a", "x = 1"), ("step:b", "save()"))
    assert after(tasks_of(made))["b"] == ()
    (_, second) = tasks_of(made, {1: BlockProfile(writes=frozenset({"out.txt"}))})
    assert (second.after, second.acts) == (("a",), "wrote files in an earlier run")


def test_a_step_that_changed_a_value_by_way_of_a_shared_object_waits_for_who_shares_it() -> None:
    made = pipeline(("step:a", "x = f()"), ("step:b", "w = g(x)"), ("step:c", "x.name = 1"))
    assert after(tasks_of(made, {1: BlockProfile(wrote=frozenset({"w"}))}))["c"] == ("a",)
    changed = BlockProfile(wrote=frozenset({"x", "w"}))
    assert after(tasks_of(made, {1: BlockProfile(wrote=frozenset({"w"})), 2: changed}))["c"] == ("b",)


def test_settings_of_joined_steps_are_those_of_all() -> None:
    cells = [
        nbformat.v4.new_code_cell(
            "f = open('x')",
            metadata={"tags": ["step:a", "limit:cpu:2"], "jupyter_mlops": {"retries": 2, "timeout": 10}},
        ),
        nbformat.v4.new_code_cell(
            "print(f.read())",
            metadata={"tags": ["step:b", "secret:TOKEN"], "jupyter_mlops": {"timeout": 20}},
        ),
    ]
    (task,) = tasks_of(build(nbformat.v4.new_notebook(cells=cells), "made"))
    assert (task.retries, task.timeout, dict(task.limits), task.secrets) == (2, 30, {"cpu": "2"}, ("TOKEN",))


def test_tasks_stand_in_an_order_that_their_edges_allow() -> None:
    made = pipeline(("step:a", "f = g()"), ("step:b", "y = 1"), ("step:c", "print(y)"), ("step:d", "f.run()"))
    names = [task.name for task in tasks_of(made, {0: BlockProfile(live=frozenset({"f"}))})]
    assert sorted(names) == ["a+d", "b", "c"]
    assert names.index("b") < names.index("c")


def test_a_notebook_without_steps_has_nothing_to_export() -> None:
    with pytest.raises(InvalidInputError, match="no steps"):
        tasks_of(pipeline(("imports", "import os")))


def test_ancestors() -> None:
    tasks = tasks_of(pipeline(("step:a", "x = 1"), ("step:b", "y = x"), ("step:c", "z = y"), ("step:d", "w = 1")))
    assert ancestors(tasks, ["c"]) == {"a", "b"}
    assert ancestors(tasks, ["a"]) == ancestors(tasks, ["d"]) == set()
