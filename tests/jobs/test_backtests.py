"""Backtests, with a real worker: a candidate on the inputs of past runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_mlops.cli import main
from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.jobs.retention import expired, wanted_objects
from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.service import backtests, jobs, runs
from tests.jobs.planted import Notebook, run_of
from tests.jobs.test_why import WrittenCapsules, live_run
from tests.jobs.workspace import opened, wait_until, working

pytestmark = [pytest.mark.kernel, pytest.mark.slow]
DOUBLED = Notebook(settings=("1", "1", "2"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = tmp_path_factory.mktemp("backtests")
    with working(made):
        yield made


@pytest.fixture(scope="module")
def space(home: Path) -> Iterator[Workspace]:
    with opened(home) as made:
        yield made


def completed(space: Workspace, job: str, weight: float) -> str:
    """A run of the latest version."""
    run = runs.follow(space, runs.start(space, job, {"weight": weight})["id"], in_place=False)
    assert run["state"] == "completed"
    return str(run["id"])


def history(space: Workspace, folder: Path, weights: list[float]) -> list[str]:
    """Completed runs of the job, one for each weight, and a second version that no run has used."""
    Notebook().write(folder / "planted.ipynb")
    jobs.publish(space, folder / "planted.ipynb", folder.name)
    past = [completed(space, folder.name, weight) for weight in weights]
    DOUBLED.write(folder / "planted.ipynb")
    jobs.publish(space, folder / "planted.ipynb", folder.name)
    return past


def test_production_reproduces_itself_and_a_candidate_is_compared(space: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "compared"
    past = history(space, folder, [1.0, 2.0, 3.0, 4.0])
    same = backtests.wait(space, backtests.begin(space, "compared@v1", 90)["batch"])
    assert (same["reproduced"], same["states"], same["skipped"]) == (4, {"completed": 4}, [])
    assert [row["run"] for row in same["runs"]] == past
    result = backtests.wait(space, backtests.begin(space, "compared@v2", 90)["batch"])
    assert [(row["production"], row["candidate"]) for row in result["runs"]] == [
        (18.0, 24.0), (36.0, 48.0), (54.0, 72.0), (72.0, 96.0)
    ]  # fmt: skip
    figures = result["metrics"]["score"]
    assert (figures["mean"], figures["higher"], figures["pairs"], result["reproduced"]) == (15.0, 4, 4, 0)
    assert figures["low"] < 15.0 < figures["high"]
    measured = backtests.measure(space, "compared", "v2", 2, "score")
    assert (measured["production"], measured["candidate"], measured["pairs"]) == (63.0, 84.0, 2)
    last_good = space.queue.last_good(space.queue.run(past[-1]))
    assert last_good is not None and last_good.id == past[-2]
    assert {row["id"] for row in jobs.job(space, "compared")["recent"]} == set(past)


def test_a_count_runs_nothing_and_replays_are_made_once(
    space: Workspace, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    past = history(space, tmp_path / "counted", [1.0, 2.0])
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(home))
    assert main(["backtest", "counted", "--count"]) == 0
    assert "counted v2 on 2 past runs: 2 replays, 0 made before, 0 not possible" in capsys.readouterr().out
    job = space.catalog.job("counted")
    assert not space.queue.runs(job_id=job.id, triggers=["backtest"])
    assert main(["backtest", "counted@v2", "--last", "1"]) == 0
    assert "score: production 36, v2 48, difference +12; higher in 1" in capsys.readouterr().out
    assert main(["backtest", "counted@v2", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert [row["run"] for row in result["runs"]] == past
    assert len(space.queue.runs(job_id=job.id, triggers=["backtest"])) == 2


def test_stopped_replays_go_on_when_asked_again(space: Workspace, tmp_path: Path) -> None:
    from jupyter_mlops.service.batches import stop_batch

    flag = tmp_path / "slow"
    slow = Notebook(noise=f"(__import__('time').sleep(60) if __import__('os').path.exists({str(flag)!r}) else 0)")
    folder = tmp_path / "continued"
    for weight in (1.0, 2.0):
        run_of(space, replace(slow, comment=f"# {weight}"), folder, {"weight": weight})
    completed(space, "continued", 3.0)
    flag.touch()
    batch = backtests.begin(space, "continued@v2", 3)["batch"]
    wait_until(lambda: space.queue.states_of_batch(batch).get("running"))
    stop_batch(space, batch)
    wait_until(lambda: not {"queued", "running"} & set(space.queue.states_of_batch(batch)))
    assert backtests.result(space, batch)["states"] == {"stopped": 3}
    with pytest.raises(InvalidInputError, match="no backtest over 3 runs has finished"):
        backtests.measure(space, "continued", "v2", 3, "score")
    flag.unlink()
    again = backtests.begin(space, "continued@v2", 3)
    assert (again["reused"], again["replays"]) == (0, 3)
    assert backtests.wait(space, again["batch"])["reproduced"] == 3


def test_runs_read_what_they_read_then(space: Workspace, tmp_path: Path) -> None:
    """A file that is in no version, with another content at each run; one content was not kept."""
    live, capsules = tmp_path / "live" / "daily.csv", WrittenCapsules(space)
    live.parent.mkdir()
    past = []
    for day, kept in enumerate([True, True, False, True], 1):
        live.write_text(f"id,x,y\n1,{day},0\n")
        past.append(live_run(space, tmp_path / "notebooks" / "daily.ipynb", live))
        capsules.write(past[-1], live, kept=kept)
    begun = backtests.begin(space, "daily@v1", 90, capsules=capsules)
    assert [skip["run"] for skip in begun["skipped"]] == [past[2]]
    assert "its content was not kept" in begun["skipped"][0]["reason"]
    result = backtests.wait(space, begun["batch"])
    assert [(row["production"], row["candidate"]) for row in result["runs"]] == [(1, 1), (2, 2), (4, 4)]


def test_a_model_of_the_candidate_stays_its_own(space: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    run_of(space, Notebook(), folder)
    changed = Notebook(table={"a": [7.0] * 6, "b": [1.0] * 6, "c": [1.0] * 6})
    changed.write(folder / "planted.ipynb")
    jobs.publish(space, folder / "planted.ipynb", "models")
    kept = backtests.wait(space, backtests.begin(space, "models@v2", 5)["batch"])
    assert kept["runs"][0]["candidate"] == 18.0
    swapped = backtests.wait(space, backtests.begin(space, "models@v2", 5, own_files=["table.*"])["batch"])
    assert swapped["runs"][0]["candidate"] == 54.0


def test_a_replay_that_fails_is_listed(space: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "failing"
    run_of(space, Notebook(), folder)
    Notebook(settings=("1", "1", "1 / 0")).write(folder / "planted.ipynb")
    jobs.publish(space, folder / "planted.ipynb", "failing")
    result = backtests.wait(space, backtests.begin(space, "failing", 5)["batch"])
    assert result["states"] == {"failed": 1} and "ZeroDivisionError" in result["runs"][0]["error"]
    assert result["metrics"] == {}


def test_replays_do_not_displace_the_jobs_own_runs(space: Workspace, tmp_path: Path) -> None:
    past = history(space, tmp_path / "retained", [1.0, 2.0, 3.0])
    jobs.set_policies(space, "retained", {"keep_runs": 3})
    backtests.wait(space, backtests.begin(space, "retained@v2", 3)["batch"])
    assert not set(past) & set(expired(space, 2e9))


def test_objects_of_queued_replays_are_referenced(tmp_path: Path) -> None:
    """Without a worker, so that they stay queued."""
    with opened(tmp_path / "home") as alone:
        Notebook().write(tmp_path / "queued" / "planted.ipynb")
        jobs.publish(alone, tmp_path / "queued" / "planted.ipynb", "queued")
        run = runs.follow(alone, runs.start(alone, "queued")["id"])
        assert run["state"] == "completed"
        (tmp_path / "queued" / "table.csv").unlink()
        Notebook(settings=("2", "1", "1")).write(tmp_path / "queued" / "planted.ipynb")
        jobs.publish(alone, tmp_path / "queued" / "planted.ipynb", "queued")
        begun = backtests.begin(alone, "queued@v2", 1)
        [replay] = alone.queue.runs(batch_id=begun["batch"])
        assert replay.options["manifest"] in wanted_objects(alone)


@pytest.mark.parametrize(
    ("job", "last", "metric", "message"),
    [
        ("nothing", 5, "", "nothing"),
        ("rejecting@v9", 5, "", "v9"),
        ("rejecting@v1", 0, "", "0 runs"),
        ("rejecting@v1", 10**9, "", "runs"),
        ("rejecting@v1", 5, "x'; drop table run", "no past run has a metric"),
    ],
)
def test_backtests_that_are_impossible_are_refused(
    space: Workspace, tmp_path_factory: pytest.TempPathFactory, job: str, last: int, metric: str, message: str
) -> None:
    if not any(entry["name"] == "rejecting" for entry in jobs.jobs(space)):
        run_of(space, Notebook(), tmp_path_factory.mktemp("refused") / "rejecting")
    with pytest.raises(InvalidInputError, match=message):
        backtests.begin(space, job, last, metric=metric)


def test_a_job_without_runs_has_no_history(space: Workspace, tmp_path: Path) -> None:
    Notebook().write(tmp_path / "planted.ipynb")
    jobs.publish(space, tmp_path / "planted.ipynb", "unused")
    with pytest.raises(InvalidInputError, match="no completed runs"):
        backtests.begin(space, "unused", 5)
    with pytest.raises(InvalidInputError) as refused:
        backtests.measure(space, "unused", "v1", 90, "score")
    assert refused.value.remedy == "jupyter mlops backtest unused@v1 --last 90"
    assert runs.runs(space, "unused") == []
