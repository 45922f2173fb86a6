"""Gates: the conditions on entering a stage."""

from __future__ import annotations

import re
from typing import Any

from jupyter_server.auth.decorator import authorized
from pydantic import BaseModel, ConfigDict, Field
from tornado import web

from jupyter_mlops.server.operation import Handler, operation
from jupyter_mlops.server.schemas.registry import GateCheck, GateCreate, GateList, GateRead
from jupyter_mlops.service import gates

RESOURCE = "mlops:gates"
NUMBER = re.compile(r"\d{1,9}", re.ASCII)


class GatesQuery(BaseModel):
    """Whose gates."""

    model_config = ConfigDict(extra="forbid")

    stage: str = Field("", max_length=100, description="'': of all stages.")


class CheckQuery(BaseModel):
    """What is checked."""

    model_config = ConfigDict(extra="forbid")

    version: str = Field("latest", max_length=100, description="v7, latest, or an alias.")
    to: str = Field("production", max_length=100, description="The stage that it would enter.")
    run: str = Field("", max_length=100, description="The run by which it is judged; '': its latest completed run.")


class GatesHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("The gates of a job", query=GatesQuery, response=GateList)
    async def get(self, name: str, query: GatesQuery) -> dict[str, Any]:
        return {"gates": await self.context.run_io(gates.gates, self.context.space, name, query.stage)}

    @web.authenticated
    @authorized
    @operation("Add a gate to a stage", body=GateCreate, response=GateRead, status=201)
    async def post(self, name: str, body: GateCreate) -> dict[str, Any]:
        return await self.context.run_io(
            gates.add, self.context.space, name, body.expression, body.stage, author=self.author
        )


class GateHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("Remove a gate", status=204)
    async def delete(self, name: str, number: str) -> None:
        if not NUMBER.fullmatch(number):
            raise web.HTTPError(404, f"there is no gate {number}")
        await self.context.run_io(gates.remove, self.context.space, name, int(number))


class GateCheckHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("What the gates of a stage say about a version", query=CheckQuery, response=GateCheck)
    async def get(self, name: str, query: CheckQuery) -> dict[str, Any]:
        return await self.context.run_io(
            gates.check, self.context.space, name, query.version, query.to, query.run
        )  # fmt: skip
