"""Export of a notebook that is not published."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from jupyter_mlops.export.plan import ExportPlan


def draft_plan(nb: NotebookNode, name: str, folder: Path) -> ExportPlan:
    """The plan of a notebook as it is, with the files that it imports and reads, and without schedules and policies.

    :param name: the notebook's name without its ending, which names the job.
    :param folder: where the notebook is, with the files that it needs.
    :raises InvalidInputError: it has no steps, or is not in Python.
    """
    from jupyter_mlops.execution.execute import kernel_name
    from jupyter_mlops.jobs.catalog import whoami
    from jupyter_mlops.notebook.writer import notebook_bytes
    from jupyter_mlops.service.export import DRAFT, draft
    from jupyter_mlops.storage.local import ObjectStore
    from jupyter_mlops.versions.archive import archive
    from jupyter_mlops.versions.manifest import Environment
    from jupyter_mlops.versions.snapshot import snapshot, without_outputs

    with TemporaryDirectory() as temp_dir:
        store = ObjectStore(Path(temp_dir))
        path = folder / f"{name}.ipynb"
        manifest = snapshot(nb, path, store, Environment(), kernel_name(nb), set())
        facts = {
            "job": name, "version": DRAFT, "digest": manifest.put(store), "author": whoami(), "message": "",
            "created": "", "provenance": {},
        }  # fmt: skip
        source = notebook_bytes(without_outputs(nb)).decode("utf-8")
        return draft(without_outputs(nb), source, manifest, facts, archive(manifest, store, facts))
