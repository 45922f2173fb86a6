"""Export targets in nbconvert: `jupyter nbconvert --to mlops-airflow nb.ipynb`, and JupyterLab's menu Save and Export
Notebook As.

What is exported is the notebook as it is, with the files that it imports and reads, and without a schedule: a published
version has more. The main file is nbconvert's output, which is named after the notebook. The files of the export are
written beside it under their own names.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nbconvert.exporters.exporter import Exporter
from nbformat import NotebookNode

from jupyter_mlops.export.exporter import exporter
from jupyter_mlops.export.identifiers import unique_identifiers


class TargetExporter(Exporter):
    """Exports a notebook for one engine.

    :cvar target: as in `jupyter mlops export --to`.
    """

    target = ""

    def _file_extension_default(self) -> str:
        return ".txt"

    def from_notebook_node(  # type: ignore[override]  # as all exporters that write text
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **kwargs: Any
    ) -> tuple[str, dict[str, Any]]:
        """The main file's text; all other files are in `resources["outputs"]`. Raises MlopsError."""
        resources = self._init_resources(resources)  # type: ignore[no-untyped-call]
        metadata = resources["metadata"]
        name, folder = metadata.get("name") or "notebook", Path(metadata.get("path") or ".")
        files = draft_files(nb, name, folder, self.target)
        main = main_file(files, name)
        outputs = dict(resources.get("outputs") or {})
        resources["output_extension"] = Path(main).suffix or self.file_extension
        main_name = f"{name}{resources['output_extension']}"  # nbconvert names the main file after the notebook
        # nbconvert makes the folder of each file, and fails for one that has none
        outputs.update({f"./{path}": content for path, content in files.items() if path != main_name})
        resources["outputs"] = outputs
        return files[main].decode("utf-8"), resources


def draft_files(nb: NotebookNode, name: str, folder: Path, target: str) -> dict[str, bytes]:
    """The files of an export of a notebook that is not published.

    :param name: the notebook's name without its ending; `folder`: where it is, with the files that it needs.
    :raises InvalidInputError: it has no steps, or the engine can't run it.
    """
    from jupyter_mlops.service.draft_export import draft_plan
    from jupyter_mlops.service.export import files_of

    return files_of(draft_plan(nb, name, folder), target)


def main_file(files: Iterable[str], name: str) -> str:
    """The file that a person opens: the one that is called like the notebook, else the first that is not hidden."""
    slug = unique_identifiers([name], "dns")[name]
    texts = [path for path in files if not path.endswith(".zip")]
    return min(texts, key=lambda path: (Path(path).stem != slug, Path(path).name.startswith("."), texts.index(path)))


def _exporter(target: str) -> type[TargetExporter]:
    label = f"{exporter(target).label} (MLOps)"
    return type(f"{target.title()}TargetExporter", (TargetExporter,), {"target": target, "export_from_notebook": label})


script = _exporter("script")
airflow = _exporter("airflow")
kubernetes = _exporter("kubernetes")
argo = _exporter("argo")
kubeflow = _exporter("kubeflow")
github = _exporter("github")
gitlab = _exporter("gitlab")
docker = _exporter("docker")
slurm = _exporter("slurm")
systemd = _exporter("systemd")
cron = _exporter("cron")
terraform = _exporter("terraform")
dvc = _exporter("dvc")
