"""Docker: an image that has the version and its packages, and a worker with PostgreSQL by Compose."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from jupyter_mlops import __version__
from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export import quoting
from jupyter_mlops.export.attempts import seconds
from jupyter_mlops.export.plan import ExportPlan, ExportSchedule
from jupyter_mlops.export.quantities import whole
from jupyter_mlops.export.requirements import require_secret_names
from jupyter_mlops.export.step_command import encode_parameters
from jupyter_mlops.export.templates import fill

PYTHON = "3.12"
UV = "0.9.5"
POSTGRES = "docker.io/library/postgres:17"
GPU = "nvidia.com/gpu"
DATABASE_SECRET = "postgres_password"
HOME = "/var/lib/jupyter_mlops"
HEALTHCHECK_SECONDS = {"interval": "30s", "timeout": "20s", "retries": 5, "start_period": "60s"}


class DockerExporter:
    """Writes a Dockerfile, `.dockerignore`, `compose.yaml`, the scripts of the image, and the bundle.

    The image runs the version once, or, by Compose, as a worker that keeps its schedules in PostgreSQL. Secrets are
    files that only the services see.

    `hadolint` accepts the Dockerfile and `shellcheck` the scripts (tests/export/test_docker.py). No test builds the
    image or starts Compose: both need a container engine.
    """

    name: ClassVar[str] = "docker"
    label: ClassVar[str] = "Docker and Compose"
    summary: ClassVar[str] = "a Dockerfile, a Compose file with a worker and PostgreSQL, and the bundle"
    needs_bundle: ClassVar[bool] = True

    def files(self, plan: ExportPlan) -> Mapping[str, str | bytes]:
        """All files. Raises InvalidInputError if a secret can't have its name."""
        require_secret_names(plan, "Compose")
        if DATABASE_SECRET in plan.secrets:
            raise InvalidInputError(f"the secret {DATABASE_SECRET} is that of the database")
        header = quoting.comment(plan.header("docker")) + "\n"
        facts = {
            "@HEADER@\n": header,
            "@BUNDLE@": plan.bundle_file,
            "@PYTHON@": plan.python or PYTHON,
            "@UV@": plan.packages.get("uv", UV) if _is_version(plan.packages.get("uv", UV)) else UV,
            "@PACKAGE@": f"jupyter_mlops[postgresql]=={__version__}",
            "@INSTALL@\n": _install_lines(plan),
            "@LABELS@": _labels(plan),
            "@PUBLISH@\n": _publish_lines(plan),
            "@MARKER@": re.sub(r"[^a-z0-9]", "-", plan.digest.lower()),
        }
        ignored = f"*\n!{plan.bundle_file}\n!entrypoint.sh\n!publish.sh\n"
        return {
            "Dockerfile": fill("docker_Dockerfile", facts),
            "entrypoint.sh": fill("docker_entrypoint.sh", facts),
            "publish.sh": fill("docker_publish.sh", facts),
            ".dockerignore": header + ignored,
            "compose.yaml": _compose(plan, self.omissions(plan)),
        }

    def omissions(self, plan: ExportPlan) -> tuple[str, ...]:
        sentences = []
        if any(name != GPU for task in plan.tasks for name in task.limits):
            sentences.append("The steps share one container, so their limits of CPU and memory are not reserved.")
        if any(task.image for task in plan.tasks):
            sentences.append("The steps share one image, so images of single steps are not used.")
        if plan.lock.startswith("conda"):
            sentences.append("The lock is conda's: the packages are not installed from it.")
        if any(schedule.paused for schedule in plan.schedules):
            sentences.append("Paused schedules are left out.")
        if plan.schedules:
            sentences.append(
                "Schedules of a version that ran here before stay until `jupyter mlops schedule --remove`."
            )
        return tuple(sentences)


def _is_version(text: str) -> bool:
    return re.fullmatch(r"[0-9][0-9A-Za-z.+!-]*", text) is not None


def _install_lines(plan: ExportPlan) -> str:
    uv = "uv pip install --no-cache --python /opt/venv/bin/python"
    lines = []
    if plan.lock and not plan.lock.startswith("conda"):
        lines.append(f"    && {uv} --requirement version/{plan.lock} \\\n")
    return "".join([*lines, f'    && {uv} "${{JUPYTER_MLOPS_PACKAGE}}"\n'])


def _labels(plan: ExportPlan) -> str:
    labels = {
        "org.opencontainers.image.title": plan.job,
        "org.opencontainers.image.version": f"v{plan.version}",
        "org.opencontainers.image.revision": plan.digest,
        "org.opencontainers.image.created": plan.created,
        "org.opencontainers.image.authors": plan.author,
        "org.opencontainers.image.description": plan.message,
    }
    return " \\\n      ".join(f"{name}={_label(value)}" for name, value in labels.items() if value.strip())


