"""Exports: what they would write, how a folder differs from that, and writing it."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from jupyter_server.auth.decorator import authorized
from tornado import web

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export import folder as export_folder
from jupyter_mlops.server.contents_folder import ContentsFolder
from jupyter_mlops.server.context import ServerContext
from jupyter_mlops.server.operation import Handler, operation
from jupyter_mlops.server.schemas.exports import DraftExportCreate, ExportCreate, Exporters, ExportRead
from jupyter_mlops.service import draft_export, export

RESOURCE = "mlops:exports"


class ExportersHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("The engines that versions can be exported to", response=Exporters)
    async def get(self) -> dict[str, Any]:
        return {"exporters": await self.context.run_io(export.targets)}


class JobExportHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation("Compare the export of a version with a folder, or write it", body=ExportCreate, response=ExportRead)
    async def post(self, name: str, body: ExportCreate) -> dict[str, Any]:
        prepared = await self.context.run_cpu(_prepare_version, self.context, name, body)
        return await _exported(self, prepared, body)


class DraftExportHandler(Handler):
    auth_resource = RESOURCE

    @web.authenticated
    @authorized
    @operation(
        "Compare the export of a notebook, as it was saved, with a folder, or write it",
        body=DraftExportCreate,
        response=ExportRead,
    )
    async def post(self, body: DraftExportCreate) -> dict[str, Any]:
        nb = await self.context.notebook(body.notebook)
        prepared = await self.context.run_cpu(_prepare_draft, self.context, nb, body)
        return await _exported(self, prepared, body)


def _prepare_version(context: ServerContext, name: str, body: ExportCreate) -> export.PreparedExport:
    return export.prepare(export.plan_of_version(context.space, name, body.version), body.target)


def _prepare_draft(context: ServerContext, nb: Any, body: DraftExportCreate) -> export.PreparedExport:
    folder = context.folder(body.notebook)
    if folder is None:
        raise InvalidInputError(
            "notebooks that are not files on this machine can't be exported before they are published",
            field="notebook",
        )
    return export.prepare(draft_export.draft_plan(nb, PurePosixPath(body.notebook).stem, folder), body.target)


async def _exported(
    handler: Handler, prepared: export.PreparedExport, body: ExportCreate | DraftExportCreate
) -> dict[str, Any]:
    """Compare an export with its folder, write it if asked to, and return both as ExportRead."""
    folder = ContentsFolder(handler.context, body.folder)
    await folder.require_folder_or_nothing()
    record_file = await folder.read([export_folder.RECORD])
    record = export_folder.parse_record(record_file.get(export_folder.RECORD))
    present = await folder.read(sorted({*prepared.files, *record}))
    changes = await handler.context.run_io(
        export_folder.compare, prepared.files, present, export_folder.origins_of(record)
    )
    if body.write:
        if not body.replace_edited:
            export_folder.require_unedited(changes, folder.path, "Replace them, or export to another folder.")
        await write(folder, prepared, changes, lambda: handler.is_abandoned)
    payload = export.payload(prepared, folder.path, changes)
    for file in payload["files"]:
        file.update(_file_facts(prepared.files.get(file["path"]), contents=body.contents))
    if not folder.can_execute:
        scripts = [file["path"] for file in payload["files"] if file["executable"]]
        payload["omissions"] += [f"{path} has to be made executable where it is used: chmod +x." for path in scripts]
    return payload


async def write(
    folder: ContentsFolder,
    prepared: export.PreparedExport,
    changes: list[export_folder.FileChange],
    is_abandoned: Callable[[], bool],
) -> None:
    """Write the files, and the record last: it says that all of them are there.

    :param is_abandoned: whether the client has stopped waiting for the export. Then it ends between two files; the
        next export to this folder finds those that were written.
    """
    for change in changes:
        if is_abandoned():
            raise web.HTTPError(400, "the client has left before the export was written")
        if change.state == "removed":
            await folder.remove(change.path)
            continue
        content = prepared.files[change.path]
        executable = export_folder.is_executable(content)
        if change.state != "same" or executable:
            await folder.write(change.path, content, executable=executable)
    record = export_folder.record_content(prepared.files, prepared.facts)
    await folder.write(export_folder.RECORD, record, executable=False)


def _file_facts(content: bytes | None, *, contents: bool) -> dict[str, Any]:
    if content is None:
        return {"executable": False}
    facts: dict[str, Any] = {"executable": export_folder.is_executable(content)}
    if contents:
        try:
            facts |= {"content": content.decode("utf-8"), "encoding": "text"}
        except UnicodeDecodeError:
            facts |= {"content": base64.b64encode(content).decode("ascii"), "encoding": "base64"}
    return facts
