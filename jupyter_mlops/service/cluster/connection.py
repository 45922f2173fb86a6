"""The connection to a Dask cluster: a scheduler at an address, or a cluster of this machine that ends with it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jupyter_mlops.errors import ClusterError, InvalidInputError
from jupyter_mlops.execution.engine import cores, memory
from jupyter_mlops.service.cluster.resources import WorkerFacts
from jupyter_mlops.service.cluster.task_spec import TOPIC

ADDRESS = re.compile(r"[a-z][a-z+]*://[^\s/]\S*")
INSTALL = "Install it: pip install 'jupyter_mlops[dask]'."
ANSWER_S = 10.0  # seconds in which a scheduler answers a question
Handler = Callable[[Mapping[str, Any]], None]


class Connection:
    """A connected client.

    :ivar is_local: whether the cluster is one of this machine.
    :ivar handlers: run's token -> what receives the events of its tasks.
    """

    def __init__(self, client: Any, cluster: Any | None, address: str) -> None:
        self.client, self.cluster, self.address = client, cluster, address
        self.handlers: dict[str, Handler] = {}
        client.subscribe_topic(TOPIC, self._on_event)

    @property
    def is_local(self) -> bool:
        return self.cluster is not None

    @property
    def is_lost(self) -> bool:
        """Whether the scheduler is gone."""
        return bool(self.client.status != "running")

    async def workers(self) -> list[WorkerFacts]:
        """The workers there are now. Raises ClusterError if the scheduler does not answer."""
        try:
            async with asyncio.timeout(ANSWER_S):
                identity = await self.client.scheduler.identity(n_workers=-1)
        except (OSError, TimeoutError, AttributeError) as error:
            raise self.lost(str(error)) from None
        return [WorkerFacts.of(address, facts) for address, facts in identity["workers"].items()]

    async def ask(self, function: Callable[..., Any], *arguments: Any) -> dict[str, Any]:
        """The answer of each worker to a function: worker -> value, or the exception that it raised."""
        answers: dict[str, Any] = await self.client.run(function, *arguments, on_error="return")
        return answers

    def lost(self, why: str = "") -> ClusterError:
        """The error that the scheduler is gone."""
        detail = f": {why}" if why else ""
        return ClusterError(
            f"the connection to the Dask scheduler was lost{detail}", where=self.address,
            remedy="Run again when the scheduler is back: completed steps are reused.",
        )  # fmt: skip

    def _on_event(self, event: tuple[float, Any]) -> None:
        message = event[1]
        handler = self.handlers.get(str(message.get("token"))) if isinstance(message, dict) else None
        if handler is not None:
            handler(message)

    async def close(self) -> None:
        """Disconnect. A cluster of this machine ends."""
        with contextlib.suppress(Exception):
            await self.client.close()
        if self.cluster is not None:
            with contextlib.suppress(Exception):
                await self.cluster.close()


async def connect(scheduler: str, timeout: float, slots: int = 0) -> Connection:
    """Connect to a scheduler.

    :param scheduler: its address, or the path of a scheduler file; "": start a cluster of this machine.
    :param timeout: seconds.
    :param slots: workers of a cluster of this machine; 0: one for each core.
    :raises InvalidInputError: Dask is not installed, or that is no address.
    :raises ClusterError: the scheduler can't be reached.
    """
    try:
        import distributed
    except ImportError:
        raise InvalidInputError("Dask is not installed", where="--executor dask", remedy=INSTALL) from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # errors are ours to report
    if not scheduler:
        try:
            cluster = await _local_cluster(slots or cores())
        except (OSError, RuntimeError, TimeoutError) as error:
            raise ClusterError(
                f"no Dask cluster can be started here: {error}", remedy="Start one, and name it with --scheduler."
            ) from None
        client = await distributed.Client(cluster, asynchronous=True, set_as_default=False)
        return Connection(client, cluster, "this machine")
    is_file = not ADDRESS.fullmatch(scheduler)
    if is_file and not Path(scheduler).is_file():
        raise InvalidInputError(
            f"{scheduler!r} is neither an address nor a scheduler file", where="--scheduler",
            remedy="Example: tcp://10.0.0.5:8786",
        )  # fmt: skip
    target = {"scheduler_file": scheduler} if is_file else {"address": scheduler}
    client = None
    try:
        async with asyncio.timeout(timeout):
            client = distributed.Client(**target, asynchronous=True, timeout=timeout, set_as_default=False)
            await client
    except (OSError, TimeoutError, ValueError, TypeError, RuntimeError) as error:
        if client is not None:
            with contextlib.suppress(Exception):
                await client.close(timeout=1.0)
        raise ClusterError(
            f"the Dask scheduler can't be reached: {str(error).strip() or 'no answer'}", where=scheduler,
            remedy="Check the address, and that the scheduler runs.",
        ) from None  # fmt: skip
    return Connection(client, None, scheduler)


async def _local_cluster(slots: int) -> Any:
    """A cluster of this machine, whose workers set no environment variables and are not ended for their memory."""
    import dask
    from distributed import LocalCluster

    resources = {"CPU": float(cores()), "MEMORY": float(memory())}
    if gpus := len(list(Path("/dev").glob("nvidia[0-9]*"))):
        resources["GPU"] = float(gpus)
    with dask.config.set({"distributed.nanny.pre-spawn-environ": {}, "distributed.nanny.environ": {}}):
        return await LocalCluster(
            n_workers=slots, threads_per_worker=1, processes=True, memory_limit=0, resources=resources,
            dashboard_address="127.0.0.1:0", host="127.0.0.1", security=_has_cryptography() or None,
            silence_logs=logging.CRITICAL, asynchronous=True,
        )  # fmt: skip


def _has_cryptography() -> bool:
    """Whether certificates can be made, without which every user of this machine could use the cluster."""
    from importlib.util import find_spec

    return find_spec("cryptography") is not None and os.name == "posix"
