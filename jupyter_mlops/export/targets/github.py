"""GitHub Actions: a workflow that checks the version when it is pushed, and runs it by schedule and by hand."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from jupyter_mlops import __version__
from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export import quoting
from jupyter_mlops.export.attempts import attempts, seconds, waits
from jupyter_mlops.export.cron import cron_fields
from jupyter_mlops.export.identifiers import unique_identifiers
from jupyter_mlops.export.omissions import has_templates
from jupyter_mlops.export.plan import ExportPlan, ExportSchedule
from jupyter_mlops.export.requirements import require_plain_notebook_name, require_secret_names
from jupyter_mlops.export.step_command import encode_parameters
from jupyter_mlops.notebook.parameter import Parameter

ACTIONS = {  # action -> the commit of a release, and the release
    "actions/checkout": ("3d3c42e5aac5ba805825da76410c181273ba90b1", "v7.0.1"),
    "actions/setup-python": ("5fda3b95a4ea91299a34e894583c3862153e4b97", "v7.0.0"),
    "actions/upload-artifact": ("bbbca2ddaa5d8feaa63e36b76fdaad77386f024f", "v7.0.0"),
}
USES = re.compile(r"^( *(?:- )?uses: (\S+)@\S+)$", re.MULTILINE)
RUNNER = "ubuntu-24.04"
PYTHON = "3.12"
MOST_INPUTS = 25
SHORTEST_PAUSE = 5  # minutes between two scheduled runs
LONGEST_JOB = 360  # minutes, on runners of GitHub
SETUP_MINUTES = 15
EXACT_INTEGERS = 2**53


class GitHubExporter:
    """Writes `.github/workflows/SLUG.yml` and the bundle, to go to the root of a repository.

    A push or a pull request that changes the bundle or the workflow checks the notebook and runs it with small
    parameters; schedules and people start the job. A job is one `jupyter mlops run` of the bundle: the steps share a
    runner. Inputs reach the script by environment variables only.

    Proved: `actionlint` accepts the workflow, and `act` runs every event (tests/export/engines/test_github_engine.py).
    Limits of GitHub (25 inputs, `timezone`, `queue`) are those of its documentation in November 2026.
    """

    name: ClassVar[str] = "github"
    label: ClassVar[str] = "GitHub Actions"
    summary: ClassVar[str] = "a workflow in .github/workflows, and the bundle"
    needs_bundle: ClassVar[bool] = True

    def files(self, plan: ExportPlan) -> Mapping[str, str | bytes]:
        """The workflow. Raises InvalidInputError if GitHub can't run the plan."""
        require_plain_notebook_name(plan)
        require_secret_names(plan, "GitHub", reserved="GITHUB_")
        _require_distinct_schedules(plan)
        return {f".github/workflows/{plan.slug}.yml": _workflow(plan, self.omissions(plan))}

    def omissions(self, plan: ExportPlan) -> tuple[str, ...]:
        sentences = []
        schedules = [s for s in plan.schedules if not s.paused]
        if len(schedules) < len(plan.schedules):
            sentences.append("Paused schedules are left out, as GitHub can only pause the whole workflow.")
        if schedules:
            sentences.append("GitHub starts scheduled runs late when it is busy, and drops some; none is made up for.")
        if has_templates(plan):
            sentences.append("GitHub does not tell the scheduled time: {{ scheduled_time }} is when the run starts.")
        if any(cron_fields(s, self.label).shortest_pause < SHORTEST_PAUSE for s in schedules):
            sentences.append("GitHub starts scheduled runs at most every 5 minutes.")
        if any(s.overlap == "skip" for s in schedules):
            sentences.append("GitHub can't skip a run whose predecessor still runs: it waits, at most one of them.")
        if plan.concurrency > 1:
            sentences.append("GitHub can't limit the runs at once to a number above 1, so there is no limit.")
        if any(task.limits for task in plan.tasks):
            sentences.append("The steps share one runner, so their limits of CPU, memory and GPUs are not reserved.")
        if any(task.image for task in plan.tasks):
            sentences.append("The steps share one environment, so their images are not used.")
        if plan.lock.startswith("conda"):
            sentences.append("The lock is conda's: the packages are not installed from it.")
        if plan.notify:
            sentences.append("Notifications are those of GitHub: the addresses of the job are not used.")
        if _minutes(plan) > LONGEST_JOB:
            sentences.append("Runners of GitHub end a job after 6 hours, sooner than the job's own limit.")
        return tuple(sentences)


