"""Aliases of versions and their history."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth.decorator import authorized
from pydantic import BaseModel, ConfigDict, Field
from tornado import web

from jupyter_mlops.server.operation import Handler, operation
from jupyter_mlops.server.schemas.jobs import Alias, AliasUpdate
from jupyter_mlops.server.schemas.registry import AliasChange, AliasHistory, AliasSearch
from jupyter_mlops.service import aliases

RESOURCE = "mlops:aliases"


class HistoryQuery(BaseModel):
    """Which alias."""

    model_config = ConfigDict(extra="forbid")

    alias: str = Field("", max_length=100, description="'': all.")


class RemovalQuery(BaseModel):
    """Why an alias is removed."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field("", max_length=10_000)


class AliasHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("Let an alias name a version", body=AliasUpdate, response=Alias)
    async def put(self, name: str, alias: str, body: AliasUpdate) -> dict[str, Any]:
        return await self.context.run_io(
            aliases.set_alias, self.context.space, name, alias, body.version, author=self.author, reason=body.reason
        )

    @web.authenticated
    @authorized
    @operation("Remove an alias", query=RemovalQuery, response=AliasChange)
    async def delete(self, name: str, alias: str, query: RemovalQuery) -> dict[str, Any]:
        return await self.context.run_io(
            aliases.remove_alias, self.context.space, name, alias, author=self.author, reason=query.reason
        )


class AliasHistoryHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("The changes of a job's aliases, newest first", query=HistoryQuery, response=AliasHistory)
    async def get(self, name: str, query: HistoryQuery) -> dict[str, Any]:
        return {"changes": await self.context.run_io(aliases.history, self.context.space, name, query.alias)}


class AliasSearchHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("The version with an alias of each job, with its metrics", response=AliasSearch)
    async def get(self, alias: str) -> dict[str, Any]:
        return {"versions": await self.context.run_io(aliases.search, self.context.space, alias)}
