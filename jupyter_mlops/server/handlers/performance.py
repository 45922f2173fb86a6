"""Labels that arrive later, and the performance of predictions."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_mlops.server.operation import Handler, operation
from jupyter_mlops.server.schemas.performance import LabelsCreate, LabelSetRead, PerformanceQuery, PerformanceSeries
from jupyter_mlops.service import labels, performance


class LabelsHandler(Handler):
    auth_resource = "mlops:jobs"

    @web.authenticated
    @authorized
    @operation("Store labels of a job's predictions", body=LabelsCreate, response=LabelSetRead, status=201)
    async def post(self, name: str, body: LabelsCreate) -> dict[str, Any]:
        def store() -> dict[str, Any]:
            return labels.add_rows(
                self.context.space, name, body.rows, key=body.key, label=body.label, received=body.received,
                author=self.author,
            )  # fmt: skip

        return await self.context.run_io(store)


class PerformanceHandler(Handler):
    auth_resource = "mlops:jobs"

    @web.authenticated
    @authorized
    @operation("How good the predictions of a job were", query=PerformanceQuery, response=PerformanceSeries)
    async def get(self, name: str, query: PerformanceQuery) -> dict[str, Any]:
        def measure() -> dict[str, Any]:
            return performance.performance(self.context.space, name, **query.model_dump())

        return await self.context.run_cpu(measure)
