"""Parameters: declared by `parameters` cells, checked before the run, injected as a cell."""

from __future__ import annotations

from jupyter_mlops.notebook.declaration import declared_parameters
from jupyter_mlops.notebook.injection import inject
from jupyter_mlops.notebook.parameter import Parameter
from jupyter_mlops.notebook.rendering import to_source
from jupyter_mlops.notebook.resolution import resolve

__all__ = ["Parameter", "declared_parameters", "inject", "resolve", "to_source"]
