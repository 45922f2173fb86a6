"""Experiments: why a metric changed, and backtests. Their runs are executed by a worker."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_mlops.server.handlers.jobs import _parse_number
from jupyter_mlops.server.operation import Handler, operation
from jupyter_mlops.server.schemas.experiments import (
    BacktestCreate,
    BacktestCreated,
    BacktestRead,
    WhyCreate,
    WhyPlan,
    WhyRead,
)
from jupyter_mlops.server.schemas.runs import EmptyBody
from jupyter_mlops.service import backtests, why, why_plan

RESOURCE = "mlops:runs"


def _request(body: WhyCreate) -> why.Request:
    return why.Request(body.metric, body.good, body.repeats, body.budget, body.at_once, body.allow_writes)


class WhyHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("How far the latest question about a run is, and its answer", response=WhyRead)
    async def get(self, run_id: str) -> dict[str, Any]:
        return await self.context.run_cpu(why.progress, self.context.space, run_id)

    @web.authenticated
    @authorized
    @operation("Find out why a metric changed, or a run fails", body=WhyCreate, response=WhyRead, status=201)
    async def post(self, run_id: str, body: WhyCreate) -> dict[str, Any]:
        return await self.context.run_cpu(why.begin, self.context.space, run_id, _request(body))


class WhyPlanHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("The hybrids that a question would run, and their cost", body=WhyCreate, response=WhyPlan)
    async def post(self, run_id: str, body: WhyCreate) -> dict[str, Any]:
        return await self.context.run_cpu(why_plan.plan, self.context.space, run_id, _request(body))


class WhyStopHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("Stop the hybrids of the latest question", body=EmptyBody, response=WhyRead)
    async def post(self, run_id: str, _: EmptyBody) -> dict[str, Any]:
        return await self.context.run_io(why.stop, self.context.space, run_id)


class BacktestsHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation(
        "Run a version on the inputs of past runs", body=BacktestCreate, response=BacktestCreated, status=201
    )  # fmt: skip
    async def post(self, name: str, body: BacktestCreate) -> dict[str, Any]:
        return await self.context.run_cpu(
            backtests.begin, self.context.space, f"{name}@{body.version}" if body.version else name, body.last,
            metric=body.metric, concurrency=body.at_once, own_files=body.own_files, allow_writes=body.allow_writes,
            only_count=body.only_count,
        )  # fmt: skip


class BacktestHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("The metrics of a backtest beside those of production", response=BacktestRead)
    async def get(self, number: str) -> dict[str, Any]:
        return await self.context.run_io(backtests.result, self.context.space, _parse_number(number))
