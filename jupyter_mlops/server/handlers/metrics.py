"""Metrics: series of a job, points of a run, and figures for Prometheus."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_mlops.server.operation import Handler, operation
from jupyter_mlops.server.schemas.metrics import MetricPoints, MetricSeries, PointsQuery, SeriesQuery
from jupyter_mlops.service import metrics, prometheus


class JobMetricsHandler(Handler):
    auth_resource = "mlops:jobs"

    @web.authenticated
    @authorized
    @operation("The metrics of a job over its runs, page by page", query=SeriesQuery, response=MetricSeries)
    async def get(self, name: str, query: SeriesQuery) -> dict[str, Any]:
        return await self.context.run_io(
            metrics.series, self.context.space, name, query.name, query.last, query.before
        )  # fmt: skip


class RunMetricsHandler(Handler):
    auth_resource = "mlops:runs"

    @web.authenticated
    @authorized
    @operation("The points of a run's metrics", query=PointsQuery, response=MetricPoints)
    async def get(self, run_id: str, query: PointsQuery) -> dict[str, Any]:
        return await self.context.run_io(metrics.points, self.context.space, run_id, query.name, query.limit)


class PrometheusHandler(Handler):
    auth_resource = "mlops:runs"

    @web.authenticated
    @authorized
    @operation("Figures about jobs and runs in Prometheus' text format", media=prometheus.MEDIA)
    async def get(self) -> str:
        return await self.context.run_io(prometheus.exposition, self.context.space)