def _require_distinct_schedules(plan: ExportPlan) -> None:
    """GitHub tells a run only the expression that started it."""
    values: dict[str, str] = {}
    for schedule in plan.schedules:
        if not schedule.paused:
            parameters = encode_parameters(schedule.parameters)
            if values.setdefault(schedule.cron, parameters) != parameters:
                raise InvalidInputError(
                    f"two schedules have the expression {schedule.cron!r} but different parameters, which GitHub can't "
                    "tell apart",
                    remedy="Change one of the expressions by a minute.",
                )


def _workflow(plan: ExportPlan, omissions: tuple[str, ...]) -> str:
    sections: list[tuple[str, Any]] = [
        ("name", _plain(plan.job)),
        ("on", _events(plan)),
        ("permissions", {"contents": "read"}),
        ("env", _environment(plan)),
        ("jobs", {"check": _check_job(plan)}),
        ("", {"run": _run_job(plan)}),
    ]
    blocks = []
    for key, value in sections:
        block = quoting.yaml({key: value}) if key else quoting.yaml(value, indent=2)
        blocks.append(re.sub(r'^"on":', "on:", block))
    text = "\n".join([_preamble(plan, omissions), *blocks])
    pins = {f"{action}@{commit}": version for action, (commit, version) in ACTIONS.items()}
    return USES.sub(lambda line: f"{line[1]} # {pins[line[1].rpartition(' ')[2]]}", text)


def _preamble(plan: ExportPlan, omissions: tuple[str, ...]) -> str:
    paragraphs = [
        plan.header("github"),
        (
            f"Commit this file and {plan.bundle_file} to the root of the repository. Variables of the repository:\n"
            f"  {_variable(plan)}  parameters of the runs for pushes and pull requests: base64 of a JSON object\n"
            "  JUPYTER_MLOPS_PACKAGE  what pip installs, if it is not the release that wrote this file"
        ),
    ]
    if plan.secrets:
        paragraphs.append(
            f"Secrets of the repository: {', '.join(plan.secrets)}.\n"
            "Where a step can sign in to its cloud with OpenID Connect, add `id-token: write` to the permissions of\n"
            "the job `run`, and do without a secret."
        )
    if omissions:
        paragraphs.append("\n".join(["What GitHub Actions can't do:", *(f"- {text}" for text in omissions)]))
    return quoting.comment("\n\n".join(paragraphs)) + "\n"


def _plain(text: str) -> str:
    """A text in which GitHub sees no expression."""
    return re.sub(r"\s+", " ", quoting.CONTROL.sub(" ", text)).replace("${{", "$ {{")


def _word(text: str) -> str:
    """A word of a shell script in which GitHub sees no expression."""
    return quoting.shell(text).replace("${{", "$''{{")


def _variable(plan: ExportPlan) -> str:
    return f"{plan.slug.replace('-', '_').upper()}_SMALL_PARAMETERS"


def _events(plan: ExportPlan) -> dict[str, Any]:
    paths = {"paths": [plan.bundle_file, f".github/workflows/{plan.slug}.yml"]}
    events: dict[str, Any] = {"push": paths, "pull_request": paths}
    schedules = [_schedule(s) for s in plan.schedules if not s.paused]
    if schedules:
        events["schedule"] = [s for index, s in enumerate(schedules) if s not in schedules[:index]]
    inputs = _inputs(plan)
    events["workflow_dispatch"] = {"inputs": inputs} if inputs else {}
    return events


def _schedule(schedule: ExportSchedule) -> dict[str, str]:
    cron_fields(schedule, GitHubExporter.label)
    zone = {} if schedule.zone in ("UTC", "Etc/UTC") else {"timezone": schedule.zone}
    return {"cron": schedule.cron, **zone}


def _input_names(plan: ExportPlan) -> dict[str, str]:
    """Parameter -> its input; empty if there are too many."""
    if len(plan.parameters) > MOST_INPUTS:
        return {}
    names: dict[str, str] = {}
    for parameter, name in unique_identifiers([p.name for p in plan.parameters], "word").items():
        same = sum(name.lower() == other.lower() for other in names.values())  # GitHub ignores case
        names[parameter] = f"{name}_{len(names)}" if same else name
    return names


