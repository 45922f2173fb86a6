"""Why a metric changed: planted causes, with a real worker. tests/acceptance/why.py plants 200."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.cli import main
from jupyter_mlops.errors import InvalidInputError, NotFoundError, RunStoppedError
from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.service import jobs, runs, why, why_plan
from jupyter_mlops.storage.local import digest_file
from tests.jobs.planted import Notebook, run_of
from tests.jobs.workspace import opened, wait_until, working, write_notebook

pytestmark = [pytest.mark.kernel, pytest.mark.slow]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = tmp_path_factory.mktemp("why")
    with working(made):
        yield made


@pytest.fixture(scope="module")
def space(home: Path) -> Iterator[Workspace]:
    with opened(home) as made:
        yield made


SCALED = {"a": [100.0] * 6, "b": [1.0] * 6, "c": [1.0] * 6}
PLANTED: dict[str, tuple[Notebook, dict[str, Any], dict[str, list[str]]]] = {
    "cell": (Notebook(settings=("1", "3", "1")), {}, {"code": ["cell 4 of step second changed"]}),
    "module": (Notebook(module="def shift(x):\n    return x + 5\n"), {}, {"code": ["module planted_shift.py"]}),
    "column": (Notebook(table=SCALED), {}, {"data": ["file table.csv, column a"]}),
    "parameter": (Notebook(), {"weight": 2.0}, {"parameters": ["parameter weight: 1.0 → 2.0"]}),
    "default": (Notebook(weight=3.0), {}, {"parameters": ["parameter weight: 1.0 → 3.0"]}),
    "two cells": (
        Notebook(settings=("2", "1", "4")),
        {},
        {"code": ["cell 3 of step first changed", "cell 5 of step third changed"]},
    ),
    "cell and column": (
        Notebook(settings=("1", "1", "3"), table=SCALED),
        {},
        {"code": ["cell 5 of step third changed"], "data": ["file table.csv, column a"]},
    ),
    "comment": (Notebook(comment="# nothing", table=SCALED), {}, {"data": ["file table.csv, column a"]}),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_cause_is_named(space: Workspace, tmp_path: Path, name: str) -> None:
    notebook, parameters, causes = PLANTED[name]
    folder = tmp_path / f"planted-{name.replace(' ', '-')}"
    good, bad = run_of(space, Notebook(), folder), run_of(space, notebook, folder, parameters)
    answer = why.why(space, bad)
    assert answer["good"] == good and answer["metric"] == "score" and answer["deterministic"]
    named = {
        share["axes"][0]: [cause["what"] for cause in share["causes"]]
        for share in answer["shares"]
        if not share["within_noise"]
    }
    assert named == causes, answer["words"]
    shares = math.fsum(share["share"] for share in answer["shares"])
    recorded = [space.queue.run(run).metrics["score"] for run in (good, bad)]
    assert shares + answer["residual"] == pytest.approx(recorded[1] - recorded[0], abs=1e-9)
    assert answer["residual"] == pytest.approx(0.0, abs=1e-9)
    assert why.progress(space, bad)["result"] == json.loads(json.dumps(answer))


def test_noise_is_said_to_be_noise(space: Workspace, tmp_path: Path) -> None:
    noisy = Notebook(noise="random.Random().gauss(0, 1)")
    folder = tmp_path / "noisy"
    run_of(space, noisy, folder)
    bad = run_of(space, replace(noisy, comment="# nothing"), folder)
    answer = why.why(space, bad)
    assert not answer["deterministic"] and answer["noise"] > 0
    assert [share["axes"] for share in answer["shares"]] == [["code"]]
    assert answer["shares"][0]["within_noise"], answer["words"]


def test_a_large_effect_is_seen_through_noise(space: Workspace, tmp_path: Path) -> None:
    noisy = Notebook(noise="random.Random().gauss(0, 1)")
    folder = tmp_path / "through"
    run_of(space, noisy, folder)
    bad = run_of(space, replace(noisy, table=SCALED, comment="# nothing"), folder)
    answer = why.why(space, bad)
    named = {share["axes"][0]: share for share in answer["shares"] if not share["within_noise"]}
    assert list(named) == ["data"], answer["words"]
    assert [cause["what"] for cause in named["data"]["causes"]] == ["file table.csv, column a"]


def test_the_cause_of_a_failure(space: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "failing"
    run_of(space, Notebook(), folder)
    broken: dict[str, list[Any]] = {"a": [1.0] * 6, "b": [1.0, 1.0, "none", 1.0, 1.0, 1.0], "c": [2.0] * 6}
    bad = run_of(space, Notebook(table=broken, comment="# nothing"), folder)
    answer = why.why(space, bad)
    assert (answer["metric"], answer["error"], answer["change"]) == ("", "ValueError", 1.0)
    named = {s["axes"][0]: [c["what"] for c in s["causes"]] for s in answer["shares"] if not s["within_noise"]}
    assert named == {"data": ["file table.csv, column b"]}, answer["words"]


def test_a_hybrid_that_cannot_run_is_an_answer(space: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "interaction"
    run_of(space, Notebook(), folder)
    renamed = {"a": [1.0] * 6, "b": [1.0] * 6, "c": [1.0] * 6, "d": [9.0] * 6}
    bad = run_of(space, Notebook(table=renamed, settings=("1", "float(rows[0]['d'])", "1")), folder)
    answer = why.why(space, bad)
    assert answer["interactions"] == ["new code with old data: cell 4 fails with KeyError: 'd'"]
    assert [(s["axes"], s["within_noise"]) for s in answer["shares"]] == [(["code"], False), (["data"], True)]


def test_nothing_differs(space: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "nothing"
    run_of(space, Notebook(), folder)
    answer = why.why(space, run_of(space, Notebook(), folder))
    assert (answer["shares"], answer["change"], answer["axes"]) == ([], 0.0, {})
    assert "nothing that is recorded differs between the two runs" in answer["words"]


def test_a_plan_runs_nothing_and_a_second_question_runs_nothing_again(space: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "twice"
    run_of(space, Notebook(), folder)
    bad = run_of(space, Notebook(table=SCALED, settings=("1", "2", "1")), folder)
    job = space.catalog.job(folder.name)
    plan = why_plan.plan(space, bad)
    assert plan["hybrids"] == ["new code with old data", "new data with old code"]
    assert plan["axes"] == {"code": ["cell 4 of step second changed"], "data": ["file table.csv"]}
    assert not space.queue.runs(job_id=job.id, triggers=["why"])
    first = why.why(space, bad)
    count = len(space.queue.runs(job_id=job.id, triggers=["why"]))
    assert why.why(space, bad)["shares"] == first["shares"]
    assert len(space.queue.runs(job_id=job.id, triggers=["why"])) == count
    health = [run["trigger"] for run in runs.runs(space, folder.name) if run["id"] in (bad,)]
    assert health == ["manual"] and space.queue.last_good(space.queue.run(bad)) is not None


def test_a_budget_bounds_the_hybrids(space: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "bounded"
    run_of(space, Notebook(), folder)
    bad = run_of(space, Notebook(table=SCALED, settings=("1", "2", "1")), folder)
    answer = why.why(space, bad, why.Request(budget=1e-3))
    assert [share["axes"] for share in answer["shares"]] == [["code", "data"]]
    assert any("budget" in note for note in answer["notes"])
    assert not space.queue.runs(job_id=space.catalog.job(folder.name).id, triggers=["why"])


def test_it_goes_on_where_it_was_stopped(space: Workspace, tmp_path: Path) -> None:
    """Without waiting, as REST does it: each look at the progress goes on once the hybrids have finished."""
    folder = tmp_path / "stepwise"
    run_of(space, Notebook(), folder)
    bad = run_of(space, Notebook(table=SCALED, settings=("1", "2", "1")), folder)
    with pytest.raises(NotFoundError):
        why.progress(space, bad)
    begun = why.begin(space, bad)
    assert (begun["state"], begun["result"]) == ("running", None) and begun["total"] == 2
    why.stop(space, bad)
    wait_until(lambda: not {"queued", "running"} & set(space.queue.states_of_batch(begun["batch"])))
    why.begin(space, bad)
    finished = wait_until(lambda: (told := why.progress(space, bad))["state"] == "finished" and told)
    named = {share["axes"][0] for share in finished["result"]["shares"]}
    assert named == {"code", "data"}


def test_a_person_stops_the_hybrids_and_asks_again(space: Workspace, tmp_path: Path) -> None:
    folder, flag = tmp_path / "stopped", tmp_path / "slow"
    notebook = Notebook(noise=f"(__import__('time').sleep(60) if __import__('os').path.exists({str(flag)!r}) else 0)")
    run_of(space, notebook, folder)
    bad = run_of(space, replace(notebook, table=SCALED, settings=("1", "2", "1")), folder)
    flag.touch()

    def stop(event: dict[str, Any]) -> None:
        if event.get("running"):
            threading.Thread(target=why.stop, args=(space, bad)).start()

    with pytest.raises(RunStoppedError) as stopped:
        why.why(space, bad, on_event=stop)
    assert "hybrids that have finished are not run again" in stopped.value.remedy
    states = {run.state for run in space.queue.runs(triggers=["why"], job_id=space.catalog.job(folder.name).id)}
    assert states and not states & {"queued", "running"}
    flag.unlink()
    assert {share["axes"][0] for share in why.why(space, bad)["shares"]} == {"code", "data"}


class WrittenCapsules:
    """Capsules that a test writes."""

    def __init__(self, space: Workspace) -> None:
        self.space, self.by_run = space, dict[str, dict[str, Any]]()

    def of(self, run_id: str) -> dict[str, Any] | None:
        return self.by_run.get(run_id)

    def write(self, run: str, *paths: Path, kept: bool = True) -> None:
        """The capsule of a run that read these files as they are now."""
        files = {
            str(path): {
                "digest": self.space.store.put_file(path) if kept else digest_file(path),
                "bytes": path.stat().st_size, "kept": kept, "inside": False,
            }
            for path in paths
        }  # fmt: skip
        self.by_run[run] = {"format": 1, "run": run, "steps": {"load": {"state": "completed", "files": files}}}


def live_run(space: Workspace, path: Path, live: Path, comment: str = "") -> str:
    """A run of a notebook that reads a file which is in no version, because a parameter names it."""
    write_notebook(
        path,
        f"# tags: parameters\nlive = {str(live)!r}",
        f"# tags: step:load\n{comment}\nimport csv\nrows = list(csv.DictReader(open(live)))",
        "# tags: step:score metrics\nscore = sum(float(row['x']) + 10 * float(row['y']) for row in rows)",
    )
    jobs.publish(space, path, path.stem)
    return str(runs.follow(space, runs.start(space, path.stem)["id"], in_place=False)["id"])


def test_a_file_that_no_version_has_is_put_in_place_of_another(space: Workspace, tmp_path: Path) -> None:
    live, capsules = tmp_path / "live" / "live data.csv", WrittenCapsules(space)
    live.parent.mkdir()
    live.write_text("id,x,y\n1,1,1\n2,2,2\n")
    good = live_run(space, tmp_path / "notebooks" / "live.ipynb", live)
    capsules.write(good, live)
    live.write_text("id,x,y\n1,1,5\n2,2,6\n")
    bad = live_run(space, tmp_path / "notebooks" / "live.ipynb", live, "# nothing")
    capsules.write(bad, live)
    answer = why.why(space, bad, capsules=capsules)
    named = {s["axes"][0]: [c["what"] for c in s["causes"]] for s in answer["shares"] if not s["within_noise"]}
    assert named == {"data": [f"file {live}, column y"]}, answer["words"]
    assert live.read_text() == "id,x,y\n1,1,5\n2,2,6\n"


def test_a_change_of_what_is_not_recorded_is_said_to_be_that(space: Workspace, tmp_path: Path) -> None:
    """The bytes of the first run's file were not kept: today both runs read the same."""
    live, capsules = tmp_path / "live" / "unkept.csv", WrittenCapsules(space)
    live.parent.mkdir()
    live.write_text("id,x,y\n1,1,1\n")
    good = live_run(space, tmp_path / "notebooks" / "unkept.ipynb", live)
    capsules.write(good, live, kept=False)
    live.write_text("id,x,y\n1,1,5\n")
    bad = live_run(space, tmp_path / "notebooks" / "unkept.ipynb", live, "# nothing")
    answer = why.why(space, bad, capsules=capsules)
    assert answer["residual"] == pytest.approx(40.0) and not answer["residual_within_noise"]
    assert any("its content was not kept" in note for note in answer["notes"])
    assert any(line.startswith("not recorded: +40") for line in answer["words"])


