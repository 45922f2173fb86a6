"""Files of a block that ran in another folder: their names here, and whether they are the same here."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlops.execution import remote_paths
from jupyter_mlops.execution.agent.looks import listing_of, look_of
from jupyter_mlops.execution.committed_state import BlockResult
from jupyter_mlops.storage.local import digest_file


@pytest.mark.parametrize(
    ("path", "here"),
    [
        ("/there/nb/a.csv", "/here/a.csv"),
        ("/there/nb", "/here"),
        ("/there/nb/sub/ü $(id)\n.csv", "/here/sub/ü $(id)\n.csv"),
        ("/there/nb/..data", "/here/..data"),
        ("/there/other.csv", "/there/other.csv"),
        ("/there/nb2/a.csv", "/there/nb2/a.csv"),
        ("/data/a.csv", "/data/a.csv"),
    ],
)
def test_paths_below_the_folder_move(path: str, here: str) -> None:
    assert remote_paths.moved(path, "/there/nb", "/here") == here
    assert remote_paths.elsewhere([path], "/there/nb") == ([path] if path == here else [])


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    there, here = tmp_path / "there", tmp_path / "here"
    for folder in (there, here):
        folder.mkdir()
        (folder / "a.csv").write_text("1,2")
    return there, here


def seen(there: Path) -> tuple[BlockResult, dict[str, str]]:
    """What a block that read, looked at and listed everything saw."""
    path = str(there / "a.csv")
    result = BlockResult(0, read={path: [1, 2, 3], str(there / "none.csv"): None})
    result.looks, result.listed = {path: look_of(path)}, {str(there): listing_of(str(there))}
    return result, {path: digest_file(there / "a.csv")}


def test_the_same_files_are_the_same(folders: tuple[Path, Path]) -> None:
    there, here = folders
    result, inputs = seen(there)
    assert remote_paths.why_other_files(result, str(there), str(here), inputs) == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda here: (here / "a.csv").write_text("1,3"), "a.csv is not the same"),
        (lambda here: (here / "a.csv").unlink(), "a.csv is not the same"),
        (lambda here: (here / "none.csv").write_text(""), "none.csv is not the same"),
        (lambda here: (here / "more.csv").write_text(""), "the files in . are not the same"),
    ],
)
def test_another_file_is_named(folders: tuple[Path, Path], change: object, words: str) -> None:
    there, here = folders
    result, inputs = seen(there)
    change(here)  # type: ignore[operator]
    assert words in remote_paths.why_other_files(result, str(there), str(here), inputs)


def test_another_size_is_named_if_the_file_was_only_looked_at(folders: tuple[Path, Path]) -> None:
    there, here = folders
    result, _ = seen(there)
    (here / "a.csv").write_text("1,2,3")
    looked = BlockResult(0, looks=result.looks)
    assert "a.csv is not the same" in remote_paths.why_other_files(looked, str(there), str(here), {})


def test_files_that_the_block_wrote_are_not_compared(folders: tuple[Path, Path]) -> None:
    there, here = folders
    result, inputs = seen(there)
    result.written = {str(there / "a.csv"): "w"}
    (here / "a.csv").unlink()
    assert remote_paths.why_other_files(result, str(there), str(here), inputs) == ""


def test_a_located_result_has_the_facts_of_the_files_here(folders: tuple[Path, Path]) -> None:
    there, here = folders
    result, _ = seen(there)
    result.modules = {"m": str(there / "m.py"), "other": "/lib/other.py"}
    local = remote_paths.located(result, str(there), str(here))
    stat = (here / "a.csv").stat()
    assert local.read[str(here / "a.csv")] == [stat.st_mtime_ns, stat.st_size, stat.st_ino]
    assert local.read[str(here / "none.csv")] is None
    assert local.looks == {str(here / "a.csv"): look_of(str(here / "a.csv"))}
    assert local.modules == {"m": str(here / "m.py"), "other": "/lib/other.py"}
