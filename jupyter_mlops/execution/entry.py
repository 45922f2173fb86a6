"""The entry point that papermill loads while papermill itself is being imported, so this module must not import
papermill before a notebook runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from jupyter_mlops.execution.engine import MlopsEngine


class EngineEntry:
    """A placeholder for `MlopsEngine` in papermill's registry of engines."""

    @staticmethod
    def _engine() -> type[MlopsEngine]:
        from jupyter_mlops.execution.engine import MlopsEngine

        return MlopsEngine

    @classmethod
    def execute_notebook(cls, nb: NotebookNode, kernel_name: str, **kwargs: Any) -> NotebookNode:
        return cls._engine().execute_notebook(nb, kernel_name, **kwargs)

    @classmethod
    def nb_kernel_name(cls, nb: NotebookNode, name: str | None = None) -> str:
        return cls._engine().nb_kernel_name(nb, name)

    @classmethod
    def nb_language(cls, nb: NotebookNode, language: str | None = None) -> str:
        return cls._engine().nb_language(nb, language)
