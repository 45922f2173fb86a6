"""Limits of a step decide on which workers it may run."""

from __future__ import annotations

import pytest

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.service.cluster.resources import Placement, WorkerFacts, placement, requirements, silent_workers

SMALL = WorkerFacts("tcp://a:1", threads=1, memory=2e9)
LARGE = WorkerFacts("tcp://b:1", threads=8, memory=64e9)
UNLIMITED = WorkerFacts("tcp://c:1", threads=4, memory=0)
GPU = WorkerFacts("tcp://d:1", threads=2, memory=8e9, resources={"GPU": 2.0})
DECLARED = WorkerFacts("tcp://e:1", threads=2, memory=8e9, resources={"MEMORY": 16e9, "CPU": 4.0})


@pytest.mark.parametrize(
    ("limits", "workers", "expected"),
    [
        ({}, [SMALL], Placement()),
        ({"memory": "1Gi"}, [SMALL, LARGE], Placement()),
        ({"memory": "4Gi"}, [SMALL, LARGE], Placement(workers=("tcp://b:1",))),
        ({"memory": "4Gi"}, [SMALL, UNLIMITED], Placement(workers=("tcp://c:1",))),
        ({"cpu": "500m"}, [SMALL, LARGE], Placement()),
        ({"cpu": "4"}, [SMALL, LARGE, UNLIMITED], Placement(workers=("tcp://b:1", "tcp://c:1"))),
        ({"gpu": "1"}, [SMALL, GPU], Placement({"GPU": 1.0})),
        ({"nvidia.com/gpu": "2"}, [GPU], Placement({"GPU": 2.0})),
        ({"gpu": "1", "memory": "4Gi"}, [SMALL, GPU, LARGE], Placement({"GPU": 1.0}, ("tcp://d:1",))),
        ({"memory": "10G"}, [DECLARED, LARGE], Placement({"MEMORY": 1e10})),
        ({"licence": "1"}, [WorkerFacts("tcp://f:1", resources={"licence": 1.0})], Placement({"licence": 1.0})),
    ],
)
def test_placement(limits: dict[str, str], workers: list[WorkerFacts], expected: Placement) -> None:
    assert placement("train", limits, workers) == expected


@pytest.mark.parametrize(
    ("limits", "workers", "words"),
    [
        ({"gpu": "1"}, [SMALL, LARGE], "no worker of the cluster has GPU=1"),
        ({"gpu": "3"}, [GPU], "the most that any of the 1 has: GPU=2"),
        ({"memory": "1Ti"}, [SMALL, LARGE], "MEMORY=1.09951e+12"),
        ({"cpu": "9"}, [LARGE], "CPU=9"),
        ({"gpu": "1", "memory": "32Gi"}, [GPU, LARGE], "no worker"),
        ({"memory": "lots"}, [LARGE], "the limit memory is not a quantity: 'lots'"),
    ],
)
def test_what_nobody_has_is_refused(limits: dict[str, str], workers: list[WorkerFacts], words: str) -> None:
    with pytest.raises(InvalidInputError, match="step train") as caught:
        placement("train", limits, workers)
    assert words in str(caught.value)
    assert caught.value.remedy


def test_the_scheduler_describes_workers() -> None:
    identity = {"host": "10.0.0.1", "nthreads": 4, "memory_limit": None, "resources": {"GPU": 1}}
    assert WorkerFacts.of("tcp://10.0.0.1:1", identity) == WorkerFacts(
        "tcp://10.0.0.1:1", "10.0.0.1", 4, 0.0, {"GPU": 1.0}
    )


def test_names_of_resources() -> None:
    assert requirements({"cpu": "2", "memory": "1k", "amd.com/gpu": "1", "disk": "5"}, "s") == {
        "CPU": 2.0, "MEMORY": 1000.0, "GPU": 1.0, "disk": 5.0,
    }  # fmt: skip


def test_workers_that_their_scheduler_does_not_hear() -> None:
    workers = [WorkerFacts("a", last_seen=100.0), WorkerFacts("b", last_seen=95.0), WorkerFacts("c", last_seen=60.0)]
    assert silent_workers(workers, 10.0) == {"c"}
    assert silent_workers([WorkerFacts("a", last_seen=1.0)], 10.0) == set()
    assert silent_workers([], 10.0) == set()
