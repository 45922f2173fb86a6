"""The line: what retired blocks left, known without a kernel."""

from __future__ import annotations

import pytest

from jupyter_mlops.execution.committed_state import RANDOM, BlockResult
from tests.execution.blocks import artifact, line, result

CLOSURES = {
    "what is there": (["x", "z"], {"x"}),
    "what shares objects": (["a"], {"a", "b"}),
    "what functions name, and theirs": (["f"], {"f", "g", "x"}),
    "words of strings": (["s"], {"s", "x"}),
    "anything": (["wild"], {"x", "a", "b", "f", "g", "s", "wild"}),
    "everything": (None, {"x", "a", "b", "f", "g", "s", "wild"}),
    "nothing": ([], set()),
}


@pytest.mark.parametrize(("names", "expected"), CLOSURES.values(), ids=CLOSURES.keys())
def test_closure(names: list[str] | None, expected: set[str]) -> None:
    made = line(
        artifact("x"),
        artifact("a", "b"),
        artifact("f", refs=("g",)),
        artifact("g", refs=("x", "none")),
        artifact("s", refs=("'x", "'word")),
        artifact("wild", refs=("*",)),
    )
    assert made.closure(names) == expected


def test_patches_are_always_near() -> None:
    assert line(artifact("@patch|m|f"), artifact("x")).closure([]) == {"@patch|m|f"}


def test_retiring_moves_it_on() -> None:
    made = line(artifact("x"), artifact("y"), count=3, state={"cwd": ("c0", "00")}, imports=["os"])
    made.apply(
        result(
            groups=[artifact("x", digest="e")],
            deleted=["y"],
            state={"environ": ("e1", "01")},
            written={"out.csv": "w"},
            count=2,
        ),
        ["os", "json"],
    )
    assert (made.digest("x"), made.digest("y")) == ("e", None)
    assert made.state == {"cwd": ("c0", "00"), "environ": ("e1", "01")}
    assert (made.imports, made.wrote_files, made.count) == (["os", "json"], ["out.csv"], 5)


def test_what_is_stuck_is_what_is_stuck_now() -> None:
    made = line()
    made.apply(result(stuck={"figures": "an open figure"}), [])
    assert made.stuck
    made.apply(result(), [])
    assert not made.stuck


DRAWS = {
    "nothing seeded it": ({"state": {"random": ("r", None)}}, ["random"]),
    "this block seeded it": ({"state": {"random": ("r", None)}, "seeded": ["random"]}, []),
    "it did not draw": ({}, []),
    "numpy, just imported": ({"state": {"numpy.random": ("n", None)}, "pristine": ["numpy.random"]}, []),
    "no generator": ({"state": {"cwd": ("c", None)}}, []),
}


@pytest.mark.parametrize(("facts", "expected"), DRAWS.values(), ids=DRAWS.keys())
def test_unseeded_draws(facts: dict[str, object], expected: list[str]) -> None:
    assert line().drew_unseeded(result(**facts)) == expected


def test_after_a_seed_draws_are_results() -> None:
    made = line()
    assert made.unseeded == set(RANDOM)
    made.apply(result(seeded=["random"], state={"random": ("r", None)}), [])
    assert made.drew_unseeded(result(state={"random": ("q", None)})) == []


def test_a_result_is_plain_data() -> None:
    import json

    made = result(
        cells={3: {"outputs": []}}, groups=[artifact("x", "y")], state={"cwd": ("c", None)}, read={"a": [1, 2, 3]}
    )
    data = json.loads(json.dumps(made.to_dict()))
    again = BlockResult.from_dict(data)
    assert again.cells == {3: {"outputs": []}} and again.state == {"cwd": ("c", None)}
    assert again.groups == made.groups and again.wrote == {"x", "y"}
