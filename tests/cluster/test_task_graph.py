"""Which task comes next, after every kind of end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.export.plan import ExportTask
from jupyter_mlops.service.cluster.task_graph import FINAL, TaskGraph


def task(name: str, *after: str) -> ExportTask:
    return ExportTask(name, (name,), after)


DIAMOND = (task("a"), task("b", "a"), task("c", "a"), task("d", "b", "c"), task("e"))


def names(graph: TaskGraph) -> list[str]:
    return [ready.name for ready in graph.ready()]


def advance(graph: TaskGraph, *moves: str) -> TaskGraph:
    """Moves such as `start a`, `complete a`, `fail b`, `hold c`."""
    for move in moves:
        verb, name = move.split()
        getattr(graph, verb)(name)
    return graph


@pytest.mark.parametrize(
    ("moves", "ready", "skipped"),
    [
        ((), ["a", "e"], []),
        (("start a",), ["e"], []),
        (("start a", "complete a"), ["b", "c", "e"], []),
        (("start a", "complete a", "start b", "complete b"), ["c", "e"], []),
        (("start a", "complete a", "start b", "fail b"), ["c", "e"], ["d"]),
        (("start a", "fail a"), ["e"], ["b", "c", "d"]),
        (("start e", "hold e"), ["a"], []),
        (("start e", "hold e", "start a", "fail a"), [], ["b", "c", "d", "e"]),
        (
            ("start e", "hold e", "start a", "complete a", "start b", "complete b", "start c", "complete c"),
            ["d"], [],
        ),
        (
            ("start e", "hold e", "start a", "complete a", "start b", "complete b", "start c", "complete c",
             "start d", "complete d"),
            ["e"], [],
        ),
    ],
)  # fmt: skip
def test_what_is_ready_and_what_is_skipped(moves: tuple[str, ...], ready: list[str], skipped: list[str]) -> None:
    graph = advance(TaskGraph(DIAMOND), *moves)
    assert names(graph) == ready
    assert [name for name, state in graph.states.items() if state == "skipped"] == skipped
    assert all(graph.reasons[name] for name in skipped)


def test_without_keep_going_nothing_starts_after_a_failure() -> None:
    graph = advance(TaskGraph(DIAMOND, keep_going=False), "start a", "fail a")
    assert graph.is_finished
    assert graph.reasons["e"] == "'a' failed"


def test_tasks_that_are_left_out_count_as_completed() -> None:
    graph = TaskGraph(DIAMOND, {"d"})
    assert names(graph) == ["d"]
    assert advance(graph, "start d", "complete d").is_finished


@given(st.data())
def test_every_run_ends(data: st.DataObject) -> None:
    """Whatever graph, and however its tasks end: no task starts before those it waits for, and all come to an end."""
    count = data.draw(st.integers(1, 8))
    tasks = [
        task(f"t{i}", *(f"t{j}" for j in range(i) if data.draw(st.booleans(), label=f"t{i} after t{j}")))
        for i in range(count)
    ]
    graph = TaskGraph(tasks, keep_going=data.draw(st.booleans()))
    held: set[str] = set()
    while not graph.is_finished:
        running = [name for name, state in graph.states.items() if state == "running"]
        for ready in graph.ready():
            assert all(graph.states[before] == "completed" for before in ready.after)
            graph.start(ready.name)
            running.append(ready.name)
        assert running, graph.states
        name = data.draw(st.sampled_from(running))
        verb = data.draw(st.sampled_from(["complete", "fail", *(["hold"] if name not in held else [])]))
        held |= {name} if verb == "hold" else set()
        getattr(graph, verb)(name)
    assert set(graph.states.values()) <= set(FINAL)
    assert graph.ready() == []
