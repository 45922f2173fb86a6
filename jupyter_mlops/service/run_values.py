"""The version and the parameter values of a requested run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import InvalidParameterError

if TYPE_CHECKING:
    from jupyter_mlops.jobs.records import VersionRow
    from jupyter_mlops.jobs.workspace import Workspace
    from jupyter_mlops.pipeline.model import Pipeline


def split_selector(text: str) -> tuple[str, str]:
    """Split a job's name from its version: `churn@v3` selects `v3`; `churn@production` an alias; `churn` the latest."""
    name, separator, selector = text.partition("@")
    if not separator:
        return name, "latest"
    is_version = selector in ("latest", "") or selector.lstrip("v").isdigit()
    return name, (selector or "latest") if is_version else f"@{selector}"


def selector_of(text: str) -> str:
    """The selector of a version that is given without its job: `v3`, `latest`, `production` or `@production`."""
    return split_selector(f"job@{text.removeprefix('@')}")[1]


def manifest_of(space: Workspace, version: VersionRow) -> Any:
    from jupyter_mlops.versions.manifest import Manifest

    return Manifest.get(space.store, version.digest)


def checked_values(
    space: Workspace, version: VersionRow, parameters: Mapping[str, object], texts: Mapping[str, str]
) -> dict[str, Any]:  # fmt: skip
    """Parameter values that fit a version, in JSON form; templates `{{ … }}` are filled in later.

    :raises InvalidParameterError: unknown parameter, or a value that does not fit its type.
    """
    return check_parameters(build_pipeline(space, version), parameters, texts)


def build_pipeline(space: Workspace, version: VersionRow) -> Pipeline:
    from jupyter_mlops.notebook.reader import parse_notebook
    from jupyter_mlops.pipeline.build import build

    manifest = manifest_of(space, version)
    nb = parse_notebook(space.store.get(manifest.notebook), manifest.name)
    return build(nb, Path(manifest.name).stem)


def check_parameters(pipeline: Pipeline, parameters: Mapping[str, object], texts: Mapping[str, str]) -> dict[str, Any]:
    from jupyter_mlops.jobs.templates import SAMPLE, check, filled, names_in
    from jupyter_mlops.notebook.parameter import json_form
    from jupyter_mlops.notebook.parameters import resolve

    templates = {k: v for k, v in {**parameters, **texts}.items() if names_in(v)}
    check(templates)
    parameter_names = {p.name for p in pipeline.parameters}
    if templates.keys() - parameter_names and pipeline.language == "python":
        raise InvalidParameterError(
            f"there is no parameter {sorted(templates.keys() - parameter_names)[0]!r}",
            remedy=f"Parameters: {', '.join(parameter_names)}.",
        )
    if pipeline.language != "python":
        return {**{k: json_form(v) for k, v in parameters.items()}, **texts}
    filled(templates, pipeline.parameters, SAMPLE)
    values = resolve(
        tuple(p for p in pipeline.parameters if p.name not in templates),
        {k: v for k, v in parameters.items() if k not in templates},
        {k: v for k, v in texts.items() if k not in templates},
    )
    return {**{k: json_form(v) for k, v in values.items()}, **{k: json_form(v) for k, v in templates.items()}}
