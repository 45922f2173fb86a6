"""The workflow of GitHub Actions: its structure, and that no text of a version becomes code or an expression."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export.plan import ExportPlan
from jupyter_mlops.export.targets.github import MOST_INPUTS, GitHubExporter, _word
from tests.export import plans


def text_of(plan: ExportPlan) -> str:
    (content,) = GitHubExporter().files(plan).values()
    assert isinstance(content, str)
    return content


def workflow(plan: ExportPlan) -> dict[str, Any]:
    document: dict[str, Any] = yaml.load(text_of(plan), yaml.BaseLoader)  # as YAML 1.2: `on` is a text
    return document


def run_script(plan: ExportPlan) -> str:
    steps = workflow(plan)["jobs"]["run"]["steps"]
    return str(next(step["run"] for step in steps if step.get("name") == "Run the version"))


def arguments_of(script: str, tmp_path: Path, **environment: str) -> list[str]:
    """What a script calls `jupyter` with."""
    fake = tmp_path / "jupyter"
    fake.write_text('#!/bin/sh\nprintf "%s\\0" "$@" > arguments\n')
    fake.chmod(0o755)
    variables = {"PATH": f"{tmp_path}:/usr/bin:/bin", "BUNDLE": "b.zip", **environment}
    subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=variables, check=True, timeout=20)
    return (tmp_path / "arguments").read_text().split("\0")[:-1]


def test_the_events_and_the_jobs() -> None:
    plan = plans.plan(
        schedules=(plans.schedule("0 6 * * MON-FRI", zone="Europe/Paris"), plans.schedule("30 7 1 * *"),
                   plans.schedule("0 0 * * *", paused=True)),
    )  # fmt: skip
    document = workflow(plan)
    assert document["on"]["schedule"] == [
        {"cron": "0 6 * * MON-FRI", "timezone": "Europe/Paris"}, {"cron": "30 7 1 * *"},
    ]  # fmt: skip
    assert document["permissions"] == {"contents": "read"}
    assert list(document["jobs"]) == ["check", "run"]
    for job in document["jobs"].values():
        for step in job["steps"]:
            assert re.fullmatch(r"\S+@[0-9a-f]{40}", step.get("uses", "a@" + "0" * 40))
            assert "${{" not in step.get("run", "")
    assert text_of(plan).count("# v7") == 6


def test_secrets_are_named_and_never_in_a_script() -> None:
    text = text_of(plans.plan())
    assert text.count("API_TOKEN: ${{ secrets.API_TOKEN }}") == 2
    assert "$API_TOKEN" not in text
    with pytest.raises(InvalidInputError, match="GITHUB_X"):
        text_of(plans.plan(plans.task("a", secrets=("GITHUB_X",))))


def test_inputs_have_the_types_of_the_parameters() -> None:
    plan = plans.plan(parameters=(
        plans.parameter("alpha", 0.5, help="rate"), plans.parameter("n", 3), plans.parameter("flag", True),
        plans.parameter("name", "x"), plans.parameter("mode", "a", "Literal['a', 'b']", choices=("a", "b")),
        plans.parameter("items", [1], "list"), plans.parameter("must", None, "str", source=""),
        plans.parameter("tiny", 1e-9), plans.parameter("N", 4),
    ))  # fmt: skip
    inputs = workflow(plan)["on"]["workflow_dispatch"]["inputs"]
    assert [
        i["type"] for i in inputs.values()
    ] == "number number boolean string choice string string string number".split()
    assert inputs["mode"]["options"] == ["a", "b"]
    assert inputs["must"]["required"] == "true"
    assert len({name.lower() for name in inputs}) == len(inputs)


def test_too_many_parameters_are_one_input() -> None:
    plan = plans.plan(parameters=tuple(plans.parameter(f"p{n}", n) for n in range(MOST_INPUTS + 1)))
    assert list(workflow(plan)["on"]["workflow_dispatch"]["inputs"]) == ["parameters"]


@pytest.mark.parametrize(
    ("overlap", "expected"),
    [
        ("queue", {"group": "churn", "cancel-in-progress": "false", "queue": "max"}),
        ("replace", {"group": "churn", "cancel-in-progress": "true"}),
        ("skip", {"group": "churn", "cancel-in-progress": "false"}),
        ("allow", None),
    ],
)
def test_overlap_is_a_concurrency_group(overlap: str, expected: dict[str, str] | None) -> None:
    assert (
        workflow(plans.plan(schedules=(plans.schedule(overlap=overlap),)))["jobs"]["run"].get("concurrency") == expected
    )


@pytest.mark.parametrize("text", plans.HOSTILE_TEXTS)
def test_no_text_becomes_code_or_an_expression(text: str, tmp_path: Path) -> None:
    plan = plans.hostile(text)
    if re.search(r"[\x00-\x1f\x7f-\x9f\u2028]", text):
        with pytest.raises(InvalidInputError, match="control characters"):
            text_of(plan)
        plan = plans.hostile(text, notebook="train.ipynb")
    document = workflow(plan)
    expressions = re.findall(r"\$\{\{.*?\}\}", yaml.dump(document, width=1 << 20))
    assert not [e for e in expressions if not re.match(r"\$\{\{ (github|vars|inputs)\.", e)]
    words = arguments_of(run_script(plan), tmp_path, GITHUB_EVENT_NAME="schedule", SCHEDULE="0 6 * * *")
    assert json.loads(base64.b64decode(words[words.index("-b") + 1])) == {"text": text}
    words = arguments_of(run_script(plan), tmp_path, GITHUB_EVENT_NAME="workflow_dispatch", INPUT_TEXT=text)
    if text:
        assert words[words.index("-p") : words.index("-p") + 3] == ["-p", "text", text]
    assert not (tmp_path / "pwned").exists()


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=30))
@settings(max_examples=60, deadline=None)
def test_a_word_is_one_word_without_an_expression(text: str) -> None:
    assert "${{" not in _word(text)
    command = ["bash", "-c", f"printf %s {_word(text)}"]
    assert subprocess.run(command, capture_output=True, check=True).stdout == text.encode()


@pytest.mark.parametrize(("code", "attempts"), [(0, 1), (1, 3), (2, 1), (137, 3)])
def test_bad_input_is_not_repeated(code: int, attempts: int, tmp_path: Path) -> None:
    script = run_script(plans.plan(retries=2, backoff=1.0)).replace('sleep "$pause"', "true")
    (tmp_path / "jupyter").write_text(f"#!/bin/sh\necho x >> calls\nexit {code}\n")
    (tmp_path / "jupyter").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "BUNDLE": "b.zip"}
    process = subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=environment, check=False, timeout=20)
    assert (process.returncode, len((tmp_path / "calls").read_text().split())) == (code, attempts)


def test_schedules_that_github_cant_tell_apart_are_refused() -> None:
    pair = (plans.schedule(parameters={"a": 1}), plans.schedule(zone="Asia/Tokyo", parameters={"a": 2}))
    with pytest.raises(InvalidInputError, match="tell apart"):
        text_of(plans.plan(schedules=pair))


def test_what_is_left_out_stands_in_the_file() -> None:
    plan = plans.plan(
        concurrency=3, notify=("mailto:a@b",), lock="conda-explicit.txt", run_timeout=40000.0,
        schedules=(plans.schedule("*/2 * * * *", overlap="skip", parameters={"day": "{{ scheduled_time }}"}),),
    )  # fmt: skip
    omissions = GitHubExporter().omissions(plan)
    assert len(omissions) == 9
    assert all(f"# - {sentence}" in text_of(plan) for sentence in omissions)


def test_the_same_plan_gives_the_same_bytes() -> None:
    assert text_of(plans.forty()) == text_of(plans.forty())
