"""Promotion, rollback, stages and protection, as every surface calls them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_mlops.errors import ConflictError, GateError, InvalidInputError, NotFoundError
from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.service import aliases, gates, jobs, promotions, runs, schedules
from tests.registry.space import build, copied, publish, ran


def at(space: Workspace, stage: str = "production") -> int | None:
    return space.catalog.aliases(space.catalog.job("churn")).get(stage)


def test_promote_and_roll_back_twice_without_surprise(space: Workspace) -> None:
    """iterative/gto#51"""
    for version in ("v2", "v1", "v2"):
        promotions.promote(space, "churn", version, reason=f"try {version}", author="ada")
    first = promotions.rollback(space, "churn", reason="worse", author="bob")
    assert (at(space), first["change"]["version"], first["change"]["undoes"]) == (1, "v1", 3)
    assert (first["undone"]["number"], first["undone"]["version"], first["undone"]["author"]) == (3, "v2", "ada")
    second = promotions.rollback(space, "churn")
    assert (at(space), second["undone"]["number"], second["undone"]["version"]) == (2, 2, "v1")
    with pytest.raises(ConflictError, match="no version to go back to"):
        promotions.rollback(space, "churn")
    told = [(c["number"], c["action"], c["version"], c["previous"], c["undoes"], c["reason"]) for c in
            aliases.history(space, "churn", "production")]  # fmt: skip
    assert told == [
        (5, "rollback", "v2", "v1", 2, ""), (4, "rollback", "v1", "v2", 3, "worse"),
        (3, "promote", "v2", "v1", None, "try v2"), (2, "promote", "v1", "v2", None, "try v1"),
        (1, "promote", "v2", None, None, "try v2"),
    ]  # fmt: skip


def test_two_that_saw_the_same_state_one_wins_and_the_other_is_told_who(space: Workspace) -> None:
    promotions.promote(space, "churn", "v1", author="eve")
    promotions.promote(space, "churn", "v2", author="ada", expected=1)
    with pytest.raises(ConflictError, match="ada changed production to v2 first"):
        promotions.promote(space, "churn", "v3", author="bob", expected=1)
    with pytest.raises(ConflictError, match="ada changed production to v2 first"):
        promotions.rollback(space, "churn", expected=1)
    assert at(space) == 2