def _inputs(plan: ExportPlan) -> dict[str, Any]:
    if len(plan.parameters) > MOST_INPUTS:
        description = "Parameters that differ from their defaults, as a JSON object"
        return {"parameters": {"description": description, "type": "string", "default": "{}"}}
    names = _input_names(plan)
    return {names[parameter.name]: _input(parameter) for parameter in plan.parameters}


def _input(parameter: Parameter) -> dict[str, Any]:
    described: dict[str, Any] = {"description": _plain(parameter.help or parameter.name)}
    value = parameter.default
    if parameter.is_required:
        return {**described, "type": "string", "required": True}
    choices = [str(choice) for choice in parameter.choices]
    if choices and str(value) in choices and len(set(choices)) == len(choices) and all(map(_is_exact, choices)):
        return {**described, "type": "choice", "options": choices, "default": str(value)}
    if parameter.literal and parameter.type == "bool" and isinstance(value, bool):
        return {**described, "type": "boolean", "default": value}
    if parameter.literal and parameter.type in ("int", "float") and _is_number(value):
        return {**described, "type": "number", "default": value}
    if _is_text(parameter) and _is_exact(value):
        return {**described, "type": "string", "default": value}
    default = parameter.source or json.dumps(value, ensure_ascii=False)
    described["description"] += f" (empty: {_plain(default)[:80]})"
    return {**described, "type": "string", "default": ""}


def _is_text(parameter: Parameter) -> bool:
    return parameter.literal and parameter.type == "str" and isinstance(parameter.default, str)


