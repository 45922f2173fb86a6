"""From a notebook to production without leaving it."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_mlops.metric_log import log_metric as log_metric
    from jupyter_mlops.metric_log import log_metrics as log_metrics

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """`log_metric` and `log_metrics`, loaded when a notebook asks for them."""
    if name in ("log_metric", "log_metrics"):
        from jupyter_mlops import metric_log

        return getattr(metric_log, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def load_model(model: str, name: str = "", *, any_environment: bool = False) -> Any:
    """Load a model that a run kept: `load_model("churn@production")`.

    Loading a pickle runs code that it contains: load only models from runs that you trust. Before that, the
    digest of the artifact is verified, and the versions of the packages that it needs are compared.

    :param model: `JOB`, `JOB@v3` or `JOB@production`: the model of the newest completed run of that version.
    :param name: the variable, if the version has several models.
    :param any_environment: load it even if the installed packages differ from those it was made with.
    """
    from jupyter_mlops.service import jobs, models

    space = jobs.open_workspace()
    try:
        return models.load(space, model, name, any_environment=any_environment)
    finally:
        space.close()


def _jupyter_server_extension_points() -> list[dict[str, object]]:
    """The server extension, for jupyter_server."""
    from jupyter_mlops.server.app import MlopsExtension

    return [{"module": "jupyter_mlops.server.app", "app": MlopsExtension}]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """The extension of JupyterLab, for `jupyter labextension develop`."""
    return [{"src": "labextension", "dest": "jupyter-mlops"}]