@pytest.mark.parametrize(
    ("arguments", "options", "kind", "message"),
    [
        (("nothing", "v1"), {}, NotFoundError, "no job 'nothing'"),
        (("churn", "v9"), {}, NotFoundError, "no version v9"),
        (("churn", "wrong words"), {}, NotFoundError, "no version @wrong words"),
        (("churn", "v1", "produktion"), {}, NotFoundError, "'produktion' is not a stage"),
        (("churn", "v1", ""), {}, NotFoundError, "'' is not a stage"),
        (("churn", "v1", "a\nb"), {}, NotFoundError, "is not a stage"),
        (("churn", "v1"), {"override": True}, InvalidInputError, "needs a reason"),
        (("churn", "v1"), {"override": True, "reason": " \n"}, InvalidInputError, "needs a reason"),
        (("churn", "v1"), {"reason": "x" * 10_001}, InvalidInputError, "at most 10000"),
        (("churn", "v1"), {"run_id": "nothing"}, NotFoundError, "nothing"),
        (("churn", "v1"), {"expected": 3}, ConflictError, "has no history"),
    ],
)
def test_bad_promotions(
    space: Workspace, arguments: tuple[str, ...], options: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        promotions.promote(space, *arguments, **options)
    assert aliases.history(space, "churn") == []


def test_a_near_stage_is_suggested(space: Workspace) -> None:
    with pytest.raises(NotFoundError) as refused:
        promotions.promote(space, "churn", "v1", "prodcution")
    assert "Did you mean 'production'? Stages: staging, production." in refused.value.remedy


def test_what_is_there_is_not_promoted_again(space: Workspace) -> None:
    promotions.promote(space, "churn", "v1")
    with pytest.raises(ConflictError, match="v1 is at production already"):
        promotions.promote(space, "churn", "v1")


def test_a_rollback_of_nothing(space: Workspace) -> None:
    with pytest.raises(NotFoundError, match="no version was ever at production"):
        promotions.rollback(space, "churn")
    with pytest.raises(NotFoundError, match="is not a stage"):
        promotions.rollback(space, "churn", "nowhere")
    promotions.promote(space, "churn", "v1")
    with pytest.raises(ConflictError, match="no version to go back to") as refused:
        promotions.rollback(space, "churn")
    assert "demote" in refused.value.remedy


def test_without_configured_stages_the_order_is_free(space: Workspace) -> None:
    promotions.promote(space, "churn", "v1")
    jobs.set_policies(space, "churn", {"stage_order": True})
    with pytest.raises(ConflictError, match="v2 has not been at staging, the stage before production"):
        promotions.promote(space, "churn", "v2")


def test_configured_stages_have_an_order(space: Workspace) -> None:
    """iterative/gto#321"""
    jobs.set_policies(space, "churn", {"stages": ["dev", "staging", "production"]})
    with pytest.raises(ConflictError, match="has not been at staging"):
        promotions.promote(space, "churn", "v1")
    with pytest.raises(ConflictError, match="has not been at dev"):
        promotions.promote(space, "churn", "v1", "staging")
    with pytest.raises(ConflictError, match="has not been at dev"):
        aliases.set_alias(space, "churn", "staging", "v1")
    for stage in ("dev", "staging", "production"):
        promotions.promote(space, "churn", "v1", stage)
    promotions.promote(space, "churn", "v2", "dev")
    assert (at(space, "dev"), at(space, "staging"), at(space)) == (2, 1, 1)
    promotions.promote(space, "churn", "v2", "staging")
    promotions.rollback(space, "churn", "staging", reason="v2 is broken")
    with pytest.raises(ConflictError, match="v2 has not been at staging"):
        promotions.promote(space, "churn", "v2")
    jobs.set_policies(space, "churn", {"stage_order": False})
    promotions.promote(space, "churn", "v2")
    assert at(space) == 2


def test_protected_aliases_change_by_promotion_alone(space: Workspace) -> None:
    jobs.set_policies(space, "churn", {"protected": ["production", "champion"]})
    for alias in ("production", "champion"):
        with pytest.raises(ConflictError, match=f"{alias} is protected"):
            aliases.set_alias(space, "churn", alias, "v1")
        promotions.promote(space, "churn", "v1", alias)
        promotions.promote(space, "churn", "v2", alias)
        with pytest.raises(ConflictError, match=f"{alias} is protected"):
            aliases.remove_alias(space, "churn", alias)
        promotions.rollback(space, "churn", alias)
        assert at(space, alias) == 1
    aliases.set_alias(space, "churn", "staging", "v1")


def test_publishing_can_not_get_around_protection(space: Workspace) -> None:
    jobs.set_policies(space, "churn", {"protected": ["production"]})
    with pytest.raises(ConflictError, match="protected"):
        aliases.require_settable(space, "churn", "production")
    aliases.require_settable(space, "not yet there", "production")


def test_publishing_can_not_get_around_the_order(space: Workspace) -> None:
    jobs.set_policies(space, "churn", {"stages": ["staging", "production"]})
    with pytest.raises(ConflictError, match="can't be at production at once: staging comes before"):
        aliases.require_publishable(space, "churn", "production")
    for job, alias in (("churn", "staging"), ("churn", "other"), ("not yet there", "production")):
        aliases.require_publishable(space, job, alias)
    with pytest.raises(InvalidInputError, match="not a valid alias"):
        aliases.require_publishable(space, "not yet there", "a b")


def test_a_stage_with_gates_is_not_set_by_hand(space: Workspace) -> None:
    gates.add(space, "churn", "accuracy >= 0.9")
    with pytest.raises(ConflictError, match="production has gates"):
        aliases.set_alias(space, "churn", "production", "v1")
    aliases.set_alias(space, "churn", "staging", "v1")


def test_an_alias_that_schedules_run_is_not_removed(space: Workspace) -> None:
    promotions.promote(space, "churn", "v1")
    made = schedules.schedule(space, "churn@production", "daily", "UTC")
    with pytest.raises(ConflictError, match=f"the schedules {made['id']} run @production"):
        aliases.remove_alias(space, "churn", "production")
    schedules.unschedule(space, made["id"])
    change = aliases.remove_alias(space, "churn", "production", reason="retired", author="ada")
    assert (change["version"], change["previous"], change["reason"], at(space)) == (None, "v1", "retired", None)
    with pytest.raises(NotFoundError, match="has no alias 'production'"):
        aliases.remove_alias(space, "churn", "production")
    assert promotions.rollback(space, "churn")["change"]["version"] == "v1"


def test_runs_and_schedules_of_production_follow(space: Workspace) -> None:
    from jupyter_mlops.worker.scheduler import Scheduler
    from tests.jobs.clock import Clock

    clock = Clock(space.catalog.clock())
    promotions.promote(space, "churn", "v1")
    schedules.schedule(space, "churn@production", "hourly", "UTC")
    scheduler = Scheduler(space.db, space.queue, clock)
    told = []
    for verb in ("promote", "rollback"):
        if verb == "promote":
            promotions.promote(space, "churn", "v3")
        else:
            promotions.rollback(space, "churn")
        told.append(runs.start(space, "churn@production")["version"])
        clock.go(3600)
        scheduler.tick()
        told.append(max(space.queue.runs(triggers=["schedule"]), key=lambda run: run.slot or 0).version)
    assert told == ["v3", 3, "v1", 1]


def test_the_past_is_looked_up(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """mlflow/mlflow#2169"""
    import time
    from datetime import datetime

    for day, version in (("2026-02-27", "v1"), ("2026-03-01", "v2"), ("2026-03-03", "v3")):
        moment = datetime.fromisoformat(f"{day}T12:00").timestamp()
        monkeypatch.setattr(time, "time", lambda moment=moment: moment)
        from jupyter_mlops.registry import aliases as module

        monkeypatch.setattr(module.Aliases.__init__, "__defaults__", (time.time,))
        promotions.promote(space, "churn", version, author="ada", reason=f"of {day}")
    for text, version in (
        ("2026-02-26", None), ("2026-02-27", "v1"), ("2026-03-01T11:59", "v1"), ("2026-03-01", "v2"),
        ("2026-03-02", "v2"), ("2026-03-03", "v3"), ("2030-01-01", "v3"),
    ):  # fmt: skip
        told = aliases.versions_at(space, "churn", text)
        assert [c["version"] for c in told["aliases"]] == ([version] if version else []), text
    told = aliases.versions_at(space, "churn", "2026-03-02")
    assert (told["aliases"][0]["author"], told["aliases"][0]["reason"]) == ("ada", "of 2026-03-01")
    assert told["at_text"].startswith("the end of 2026-03-02: 2026-03-02 23:59:59")


def test_the_stages_of_a_job(space: Workspace) -> None:
    gates.add(space, "churn", "accuracy > 0", "staging")
    jobs.set_policies(space, "churn", {"stages": ["staging", "production"], "protected": ["champion"]})
    ran(space, "v1", {"accuracy": 1})
    ran(space, "v2", {"accuracy": 1})
    promotions.promote(space, "churn", "v1", "staging")
    promotions.promote(space, "churn", "v2", "staging", reason="newer", author="ada")
    told = promotions.stages(space, "churn")["stages"]
    assert [(s["name"], s["number"], s["gates"], s["protected"], s["after"], s["rollback_to"]) for s in told] == [
        ("staging", 2, 1, False, "", "v1"), ("production", 0, 0, False, "staging", None),
        ("champion", 0, 0, True, "", None),
    ]  # fmt: skip
    assert (told[0]["change"]["author"], told[0]["change"]["reason"]) == ("ada", "newer")


# -- gates


def test_gates_decide_and_are_kept_with_the_promotion(space: Workspace) -> None:
    gates.add(space, "churn", "accuracy >= 0.9")
    ran(space, "v1", {"accuracy": 0.8})
    with pytest.raises(GateError, match=r"failed: accuracy >= 0\.9 \(0\.8 >= 0\.9 is false\)") as refused:
        promotions.promote(space, "churn", "v1")
    assert refused.value.data["state"] == "failed"
    assert at(space) is None
    run = ran(space, "v1", {"accuracy": 0.95})
    told = promotions.promote(space, "churn", "v1")
    [result] = told["change"]["gates"]
    assert (told["run"], result["state"], result["values"]) == (run, "passed", {"accuracy": 0.95})
    assert (told["change"]["overridden"], aliases.history(space, "churn")[0]["gates"]) == (False, [result])


def test_an_override_is_recorded_with_its_reason(space: Workspace) -> None:
    gates.add(space, "churn", "accuracy >= 0.9")
    ran(space, "v1", {"accuracy": 0.8})
    change = promotions.promote(space, "churn", "v1", override=True, reason="hotfix", author="ada")["change"]
    assert (change["overridden"], change["reason"], change["gates"][0]["state"]) == (True, "hotfix", "failed")
    ran(space, "v2", {"accuracy": 1.0})
    change = promotions.promote(space, "churn", "v2", override=True, reason="not needed")["change"]
    assert change["overridden"] is False


def test_without_a_run_nothing_is_decided(space: Workspace) -> None:
    gates.add(space, "churn", "accuracy >= 0.9")
    ran(space, "v1", {"accuracy": 1.0}, state="failed")
    ran(space, "v1", {"accuracy": 1.0}, options={"only_step": "fit"})
    told = gates.check(space, "churn", "v1")
    assert (told["state"], told["run"], told["remedy"]) == ("undecided", None, "jupyter mlops run churn@v1")
    with pytest.raises(GateError, match="no completed run") as refused:
        promotions.promote(space, "churn", "v1")
    assert "jupyter mlops run churn@v1" in refused.value.remedy


@pytest.mark.parametrize("value", [float("nan"), "nan", "text", None, [1], {"a": 1}])
def test_what_is_no_number_never_passes(space: Workspace, value: Any) -> None:
    for expression in ("accuracy >= 0", "accuracy < 0", "not accuracy < 0", "accuracy != 1"):
        gates.add(space, "churn", expression)
    ran(space, "v1", {"accuracy": value})
    told = gates.check(space, "churn", "v1")
    assert "passed" not in {gate["state"] for gate in told["gates"]}


def test_metrics_of_other_versions(space: Workspace) -> None:
    gates.add(space, "churn", "accuracy >= production.accuracy - 0.01")
    gates.add(space, "churn", "accuracy > previous")
    for version, accuracy in (("v1", 0.7), ("v2", 0.8), ("v3", 0.9)):
        ran(space, version, {"accuracy": accuracy})
    told = gates.check(space, "churn", "v2")
    assert [(g["state"], g["reasons"]) for g in told["gates"]] == [
        ("undecided", ["there is no version at production"]), ("passed", []),
    ]  # fmt: skip
    assert gates.check(space, "churn", "v1")["gates"][1]["reasons"] == ["there is no version before v1"]
    promotions.promote(space, "churn", "v3", override=True, reason="the first")
    told = gates.check(space, "churn", "v2")
    assert told["gates"][0]["reasons"] == ["0.8 >= 0.89 is false"]
    assert told["gates"][0]["values"] == {"accuracy": 0.8, "production.accuracy": 0.9}


def test_a_metric_that_no_run_has_names_the_nearest(space: Workspace) -> None:
    run = ran(space, "v1", {"accuracy": 0.9, "auc": 0.8})
    added = gates.add(space, "churn", "acuracy >= 0.9")
    assert added["notes"] == ["no recent run has a metric 'acuracy'; did you mean 'accuracy'?"]
    told = gates.check(space, "churn", "v1")["gates"][0]
    assert told["state"] == "undecided"
    assert told["reasons"] == [f"the run {run} of v1 has no metric 'acuracy'; did you mean 'accuracy'?"]
    ran(space, "v2", {"other": 1})
    gates.remove(space, "churn", 1)
    gates.add(space, "churn", "accuracy >= 0.9")
    assert "though other runs have it" in gates.check(space, "churn", "v2")["gates"][0]["reasons"][0]


def test_a_version_is_judged_by_the_run_that_is_named(space: Workspace) -> None:
    gates.add(space, "churn", "accuracy >= 0.9")
    good = ran(space, "v1", {"accuracy": 0.95})
    ran(space, "v1", {"accuracy": 0.1})
    other = ran(space, "v2", {"accuracy": 0.99})
    failed = ran(space, "v1", {"accuracy": 0.99}, state="failed")
    assert gates.check(space, "churn", "v1")["state"] == "failed"
    assert gates.check(space, "churn", "v1", run_id=good)["state"] == "passed"
    with pytest.raises(ConflictError, match="not one of v1"):
        gates.check(space, "churn", "v1", run_id=other)
    with pytest.raises(ConflictError, match="not completed: failed"):
        gates.check(space, "churn", "v1", run_id=failed)


def test_gates_of_stages_are_apart(space: Workspace) -> None:
    gates.add(space, "churn", "accuracy >= 0.5", "staging")
    gates.add(space, "churn", "accuracy >= 0.9")
    ran(space, "v1", {"accuracy": 0.7})
    promotions.promote(space, "churn", "v1", "staging")
    with pytest.raises(GateError, match=r"accuracy >= 0\.9"):
        promotions.promote(space, "churn", "v1")
    assert [g["number"] for g in gates.gates(space, "churn", "staging")] == [1]


def test_a_rollback_needs_no_gates(space: Workspace) -> None:
    promotions.promote(space, "churn", "v1")
    promotions.promote(space, "churn", "v2")
    gates.add(space, "churn", "accuracy >= 0.9")
    assert promotions.rollback(space, "churn")["change"]["version"] == "v1"


def test_the_list_of_gates(space: Workspace) -> None:
    first = gates.add(space, "churn", "  accuracy >= 0.9  ", author="ada")
    assert (first["number"], first["expression"], first["author"]) == (1, "accuracy >= 0.9", "ada")
    with pytest.raises(ConflictError, match="this gate already: number 1"):
        gates.add(space, "churn", "accuracy >= 0.9")
    assert gates.add(space, "churn", "accuracy >= 0.9", "staging")["number"] == 2
    assert gates.remove(space, "churn", 1)["expression"] == "accuracy >= 0.9"
    for number in (1, 0, -1, 10**6):
        with pytest.raises(NotFoundError, match=f"no gate {number}"):
            gates.remove(space, "churn", number)
    with pytest.raises(NotFoundError, match="is not a stage"):
        gates.add(space, "churn", "accuracy >= 0.9", "nowhere")
    with pytest.raises(InvalidInputError, match="column 10"):
        gates.add(space, "churn", "accuracy = 0.9")
    with pytest.raises(NotFoundError, match="no job"):
        gates.add(space, "nothing", "accuracy >= 0.9")


def test_a_gate_whose_stage_is_gone_is_undecided(space: Workspace) -> None:
    jobs.set_policies(space, "churn", {"stages": ["dev", "production"], "stage_order": False})
    gates.add(space, "churn", "accuracy >= dev.accuracy")
    ran(space, "v1", {"accuracy": 1.0})
    jobs.set_policies(space, "churn", {"stages": []})
    [told] = gates.check(space, "churn", "v1")["gates"]
    assert told["state"] == "undecided"
    assert "'dev' is neither a stage nor an alias" in told["reasons"][0]


def test_gate_cells_have_to_have_run(tmp_path: Path) -> None:
    cell = "# tags: step:check gate\nassert accuracy > 0"
    with copied(build(tmp_path / "built", 1, cell), tmp_path / "copy") as space:
        assert gates.check(space, "churn", "v1")["state"] == "undecided"
        with pytest.raises(GateError, match=r"gate cell 3 \(step check\)"):
            promotions.promote(space, "churn", "v1", "staging")
        ran(space, "v1", {"accuracy": 1.0}, steps={"fit": "completed", "check": "skipped"})
        assert "did not run" in gates.check(space, "churn", "v1")["gates"][0]["reasons"][0]
        ran(space, "v1", {"accuracy": 1.0}, steps={"fit": "completed", "check": "cached"})
        told = promotions.promote(space, "churn", "v1", "staging")["change"]["gates"]
        assert [(g["number"], g["expression"], g["state"]) for g in told] == [
            (None, "gate cell 3 (step check)", "passed")
        ]


# -- measures


def test_a_function_that_nothing_measures_is_undecided(space: Workspace) -> None:
    for expression in ("drift(age) < 0.2", "gap(rate, sex) < 0.1", "backtest(90).auc >= production", "rows(df) > 1"):
        gates.add(space, "churn", expression)
    ran(space, "v1", {"accuracy": 1.0})
    told = gates.check(space, "churn", "v1")
    assert {gate["state"] for gate in told["gates"]} == {"undecided"}
    reasons = [gate["reasons"][0] for gate in told["gates"]]
    assert "tag a cell with `dataset:VARIABLE`" in reasons[0]
    assert reasons[1] == "gap(rate, sex): there are no gaps of 'rate'; use one of: selection_rate, tpr, fpr, precision"
    assert "no backtest over 90 runs has finished" in reasons[2]


def test_a_provider_measures(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from jupyter_mlops.registry import measures

    monkeypatch.setattr(measures, "_providers", {})
    requests: list[measures.MeasureRequest] = []

    def backtest(request: measures.MeasureRequest) -> float:
        requests.append(request)
        return {"v1": 0.8, "v2": 0.9}[request.version.name]

    def broken(request: measures.MeasureRequest) -> float:
        raise ZeroDivisionError("no rows")

    measures.register("backtest", backtest)
    measures.register("drift", broken)
    promotions.promote(space, "churn", "v1")
    runs_by_version = {version: ran(space, version, {"accuracy": 1.0}) for version in ("v1", "v2")}
    gates.add(space, "churn", "backtest(90).auc >= production - 0.005")
    gates.add(space, "churn", "drift(customers.age) < 0.2")
    told = gates.check(space, "churn", "v2")
    assert told["gates"][0]["values"] == {"backtest(90).auc": 0.9, "production.backtest(90).auc": 0.8}
    assert told["gates"][1]["reasons"] == ["drift(customers.age): ZeroDivisionError: no rows"]
    assert [g["state"] for g in told["gates"]] == ["passed", "undecided"]
    assert [(r.version.name, r.run.id, r.measure.arguments, r.measure.metric) for r in requests] == [
        ("v2", runs_by_version["v2"], (90,), "auc"), ("v1", runs_by_version["v1"], (90,), "auc"),
    ]  # fmt: skip
    assert requests[0].baseline is not None and requests[0].baseline.name == "v1"
    with pytest.raises(ValueError, match="no function 'eval'"):
        measures.register("eval", backtest)


def test_a_new_version_publishes_beside_protected_stages(space: Workspace, tmp_path: Path) -> None:
    jobs.set_policies(space, "churn", {"protected": ["production"]})
    publish(space, tmp_path, 4)
    promotions.promote(space, "churn", "latest")
    assert at(space) == 4
