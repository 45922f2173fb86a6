"""Kept results: found again for the same question only, and never damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_mlops.objects import ObjectStore
from jupyter_mlops.run.cache import Cache, key_of, normalised
from jupyter_mlops.run.line import Artifact, BlockResult, Line
from tests.runs.blocks import artifact, block, line, result


def key(source: str = "y = x + 1", base: str = "env", *, raises: bool = False, at: Line | None = None) -> str:
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


def stored(cache: Cache, tmp_path: Path, key: str = "ab12", **facts: object) -> BlockResult:
    """A result with one variable in a file, kept under a key."""
    file = tmp_path / "made"
    file.write_bytes(b"pickle")
    group = Artifact(("x",), "d", {"x": "int"}, (), str(file), (0, 6))
    made = result(groups=[group], cells={0: {"outputs": []}}, **facts)
    cache.store_result(key, made, {p: cache.file_digest(p) for p in made.read})
    return made


def test_a_kept_result_is_found_with_its_artifact(cache: Cache, tmp_path: Path) -> None:
    stored(cache, tmp_path)
    (tmp_path / "made").unlink()
    found = cache.find("ab12", line())
    assert found is not None and found.from_cache
    assert found.groups[0].file and Path(found.groups[0].file).read_bytes() == b"pickle"
    assert cache.find("ab13", line()) is None


def test_a_file_it_read_has_to_be_the_same(cache: Cache, tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_text("1")
    stored(cache, tmp_path, read={str(data): [1, 1, 1]})
    assert cache.find("ab12", line()) is not None
    data.write_text("22")
    assert cache.find("ab12", line()) is None
    data.unlink()
    assert cache.find("ab12", line()) is None
    data.write_text("1")
    assert cache.find("ab12", line()) is not None


def test_a_generator_it_drew_from_has_to_be_where_it_was(cache: Cache, tmp_path: Path) -> None:
    stored(cache, tmp_path, state={"random": ("after", None)}, state_before={"random": "before"})
    assert cache.find("ab12", line(state={"random": ("before", None)})) is not None
    assert cache.find("ab12", line(state={"random": ("elsewhere", None)})) is None


@pytest.mark.parametrize("damage", ["gone", "short"])
def test_a_damaged_artifact_is_a_miss(cache: Cache, tmp_path: Path, damage: str) -> None:
    stored(cache, tmp_path)
    (tmp_path / "made").unlink()
    for path in cache.store.root.glob("??/*"):
        path.unlink() if damage == "gone" else path.write_bytes(b"pic")
    assert cache.find("ab12", line()) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', "null", '{"format": 2}'])
def test_a_damaged_entry_is_a_miss(cache: Cache, tmp_path: Path, text: str) -> None:
    stored(cache, tmp_path)
    for path in cache.root.rglob("*.json"):
        path.write_text(text)
    assert cache.find("ab12", line()) is None


def test_entries_for_several_states_of_a_file_are_kept_a_few_at_most(cache: Cache, tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    for content in "abcdefg":
        data.write_text(content)
        stored(cache, tmp_path, read={str(data): [1, 1, 1]})
    assert len(list(cache.root.rglob("*.json"))) == 4
    data.write_text("e")
    assert cache.find("ab12", line()) is not None


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
        stored(cache, tmp_path, key=key)
        for path in cache.root.glob(f"{key[:2]}/*/*.json"):
            os.utime(path, (1000 + age, 1000 + age))
    assert cache.find(keys[0], line()) is not None  # it was used now
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
    cache.store_result("ab12", result(cells={0: {"outputs": [output]}}), {})
    found = cache.find("ab12", line())
    assert found is not None
    told, inner = found.cells[0]["outputs"][0]["data"]["application/json"]
    assert told == text and str(inner["n"]) == str([number])


def test_entries_are_plain_json(cache: Cache, tmp_path: Path) -> None:
    stored(cache, tmp_path)
    entry = json.loads(next(cache.root.rglob("*.json")).read_text())
    assert entry["size"] == 6 and entry["result"]["groups"][0]["names"] == ["x"]
