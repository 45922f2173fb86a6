"""The commands of the registry, as a person starts them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_mlops.jobs.workspace import Workspace
from jupyter_mlops.service import jobs
from tests.cli.command import Done, command
from tests.registry.space import copied, ran


@pytest.fixture
def home(churn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """The workspace that the commands use."""
    with copied(churn, tmp_path / "copy") as space:
        monkeypatch.setenv("JUPYTER_MLOPS_HOME", str(tmp_path / "copy" / "home"))
        yield space


def succeeded(*arguments: object) -> Done:
    done = command(*arguments)
    assert (done.code, done.err) == (0, ""), done.err
    return done


def test_a_story_of_promotions(home: Workspace) -> None:
    assert "gate 1 of production: accuracy >= 0.9" in succeeded("gate", "churn", "add", "accuracy >= 0.9").out
    ran(home, "v1", {"accuracy": 0.8})
    refused = command("promote", "churn", "v1")
    assert refused.code == 1
    assert "failed: accuracy >= 0.9 (0.8 >= 0.9 is false)" in refused.err
    checked = command("gate", "churn", "check", "v1")
    assert (checked.code, "✖ failed  1: accuracy >= 0.9  [accuracy = 0.8]" in checked.out) == (1, True)
    no_reason = command("promote", "churn", "v1", "--override")
    assert (no_reason.code, "needs a reason" in no_reason.err) == (2, True)
    told = succeeded("promote", "churn", "v1", "--override", "--reason", "a 'fix'\n$(touch x) ünï")
    assert told.out.startswith("churn: v1 is at production\ngates: overridden, judged by ")
    ran(home, "v2", {"accuracy": 0.95})
    assert "v2 is at production (before: v1)\ngates: passed" in succeeded("promote", "churn", "v2").out
    back = succeeded("rollback", "churn", "--reason", "slow")
    assert "v1 is at production (before: v2)" in back.out
    assert "undone: change 2 (promote of v2 by " in back.out
    history = succeeded("versions", "churn", "--history").out
    assert [" ".join(line.split()[:3]) for line in history.splitlines()[1:]] == [
        "@production 3 v1", "@production 2 v2", "@production 1 v1",
    ]  # fmt: skip
    assert "rollback undoes 2" in history and "promote overridden" in history and "a 'fix' $(touch x) ünï" in history
    found = json.loads(succeeded("versions", "@production", "--json").out)
    assert [(e["job"], e["version"], e["metrics"]) for e in found] == [("churn", "v1", {"accuracy": 0.8})]
    assert "accuracy=0.8" in succeeded("versions", "@production").out
    assert "accuracy  0.95  0.8  +0.15" in succeeded("compare", "churn", "v2").out
    past = succeeded("versions", "churn", "--at", "2020-01-01").out
    assert past.startswith("churn at the end of 2020-01-01: 2020-01-01 23:59:59") and "there was no alias" in past
    assert "@production" in succeeded("versions", "churn", "--at", "2999-01-01T00:00Z").out
    assert "gate 1" in succeeded("gate", "churn", "remove", "1").out
    assert (
        "v1 is no longer at production" in succeeded("demote", "churn", "--from", "production", "--reason", "end").out
    )
    assert json.loads(succeeded("gate", "churn", "--json").out) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["promote", "churn", "v9"], "has no version v9"),
        (["promote", "nothing", "v1"], "there is no job 'nothing'"),
        (["promote", "churn", "v1", "--to", "prod"], "'prod' is not a stage"),
        (["rollback", "churn"], "no version was ever at production"),
        (["demote", "churn", "--from", "production"], "has no alias 'production'"),
        (["gate", "churn", "add"], "which condition?"),
        (["gate", "churn", "add", "acc => 0.9"], "column 5: '=' has no meaning"),
        (["gate", "churn", "add", "__import__('os').system('ls') > 0"], "no function '__import__'"),
        (["gate", "churn", "add", "a" * 4000], "at most 1000 characters"),
        (["gate", "churn", "remove", "x"], "'x' is not the number of a gate"),
        (["gate", "churn", "remove", "7"], "has no gate 7"),
        (["gate", "churn", "list", "x"], "list takes nothing after it"),
        (["gate", "churn", "list", "--run", "x"], "--run needs the action check"),
        (["versions", "churn", "--at", "yesterday"], "'yesterday' is not a date or a time"),
        (["versions", "churn", "--at", "2026-01-01", "--history"], "can't be combined"),
        (["versions", "@nothing"], "no job has the alias 'nothing'"),
        (["versions", "@production", "--history"], "need a job"),
        (["versions", "churn", "--reason", "x"], "--reason needs --alias"),
        (["promote", "churn", "v1", "--reason", b"\xff".decode(errors="surrogateescape")], "the reason is not text"),
        (["promote", "churn", "v1", "--to", b"\xff".decode(errors="surrogateescape")], "is not a stage"),
        (["gate", "churn", "add", b"'\xff' > 1".decode(errors="surrogateescape")], "column 1: a name in quotes"),
        (["versions", "churn@v1", "--alias", b"\xff".decode(errors="surrogateescape")], "is not a valid alias"),
        (["compare", "churn", "v1"], "no version @production"),
        (["compare", "churn", "v1", "v2"], "v1 has no completed run"),
    ],
)
def test_bad_input(home: Workspace, arguments: list[str], message: str) -> None:
    done = command(*arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert "Traceback" not in done.err


def test_an_error_in_a_gate_has_a_caret(home: Workspace) -> None:
    lines = command("gate", "churn", "add", "accuracy >= 0.9 && auc > 0.5").err.splitlines()
    assert lines[1:] == ["  accuracy >= 0.9 && auc > 0.5", "                  ^", "  Use `and`."]


def test_publishing_and_setting_go_through_the_history(home: Workspace, tmp_path: Path) -> None:
    notebook = tmp_path / "copy" / "work" / "churn.ipynb"
    assert "already published" in succeeded("publish", notebook, "-m", "it's better", "--alias", "staging").out
    succeeded("versions", "churn@v1", "--alias", "staging", "--reason", "back")
    told = json.loads(succeeded("versions", "churn", "--history", "--json").out)
    assert [(c["version"], c["action"], c["reason"], c["previous"]) for c in told] == [
        ("v1", "set", "back", "v3"), ("v3", "set", "it's better", None),
    ]  # fmt: skip
    assert all(c["author"] for c in told)
    jobs.set_policies(home, "churn", {"protected": ["production"]})
    for arguments in (
        ("publish", notebook, "--alias", "production"),
        ("versions", "churn@v1", "--alias", "production"),
    ):
        done = command(*arguments)
        assert (done.code, "production is protected" in done.err) == (2, True)
    assert len(home.catalog.versions(home.catalog.job("churn"))) == 3
