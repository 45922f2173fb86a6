"""From a notebook to production without leaving it."""

TYPE_CHECKING = False
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


def _jupyter_server_extension_points() -> list[dict[str, object]]:
    """The server extension, for jupyter_server."""
    from jupyter_mlops.server.app import MlopsExtension

    return [{"module": "jupyter_mlops.server.app", "app": MlopsExtension}]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """The extension of JupyterLab, for `jupyter labextension develop`."""
    return [{"src": "labextension", "dest": "jupyter-mlops"}]
