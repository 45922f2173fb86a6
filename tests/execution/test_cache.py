"""Kept results: found again for the same question only, and never damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_mlops.execution.cache import Cache, Key, key_of, normalised
from jupyter_mlops.execution.committed_state import BlockResult, CommittedState, VariableGroup
from jupyter_mlops.storage.local import ObjectStore
from tests.execution.blocks import artifact, block, line, result

AB12 = Key("ab12")


def key(source: str = "y = x + 1", base: str = "env", *, raises: bool = False, at: CommittedState | None = None) -> Key:
    return key_of(block(source), [source], raises, at or line(artifact("x")), base, False)


def test_the_key_is_the_question() -> None:
    same = key()
    assert key("y = x + 1  \n") == same
    assert key(at=line(artifact("x"), artifact("other"))) == same
    assert key(at=line(artifact("x"), count=9)) == same
    assert key(at=line(artifact("x"), state={"random": ("r", None)})) == same


@pytest.mark.parametrize(
    "other",
    [
        lambda: key("y = x + 2"),
        lambda: key(base="another environment"),
        lambda: key(at=line(artifact("x", digest="e"))),
        lambda: key(at=line()),
        lambda: key(at=line(artifact("x"), state={"pandas": ("p", None)})),
        lambda: key(at=line(artifact("x"), imports=["os"])),
        lambda: key(at=line(artifact("x", refs=("z",)), artifact("z"))),
        lambda: key(at=line(artifact("x"), touched_modules={"x": "0:lib"})),
        lambda: key("y = x\n+ 1"),
    ],
)
def test_another_question_has_another_key(other: object) -> None:
    assert other() != key()  # type: ignore[operator]


def test_what_a_name_was_before_it_is_bound_anew_is_no_part_of_the_question() -> None:
    source = "y = x + 1"
    with_y = key(source, at=line(artifact("x"), artifact("y", digest="one")))
    assert with_y.digest == key(source).digest
    assert with_y.bound_anew == {"y": "one"}
    tied = key(source, at=line(artifact("x"), artifact("y", "z", digest="one")))
    assert tied.digest != with_y.digest and not tied.bound_anew
    read = block(source)
    assert not key_of(read, [source], False, line(artifact("x")), "env", False, ["y"]).bound_anew


def test_a_name_that_was_not_bound_after_all_has_to_be_what_it_was(cache: Cache) -> None:
    group = VariableGroup(("a",), "new", {"a": "int"}, ())
    before = Key("ab12", {"a": "old", "b": "one"})
    cache.store_result(before, result(groups=[group], cells={0: {"outputs": []}}), {})
    assert cache.find(Key("ab12", {"a": "other", "b": "one"}), line()) is not None
    assert cache.find(Key("ab12", {"a": "old", "b": "two"}), line()) is None


def test_where_an_error_shows_the_count_is_part_of_the_question() -> None:
    at = line(artifact("x"), count=9)
    assert key(raises=True) != key(raises=True, at=at)


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("x = 1", "x = 1   \n\n", True),
        ("# one\nx = 1", "# two\nx = 1", True),
        ("x = 1  # one", "x = 1  # two", False),
        ("x = 1", "\nx = 1", False),
        ("'''\n# a\n'''", "'''\n# b\n'''", False),
        ("!ls # a", "!ls # b", False),
    ],
)
def test_what_can_not_show_is_left_out_of_the_source(a: str, b: str, same: bool) -> None:
    assert (normalised(a) == normalised(b)) is same


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache", ObjectStore(tmp_path / "objects"))


def stored(cache: Cache, tmp_path: Path, key: Key = AB12, **facts: object) -> BlockResult:
    """A result with one variable in a file, kept under a key."""
    file = tmp_path / "made"
    file.write_bytes(b"pickle")
    group = VariableGroup(("x",), "d", {"x": "int"}, (), str(file), (0, 6))
    made = result(groups=[group], cells={0: {"outputs": []}}, **facts)
    cache.store_result(key, made, {p: cache.file_digest(p) for p in made.read})
    return made


def test_a_kept_result_is_found_with_its_artifact(cache: Cache, tmp_path: Path) -> None:
    stored(cache, tmp_path)
    (tmp_path / "made").unlink()
    found = cache.find(Key("ab12"), line())
    assert found is not None and found.from_cache
    assert found.groups[0].file and Path(found.groups[0].file).read_bytes() == b"pickle"
    assert cache.find(Key("ab13"), line()) is None


def test_a_file_it_read_has_to_be_the_same(cache: Cache, tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_text("1")
    stored(cache, tmp_path, read={str(data): [1, 1, 1]})
    assert cache.find(Key("ab12"), line()) is not None
    data.write_text("22")
    assert cache.find(Key("ab12"), line()) is None
    data.unlink()
    assert cache.find(Key("ab12"), line()) is None
    data.write_text("1")
    assert cache.find(Key("ab12"), line()) is not None


def test_a_generator_it_drew_from_has_to_be_where_it_was(cache: Cache, tmp_path: Path) -> None:
    stored(cache, tmp_path, state={"random": ("after", None)}, state_before={"random": "before"})
    assert cache.find(Key("ab12"), line(state={"random": ("before", None)})) is not None
    assert cache.find(Key("ab12"), line(state={"random": ("elsewhere", None)})) is None


@pytest.mark.parametrize("damage", ["gone", "short"])
def test_an_entry_holds_without_its_artifact(cache: Cache, tmp_path: Path, damage: str) -> None:
    stored(cache, tmp_path)
    (tmp_path / "made").unlink()
    for path in cache.store.root.glob("??/*"):
        path.unlink() if damage == "gone" else path.write_bytes(b"pic")
    found = cache.find(Key("ab12"), line())
    assert found is not None
    [group] = found.groups
    assert group.absent and not group.portable and group.digest == "d"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', "null", '{"format": 2}'])
def test_a_damaged_entry_is_a_miss(cache: Cache, tmp_path: Path, text: str) -> None:
    stored(cache, tmp_path)
    for path in cache.root.rglob("*.json"):
        path.write_text(text)
    assert cache.find(Key("ab12"), line()) is None


def test_entries_for_several_states_of_a_file_are_kept_a_few_at_most(cache: Cache, tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    for content in "abcdefg":
        data.write_text(content)
        stored(cache, tmp_path, read={str(data): [1, 1, 1]})
    assert len(list(cache.root.rglob("*.json"))) == 4
    data.write_text("e")
    assert cache.find(Key("ab12"), line()) is not None


def test_trimming_lets_the_longest_unused_go(cache: Cache) -> None:
    import os

    digests = [cache.store.put(bytes([i]) * 100) for i in range(5)]
    for age, digest in enumerate(digests):
        os.utime(cache.store.path(digest), (1000 + age, 1000 + age))
    cache.trim(250)
    assert [d in cache.store for d in digests] == [False, False, False, True, True]


def test_entries_count_too_and_those_that_are_used_stay(cache: Cache, tmp_path: Path) -> None:
    import os

    keys = [f"{n:02}key" for n in range(4)]
    for age, key in enumerate(keys):
        stored(cache, tmp_path, key=Key(key))
        for path in cache.root.glob(f"{key[:2]}/*/*.json"):
            os.utime(path, (1000 + age, 1000 + age))
    assert cache.find(Key(keys[0]), line()) is not None  # it was used now
    size = sum(path.stat().st_size for path in cache.root.rglob("*.json"))
    cache.trim(size * 3 // 4 + 6)  # an object of six bytes belongs to all of them
    held = [bool(list(cache.root.glob(f"{key[:2]}/*/*.json"))) for key in keys]
    assert held == [True, False, True, True]
    assert not list(cache.root.glob("01/*"))  # nor an empty folder


def test_what_may_go_is_looked_for_now_and_then(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    asked = []
    monkeypatch.setattr(cache, "trim", asked.append)
    for _ in range(3):
        cache.tidy(7)
    later = time.time() + 601
    monkeypatch.setattr(time, "time", lambda: later)
    cache.tidy(8)
    assert asked == [7, 8]


@pytest.mark.parametrize("text", ["ü\u2028", "\ud800", "\x00"])
@pytest.mark.parametrize("number", [float("nan"), float("-inf"), 1 << 70, 0.1])
def test_outputs_come_back_as_they_were(cache: Cache, text: str, number: float) -> None:
    output = {"output_type": "display_data", "data": {"application/json": [text, {"n": (number,)}]}}
    cache.store_result(Key("ab12"), result(cells={0: {"outputs": [output]}}), {})
    found = cache.find(Key("ab12"), line())
    assert found is not None
    told, inner = found.cells[0]["outputs"][0]["data"]["application/json"]
    assert told == text and str(inner["n"]) == str([number])


@pytest.mark.parametrize(("cost", "bytes_kept"), [(0.0, False), (11.9, False), (12.1, True)])
def test_a_large_value_is_kept_where_it_takes_long_to_make_again(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cost: float, bytes_kept: bool
) -> None:
    small_thresholds(monkeypatch, large=10, speed=100)
    cache.store_result(Key("ab12"), made(tmp_path, "x", 100), {}, cost, "a")
    found = cache.find(Key("ab12"), line())
    assert found is not None
    small, large = found.groups
    assert small.portable and large.portable is bytes_kept and large.absent is not bytes_kept
    for group, size in ((small, 6), (large, 100)):
        assert group.file is None or Path(group.file).stat().st_size == size
    assert large.size == 100


def test_two_large_values_of_the_same_variables_stay_at_most(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_thresholds(monkeypatch, large=10, speed=100)
    for number in range(4):
        cache.store_result(Key(f"ab1{number}"), made(tmp_path, f"x{number}", 100), {}, 99, "a")
    cache.store_result(Key("ab20"), made(tmp_path, "other", 100), {}, 99, "another notebook")
    cache.bound()
    keys = ["ab10", "ab11", "ab12", "ab13", "ab20"]
    absent = [[g.absent for g in found.groups] for key in keys if (found := cache.find(Key(key), line()))]
    assert absent == [[False, True], [False, True], [False, False], [False, False], [False, False]]


def test_trimming_counts_large_values_and_leaves_what_is_known_of_them(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    small_thresholds(monkeypatch, large=10, speed=100)
    cache.store_result(Key("ab12"), made(tmp_path, "x", 5000), {}, 1e9, "a")
    for path in cache.root.glob("large/*/*"):
        os.utime(path, (1, 1))
    cache.trim(4000)
    assert not list(cache.root.glob("large/*"))
    found = cache.find(Key("ab12"), line())
    assert found is not None and [g.absent for g in found.groups] == [False, True]


def small_thresholds(monkeypatch: pytest.MonkeyPatch, *, large: int, speed: float) -> None:
    from jupyter_mlops.execution import cache
    from jupyter_mlops.execution.agent import worth

    monkeypatch.setattr(cache, "LARGE_SIZE", large)
    monkeypatch.setattr(worth, "LARGE", large)
    monkeypatch.setattr(worth, "SPEED", speed)


def made(folder: Path, name: str, size: int) -> BlockResult:
    """A small value and one of `size` bytes, each in a file of its own."""
    groups = []
    for kind, length in (("small", 6), (name, size)):
        file = folder / f"{kind}.bin"
        file.unlink(missing_ok=True)
        file.write_bytes(kind.encode()[:1] * length)
        names = ("s",) if kind == "small" else ("x",)
        groups.append(VariableGroup(names, f"digest-{kind}", {}, (), str(file), (0, length)))
    return result(groups=groups, cells={0: {"outputs": []}})


def test_an_entry_can_be_forgotten(cache: Cache, tmp_path: Path) -> None:
    stored(cache, tmp_path)
    cache.drop(Key("ab12"))
    cache.drop(Key("ab12"))
    assert cache.find(Key("ab12"), line()) is None


def test_entries_are_plain_json(cache: Cache, tmp_path: Path) -> None:
    stored(cache, tmp_path)
    entry = json.loads(next(cache.root.rglob("*.json")).read_text())
    assert entry["size"] == 6 and entry["result"]["groups"][0]["names"] == ["x"]
