"""The server extension `mlops`."""

from __future__ import annotations

import re
from typing import Any

from jupyter_server._tz import utcnow
from jupyter_server.base.handlers import path_regex
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.nbconvert.handlers import NbconvertFileHandler
from traitlets import Bool, Float, Unicode

from jupyter_mlops.config import RunConfig
from jupyter_mlops.server import events
from jupyter_mlops.server.activity import DUE_SOON_S
from jupyter_mlops.server.context import ServerContext
from jupyter_mlops.server.handlers.worker import NotFoundHandler
from jupyter_mlops.server.routes import ROUTES
from jupyter_mlops.server.supervisor import WorkerSupervisor
from jupyter_mlops.service import notebook_runs

PART = re.compile(r"\{\w+\}")


class MlopsExtension(ExtensionApp):
    """Pipelines, runs, versions and schedules of notebooks."""

    name = "mlops"
    app_name = "jupyter_mlops"
    default_url = "/lab"
    load_other_extensions = True
    classes = [RunConfig]  # noqa: RUF012

    supervise_worker = Bool(True, help="Whether the server starts a worker if none is running.").tag(config=True)
    due_soon = Float(
        DUE_SOON_S,
        help="Seconds before a schedule is due from which the server counts as in use, and is not ended as idle.",
    ).tag(config=True)
    home = Unicode("", help="Folder of the database, the runs and the cache; '' for the default.").tag(config=True)

    def initialize_settings(self) -> None:
        """Open the workspace."""
        server: Any = self.serverapp
        config = RunConfig(parent=server)
        if self.home:
            config.home = self.home
        self.context = ServerContext(config, server.contents_manager)
        logger = server.event_logger
        logger.register_event_schema(events.SCHEMA)

        def emit(event: dict[str, Any]) -> None:
            logger.emit(schema_id=events.SCHEMA_ID, data=event)

        async def on_contents_event(*, data: dict[str, Any], **_: Any) -> None:
            if data["action"] == "rename":
                await self.context.run_io(
                    notebook_runs.rename_notebooks, self.context.space, data["source_path"], data["path"]
                )

        logger.add_listener(schema_id=server.contents_manager.event_schema_id, listener=on_contents_event)
        self.supervisor = WorkerSupervisor(
            self.context, emit, supervise=self.supervise_worker, due_soon=self.due_soon, log=self.log
        )
        self.supervisor.on_activity = lambda: server.web_app.settings.update(mlops_last_activity=utcnow())
        self.context.on_change = self.supervisor.on_run_change
        self.settings.update(mlops=self.context, mlops_keeper=self.supervisor)

    def current_activity(self) -> bool:
        """Whether runs are active here or schedules are due soon: then Jupyter Server does not end itself as idle."""
        return self.supervisor.is_needed

    def initialize_handlers(self) -> None:
        """Mount the routes."""
        self.handlers.extend((PART.sub(r"([^/]+)", path).replace(".", r"\."), handler) for path, handler in ROUTES)
        self.handlers.append((r"/mlops(?:/(.*))?", NotFoundHandler))
        # The server's own pattern for exporters takes no dash in a name.
        self.handlers.append((rf"/nbconvert/(?P<format>mlops-[\w-]+){path_regex}", NbconvertFileHandler))

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        """Called when the server's event loop runs."""
        self.supervisor.start()

    async def stop_extension(self) -> None:
        """Close the workspace, the supervisor and the threads."""
        await self.supervisor.end()
        self.context.close()
