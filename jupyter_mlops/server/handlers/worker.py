"""The worker, the demo, and the OpenAPI document."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_mlops import service
from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.server.activity import is_supervised
from jupyter_mlops.server.operation import Handler, operation
from jupyter_mlops.server.schemas.runs import EmptyBody
from jupyter_mlops.server.schemas.worker import DemoCreate, DemoRead, WorkerStatus


class WorkerHandler(Handler):
    auth_resource = "mlops:worker"

    @web.authenticated
    @authorized
    @operation("The state of the worker of this server", response=WorkerStatus)
    async def get(self) -> dict[str, Any]:
        return await self._status()

    @web.authenticated
    @authorized
    @operation("Start a worker if none is running", body=EmptyBody, response=WorkerStatus)
    async def post(self, _: EmptyBody) -> dict[str, Any]:
        await self.settings["mlops_keeper"].start_now()
        return await self._status()

    async def _status(self) -> dict[str, Any]:
        facts = await self.context.run_io(service.worker_status, self.context.config)
        supervisor = self.settings["mlops_keeper"]
        return {
            "running": facts is not None,
            "supervised": supervisor.process is not None or is_supervised(facts),
            "problem": supervisor.problem or (facts or {}).get("problem", ""), "facts": facts or {},
        }  # fmt: skip


class DemoHandler(Handler):
    auth_resource = "mlops:demo"

    @web.authenticated
    @authorized
    @operation("Copy the demo project into a folder", body=DemoCreate, response=DemoRead, status=201)
    async def post(self, body: DemoCreate) -> dict[str, Any]:
        folder = self.context.folder(f"{body.folder}/demo.ipynb")
        if folder is None:
            raise InvalidInputError("there is no such folder on this machine", field="folder")
        notebook_path = await self.context.run_io(service.demo, folder)
        return {"path": "/".join(filter(None, [body.folder.strip("/"), notebook_path.parent.name, notebook_path.name]))}


class DocumentHandler(Handler):
    auth_resource = "mlops:document"

    @web.authenticated
    @authorized
    @operation("This document: OpenAPI 3.1")
    async def get(self) -> dict[str, Any]:
        from jupyter_mlops.server.openapi import document

        return document()


class NotFoundHandler(Handler):
    """Any other path below /mlops."""

    auth_resource = "mlops:document"

    @web.authenticated
    @authorized(action="read")  # type: ignore[untyped-decorator] # said here, since one verb stands for all
    @operation("Nothing")
    async def get(self, path: str) -> None:
        raise web.HTTPError(404, f"there is nothing at {self.request.path}")

    post = put = patch = delete = get
