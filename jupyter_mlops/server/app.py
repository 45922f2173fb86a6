"""The server extension `mlops`."""

from __future__ import annotations

import re
from typing import Any

from jupyter_server.extension.application import ExtensionApp
from traitlets import Bool, Unicode

from jupyter_mlops.config import RunConfig
from jupyter_mlops.server import events
from jupyter_mlops.server.desk import Desk
from jupyter_mlops.server.handlers.worker import NothingHandler
from jupyter_mlops.server.keeper import Keeper
from jupyter_mlops.server.routes import ROUTES
from jupyter_mlops.service import notebooks

PART = re.compile(r"\{\w+\}")


class MlopsExtension(ExtensionApp):
    """Pipelines, runs, versions and schedules of notebooks."""

    name = "mlops"
    app_name = "jupyter_mlops"
    default_url = "/lab"
    load_other_extensions = True
    classes = [RunConfig]  # noqa: RUF012

    supervise_worker = Bool(True, help="Whether the server starts a worker where none is running.").tag(config=True)
    home = Unicode("", help="Folder of runs, artifacts and the cache; '' for the usual one.").tag(config=True)

    def initialize_settings(self) -> None:
        """Open the workspace."""
        server: Any = self.serverapp
        made = RunConfig(parent=server)
        if self.home:
            made.home = self.home
        self.desk = Desk(made, server.contents_manager)
        logger = server.event_logger
        logger.register_event_schema(events.SCHEMA)

        def emit(event: dict[str, Any]) -> None:
            logger.emit(schema_id=events.SCHEMA_ID, data=event)

        async def hear(*, data: dict[str, Any], **_: Any) -> None:
            if data["action"] == "rename":
                await self.desk.do(notebooks.moved, self.desk.space, data["source_path"], data["path"])

        logger.add_listener(schema_id=server.contents_manager.event_schema_id, listener=hear)
        self.keeper = Keeper(self.desk, emit, supervise=self.supervise_worker, log=self.log)
        self.desk.changed = self.keeper.changed
        self.settings.update(mlops=self.desk, mlops_keeper=self.keeper)

    def initialize_handlers(self) -> None:
        """Mount the routes."""
        self.handlers.extend((PART.sub(r"([^/]+)", path).replace(".", r"\."), handler) for path, handler in ROUTES)
        self.handlers.append((r"/mlops(?:/(.*))?", NothingHandler))

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        """Called when the server's loop runs."""
        self.keeper.begin()

    async def stop_extension(self) -> None:
        """Let go of all."""
        await self.keeper.end()
        self.desk.close()
