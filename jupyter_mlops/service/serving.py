"""Serve a model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from jupyter_mlops.service.configuration import load_config
from jupyter_mlops.service.run_values import split_selector

if TYPE_CHECKING:
    from jupyter_mlops.config import RunConfig
    from jupyter_mlops.serving.settings import ServeSettings


def serve(settings: ServeSettings, on_ready: Callable[[str], None], config: RunConfig | None = None) -> None:
    """Serve a model until SIGTERM or SIGINT.

    :param on_ready: is called with the URL when requests are answered.
    :raises MlopsError: there is no model, it can't be loaded, or the address can't be used.
    """
    from jupyter_mlops.serving.process import serve as serve_here
    from jupyter_mlops.serving.processes import ServingProcesses

    config = config or load_config()
    host = f"[{settings.host.strip('[]')}]" if ":" in settings.host else settings.host

    def ready(port: int) -> None:
        on_ready(f"http://{host}:{port}")

    if settings.workers > 1:

        async def run() -> None:
            await ServingProcesses(settings, config, ready).run()

        asyncio.run(run())
    else:
        asyncio.run(serve_here(settings, config, lambda server, port: ready(port)))


def job_and_selector(job: str) -> tuple[str, str]:
    """`churn@production` as its job and its selector of versions."""
    return split_selector(job) if job else ("", "latest")
