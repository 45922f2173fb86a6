"""GitLab CI/CD: a file to include, which checks the version when it is pushed, and runs it by schedule and by hand."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from jupyter_mlops import __version__
from jupyter_mlops.export import quoting
from jupyter_mlops.export.attempts import attempts, seconds, waits
from jupyter_mlops.export.identifiers import unique_identifiers
from jupyter_mlops.export.omissions import has_templates
from jupyter_mlops.export.plan import ExportPlan, ExportSchedule
from jupyter_mlops.export.requirements import require_plain_notebook_name, require_secret_names
from jupyter_mlops.export.step_command import encode_parameters
from jupyter_mlops.notebook.parameter import Parameter

PYTHON = "3.12"
SETUP_MINUTES = 15
NOT_ALWAYS_PLAIN = re.compile(r"\$|\s\s|^\s|\s$|^$|^-")
BY_HAND = "web | api | trigger | pipeline | chat"


class GitLabExporter:
    """Writes `SLUG.gitlab-ci.yml`, which a project includes, and the bundle.

    A push or a merge request that changes the bundle or the file checks the notebook and runs it with small
    parameters; schedules and people start the job, with a variable for each parameter. A job is one
    `jupyter mlops run` of the bundle: the steps share a runner. Schedules are no part of a file in GitLab: the file
    has the commands that create them.

    Proved: `gitlab-ci-local` runs the jobs (tests/export/engines/test_gitlab_engine.py).
    """

    name: ClassVar[str] = "gitlab"
    label: ClassVar[str] = "GitLab CI/CD"
    summary: ClassVar[str] = "a pipeline file that a project includes, and the bundle"
    needs_bundle: ClassVar[bool] = True

    def files(self, plan: ExportPlan) -> Mapping[str, str | bytes]:
        """The file to include. Raises InvalidInputError if GitLab can't run the plan."""
        require_plain_notebook_name(plan)
        require_secret_names(plan, "GitLab", reserved="CI_")
        documents = [{"variables": _variables(plan)}, {f".{plan.slug}": _setup(plan)}]
        documents += [{f"{plan.slug}:check": _check_job(plan)}, {f"{plan.slug}:run": _run_job(plan)}]
        text = "\n".join([_preamble(plan, self.omissions(plan)), *map(quoting.yaml, documents)])
        return {f"{plan.slug}.gitlab-ci.yml": text}

    def omissions(self, plan: ExportPlan) -> tuple[str, ...]:
        sentences = []
        schedules = [s for s in plan.schedules if not s.paused]
        if schedules:
            sentences.append("Schedules are created by a command, not by this file; the commands are below.")
        if any(s.missed != "skip" for s in schedules):
            sentences.append("Scheduled runs that GitLab misses are not made up for.")
        if has_templates(plan):
            sentences.append("GitLab does not tell the scheduled time: {{ scheduled_time }} is when the run starts.")
        for overlap in ("skip", "replace"):
            if any(s.overlap == overlap for s in schedules):
                sentences.append(f"A run whose predecessor still runs waits for it, as GitLab can't {overlap} runs.")
        if plan.concurrency > 1:
            sentences.append("The runs at once can't be limited to a number above 1, so there is no limit.")
        if any(task.limits for task in plan.tasks):
            sentences.append("The steps share one runner: choose one of the right size with tags.")
        if any(task.image for task in plan.tasks):
            sentences.append("The steps share one environment, so their images are not used.")
        if plan.lock.startswith("conda"):
            sentences.append("The lock is conda's: the packages are not installed from it.")
        if plan.notify:
            sentences.append("Notifications are those of GitLab: the addresses of the job are not used.")
        return tuple(sentences)


def _prefix(plan: ExportPlan) -> str:
    return plan.slug.replace("-", "_").upper()


