"""One suite over every target: the same version, with the same values, comes to the same states everywhere.

pytest tests/contracts/test_targets.py                       a few scenarios: each starts many processes
EQUIVALENCE=all pytest tests/contracts/test_targets.py       all of them
LARGE=1 …                                                    a hand-off of 1 GB instead of 20 MB
MLOPS_AIRFLOW=…/python MLOPS_DVC=…/dvc …                     engines that are in environments of their own
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export.exporter import exporter, exporter_names
from jupyter_mlops.export.plan import ExportPlan, ExportSchedule
from jupyter_mlops.notebook.output import text_of
from jupyter_mlops.service.export import files_of
from tests.acceptance.rotation import takes_all
from tests.contracts import targets
from tests.contracts.targets import FOLDER, LOCAL, OTHERWISE, SCENARIOS, TARGETS, Scenario
from tests.export import plans

ROOT = Path(__file__).parents[2]
A_PASS = (  # the scenarios of a normal pass
    ("local", "hostile parameters"), ("local", "a step fails"), ("script", "hostile parameters"),
    ("script", "a guard stops"), ("github", "hostile parameters"),
)  # fmt: skip
ENDED = {**dict.fromkeys(("completed", "cached"), "completed"), "skipped": "skipped", "failed": "failed"}


def cases() -> list[tuple[str, str]]:
    """The scenarios of this pass."""
    if takes_all():
        return [(target, name) for target in TARGETS for name in SCENARIOS]
    return list(A_PASS)


@pytest.fixture(scope="module")
def version(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ExportPlan]:
    """The notebook, and the plan of its version."""
    path = targets.notebook(tmp_path_factory.mktemp("source"))
    return path, targets.published(path)


@pytest.mark.slow
@pytest.mark.kernel
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("target", "name"), cases())
def test_a_scenario_ends_as_everywhere(
    target: str, name: str, version: tuple[Path, ExportPlan], tmp_path: Path
) -> None:
    scenario, (source, plan) = SCENARIOS[name], version
    values = {k: str(tmp_path) if v == FOLDER else v for k, v in scenario.values.items()}
    request = targets.request_of(plan, tmp_path / "run", values)
    try:
        run = targets.run_target(target, request, source)
    except InvalidInputError as error:
        pytest.skip(str(error))
    if (target, name) in OTHERWISE:
        omissions = " ".join(exporter(target).omissions(plan))
        assert any(words in omissions for words in OTHERWISE[target, name]), omissions
        return
    assert (not run.problem) is scenario.succeeds, run.problem
    if run.states:
        ended = {step: ENDED.get(state, state) for step, state in run.states.items()}
        assert {step: ended.get(step) for step in scenario.states} == dict(scenario.states)
    if scenario.succeeds:
        assert printed(run.outputs) == targets.run_all({k: v for k, v in values.items() if k != "folder"})
    if scenario.attempts and (run.states or scenario.succeeds):
        assert len((tmp_path / "attempts").read_text()) == scenario.attempts
    assert_nothing_leaks(tmp_path)


def printed(outputs: Any) -> str:
    """What the last cell printed."""
    return "".join(text_of(output) for output in outputs[max(outputs)])


def assert_nothing_leaks(folder: Path) -> None:
    """No file has the secret, and no text was executed."""
    assert not list(folder.rglob("pwned"))
    holders = [
        path for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and path.stat().st_size < 5_000_000
        and targets.SECRET.encode() in path.read_bytes()
    ]  # fmt: skip
    assert holders == []


# -- schedules: what a target can't do is said

POLICIES = {
    **{f"missed: {policy}": {"missed": policy} for policy in ("skip", "latest", "all")},
    **{f"overlap: {policy}": {"overlap": policy} for policy in ("queue", "skip", "allow", "replace")},
}
SAID = ("made up", "miss", "queue", "skip", "at once", "schedule", "waits", "overlap", "cancel", "late", "once")


@pytest.mark.parametrize("target", exporter_names())
def test_a_policy_is_kept_or_its_loss_is_said(target: str) -> None:
    """Two policies give other files, or the export says what it can't do: none is dropped in silence."""
    texts: dict[str, tuple[Any, bool]] = {}
    for name, facts in POLICIES.items():
        schedules = (ExportSchedule("0 6 * * *", **facts),)
        plan = plans.plan(plans.task("a"), schedules=schedules, source=SOURCE, created="2026-11-27T09:00:00+00:00")
        sentences = exporter(target).omissions(plan)
        texts[name] = files_of(plan, target), any(word in sentence for sentence in sentences for word in SAID)
    for one, (files, _) in texts.items():
        for other, (others, is_said) in texts.items():
            kind = one.partition(":")[0]
            if {one, other} == {"overlap: queue", "overlap: allow"}:
                continue  # a job of one run at once queues the others in any case
            if one != other and other.startswith(kind) and files == others:
                assert is_said or texts[one][1], f"{target}: {one} and {other} give the same files, and nothing says so"


SOURCE = (
    '{"cells": [{"cell_type": "code", "execution_count": null, "id": "a", "metadata": {"tags": ["step:a"]}, '
    '"outputs": [], "source": "x = 1"}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
)


# -- forty steps


FORTY = (
    ("step:s0", "x0 = 1", {}),
    *((f"step:s{n}", f"x{n} = x{n - 1} + 1" + ("\nprint(x39)" if n == 39 else ""), {}) for n in range(1, 40)),
)


@pytest.mark.slow
@pytest.mark.kernel
@pytest.mark.timeout(900)
@pytest.mark.parametrize("target", [t for t in TARGETS if takes_all() or t in ("local", "script")])
def test_forty_steps(target: str, tmp_path: Path) -> None:
    source = targets.notebook(tmp_path / "source", FORTY)
    plan = targets.published(source)
    assert len(plan.tasks) == 40
    request = targets.request_of(plan, tmp_path / "run", {})
    if target in LOCAL:
        request = replace(request, environment={**request.environment})
    try:
        run = targets.run_target(target, request, source)
    except InvalidInputError as error:
        pytest.skip(str(error))
    assert run.problem == ""
    assert printed(run.outputs) == "40\n"


# -- the table of the documentation


def table() -> str:
    """What each target does in each scenario, as docs/export.md shows it."""
    lines = ["| Scenario | Ends with | Otherwise |", "| --- | --- | --- |"]
    for name, scenario in SCENARIOS.items():
        other = ", ".join(f"`{target}`: {words[0]}" for (target, n), words in OTHERWISE.items() if n == name)
        lines.append(f"| {name} | {_in_words(scenario)} | {other} |")
    return "\n".join(lines)


def _in_words(scenario: Scenario) -> str:
    if scenario.succeeds:
        attempts = f", {scenario.attempts} attempts at `flaky`" if scenario.attempts else ""
        return f"all completed, outputs of Run All{attempts}"
    return ", ".join(f"`{step}` {state}" for step, state in scenario.states.items())


def test_the_documentation_has_the_table() -> None:
    text = (ROOT / "jupyter_mlops" / "docs" / "export.md").read_text(encoding="utf-8")
    assert table() in text, f"docs/export.md must have this table:\n{table()}"
