"""Operations on models: list, load, export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.jobs.models import read_document
from jupyter_mlops.service.run_values import split_selector

if TYPE_CHECKING:
    from jupyter_mlops.jobs.models import Model
    from jupyter_mlops.jobs.workspace import Workspace


def models(space: Workspace, job: str, name: str = "") -> list[dict[str, Any]]:
    """The models of a job's completed runs, newest first; those of one version if `job` names one."""
    job_name, selector = split_selector(job)
    job_record = space.catalog.job(job_name)
    aliases = space.catalog.aliases(job_record)
    records = space.models.models(job_record, name)
    if "@" in job:
        number = space.catalog.version(job_record, selector).number
        records = [record for record in records if record.number == number]
    return [
        {**_model_to_dict(record), "aliases": [alias for alias, n in aliases.items() if n == record.number]}
        for record in records
    ]


def model(space: Workspace, job: str, name: str = "", run_id: str = "") -> dict[str, Any]:
    """The document of the model that `JOB@SELECTOR` stands for."""
    return read_document(space.store, _current(space, job, name, run_id).digest)


def load(space: Workspace, job: str, name: str = "", *, any_environment: bool = False) -> Any:
    """Load the model that `JOB@SELECTOR` stands for. This runs code that its artifact contains."""
    from jupyter_mlops.import_guard import unblock
    from jupyter_mlops.serving.loading import load_artifact

    unblock()  # models, and what they import, see the libraries that are installed
    return load_artifact(space.store, model(space, job, name), any_environment=any_environment)


def export(space: Workspace, job: str, folder: Path, name: str = "") -> dict[str, Any]:
    """Write the artifact and the document of a model to a folder."""
    from jupyter_mlops.serving.loading import export_artifact

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidInputError("the folder of the export is not empty", where=str(folder), remedy="Name a new folder.")
    record = _current(space, job, name, "")
    paths = export_artifact(space.store, read_document(space.store, record.digest), record.number, folder)
    return {**_model_to_dict(record), "files": paths}


def _current(space: Workspace, job: str, name: str, run_id: str) -> Model:
    job_name, selector = split_selector(job)
    job_record = space.catalog.job(job_name)
    space.catalog.version(job_record, selector)  # says which versions there are
    return space.models.current(job_record, selector, name, space.queue.full_id(run_id) if run_id else "")


def _model_to_dict(record: Model) -> dict[str, Any]:
    return {
        "name": record.name, "version": f"v{record.number}", "run": record.run_id, "step": record.step,
        "finished": record.finished, "digest": record.digest, "metrics": dict(record.metrics), **record.facts,
    }  # fmt: skip
