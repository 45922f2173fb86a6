"""Metrics of real runs: first, cached, failing, repaired; as series, CSV and for Prometheus."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.errors import InvalidInputError, NotFoundError
from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.service import aliases, jobs, metrics, prometheus, runs
from tests.cli.command import command
from tests.jobs.workspace import opened, write_notebook

pytestmark = [pytest.mark.xdist_group("metrics"), pytest.mark.timeout(240), pytest.mark.kernel]

CELLS = (
    "# tags: parameters\nrate = 0.5\nfail = False",
    "# tags: imports\nimport math\nfrom jupyter_mlops import log_metric, log_metrics",
    "# tags: step:train\nfor epoch in range(3):\n    log_metric('loss', rate / (epoch + 1), step=epoch)",
    "# tags: step:score\nlog_metrics({'nothing': math.nan, 'all \"of\" it\\n': math.inf})",
    "# tags: step:judge metrics\naccuracy = rate",
    "# tags: step:end\nlog_metric('late', 1)\nif fail:\n    raise ValueError('bad')",
)


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    folder = tmp_path_factory.mktemp("metrics")
    with opened(folder / "home") as made:
        jobs.publish(made, write_notebook(folder / "train.ipynb", *CELLS), "train")
        yield made


def run(space: Workspace, **parameters: Any) -> dict[str, Any]:
    return runs.follow(space, runs.start(space, "train", parameters)["id"])


@pytest.fixture(scope="module")
def three(space: Workspace) -> list[dict[str, Any]]:
    """The first run, one from the cache, and one that fails."""
    return [run(space), run(space), run(space, rate=0.25, fail=True)]


def test_points_are_those_of_run_all_whether_or_not_the_cells_ran(space: Workspace, three: Any) -> None:
    first, second, third = three
    assert [r["state"] for r in three] == ["completed", "completed", "failed"]
    assert {s["state"] for s in second["steps"]} == {"cached"}
    odd = 'all "of" it\n'
    shown = [(p["name"], p["value"], p["step"]) for p in metrics.points(space, first["id"])["points"]]
    assert shown == [
        ("loss", 0.5, 0), ("loss", 0.25, 1), ("loss", 0.5 / 3, 2), ("nothing", "nan", None), (odd, "inf", None),
        ("accuracy", 0.5, None), ("late", 1.0, None),
    ]  # fmt: skip
    assert metrics.points(space, second["id"])["points"] == metrics.points(space, first["id"])["points"]
    assert first["metrics"] == second["metrics"] == {
        "loss": 0.5 / 3, "nothing": "nan", odd: "inf", "accuracy": 0.5, "late": 1,
    }  # fmt: skip
    assert third["metrics"]["late"] == 1, "a failed step's metrics count"
    assert metrics.points(space, third["id"], ["late"])["points"][0]["value"] == 1.0


def test_a_series_over_runs_is_paged(space: Workspace, three: Any) -> None:
    newest = metrics.series(space, "train", ["accuracy"], last=2)
    assert [(r["run"], r["version"], r["metrics"]) for r in newest["runs"]] == [
        (three[1]["id"], "v1", {"accuracy": 0.5}), (three[2]["id"], "v1", {"accuracy": 0.25}),
    ]  # fmt: skip
    earlier = metrics.series(space, "train", ["accuracy"], last=2, before=newest["next"])
    assert [r["run"] for r in earlier["runs"]] == [three[0]["id"]]
    assert earlier["next"] is None


def test_points_are_thinned_to_evenly_spaced_ones(space: Workspace, three: Any) -> None:
    payload = metrics.points(space, three[0]["id"], ["loss"], limit=2)
    assert [p["step"] for p in payload["points"]] == [0, 2]
    assert payload["thinned"]
    assert metrics.spaced(range(10), 4) == [0, 3, 6, 9]
    assert metrics.spaced(range(10), 1) == [9]


def test_csv_has_a_line_for_each_value(space: Workspace, three: Any) -> None:
    table = list(csv.DictReader(io.StringIO(metrics.csv_of_series(metrics.series(space, "train")))))
    assert {(r["metric"], r["value"]) for r in table if r["run"] == three[0]["id"]} >= {
        ("accuracy", "0.5"), ("nothing", "nan"), ('all "of" it\n', "inf"),
    }  # fmt: skip


def test_the_command_shows_jobs_and_runs(
    space: Workspace, three: Any, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(space.home))
    of_job = command("metrics", "train")
    assert (of_job.code, of_job.out.count("\n")) == (0, 4), of_job
    assert 'all "of" it\\n' in of_job.out
    of_run = command("metrics", three[0]["id"], "--name", "loss", "--json")
    assert len(of_run.record["points"]) == 3
    assert command("metrics", three[0]["id"][:22], "--csv").out.startswith("metric,step,value,at\nloss,0,0.5,")
    unknown = command("metrics", "train", "--name", "acuracy")
    assert unknown.code == 2
    assert "Did you mean 'accuracy'?" in unknown.err
    assert command("metrics", "trian").code == 2


def test_what_is_not_there_is_said(space: Workspace, three: Any) -> None:
    with pytest.raises(NotFoundError, match="no metric 'gone'"):
        metrics.series(space, "train", ["gone"])
    with pytest.raises(InvalidInputError, match="number of runs"):
        metrics.series(space, "train", last=0)
    with pytest.raises(NotFoundError):
        metrics.points(space, "nothing")


LABEL = r'[a-z_]+="(?:[^"\\\n]|\\\\|\\"|\\n)*"'
SAMPLE = re.compile(
    rf"(?P<name>[a-z_]+)\{{(?P<labels>{LABEL}(?:,{LABEL})*)\}} (?P<value>NaN|[+-]Inf|-?[\d.]+(?:e[+-]?\d+)?)"
)


def parse(page: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """The samples of a page. Fails for a line that the format does not have, and for two samples of one series."""
    samples: dict[tuple[str, frozenset[tuple[str, str]]], float] = {}
    types: set[str] = set()
    assert page.endswith("\n")
    for line in page.splitlines():
        if line.startswith("# HELP "):
            continue
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert kind == "gauge"
            assert name not in types
            types.add(name)
            continue
        match = SAMPLE.fullmatch(line)
        assert match, line
        assert match["name"] in types
        labels = re.findall(r'([a-z_]+)="((?:[^"\\]|\\.)*)"', match["labels"])
        plain = {k: re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], v) for k, v in labels}
        key = (match["name"], frozenset(plain.items()))
        assert key not in samples
        samples[key] = float(match["value"].replace("Inf", "inf"))
    return samples


def test_prometheus_reads_the_latest_values(space: Workspace, three: Any) -> None:
    aliases.set_alias(space, "train", "production", "v1")
    samples = parse(prometheus.exposition(space))

    def sample(name: str, **labels: str) -> float:
        return samples[f"jupyter_mlops_{name}", frozenset({"job": "train", **labels}.items())]

    of = {"version": "v1", "alias": "production"}
    assert sample("metric", metric="accuracy", **of) == 0.5
    assert str(sample("metric", metric="nothing", **of)) == "nan"
    assert sample("metric", metric='all "of" it\n', **of) == float("inf")
    assert (sample("runs", state="completed"), sample("runs", state="failed")) == (2, 1)
    assert sample("latest_run_duration_seconds", version="v1", state="failed") > 0
    assert samples["jupyter_mlops_queue_length", frozenset({("state", "queued")})] == 0


@pytest.mark.parametrize(
    ("value", "text"),
    [(1, "1.0"), (1e300, "1e+300"), ("nan", "NaN"), ("-inf", "-Inf"), (10**400, "+Inf"), ("x", ""), (None, "")],
)
def test_numbers_as_prometheus_has_them(value: Any, text: str) -> None:
    assert prometheus.number_text(value) == text


def test_a_run_keeps_ten_thousand_points_and_says_so(space: Workspace, tmp_path: Path) -> None:
    cells = (
        "# tags: step:a\nfrom jupyter_mlops import log_metric\nfor i in range(9_990):\n    log_metric(f'm{i}', i)",
        "# tags: step:b\nfor i in range(30):\n    log_metric('last', i)",
    )
    jobs.publish(space, write_notebook(tmp_path / "many.ipynb", *cells), "many")
    ended = runs.follow(space, runs.start(space, "many")["id"])
    assert ended["state"] == "completed"
    assert len(metrics.points(space, ended["id"])["points"]) == 10_000
    assert ended["metrics"]["last"] == 29
    assert [note for note in ended["notes"] if "10,000" in note] == [
        "a run keeps 10,000 points of metrics: 20 more were left out; the last value of each metric is kept"
    ]
    parse(prometheus.exposition(space))


def test_a_deleted_run_takes_its_points_along(space: Workspace, three: Any) -> None:
    from sqlalchemy import delete, func, select

    from jupyter_mlops.db import tables as t

    gone = run(space, rate=0.75)
    with space.db.write() as c:
        c.execute(delete(t.run).where(t.run.c.id == gone["id"]))
        assert c.execute(select(func.count()).where(t.metric_point.c.run_id == gone["id"])).scalar() == 0
