"""Notebooks as pipelines: what is in the editor is sent, and told what it is."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_mlops.server.operation import Handler, operation
from jupyter_mlops.server.wire.pipelines import Analysis, AnalysisAsked, PipelineAsked, Suggestion
from jupyter_mlops.service import notebooks

RESOURCE = "mlops:pipelines"


def _notebook(asked: PipelineAsked) -> Any:
    cells = [
        {
            **cell.model_dump(exclude={"id"}),
            **({"outputs": [], "execution_count": None} if cell.cell_type == "code" else {}),
        }
        for cell in asked.cells
    ]
    for position, cell in enumerate(cells):
        cell["id"] = f"c{position}"
    return {"cells": cells, "metadata": asked.metadata, "nbformat": 4, "nbformat_minor": 5}


def _analyse(asked: AnalysisAsked, desk: Any) -> dict[str, Any]:
    name = PurePosixPath(asked.path).stem or "notebook"
    nb = notebooks.notebook_of(_notebook(asked), asked.path)
    folder = desk.folder(asked.path) if asked.path else None
    return notebooks.analyse(nb, name, desk.config, folder, checks=asked.checks)


def _suggest(asked: PipelineAsked) -> dict[str, Any]:
    return notebooks.suggestion(notebooks.notebook_of(_notebook(asked), asked.path))


class PipelinesHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("What a notebook is as a pipeline, and its checks", body=AnalysisAsked, answer=Analysis)
    async def post(self, asked: AnalysisAsked) -> dict[str, Any]:
        do = self.desk.think if asked.checks else self.desk.do
        return await do(_analyse, asked, self.desk)


class SuggestionsHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("Tags that would make steps of an untagged notebook", body=PipelineAsked, answer=Suggestion)
    async def post(self, asked: PipelineAsked) -> dict[str, Any]:
        return await self.desk.think(_suggest, asked)
