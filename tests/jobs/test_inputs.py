"""What runs read, by digest: of the first run, cached ones, failed ones, with bytes, within a budget."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.errors import InvalidInputError, NotFoundError
from jupyter_mlops.jobs.policies import Policies
from jupyter_mlops.jobs.retention import FRESH, clean_up
from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.service import jobs, runs
from jupyter_mlops.storage.local import digest_bytes
from tests.cli.command import command
from tests.jobs.workspace import opened, write_notebook

pytestmark = [pytest.mark.xdist_group("inputs"), pytest.mark.timeout(240), pytest.mark.kernel]

CELLS = (
    "# tags: parameters\noutside = ''\nfail = False",
    "# tags: step:load\nimport helper\nrows = helper.split(open('data.csv').read())",
    (
        "# tags: step:world\nimport os, socket\nfar = open(outside).read()\n"
        "region = os.environ.get('REGION'), os.getenv('API_TOKEN'), os.environ.get('NOT_SET')\n"
        "try:\n    socket.create_connection(('localhost', 9), timeout=1)\nexcept OSError:\n    pass"
    ),
    "# tags: step:use\ntotal = len(rows) + len(far)\nprint(total)\nif fail:\n    open('late.csv').read()\n    1 / 0",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("inputs")


@pytest.fixture(scope="module")
def space(folder: Path) -> Iterator[Workspace]:
    (folder / "helper.py").write_text("def split(text):\n    return text.split()\n")
    (folder / "data.csv").write_text("a b c")
    (folder / "late.csv").write_text("late")
    (folder / "far.txt").write_text("far away")
    os.environ["REGION"], os.environ["API_TOKEN"] = "eu", "hush"
    with opened(folder / "home") as made:
        jobs.publish(made, write_notebook(folder / "read.ipynb", *CELLS), "read")
        yield made
    del os.environ["REGION"], os.environ["API_TOKEN"]


def run(space: Workspace, folder: Path, job: str = "read", **parameters: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A run that has ended, and its capsule."""
    ended = runs.follow(space, runs.start(space, job, {"outside": str(folder / "far.txt"), **parameters})["id"])
    return ended, runs.inputs(space, ended["id"])


