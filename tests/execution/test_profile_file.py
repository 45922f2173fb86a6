"""Each notebook has evidence of its own, and runs that end at once lose none of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jupyter_mlops.execution.block_profile import BlockProfile
from jupyter_mlops.execution.committed_state import BlockResult, VariableGroup
from jupyter_mlops.execution.profile_file import evidence_file
from jupyter_mlops.execution.profile_store import ProfileStore, learn


def test_notebooks_of_one_name_in_two_folders_have_a_file_each(tmp_path: Path) -> None:
    places = [tmp_path / folder / "analysis.ipynb" for folder in "ab"]
    files = {evidence_file(tmp_path, place) for place in places}
    assert len(files) == 2
    assert all(file.name.startswith("analysis-") for file in files)


def test_a_notebook_has_one_file_however_its_path_is_written(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    written = (tmp_path / "a/n.ipynb", tmp_path / "link/n.ipynb", tmp_path / "a/../a/n.ipynb")
    assert len({evidence_file(tmp_path, path) for path in written}) == 1


def test_a_name_of_any_length_gives_a_file_that_can_be_written(tmp_path: Path) -> None:
    found = evidence_file(tmp_path, tmp_path / f"{'日' * 80}.ipynb")
    found.parent.mkdir()
    found.write_text("{}", encoding="utf-8")


def test_two_runs_that_read_the_same_file_both_add_to_it(tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    first, second = ProfileStore(path), ProfileStore(path)
    first.put("a", BlockProfile(seconds=1.0))
    second.put("b", BlockProfile(seconds=2.0))
    first.save()
    second.save()
    assert {key: fact.seconds for key, fact in ProfileStore(path).facts.items()} == {"a": 1.0, "b": 2.0}


def test_many_that_save_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    every = []
    for number in range(20):
        every.append(ProfileStore(path))
        every[-1].put(str(number), BlockProfile(seconds=float(number)))
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(ProfileStore.save, every))
    assert set(ProfileStore(path).facts) == {str(number) for number in range(20)}


def test_a_file_that_cannot_be_read_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    path.write_text("[", encoding="utf-8")
    made = ProfileStore(path)
    made.put("a", BlockProfile(seconds=1.0))
    made.save()
    assert set(ProfileStore(path).facts) == {"a"}


def test_a_profile_has_names_and_no_words_of_strings() -> None:
    """A word of a string may be a secret."""
    group = VariableGroup(("f",), "digest", {}, ("shrink", "'hunter2", "f", "*"))
    assert learn(BlockResult(0, groups=[group])).refs == {"f>shrink", "f>*"}
