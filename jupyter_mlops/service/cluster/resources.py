"""Limits of a step as resources of Dask workers. Pure.

Dask counts the resources that a worker declares (`dask worker --resources "GPU=1 MEMORY=16e9"`): of the steps that run
there at once, no two have the same GPU. Where no worker declares CPU or MEMORY, a step goes to workers that have that
many threads and that much memory, without counting what other steps there use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.export.quantities import quantity

RESOURCES = {
    "cpu": "CPU", "cores": "CPU", "memory": "MEMORY", "gpu": "GPU", "nvidia.com/gpu": "GPU", "amd.com/gpu": "GPU",
}  # fmt: skip
MEASURED = ("CPU", "MEMORY")  # what each worker has without declaring it


@dataclass(frozen=True)
class WorkerFacts:
    """A Dask worker, as its scheduler describes it.

    :param memory: bytes; 0: unlimited.
    :param resources: what it declares.
    :param last_seen: when the scheduler last had a heartbeat of it, in seconds of its clock.
    """

    address: str
    host: str = ""
    threads: int = 1
    memory: float = 0.0
    resources: Mapping[str, float] = field(default_factory=dict)
    last_seen: float = 0.0

    @classmethod
    def of(cls, address: str, identity: Mapping[str, Any]) -> WorkerFacts:
        """A worker from the scheduler's answer to `identity`."""
        return cls(
            address, str(identity.get("host", "")), int(identity.get("nthreads") or 1),
            float(identity.get("memory_limit") or 0.0),
            {str(name): float(value) for name, value in (identity.get("resources") or {}).items()},
            float(identity.get("last_seen") or 0.0),
        )  # fmt: skip

    def measure(self, name: str) -> float:
        """How much of CPU or MEMORY the worker has."""
        return float(self.threads) if name == "CPU" else self.memory or float("inf")


@dataclass(frozen=True)
class Placement:
    """Where a task may run.

    :param resources: what Dask reserves for it.
    :param workers: addresses; None: any worker.
    """

    resources: Mapping[str, float] = field(default_factory=dict)
    workers: tuple[str, ...] | None = None


def requirements(limits: Mapping[str, str], step: str) -> dict[str, float]:
    """Resource -> amount. Raises InvalidInputError for a limit that is not a quantity."""
    amounts: dict[str, float] = {}
    for name, text in limits.items():
        try:
            amounts[RESOURCES.get(name, name)] = quantity(text)
        except InvalidInputError as error:
            raise InvalidInputError(
                f"the limit {name} is {error.message}", where=f"step {step}", remedy=error.remedy
            ) from None
    return amounts


def placement(step: str, limits: Mapping[str, str], workers: Sequence[WorkerFacts]) -> Placement:
    """Where a step may run.

    :param workers: those of the cluster, at least one.
    :raises InvalidInputError: no worker has what the step needs.
    """
    needs = requirements(limits, step)
    if not workers:
        raise InvalidInputError("the cluster has no worker any more", where=f"step {step}", remedy="Start workers.")
    declarations = {name for worker in workers for name in worker.resources}
    spelling = {name.casefold(): name for name in sorted(declarations, reverse=True)}
    needs = {name if name in declarations else spelling.get(name.casefold(), name): n for name, n in needs.items()}
    counted = {name: amount for name, amount in needs.items() if name in declarations or name not in MEASURED}
    measured = {name: amount for name, amount in needs.items() if name not in counted}
    fitting = [
        worker for worker in workers
        if all(worker.resources.get(name, 0.0) >= amount for name, amount in counted.items())
        and all(worker.measure(name) >= amount for name, amount in measured.items())
    ]  # fmt: skip
    if not fitting:
        raise _nobody(step, needs, counted, workers)
    everywhere = len(fitting) == len(workers) or not measured
    return Placement(counted, None if everywhere else tuple(worker.address for worker in fitting))


def silent_workers(workers: Sequence[WorkerFacts], seconds: float) -> set[str]:
    """Addresses of workers that their scheduler has had no heartbeat of for a time, while it had those of others."""
    newest = max((worker.last_seen for worker in workers), default=0.0)
    return {worker.address for worker in workers if newest - worker.last_seen > seconds}


def _nobody(
    step: str, needs: Mapping[str, float], counted: Iterable[str], workers: Sequence[WorkerFacts]
) -> InvalidInputError:
    """The error that no worker has what a step needs."""
    wish = ", ".join(f"{name}={amount:g}" for name, amount in needs.items())
    best = ", ".join(
        f"{name}={max(w.resources.get(name, 0.0) if name in counted else w.measure(name) for w in workers):g}"
        for name in needs
    )
    return InvalidInputError(
        f"no worker of the cluster has {wish}; the most that any of the {len(workers)} has: {best}",
        where=f"step {step}",
        remedy=f'Change the limits of the step, or start a worker that has it: dask worker … --resources "{wish}".',
    )