def _preamble(plan: ExportPlan, omissions: tuple[str, ...]) -> str:
    prefix = _prefix(plan)
    paragraphs = [
        plan.header("gitlab"),
        (
            f"Commit this file and {plan.bundle_file} to the root of the project, and include it in .gitlab-ci.yml:\n"
            f"  include:\n    - local: {plan.slug}.gitlab-ci.yml\n"
            "CI/CD variables:\n"
            f"  {prefix}_SMALL_PARAMETERS  parameters of the runs for pushes: base64 of a JSON object\n"
            f"  {prefix}_PARAMETERS  parameters of a scheduled run: base64 of a JSON object"
        ),
    ]
    if plan.secrets:
        paragraphs.append(
            f"Secrets, as masked and protected CI/CD variables: {', '.join(plan.secrets)}.\n"
            "Where a step can sign in to its cloud with OpenID Connect, add `id_tokens` to the job, and do without."
        )
    if omissions:
        paragraphs.append("\n".join(["What GitLab can't do:", *(f"- {text}" for text in omissions)]))
    schedules = [_schedule_command(plan, s) for s in plan.schedules if not s.paused]
    if schedules:
        paragraphs.append("\n".join(["Schedules, by the GitLab CLI:", *schedules]))
    return quoting.comment("\n\n".join(paragraphs)) + "\n"


def _schedule_command(plan: ExportPlan, schedule: ExportSchedule) -> str:
    parameters = encode_parameters(schedule.parameters)
    words = [
        "glab schedule create --ref main", f"--description {plan.slug}", f"--cron {quoting.shell(schedule.cron)}",
        f"--cronTimeZone {quoting.shell(schedule.zone)}", f"--variable {_prefix(plan)}_RUN:yes",
        *([f"--variable {_prefix(plan)}_PARAMETERS:{parameters}"] if parameters else []),
    ]  # fmt: skip
    return "  " + " ".join(words)


def _names(plan: ExportPlan) -> dict[str, str]:
    """Parameter -> its variable."""
    words = unique_identifiers([parameter.name for parameter in plan.parameters], "word")
    names: dict[str, str] = {}
    for parameter, word in words.items():
        name = f"{_prefix(plan)}_{word}".upper()
        reserved = {f"{_prefix(plan)}_{end}" for end in ("RUN", "PARAMETERS", "SMALL_PARAMETERS")}
        names[parameter] = f"{name}_{len(names)}" if name in names.values() or name in reserved else name
    return names


def _variables(plan: ExportPlan) -> dict[str, Any]:
    """What GitLab shows in the form of a new pipeline."""
    prefix = _prefix(plan)
    run: dict[str, Any] = {"description": f"Run {_plain(plan.job)}", "value": "no", "options": ["no", "yes"]}
    variables: dict[str, Any] = {f"{prefix}_RUN": run}
    names = _names(plan)
    for parameter in plan.parameters:
        value = _default(parameter)
        text = _plain(parameter.help or parameter.name)
        if not value and not parameter.is_required:
            text += f" (empty: {_plain(parameter.source)[:80]})"
        choices = [str(choice) for choice in parameter.choices]
        options = {"options": choices} if value and value in choices and _all_plain(choices) else {}
        variables[names[parameter.name]] = {"description": text, "value": value, **options}
    return variables


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", quoting.CONTROL.sub(" ", text)).replace("$", "")


def _all_plain(texts: list[str]) -> bool:
    return len(set(texts)) == len(texts) and all(_is_plain(text) for text in texts)


def _is_plain(text: str) -> bool:
    """Whether a variable of GitLab gives the text back as it is."""
    return not NOT_ALWAYS_PLAIN.search(text) and not quoting.CONTROL.search(text) and "\n" not in text


def _default(parameter: Parameter) -> str:
    """The default as a form shows it; "" stands for the default of the notebook."""
    value = parameter.default
    if not parameter.literal or value is None or not isinstance(value, bool | int | float | str):
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if _is_plain(text) else ""