def _label(text: str) -> str:
    """A text in a Dockerfile: no variable is filled in, and no line ends."""
    plain = re.sub(r"\s+", " ", quoting.CONTROL.sub(" ", text)).strip()
    return '"' + re.sub(r'([\\"$])', r"\\\1", plain) + '"'


def _publish_lines(plan: ExportPlan) -> str:
    job = quoting.shell(plan.job)
    policies = {
        "retries": str(plan.retries), "backoff": seconds(plan.backoff), "concurrency": str(plan.concurrency),
        "cell_timeout": seconds(plan.cell_timeout) if plan.cell_timeout else "",
        "run_timeout": seconds(plan.run_timeout) if plan.run_timeout else "",
    }  # fmt: skip
    settings = " ".join(f"--set {name}={value}" for name, value in policies.items() if value)
    lines = [f"jupyter mlops jobs {settings} -- {job}"]
    lines += [_schedule_line(job, schedule) for schedule in plan.schedules if not schedule.paused]
    return "\n".join(lines) + "\n"


def _schedule_line(job: str, schedule: ExportSchedule) -> str:
    parameters = encode_parameters(schedule.parameters)
    words = [
        f"jupyter mlops schedule --cron {quoting.shell(schedule.cron)} --tz {quoting.shell(schedule.zone)}",
        f"--missed {schedule.missed} --overlap {schedule.overlap}",
        *([f"-b {parameters}"] if parameters else []),
        f"-- {job}",
    ]
    return " ".join(words)


def _compose(plan: ExportPlan, omissions: tuple[str, ...]) -> str:
    names = "".join(f"\n  secrets/{name}" for name in (DATABASE_SECRET, *plan.secrets))
    paragraphs = [
        plan.header("docker"),
        f"Secrets, each in a file that git ignores and user 10001 can read (chown 10001, chmod 400):{names}\n"
        "Start the worker:   docker compose up --detach --wait\n"
        "Run it once:        docker compose run --rm worker jupyter mlops run " + quoting.shell(plan.job),
    ]
    if omissions:
        paragraphs.append("\n".join(["What Compose can't do:", *(f"- {text}" for text in omissions)]))
    document: dict[str, Any] = {"name": plan.slug}
    document["services"] = {"postgres": _postgres(), "publish": _publish(plan), "worker": _worker(plan)}
    document["volumes"] = {"database": {}, "home": {}}
    document["secrets"] = {name: {"file": f"./secrets/{name}"} for name in (DATABASE_SECRET, *plan.secrets)}
    blocks = [quoting.yaml({key: value}) for key, value in document.items()]
    return "\n".join([quoting.comment("\n\n".join(paragraphs)) + "\n", *blocks])


def _postgres() -> dict[str, Any]:
    return {
        "image": POSTGRES,
        "restart": "unless-stopped",
        "environment": {
            "POSTGRES_USER": "mlops",
            "POSTGRES_DB": "mlops",
            "POSTGRES_PASSWORD_FILE": f"/run/secrets/{DATABASE_SECRET}",
        },
        "secrets": [DATABASE_SECRET],
        "volumes": ["database:/var/lib/postgresql/data"],
        "healthcheck": {
            "test": ["CMD", "pg_isready", "--username", "mlops", "--dbname", "mlops"],
            **HEALTHCHECK_SECONDS, "interval": "5s",
        },
    }  # fmt: skip


def _service(plan: ExportPlan) -> dict[str, Any]:
    return {
        "build": ".",
        "image": f"{plan.slug}:v{plan.version}",
        "environment": {"JUPYTER_MLOPS_DATABASE": "postgresql+psycopg://mlops@postgres/mlops"},
        "secrets": [DATABASE_SECRET, *plan.secrets],
        "volumes": [f"home:{HOME}"],
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
    }


def _publish(plan: ExportPlan) -> dict[str, Any]:
    return {
        **_service(plan),
        "command": ["publish.sh"],
        "depends_on": {"postgres": {"condition": "service_healthy"}},
    }


def _worker(plan: ExportPlan) -> dict[str, Any]:
    service = {
        **_service(plan),
        "command": ["jupyter", "mlops", "worker"],
        "restart": "unless-stopped",
        "init": True,
        "stop_grace_period": "60s",
        "depends_on": {"publish": {"condition": "service_completed_successfully"}},
        "healthcheck": {
            "test": ["CMD", "entrypoint.sh", "jupyter", "mlops", "worker", "--status"],
            **HEALTHCHECK_SECONDS,
        },
    }
    gpus = max((whole(task.limits[GPU]) for task in plan.tasks if GPU in task.limits), default=0)
    if gpus:
        device = {"driver": "nvidia", "count": gpus, "capabilities": ["gpu"]}
        service["deploy"] = {"resources": {"reservations": {"devices": [device]}}}
    return service
