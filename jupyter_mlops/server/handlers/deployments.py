"""Deployments: exports at places."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth.decorator import authorized
from pydantic import BaseModel, ConfigDict, Field
from tornado import web

from jupyter_mlops.server.operation import Handler, operation
from jupyter_mlops.server.schemas.deployments import DeployCreate, DeploymentList, DeployRead
from jupyter_mlops.service import deployments

RESOURCE = "mlops:deployments"


class DeploymentsQuery(BaseModel):
    """Whose deployments."""

    model_config = ConfigDict(extra="forbid")

    job: str = ""
    check: bool = Field(False, description="Look at the places, which may take a while.")


class DeploymentsHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("What is deployed where, and how it drifted", query=DeploymentsQuery, response=DeploymentList)
    async def get(self, query: DeploymentsQuery) -> dict[str, Any]:
        entries = await self.context.run_io(
            deployments.deployments, self.context.space, query.job, check=query.check
        )  # fmt: skip
        return {"deployments": entries}


class DeployHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("Export a version of a job to a place", body=DeployCreate, response=DeployRead, status=201)
    async def post(self, name: str, body: DeployCreate) -> dict[str, Any]:
        job = f"{name}@{body.version.removeprefix('@')}" if body.version else name
        return await self.context.run_io(
            deployments.deploy, self.context.space, job, body.target, body.place, dry_run=body.dry_run,
            force=body.force, runs=body.runs,
        )  # fmt: skip