def _setup(plan: ExportPlan) -> dict[str, Any]:
    """What both jobs have in common."""
    lines = [
        f'python -m zipfile -e {plan.bundle_file} "$CI_PROJECT_DIR/.version"',
        "python -m pip install --quiet --disable-pip-version-check --root-user-action ignore uv",
    ]
    if plan.lock and not plan.lock.startswith("conda"):
        lines.append(f'uv pip install --system --requirement "$CI_PROJECT_DIR/.version/{plan.lock}"')
    lines += ['uv pip install --system "$JUPYTER_MLOPS_PACKAGE"', "mkdir -p results"]
    return {
        "image": f"python:{plan.python or PYTHON}-slim",
        "timeout": f"{_minutes(plan)} minutes",
        "variables": {"JUPYTER_MLOPS_PACKAGE": f"jupyter_mlops=={__version__}"},
        "before_script": lines,
        "retry": {"max": 2, "when": ["runner_system_failure", "stuck_or_timeout_failure"]},
        "artifacts": {"when": "always", "paths": ["results/"], "expire_in": "30 days"},
    }


def _check_job(plan: ExportPlan) -> dict[str, Any]:
    changes = [plan.bundle_file, f"{plan.slug}.gitlab-ci.yml"]
    small = f"{_prefix(plan)}_SMALL_PARAMETERS"
    script = [
        "set --",
        f'if [ -n "${{{small}:-}}" ]; then set -- -b "${small}"; fi',
        *_run_command(plan),
    ]
    return {
        "extends": f".{plan.slug}",
        "rules": [
            {"if": '$CI_PIPELINE_SOURCE == "merge_request_event"', "changes": changes},
            {"if": '$CI_PIPELINE_SOURCE == "push"', "changes": changes},
        ],
        "interruptible": True,
        "script": [
            f'jupyter mlops check "$CI_PROJECT_DIR/.version"/{quoting.shell(plan.notebook)}',
            "\n".join(script) + "\n",
        ],
    }


def _run_job(plan: ExportPlan) -> dict[str, Any]:
    prefix = _prefix(plan)
    job: dict[str, Any] = {
        "extends": f".{plan.slug}",
        "rules": [{"if": f'${prefix}_RUN == "yes" && $CI_PIPELINE_SOURCE !~ /^(push|merge_request_event)$/'}],
    }
    overlap = next((s.overlap for s in plan.schedules if not s.paused), "queue")
    if overlap != "allow" and plan.concurrency == 1:
        job["resource_group"] = plan.slug
    script = ["set --", f'if [ -n "${{{prefix}_PARAMETERS:-}}" ]; then set -- -b "${prefix}_PARAMETERS"; fi']
    names = _names(plan)
    if names:
        script += ['case "$CI_PIPELINE_SOURCE" in', f"  {BY_HAND})"]
        for parameter, variable in names.items():
            line = f'set -- "$@" -p {quoting.shell(parameter)} "${variable}"'
            script.append(f'    if [ -n "${{{variable}:-}}" ]; then {line}; fi')
        script += ["    ;;", "esac"]
    return {**job, "script": ["\n".join([*script, *_run_command(plan)]) + "\n"]}


def _run_command(plan: ExportPlan) -> list[str]:
    words = [f'jupyter mlops run {plan.bundle_file} "$@"', "--output results/ --report results/report.html"]
    if plan.cell_timeout:
        words.append(f"--timeout {seconds(plan.cell_timeout)}")
    if plan.run_timeout:
        words.append(f"--run-timeout {seconds(plan.run_timeout)}")
    lines = [f"{words[0]} \\", *(f"  {word} \\" for word in words[1:-1]), f"  {words[-1]}"]
    return [*attempts(lines, plan.retries, plan.backoff), 'exit "$code"'] if plan.retries else lines


def _minutes(plan: ExportPlan) -> int:
    """Until the job is ended; without a limit of the version, a day."""
    if plan.run_timeout is None:
        return 24 * 60
    span = plan.run_timeout * (1 + plan.retries) + sum(waits(plan.retries, plan.backoff))
    return math.ceil(span / 60) + SETUP_MINUTES
