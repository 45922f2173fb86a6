"""What the processes of one run hand on to each other."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from jupyter_mlops.errors import InvalidInputError, StoreError
from jupyter_mlops.execution.committed_state import BlockResult
from jupyter_mlops.execution.run_artifacts import FOLDER, REMOVED, RunArtifacts, files_after, run_names


def artifacts(tmp_path: Path, run_id: str = "run") -> RunArtifacts:
    return RunArtifacts(str(tmp_path / "artifacts"), run_id, tmp_path / "home")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([{"a": "1"}, {"a": "2"}], {"a": "2"}),
        ([{"a": "1"}, {"a": REMOVED}], {"a": REMOVED}),
        ([{"d": FOLDER, "d/x": "1"}, {"d": REMOVED}], {"d": REMOVED}),
        ([{"d": FOLDER, "d/x": "1", "dd": "2"}, {"d": REMOVED}, {"d": FOLDER}], {"dd": "2", "d": FOLDER}),
    ],
)
def test_files_after(changes: list[dict[str, str]], expected: dict[str, str]) -> None:
    assert files_after(changes) == expected


@pytest.mark.parametrize("url", ["{tmp}/artifacts", "file://{tmp}/artifacts", "memory://artifacts"])
def test_files_and_results_arrive_elsewhere(tmp_path: Path, url: str) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    (here / "out").mkdir(parents=True)
    (here / "out" / "x.csv").write_text("1")
    os.symlink("x.csv", here / "out" / "link.csv")
    (here / "empty").mkdir()
    (there / "old").mkdir(parents=True)
    (there / "gone.txt").write_text("stale")
    written = ["out/x.csv", "out/link.csv", "empty", "gone.txt", "old"]
    outside = tmp_path / "outside.txt"
    outside.write_text("stays")
    result = BlockResult(3, written={**{str(here / name): "w" for name in written}, str(outside): "w"}, seconds=1.5)
    (there / "old" / "y").write_text("stale")
    one, two = (RunArtifacts(url.format(tmp=tmp_path), "run", tmp_path / home) for home in ("one", "two"))
    assert one.put_result(result, here, time.time()) == [str(outside)]
    handed_on = two.result(3)
    assert handed_on is not None
    assert handed_on.result.seconds == 1.5
    assert two.result(4) is None
    two.lay_files(handed_on.files, there)
    left = sorted(path.relative_to(there).as_posix() for path in there.rglob("*"))
    assert left == ["empty", "out", "out/link.csv", "out/x.csv"]
    assert (there / "out" / "x.csv").read_text() == "1"
    assert os.readlink(there / "out" / "link.csv") == "x.csv"


def test_a_path_outside_of_the_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="outside"):
        artifacts(tmp_path).lay_files({"../x": REMOVED}, tmp_path / "folder")


@pytest.mark.parametrize("run_id", ["", "a\nb", "x" * 501])
def test_a_run_needs_a_name(tmp_path: Path, run_id: str) -> None:
    with pytest.raises(InvalidInputError, match="name of a run"):
        artifacts(tmp_path, run_id)


@pytest.mark.parametrize("run_id", ["manual__2026-01-31T06:00:00+00:00", "..", "a/../b", "数" * 100])
def test_names_of_runs_and_steps_stay_in_their_folder(tmp_path: Path, run_id: str) -> None:
    run = artifacts(tmp_path, run_id)
    run.put_step(run_id, {"state": "running"})
    assert run.step(run_id) == {"step": run_id, "state": "running"}
    assert len(run_names(run.documents)) == 1
    assert [path.name for path in (tmp_path / "artifacts").iterdir()] == ["runs"]


def test_the_tasks_of_a_run_have_one_version_and_the_same_parameters(tmp_path: Path) -> None:
    run = artifacts(tmp_path)
    run.describe({"digest": "a", "parameters": {"n": 1}})
    run.describe({"digest": "a", "parameters": {"n": 1}})
    with pytest.raises(InvalidInputError, match="other parameters"):
        run.describe({"digest": "a", "parameters": {"n": 2}})
    with pytest.raises(InvalidInputError, match="another version"):
        run.describe({"digest": "b", "parameters": {"n": 1}})


def test_what_other_processes_wrote_is_handed_on(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    for name in ("old.txt", "removed.txt"):
        (folder / name).write_text("old")
        os.utime(folder / name, (1.0, 1.0))
    run, since = artifacts(tmp_path), time.time()
    (folder / "new.txt").write_text("new")
    (folder / "removed.txt").unlink()
    run.put_result(BlockResult(0), folder, since, ["removed.txt"])
    run.put_result(BlockResult(1, outside=["subprocess.Popen"]), folder, since, ["removed.txt"])
    quiet, other = run.result(0), run.result(1)
    assert quiet is not None and quiet.files == {}
    assert other is not None and set(other.files) == {"new.txt", "removed.txt"}
    assert other.files["removed.txt"] == REMOVED
