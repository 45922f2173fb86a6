"""Promotion of versions to stages, rollback, and what is compared before."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth.decorator import authorized
from pydantic import BaseModel, ConfigDict, Field
from tornado import web

from jupyter_mlops.server.operation import Handler, operation
from jupyter_mlops.server.schemas.registry import (
    Challenge,
    PromotionCreate,
    PromotionRead,
    RollbackCreate,
    StageList,
)
from jupyter_mlops.service import challenges, promotions

RESOURCE = "mlops:promotions"
OVERRIDES = "mlops:overrides"


class ChallengeQuery(BaseModel):
    """The versions to compare."""

    model_config = ConfigDict(extra="forbid")

    candidate: str = Field("latest", max_length=100, description="v7, latest, or an alias.")
    champion: str = Field("production", max_length=100)


class StagesHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("The stages of a job, with what is there since when and why", response=StageList)
    async def get(self, name: str) -> dict[str, Any]:
        return await self.context.run_io(promotions.stages, self.context.space, name)


class PromotionsHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation(
        "Let a version enter a stage if its gates pass", body=PromotionCreate, response=PromotionRead, status=201
    )  # fmt: skip
    async def post(self, name: str, body: PromotionCreate) -> dict[str, Any]:
        if body.override:
            await self.require_right(OVERRIDES)
        return await self.context.run_io(
            promotions.promote, self.context.space, name, body.version, body.to, reason=body.reason,
            override=body.override, expected=body.expected, run_id=body.run, author=self.author,
        )  # fmt: skip


class RollbackHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("Undo the last promotion to a stage", body=RollbackCreate, response=PromotionRead, status=201)
    async def post(self, name: str, body: RollbackCreate) -> dict[str, Any]:
        return await self.context.run_io(
            promotions.rollback, self.context.space, name, body.to, reason=body.reason, expected=body.expected,
            author=self.author,
        )  # fmt: skip


class ChallengeHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("The metrics of two versions on the same inputs", query=ChallengeQuery, response=Challenge)
    async def get(self, name: str, query: ChallengeQuery) -> dict[str, Any]:
        return await self.context.run_io(
            challenges.compare, self.context.space, name, query.candidate, query.champion
        )  # fmt: skip
