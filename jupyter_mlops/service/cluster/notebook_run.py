"""A notebook that was not published, run on a cluster by this process."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from typing import Any

from jupyter_mlops.config import RunConfig
from jupyter_mlops.errors import RunStoppedError
from jupyter_mlops.execution.request import RunRequest
from jupyter_mlops.service.cluster.executor import DaskExecutor
from jupyter_mlops.worker.executor import ClusterRequest

EventCallback = Callable[[dict[str, Any]], None]


def run_notebook(request: RunRequest, config: RunConfig, on_event: EventCallback) -> dict[str, Any]:
    """Run a notebook. SIGINT and SIGTERM stop the run; the record has what was executed until then."""
    from jupyter_mlops.execution.execute import new_run_id

    run = ClusterRequest(request, new_run_id(), scheduler=request.scheduler, artifacts=request.artifacts)
    return asyncio.run(_run(run, config, on_event))


async def _run(run: ClusterRequest, config: RunConfig, on_event: EventCallback) -> dict[str, Any]:
    executor = DaskExecutor()
    loop = asyncio.get_running_loop()
    work = asyncio.ensure_future(executor.execute(run, config, on_event))
    caught = []
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, work.cancel)
            caught.append(number)
    try:
        return await work
    except asyncio.CancelledError:
        raise RunStoppedError("the run was stopped before it began") from None
    finally:
        for number in caught:
            loop.remove_signal_handler(number)
        await executor.close()
