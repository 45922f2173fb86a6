"""Histories of an alias: what rollbacks undo, and what an alias named when."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlops.registry.history import AliasChange, change_at, effective, has_been_at, undoable


def played(moves: str) -> tuple[list[AliasChange], list[str]]:
    """The changes after moves such as `v2 v1 back - set:v3`, and the refusals.

    A version promotes it, `set:` sets it, `back` rolls back, `-` removes the alias.
    """
    changes: list[AliasChange] = []
    refused = []
    for move in moves.split():
        current = changes[-1].version if changes else None
        undone = undoable(changes) if move == "back" else None
        if move == "back" and (undone is None or undone.previous is None):
            refused.append(move)
            continue
        action, _, name = move.rpartition(":")
        version = None if move == "-" else undone.previous if undone else int(name.lstrip("v"))
        action = "remove" if move == "-" else "rollback" if undone else action or "promote"
        undoes = undone.number if undone else None
        number = len(changes) + 1
        changes.append(
            AliasChange(1, "production", number, version, current, float(number), "ada", "", action, undoes, [], False)
        )
    return changes, refused


@pytest.mark.parametrize(
    ("moves", "versions", "undone", "refusals"),
    [
        ("v1", [1], [], 0),
        ("v1 v2 back", [1, 2, 1], [2], 0),
        ("v2 v1 v2 back back", [2, 1, 2, 1, 2], [3, 2], 0),  # iterative/gto#51
        ("v2 v1 v2 back back back", [2, 1, 2, 1, 2], [3, 2], 1),
        ("v1 v2 back v3 back", [1, 2, 1, 3, 1], [2, 4], 0),
        ("v1 v2 v3 back back v4 back back", [1, 2, 3, 2, 1, 4, 1], [3, 2, 6], 1),
        ("v1 set:v2 back", [1, 2, 1], [2], 0),
        ("v1 - back", [1, None, 1], [2], 0),
        ("v1 - v2 back", [1, None, 2], [], 1),
        ("v1 v2 back back", [1, 2, 1], [2], 1),
        ("back", [], [], 1),
        ("set:v5 back v6 back", [5, 6, 5], [2], 1),
        ("v1 v2 back v2 back", [1, 2, 1, 2, 1], [2, 4], 0),
    ],
)
def test_sequences(moves: str, versions: list[int | None], undone: list[int], refusals: int) -> None:
    changes, refused = played(moves)
    assert [change.version for change in changes] == versions
    assert [change.undoes for change in changes if change.undoes] == undone
    assert len(refused) == refusals


MOVES = st.lists(st.sampled_from(["v1", "v2", "v3", "set:v1", "set:v4", "back", "back", "-"]), max_size=30)


@given(MOVES)
def test_the_state_is_that_of_the_last_change_that_is_not_undone(moves: list[str]) -> None:
    changes, _ = played(" ".join(moves))
    for number in range(1, len(changes) + 1):
        stack = effective(changes[:number])
        assert (stack[-1].version if stack else None) == changes[number - 1].version
        assert all(later.previous == earlier.version for earlier, later in pairwise(stack))


@given(MOVES)
def test_no_change_is_undone_twice_and_rollbacks_come_to_an_end(moves: list[str]) -> None:
    changes, _ = played(" ".join(moves))
    undone = [change.undoes for change in changes if change.undoes]
    assert len(undone) == len(set(undone))
    assert all(changes[number - 1].action != "rollback" for number in undone)
    total, _ = played(" ".join([*moves, *["back"] * (len(moves) + 1)]))
    left = undoable(total)
    assert left is None or left.previous is None


@given(MOVES, st.sampled_from(["v7", "set:v8", "-"]))
def test_a_rollback_restores_what_was(moves: list[str], change: str) -> None:
    before, _ = played(" ".join(moves))
    after, refused = played(" ".join([*moves, change, "back"]))
    current = before[-1].version if before else None
    if current is None:
        assert refused[-1:] == ["back"]
    else:
        assert after[-1].version == current
        assert [c.number for c in effective(after)] == [c.number for c in effective(before)]


@pytest.mark.parametrize(
    ("moment", "version"), [(0.5, None), (1.0, 2), (1.9, 2), (2.0, 1), (3.0, None), (99.0, 4)],
)  # fmt: skip
def test_a_time_has_the_change_before_it(moment: float, version: int | None) -> None:
    changes, _ = played("v2 v1 - v4")
    change = change_at(changes, moment)
    assert (change.version if change else None) == version


@pytest.mark.parametrize(
    ("moves", "version", "has_been"),
    [("v1", 1, True), ("v1", 2, False), ("v1 v2", 1, True), ("v1 v2 back", 2, False), ("v1 v2 back v2", 2, True),
     ("v1 -", 1, True), ("", 1, False)],
)  # fmt: skip
def test_what_was_rolled_back_has_not_been_there(moves: str, version: int, has_been: bool) -> None:
    assert has_been_at(played(moves)[0], version) is has_been
