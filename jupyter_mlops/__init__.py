"""From a notebook to production without leaving it."""

__version__ = "0.1.0"


def _jupyter_server_extension_points() -> list[dict[str, object]]:
    """The server extension, for jupyter_server."""
    from jupyter_mlops.server.app import MlopsExtension

    return [{"module": "jupyter_mlops.server.app", "app": MlopsExtension}]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    """The extension of JupyterLab, for `jupyter labextension develop`."""
    return [{"src": "labextension", "dest": "jupyter-mlops"}]