def test_runs_that_write_elsewhere_are_not_repeated_unasked(space: Workspace, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere.txt"
    path = tmp_path / "writes.ipynb"

    def run(number: int) -> str:
        write_notebook(path, f"# tags: step:a metrics\nn = {number}\nopen({str(target)!r}, 'w').write(str(n))")
        jobs.publish(space, path, "writes")
        return str(runs.follow(space, runs.start(space, "writes")["id"], in_place=False)["id"])

    run(1)
    bad = run(2)
    with pytest.raises(InvalidInputError, match="which hybrids would overwrite") as refused:
        why.why(space, bad)
    assert "--allow-writes" in refused.value.remedy and target.read_text() == "2"
    answer = why.why(space, bad, why.Request(allow_writes=True))
    assert [c["what"] for c in answer["shares"][0]["causes"]] == ["cell 1 of step a changed"]


def test_the_command_tells_the_answer(
    space: Workspace, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "command"
    good = run_of(space, Notebook(), folder)
    bad = run_of(space, Notebook(table=SCALED, settings=("1", "1", "3")), folder)
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(home))
    assert main(["why", bad, "--dry-run"]) == 0
    assert "2 hybrids\n  new code with old data\n  new data with old code\n" in capsys.readouterr().out
    assert main(["why", bad, "--metric", "score", "--budget", "300"]) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [
        f"score rose 18 → 624 since {good}",
        "data: +594 (file table.csv, column a)",
        "code: +12 (cell 5 of step third changed)",
    ]
    assert "2 of 2 hybrids" in shown.err
    assert main(["why", bad, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["change"] == 606.0
    assert main(["why", bad, "--metric", "scor"]) == 2
    assert "Metrics: score." in capsys.readouterr().err
    hybrids = space.queue.runs(job_id=space.catalog.job("command").id, triggers=["why"])
    cached = [step for steps in space.queue.steps_of([run.id for run in hybrids]).values() for step in steps]
    assert "cached" in {step["state"] for step in cached}


def test_questions_that_cannot_be_answered_are_refused(space: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "refused"
    first = run_of(space, Notebook(), folder)
    with pytest.raises(InvalidInputError, match="no completed run before"):
        why.why(space, first)
    second = run_of(space, Notebook(table=SCALED), folder)
    for request, message in (
        (why.Request("scor"), "not a metric of the two runs"),
        (why.Request("x'; drop table run; --\n$(touch x)"), "not a metric of the two runs"),
        (why.Request(good=second), "with itself"),
        (why.Request(good="no such run"), "there is no run"),
        (why.Request(repeats=-1), "repeats"),
        (why.Request(budget=0), "budget"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            why.why(space, second, request)
    with pytest.raises(InvalidInputError) as suggestion:
        why.why(space, second, why.Request("scor"))
    assert "score" in suggestion.value.remedy
    answer = why.why(space, second)
    with pytest.raises(InvalidInputError, match="itself a run of"):
        why.why(space, answer["runs"][0])
    other = run_of(space, Notebook(), tmp_path / "refused-too")
    with pytest.raises(InvalidInputError, match="another job"):
        why.why(space, second, why.Request(good=other))
    with pytest.raises(NotFoundError):
        why.why(space, "nothing")