@pytest.fixture(scope="module")
def first(space: Workspace, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    return run(space, folder)


def test_files_inside_and_outside_are_known_by_their_digest(
    space: Workspace, folder: Path, first: Any
) -> None:  # fmt: skip
    ended, capsule = first
    assert ended["state"] == "completed"
    assert (capsule["run"], capsule["job"], capsule["format"]) == (ended["id"], "read", 1)
    assert capsule["steps"]["load"]["files"] == {
        "data.csv": {"digest": digest_bytes(b"a b c"), "bytes": 5, "kept": False, "inside": True},
        "helper.py": {
            "digest": digest_bytes((folder / "helper.py").read_bytes()), "bytes": 41, "kept": False, "inside": True,
        },
    }  # fmt: skip
    far = capsule["steps"]["world"]["files"][str(folder / "far.txt")]
    assert far == {"digest": digest_bytes(b"far away"), "bytes": 8, "kept": False, "inside": False}
    assert capsule["environment"]["packages"]["ipykernel"]
    assert capsule["environment"]["lock"]


def test_variables_are_those_of_earlier_steps(first: Any) -> None:
    steps = first[1]["steps"]
    assert set(steps["use"]["variables"]) >= {"rows", "far", "fail"}
    assert "total" not in steps["use"]["variables"]
    assert all(len(digest) > 20 for digest in steps["use"]["variables"].values())


def test_values_of_variables_of_the_environment_can_not_be_guessed(space: Workspace, first: Any) -> None:
    environ = first[1]["steps"]["world"]["environ"]
    assert environ["API_TOKEN"] is None
    assert environ["NOT_SET"] == ""
    assert "eu" not in environ["REGION"]
    assert len(environ["REGION"]) == 49
    assert (space.home / "capsule.key").stat().st_mode & 0o077 == 0


def test_connections_are_named(first: Any) -> None:
    assert first[1]["steps"]["world"]["connections"] == ["localhost:9"]


def test_a_cached_run_read_the_same(space: Workspace, folder: Path, first: Any) -> None:
    ended, capsule = run(space, folder)
    assert [s["state"] for s in ended["steps"] if s["name"] == "load"] == ["cached"]
    assert capsule["steps"]["load"] == {**first[1]["steps"]["load"], "state": "cached"}
    assert capsule["steps"]["world"] == first[1]["steps"]["world"]


def test_a_failed_run_says_what_it_read_until_then(space: Workspace, folder: Path) -> None:
    ended, capsule = run(space, folder, fail=True)
    assert ended["state"] == "failed"
    assert capsule["steps"]["use"]["state"] == "failed"
    assert capsule["steps"]["use"]["files"]["late.csv"]["digest"] == digest_bytes(b"late")
    assert capsule["steps"]["load"]["files"]["data.csv"]["digest"] == digest_bytes(b"a b c")


def test_bytes_are_kept_by_policy_within_the_budget(space: Workspace, folder: Path) -> None:
    (folder / "large.bin").write_bytes(b"x" * 5000)
    cells = (*CELLS, "# tags: step:large\nprint(len(open(outside.replace('far.txt', 'large.bin')).read()))")
    jobs.publish(space, write_notebook(folder / "kept.ipynb", *cells), "kept")
    jobs.set_policies(space, "kept", {"keep_inputs": "bytes", "keep_inputs_bytes": 1000})
    ended, capsule = run(space, folder, "kept")
    far = capsule["steps"]["world"]["files"][str(folder / "far.txt")]
    assert far["kept"]
    assert space.store.get(far["digest"]) == b"far away"
    large = capsule["steps"]["large"]["files"][str(folder / "large.bin")]
    assert (large["kept"], large["digest"]) == (False, digest_bytes(b"x" * 5000))
    assert any("large.bin" in note and "1,000" in note for note in ended["notes"])
    assert space.run_data.kept_bytes(space.catalog.job("kept").id)[far["digest"]] == 8
    age(space)
    clean_up(space)
    assert space.store.get(far["digest"]) == b"far away", "what a run keeps stays"
    assert runs.inputs(space, ended["id"]) == capsule
    jobs.set_policies(space, "kept", {"keep_runs": 0})
    second, _ = run(space, folder, "kept", fail=True)
    age(space)
    clean_up(space)
    assert far["digest"] in space.store, "the last good run is kept"
    assert second["id"] not in {r["id"] for r in runs.runs(space, "kept")}


def age(space: Workspace) -> None:
    """Make all objects old enough to be deleted."""
    for obj in space.store.listing():
        path = Path(space.store.locate(obj.name))
        os.utime(path, (path.stat().st_mtime - 2 * FRESH,) * 2)


def test_a_file_that_changes_while_the_run_goes_on_has_no_digest(space: Workspace, folder: Path) -> None:
    cells = (
        "# tags: parameters\noutside = ''",
        (
            f"# tags: step:a cache:disabled\nseen = open({str(folder / 'moving.txt')!r}).read()\n"
            f"import subprocess\nsubprocess.run(['sh', '-c', 'echo more >> \"$0\"', {str(folder / 'moving.txt')!r}])"
        ),
    )
    (folder / "moving.txt").write_text("one")
    jobs.publish(space, write_notebook(folder / "moving.ipynb", *cells), "moving")
    _, capsule = run(space, folder, "moving")
    entry = capsule["steps"]["a"]["files"][str(folder / "moving.txt")]
    assert (entry["digest"], entry["note"]) == (None, "changed during the run")


def test_the_command_shows_them(space: Workspace, first: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(space.home))
    shown = command("show", first[0]["id"], "--inputs")
    assert shown.code == 0, shown
    assert "data.csv" in shown.out
    assert "localhost:9" in shown.out
    assert "hush" not in shown.out
    assert command("show", first[0]["id"], "--inputs", "--json").record == first[1]
    assert command("show", "nothing", "--inputs").code == 2


def test_a_run_without_a_capsule_says_so(space: Workspace, folder: Path) -> None:
    waiting = runs.start(space, "read", {"outside": "x"})
    with pytest.raises(NotFoundError, match="not known") as error:
        runs.inputs(space, waiting["id"])
    assert "finished" in error.value.remedy
    runs.stop(space, waiting["id"])


@pytest.mark.parametrize(
    ("name", "value"),
    [("keep_inputs", "all"), ("keep_inputs", None), ("keep_inputs_bytes", -1), ("keep_inputs_bytes", 0.5),
     ("keep_inputs_bytes", 1 << 60), ("keep_inputs_bytes", float("nan")), ("profile_frames", 1)],
)  # fmt: skip
def test_a_policy_that_is_none_is_refused(name: str, value: Any) -> None:
    with pytest.raises(InvalidInputError, match="not a valid value"):
        Policies.of({name: value})
