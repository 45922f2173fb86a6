"""The worker, the demo, and the document that describes all this."""

from __future__ import annotations

from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_mlops import service
from jupyter_mlops.errors import BadInput
from jupyter_mlops.server.operation import Handler, operation
from jupyter_mlops.server.wire.runs import Nothing
from jupyter_mlops.server.wire.worker import DemoAsked, DemoTold, WorkerTold


class WorkerHandler(Handler):
    auth_resource = "mlops:worker"

    @web.authenticated
    @authorized
    @operation("What the worker of this server is doing", answer=WorkerTold)
    async def get(self) -> dict[str, Any]:
        return await self._told()

    @web.authenticated
    @authorized
    @operation("Start a worker where none is running", body=Nothing, answer=WorkerTold)
    async def post(self, _: Nothing) -> dict[str, Any]:
        await self.settings["mlops_keeper"].start_now()
        return await self._told()

    async def _told(self) -> dict[str, Any]:
        facts = await self.desk.do(service.worker_status, self.desk.config)
        keeper = self.settings["mlops_keeper"]
        return {
            "running": facts is not None, "supervised": keeper.process is not None or bool((facts or {}).get("kept")),
            "problem": keeper.problem or (facts or {}).get("problem", ""), "facts": facts or {},
        }  # fmt: skip


class DemoHandler(Handler):
    auth_resource = "mlops:demo"

    @web.authenticated
    @authorized
    @operation("Copy the demo project into a folder", body=DemoAsked, answer=DemoTold, status=201)
    async def post(self, asked: DemoAsked) -> dict[str, Any]:
        place = self.desk.place(f"{asked.folder}/demo.ipynb")
        if place is None or not place.parent.is_dir():
            raise BadInput("there is no such folder on this machine", where="folder")
        made = await self.desk.do(service.demo, place.parent)
        return {"path": "/".join(filter(None, [asked.folder.strip("/"), made.parent.name, made.name]))}


class DocumentHandler(Handler):
    auth_resource = "mlops:document"

    @web.authenticated
    @authorized
    @operation("This document: OpenAPI 3.1")
    async def get(self) -> dict[str, Any]:
        from jupyter_mlops.server.document import document

        return document()


class NothingHandler(Handler):
    """Whatever else lies below /mlops."""

    auth_resource = "mlops:document"

    @web.authenticated
    @authorized(action="read")  # type: ignore[untyped-decorator] # said here, since one verb stands for all
    @operation("Nothing")
    async def get(self, rest: str) -> None:
        raise web.HTTPError(404, f"there is nothing at {self.request.path}")

    post = put = patch = delete = get
