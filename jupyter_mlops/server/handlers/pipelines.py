"""Notebooks as pipelines: analyze the notebook in the editor."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_mlops.server.context import require_path
from jupyter_mlops.server.operation import Handler, operation
from jupyter_mlops.server.schemas.pipelines import Analysis, AnalysisRequest, PipelineRequest, Suggestion
from jupyter_mlops.service import notebooks, pipelines

RESOURCE = "mlops:pipelines"


def _to_notebook(request: PipelineRequest) -> Any:
    cells = [
        {
            **cell.model_dump(exclude={"id"}),
            **({"outputs": [], "execution_count": None} if cell.cell_type == "code" else {}),
        }
        for cell in request.cells
    ]
    for position, cell in enumerate(cells):
        cell["id"] = f"c{position}"
    return {"cells": cells, "metadata": request.metadata, "nbformat": 4, "nbformat_minor": 5}


def _analyse(request: AnalysisRequest, context: Any) -> dict[str, Any]:
    require_path(request.path)
    name = PurePosixPath(request.path).stem or "notebook"
    nb = notebooks.notebook_of(_to_notebook(request), request.path)
    folder = context.folder(request.path) if request.path else None
    return pipelines.analyse(nb, name, context.config, folder, checks=request.checks)


def _suggest(request: PipelineRequest) -> dict[str, Any]:
    return pipelines.suggestion(notebooks.notebook_of(_to_notebook(request), request.path))


class PipelinesHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("The pipeline of a notebook, and its findings", body=AnalysisRequest, response=Analysis)
    async def post(self, body: AnalysisRequest) -> dict[str, Any]:
        run = self.context.run_cpu if body.checks else self.context.run_io
        return await run(_analyse, body, self.context)


class SuggestionsHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("Suggested tags for an untagged notebook", body=PipelineRequest, response=Suggestion)
    async def post(self, body: PipelineRequest) -> dict[str, Any]:
        return await self.context.run_cpu(_suggest, body)
