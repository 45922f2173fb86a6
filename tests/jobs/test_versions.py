"""Versions end to end, without a worker: what was published is reproduced, compared, taken away and brought back."""

from __future__ import annotations

import functools
import json
import os
import shutil
import sqlite3
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from jupyter_mlops import service
from jupyter_mlops.db import tables as t
from jupyter_mlops.errors import InvalidInputError, StoreError
from jupyter_mlops.execution.request import RunRequest
from jupyter_mlops.jobs.new_run import NewRun
from jupyter_mlops.jobs.retention import clean_up, expired
from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.service import jobs, runs, schedules, versions
from jupyter_mlops.versions import snapshot
from tests.jobs.workspace import CLI, opened, write_notebook

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Workspace]:
    with opened(tmp_path / "home") as made:
        yield made


def done(space: Workspace, job: str, **options: Any) -> dict[str, Any]:
    return runs.follow(space, runs.start(space, job, **options)["id"])


def test_a_run_is_reproduced_or_the_first_cell_that_differs_is_named(space: Workspace, tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("one")
    book = write_notebook(
        tmp_path / "nb.ipynb", "# tags: step:a\nimport time\nprint(time.time_ns() and 'same')",
        f"# tags: step:b\nimport pathlib\nname = {str(outside)!r}\nprint(pathlib.Path(name[:]).read_text())",
    )  # fmt: skip
    jobs.publish(space, book, "twice")
    run = done(space, "twice")
    assert run["state"] == "completed", run
    verdict = versions.reproduce(space, run["id"])
    assert verdict["state"] == "reproduced", verdict
    outside.write_text("two")
    verdict = versions.reproduce(space, run["id"])
    assert (verdict["state"], verdict["difference"]["cell"], verdict["difference"]["step"]) == ("differs", 1, "b")
    assert runs.run(space, run["id"])["verdict"]["words"].startswith("≠ differs first in cell 2 of step b")


def test_files_that_are_written_elsewhere_are_compared_too(space: Workspace, tmp_path: Path) -> None:
    out, given = tmp_path / "out.txt", tmp_path / "given.txt"
    given.write_text("one")
    source = (
        f"import pathlib, tempfile\nname = {str(given)!r}\ntext = pathlib.Path(name[:]).read_text()\n"
        f"pathlib.Path({str(out)!r}).write_text(text)\ntempfile.mkstemp(dir={str(tmp_path)!r})\nprint('done')"
    )
    jobs.publish(space, write_notebook(tmp_path / "nb.ipynb", source), "job")
    run = done(space, "job")
    assert versions.reproduce(space, run["id"])["state"] == "reproduced"
    given.write_text("two")
    verdict = versions.reproduce(space, run["id"])
    assert (verdict["state"], verdict["file"], verdict["difference"]) == ("differs", str(out), None)


def test_what_runs_were_seen_to_read_stays_with_the_notebook(space: Workspace, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("1")
    with sqlite3.connect(tmp_path / "data" / "a.db") as connection:
        connection.execute("CREATE TABLE t AS SELECT 2")
    connection.close()
    cells = [
        "# tags: step:files\nimport pathlib\nprint([p.read_text() for p in pathlib.Path('data').glob('*.csv')])",
        "# tags: step:db\nimport sqlite3\nprint(sqlite3.connect('data/a.db').execute('SELECT * FROM t').fetchone())",
        "# tags: step:c\no = sqlite3.connect('out.db')\no.executescript('DROP TABLE IF EXISTS t; CREATE TABLE t (x)')",
    ]
    book = write_notebook(tmp_path / "nb.ipynb", *cells)
    unseen = "cell 1 looks for files and has not run here in its current form"
    assert any(note.startswith(unseen) for note in jobs.publish(space, book, "too soon")["notes"])
    for _ in range(2):
        assert service.run(RunRequest(notebook=book), space.config)["state"] == "completed"
    told = jobs.publish(space, book, "job")
    assert [f["path"] for f in told["files"]] == ["data/a.csv", "data/a.db"]
    assert not any(unseen in note for note in told["notes"])
    first = done(space, "job")
    assert first["state"] == "completed", first
    kept = {p.name for p in (Path(first["output"]).parent / "files").rglob("*") if p.is_file()}
    assert kept == {"out.db"}
    assert not jobs.publish(space, book, "job")["new"]  # what the version's run saw was in another folder
    write_notebook(book, *cells[:2])
    told = jobs.publish(space, book, "job")
    assert [f["path"] for f in told["files"]] == ["data/a.csv", "data/a.db"]
    write_notebook(book, cells[1], "print('edited')")
    told = jobs.publish(space, book, "job")
    assert "data/a.db" in [f["path"] for f in told["files"]]


def test_a_large_file_is_taken_from_where_it_was(
    space: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot, "snapshot", functools.partial(snapshot.snapshot, large=10))
    (tmp_path / "large.csv").write_text("1," * 10)
    told = jobs.publish(space, write_notebook(tmp_path / "nb.ipynb", "print(open('large.csv').read())"), "job")
    assert "large.csv is large" in told["notes"][-1]
    assert done(space, "job")["state"] == "completed"
    (tmp_path / "large.csv").unlink()
    shutil.rmtree(space.home / "checkouts")
    failed = done(space, "job")
    assert failed["state"] == "failed" and str(tmp_path / "large.csv") in failed["error"]["evalue"]


def test_what_changed_since_the_last_good_run(space: Workspace, tmp_path: Path) -> None:
    cells = ["# tags: parameters\nlimit = 1", "# tags: step:a\nx = 1\nassert x <= limit, 'too much'\nprint(x)"]
    jobs.publish(space, write_notebook(tmp_path / "nb.ipynb", *cells), "job")
    good = done(space, "job")
    with pytest.raises(InvalidInputError, match="no completed run before"):
        versions.changes_since_success(space, good["id"])
    jobs.publish(space, write_notebook(tmp_path / "nb.ipynb", cells[0], cells[1].replace("x = 1", "x = 2")), "job")
    failed = done(space, "job", parameters={"limit": 0})
    assert failed["state"] == "failed"
    told = versions.changes_since_success(space, failed["id"])
    assert (told["good"], told["old"], told["new"]) == (good["id"], "v1", "v2")
    assert [s["section"] for s in told["suspects"]] == ["code", "pipeline"]
    assert "+x = 2" in told["suspects"][0]["diff"]
    assert told["suspects"][1] == {"section": "pipeline", "what": "parameter limit", "before": 1, "after": 0}


def test_drift_is_a_suspect_only_if_the_good_run_did_not_have_it(space: Workspace, tmp_path: Path) -> None:
    cells = ["# tags: parameters\nn = 1", "assert n < 5"]
    jobs.publish(space, write_notebook(tmp_path / "nb.ipynb", *cells), "job")
    good, failed = done(space, "job", parameters={"n": 1}), done(space, "job", parameters={"n": 9})
    both, one, other = (f"{name}: 1 then, 2 now" for name in ("both", "one", "other"))
    with space.db.write() as c:
        for run, changes in ((good, [both, one]), (failed, [both, other])):
            c.execute(update(t.run).where(t.run.c.id == run["id"]).values(environment_changes=changes))
    told = versions.changes_since_success(space, failed["id"])["suspects"]
    assert [change["what"] for change in told] == [
        "parameter n", "other: 1 then, 2 now", "no longer: one: 1 then, 2 now"
    ]  # fmt: skip


def test_a_bundle_brings_the_same_version_elsewhere(space: Workspace, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("a\n1\n")
    jobs.publish(space, write_notebook(tmp_path / "nb.ipynb", "print(open('in.csv').read())"), "job", "why")
    run = done(space, "job")
    path = tmp_path / "job.zip"
    versions.bundle(space, "job", path)
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        crate = json.loads(archive.read("ro-crate-metadata.json"))["@graph"]
        parts = json.loads(archive.read("sbom.cdx.json"))
    assert {"nb.ipynb", "in.csv", "executed.ipynb", "version.json", "ro-crate-metadata.json", "sbom.cdx.json"} <= names
    by_id = {entity["@id"]: entity for entity in crate}
    assert by_id["./"]["mainEntity"] == {"@id": "nb.ipynb"}
    assert "ComputationalWorkflow" in by_id["nb.ipynb"]["@type"]
    assert by_id[f"#run-{run['id']}"]["instrument"] == {"@id": "nb.ipynb"}
    assert parts["bomFormat"] == "CycloneDX"
    assert any(component["name"] == "ipykernel" for component in parts["components"])
    with opened(tmp_path / "elsewhere") as other:
        told = versions.unbundle(other, path)
        assert (told["digest"], told["message"], told["new"]) == (jobs.versions(space, "job")[0]["digest"], "why", True)
        there = done(other, "job")
        assert there["state"] == "completed", there


def test_a_version_s_executed_notebook_and_report_go_where_they_are_wanted(space: Workspace, tmp_path: Path) -> None:
    book = write_notebook(tmp_path / "nb.ipynb", "import time\nprint('hello')", "time.sleep(60)")
    jobs.publish(space, book, "slow")
    jobs.publish(space, write_notebook(tmp_path / "nb.ipynb", "print('hello')"), "quick")
    env = {**os.environ, "JUPYTER_MLOPS_HOME": str(space.home)}

    def ran(*words: str) -> dict[str, Any]:
        done = subprocess.run([*CLI, "run", *words, "--json"], env=env, cwd=tmp_path, capture_output=True, check=False)
        return dict(json.loads(done.stdout))

    told = ran("quick", "-o", "out.ipynb", "--report", "out.html", "--no-code")
    assert (told["state"], told["output"]) == ("completed", str(tmp_path / "out.ipynb"))
    assert "hello" in (tmp_path / "out.ipynb").read_text()
    page = (tmp_path / "out.html").read_text()
    assert "hello" in page and "print(" not in page
    told = ran("slow", "--timeout", "1")
    assert told["state"] == "failed" and told["error"]["ename"] == "TimedOut"


def test_a_bundle_that_was_changed_is_refused(space: Workspace, tmp_path: Path) -> None:
    jobs.publish(space, write_notebook(tmp_path / "nb.ipynb", "print(1)"), "job")
    versions.bundle(space, "job", tmp_path / "job.zip")
    with zipfile.ZipFile(tmp_path / "job.zip") as old, zipfile.ZipFile(tmp_path / "evil.zip", "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"print(1)", b"print(2)"))
    with opened(tmp_path / "elsewhere") as other:
        with pytest.raises(StoreError, match="digest"):
            versions.unbundle(other, tmp_path / "evil.zip")
        with pytest.raises(InvalidInputError, match="not a bundle"):
            versions.unbundle(other, tmp_path / "nb.ipynb")


def test_retention_keeps_what_policies_say(space: Workspace, tmp_path: Path) -> None:
    jobs.publish(space, write_notebook(tmp_path / "nb.ipynb", "# tags: parameters\nx = 1", "assert x\nprint(x)"), "job")
    ids = [done(space, "job", parameters={"x": value})["id"] for value in (1, 0, 2, 0, 3)]
    jobs.set_policies(space, "job", {"keep_runs": 1, "keep_failures": 1})
    assert sorted(expired(space, 0.0)) == sorted([ids[0], ids[1], ids[2]])
    assert clean_up(space, dry=True).runs == 3
    assert len(runs.runs(space, "job")) == 5
    assert clean_up(space).runs == 3
    assert sorted(r["id"] for r in runs.runs(space, "job")) == sorted([ids[3], ids[4]])
    assert not (space.home / "runs" / ids[0]).exists()
    again = clean_up(space, now=1e10)
    assert again.objects == 3  # the inputs of the runs that went; all that versions refer to stays
    assert clean_up(space, now=1e10).objects == 0
    assert done(space, "job")["state"] == "completed"


def test_runs_of_a_notebook_that_is_worked_on_go_too(space: Workspace) -> None:
    job = space.catalog.notebook_job("nb.ipynb")
    old = [space.queue.add(NewRun("notebook", job.id, state="failed")).id for _ in range(103)]
    assert set(expired(space, time.time())) == set(old[:3])


def test_jobs_of_jupyter_scheduler_are_taken_over_and_rest(space: Workspace, tmp_path: Path) -> None:
    database = tmp_path / "data" / "scheduler.sqlite"
    for number in (1, 2):
        place = tmp_path / "data" / "scheduler_staging_area" / f"d{number}"
        write_notebook(place / "nb.ipynb", f"print({number})")
    with sqlite3.connect(database) as connection:
        connection.execute(
            "CREATE TABLE job_definitions (job_definition_id TEXT, name TEXT, input_filename TEXT, schedule TEXT,"
            " timezone TEXT, active INTEGER, parameters TEXT, create_time INTEGER)"
        )
        rows = [
            ("d1", "Daily: report", "nb.ipynb", "0 6 * * *", "Europe/Paris", 1, None, 1),
            ("d2", "paused", "nb.ipynb", "0 7 * * *", None, 0, None, 2),
            ("d3", "gone", "nb.ipynb", "0 7 * * *", "UTC", 1, None, 3),
            ("d4", "bad", "nb.ipynb", "61 * * * *", "UTC", 1, None, 4),
        ]
        connection.executemany("INSERT INTO job_definitions VALUES (?,?,?,?,?,?,?,?)", rows)
    connection.close()
    write_notebook(tmp_path / "data" / "scheduler_staging_area" / "d4" / "nb.ipynb", "print(4)")
    before = database.read_bytes()
    told = versions.import_jobs(space, database)
    assert database.read_bytes() == before
    assert [one["job"] for one in told][:2] == ["Daily- report", "paused"]
    assert "still runs it" in told[0]["notes"][0]
    assert told[1]["notes"] == []
    assert "does not exist any more" in told[2]["notes"][0]
    assert "61 * * * *" in told[3]["notes"][0]
    assert all(s["paused"] and s["next"] is None for s in schedules.schedules(space))
    again = versions.import_jobs(space, database)
    assert "already imported" in again[0]["notes"][0]
    with pytest.raises(InvalidInputError, match="jupyter-scheduler"):
        versions.import_jobs(space, tmp_path / "nothing.sqlite")


def definitions(folder: Path, *rows: dict[str, Any]) -> Path:
    """A database of jupyter-scheduler, with columns for what the rows have, and its notebooks."""
    folder.mkdir(parents=True)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    database = folder / "scheduler.sqlite"
    with sqlite3.connect(database) as connection:
        connection.execute(f"CREATE TABLE job_definitions ({', '.join(columns)})")
        for number, row in enumerate(rows):
            marks = ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO job_definitions ({', '.join(row)}) VALUES ({marks})", [*row.values()])
            place = folder / "scheduler_staging_area" / row["job_definition_id"]
            write_notebook(place / "nb.ipynb", "# tags: parameters\nn: int = 1\ns = ''", f"print({number}, n, s)")
    connection.close()
    return database


def test_odd_definitions_are_told_of_and_keep_no_other_from_being_taken_over(space: Workspace, tmp_path: Path) -> None:
    plain = {"input_filename": "nb.ipynb", "schedule": "0 6 * * *", "active": 1}
    odd: list[dict[str, Any]] = [
        {"name": None, "input_filename": None},
        {"name": "params", "parameters": '{"n": '},
        {"name": "list", "parameters": "[1]"},
        {"name": "unknown", "parameters": '{"m": 1}'},
        {"name": "misfit", "parameters": '{"n": "many"}'},
        {"name": "zone", "timezone": "Mars"},
        {"name": "same"},
        {"name": "same"},
        {"name": "rests", "active": 0},
        {"name": "fits", "parameters": '{"n": "7", "s": "x"}', "active": None},
    ]
    rows = [{**plain, "job_definition_id": f"d{number}", **row} for number, row in enumerate(odd)]
    database = definitions(tmp_path / "an odd #1?", *rows)
    told = {one["definition"]: one for one in versions.import_jobs(space, database, activate=True)}
    said = {name: " ".join(one["notes"]) for name, one in told.items()}
    assert "names no notebook" in said["d0"]
    for number, words in enumerate(
        ["are unreadable", "are unreadable", "no parameter `m`", "`n`: got 'many'", "Mars"], 1
    ):
        assert "the schedule was not imported" in said[f"d{number}"] and words in said[f"d{number}"], said
    assert (told["d6"]["job"], told["d7"]["job"]) == ("same", "same 2")
    made = {s["job"]: s for s in schedules.schedules(space)}
    assert {name: s["paused"] for name, s in made.items()} == {
        "same": False, "same 2": False, "rests": True, "fits": False,
    }  # fmt: skip
    assert made["fits"]["parameters"] == {"n": 7, "s": "x"}


def test_a_job_that_is_here_already_is_left_alone_and_what_is_scheduled_in_both_is_told(
    space: Workspace, tmp_path: Path
) -> None:
    jobs.publish(space, write_notebook(tmp_path / "mine.ipynb", "print('mine')"))
    schedules.schedule(space, "mine", "daily")
    row = {"job_definition_id": "d", "name": "mine", "input_filename": "nb.ipynb", "schedule": "0 6 * * *"}
    (told,) = versions.import_jobs(space, definitions(tmp_path / "data", row), activate=True)
    assert "scheduled in both" in told["notes"][0] and "already exists here" in told["notes"][1]
    assert len(jobs.versions(space, "mine")) == len(schedules.schedules(space)) == 1