def _is_number(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and abs(value) < EXACT_INTEGERS and repr(value).lower().find("e") < 0  # type: ignore[arg-type]


def _is_exact(text: str) -> bool:
    """Whether a form of GitHub gives the text back as it is."""
    return bool(text) and text == text.strip() and text == _plain(text)


def _environment(plan: ExportPlan) -> dict[str, str]:
    return {
        "BUNDLE": plan.bundle_file,
        "PACKAGE": f"${{{{ vars.JUPYTER_MLOPS_PACKAGE || 'jupyter_mlops=={__version__}' }}}}",
    }


def _setup(plan: ExportPlan) -> list[dict[str, Any]]:
    """The steps that both jobs begin with."""
    lines = [
        'python -m zipfile -e "$BUNDLE" "$RUNNER_TEMP/version"',
        "python -m pip install --quiet --disable-pip-version-check uv",
    ]
    if plan.lock and not plan.lock.startswith("conda"):
        lines.append(f'uv pip install --system --requirement "$RUNNER_TEMP/version/{plan.lock}"')
    lines.append('uv pip install --system "$PACKAGE"')
    return [
        {"uses": _uses("actions/checkout"), "with": {"persist-credentials": False}},
        {"uses": _uses("actions/setup-python"), "with": {"python-version": plan.python or PYTHON}},
        {"name": "Install the packages of the version", "run": "\n".join(lines) + "\n"},
    ]


def _uses(action: str) -> str:
    return f"{action}@{ACTIONS[action][0]}"


def _upload(name: str) -> dict[str, Any]:
    return {
        "name": "Keep the report and the executed notebook",
        "if": "always()",
        "uses": _uses("actions/upload-artifact"),
        "with": {"name": name, "path": "results/", "if-no-files-found": "warn"},
    }


def _check_job(plan: ExportPlan) -> dict[str, Any]:
    script = [
        "mkdir -p results",
        "arguments=()",
        'if [ -n "$SMALL_PARAMETERS" ]; then arguments+=(-b "$SMALL_PARAMETERS"); fi',
        *_run_command(plan),
    ]
    small = f"${{{{ vars.{_variable(plan)} }}}}"
    return {
        "name": "Check, and run with small parameters",
        "if": "github.event_name == 'push' || github.event_name == 'pull_request'",
        "runs-on": RUNNER,
        "timeout-minutes": min(_minutes(plan), LONGEST_JOB),
        "concurrency": {"group": f"{plan.slug}-check-${{{{ github.ref }}}}", "cancel-in-progress": True},
        "steps": [
            *_setup(plan),
            {"name": "Check", "run": f'jupyter mlops check "$RUNNER_TEMP/version"/{_word(plan.notebook)}\n'},
            {
                "name": "Run with small parameters",
                "env": {"SMALL_PARAMETERS": small, **_secrets(plan)},
                "run": "\n".join(script) + "\n",
            },
            _upload(f"{plan.slug}-check"),
        ],
    }


def _run_job(plan: ExportPlan) -> dict[str, Any]:
    job: dict[str, Any] = {
        "name": "Run",
        "if": "github.event_name == 'schedule' || github.event_name == 'workflow_dispatch'",
        "runs-on": RUNNER,
        "timeout-minutes": min(_minutes(plan), LONGEST_JOB),
    }
    concurrency = _concurrency(plan)
    if concurrency:
        job["concurrency"] = concurrency
    environment = {"SCHEDULE": "${{ github.event.schedule }}"} if any(not s.paused for s in plan.schedules) else {}
    environment |= {f"INPUT_{name.upper()}": f"${{{{ inputs.{name} }}}}" for name in _inputs(plan)}
    step: dict[str, Any] = {"name": "Run the version"}
    if environment or plan.secrets:
        step["env"] = {**environment, **_secrets(plan)}
    step["run"] = "\n".join(_run_script(plan)) + "\n"
    return {**job, "steps": [*_setup(plan), step, _upload(plan.slug)]}


def _secrets(plan: ExportPlan) -> dict[str, str]:
    return {name: f"${{{{ secrets.{name} }}}}" for name in plan.secrets}


def _concurrency(plan: ExportPlan) -> dict[str, Any]:
    overlap = next((s.overlap for s in plan.schedules if not s.paused), "queue")
    if overlap == "allow" or plan.concurrency > 1:
        return {}
    group: dict[str, Any] = {"group": plan.slug, "cancel-in-progress": overlap == "replace"}
    return {**group, "queue": "max"} if overlap == "queue" else group


def _run_script(plan: ExportPlan) -> list[str]:
    lines = ["mkdir -p results", "arguments=()"]
    by_hand = _dispatch_lines(plan)
    by_schedule = [
        f"      {_word(cron)}) arguments+=(-b {parameters}) ;;"
        for cron, parameters in _schedule_parameters(plan).items()
    ]
    if by_hand or by_schedule:
        lines.append('case "$GITHUB_EVENT_NAME" in')
    if by_schedule:
        lines += ["  schedule)", '    case "$SCHEDULE" in', *by_schedule, "    esac", "    ;;"]
    if by_hand:
        lines += ["  workflow_dispatch)", *(f"    {line}" for line in by_hand), "    ;;"]
    if by_hand or by_schedule:
        lines.append("esac")
    return [*lines, *_run_command(plan)]


def _schedule_parameters(plan: ExportPlan) -> dict[str, str]:
    """Expression -> base64 of its parameters."""
    return {s.cron: encode_parameters(s.parameters) for s in plan.schedules if s.parameters and not s.paused}


def _dispatch_lines(plan: ExportPlan) -> list[str]:
    if len(plan.parameters) > MOST_INPUTS:
        return ['if [ -n "$INPUT_PARAMETERS" ]; then arguments+=(-y "$INPUT_PARAMETERS"); fi']
    lines = []
    for parameter in plan.parameters:
        variable = f"$INPUT_{_input_names(plan)[parameter.name].upper()}"
        line = f'arguments+=(-p {_word(parameter.name)} "{variable}")'
        may_be_empty = _is_text(parameter) and _is_exact(parameter.default) and not parameter.choices
        lines.append(line if may_be_empty else f'if [ -n "{variable}" ]; then {line}; fi')
    return lines


def _run_command(plan: ExportPlan) -> list[str]:
    words = ['jupyter mlops run "$BUNDLE" "${arguments[@]}"', "--output results/ --report results/report.html"]
    if plan.cell_timeout:
        words.append(f"--timeout {seconds(plan.cell_timeout)}")
    if plan.run_timeout:
        words.append(f"--run-timeout {seconds(plan.run_timeout)}")
    lines = [f"{words[0]} \\", *(f"  {word} \\" for word in words[1:-1]), f"  {words[-1]}"]
    return [*attempts(lines, plan.retries, plan.backoff), 'exit "$code"'] if plan.retries else lines


def _minutes(plan: ExportPlan) -> int:
    if plan.run_timeout is None:
        return LONGEST_JOB
    span = plan.run_timeout * (1 + plan.retries) + sum(waits(plan.retries, plan.backoff))
    return math.ceil(span / 60) + SETUP_MINUTES
