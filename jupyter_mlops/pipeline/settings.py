"""The settings of a step, merged from tags, cell metadata and the notebook's defaults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from jupyter_mlops.notebook.settings import notebook_defaults
from jupyter_mlops.notebook.tags import CellTags, read_tags
from jupyter_mlops.pipeline.model import Settings


def default_settings(metadata: Mapping[str, Any]) -> Settings:
    """The notebook's defaults for all steps: Kale's `steps_defaults`, overridden by our `defaults`."""
    kale = metadata.get("kubeflow_notebook")
    tags = kale.get("steps_defaults") if isinstance(kale, Mapping) else None
    settings = Settings()
    if isinstance(tags, list):
        settings = with_tags(settings, [read_tags(tags, "kubeflow_notebook.steps_defaults")])
    elif isinstance(tags, Mapping):
        settings = with_values(settings, {k: tags[k] for k in ("limits", "labels", "annotations") if k in tags})
    return with_values(settings, notebook_defaults(metadata))


def with_tags(settings: Settings, cell_tags: Iterable[CellTags]) -> Settings:
    """Settings overridden by the tags of a step's cells; if two cells differ, the later one counts."""
    for tags in cell_tags:
        settings = with_values(
            settings,
            {
                "cache": tags.cache,
                "image": tags.image,
                "limits": tags.limits,
                "labels": tags.labels,
                "annotations": tags.annotations,
                "secrets": tags.secrets,
            },
        )
    return settings


def with_values(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """Settings overridden by these values, which have the names and types of the schema."""
    return Settings(
        cache=values.get("cache") or settings.cache,
        image=values.get("image") or settings.image,
        limits={**settings.limits, **values.get("limits", {})},
        labels={**settings.labels, **values.get("labels", {})},
        annotations={**settings.annotations, **values.get("annotations", {})},
        secrets=tuple(dict.fromkeys((*settings.secrets, *values.get("secrets", ())))),
        retries=int(values.get("retries", settings.retries)),
        backoff=float(values.get("backoff", settings.backoff)),
        timeout=values.get("timeout", settings.timeout),
        keep_going=bool(values.get("keep_going", settings.keep_going)),
        models={**settings.models, **values.get("models", {})},
        executor=values.get("executor") or settings.executor,
    )
