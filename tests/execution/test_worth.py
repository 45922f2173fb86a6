"""Which values are written: sizes and seconds alone decide."""

from __future__ import annotations

import pytest

from jupyter_mlops.execution.agent.worth import worth_handing_on, worth_storing, worth_writing

MB, GB = 1_000_000, 1_000_000_000


@pytest.mark.parametrize(
    ("size", "seconds", "stored"),
    [
        (0, 0.0, True),
        (60 * MB, 0.0, True),
        (70 * MB, 0.0, False),
        (70 * MB, 0.9, True),
        (100 * MB, 1.1, False),
        (100 * MB, 1.3, True),
        (GB, 11.0, False),
        (GB, 12.0, True),
        (10 * GB, 60.0, False),
        (10 * GB, 121.0, True),
        (10 * GB, float("inf"), True),
    ],
)
def test_storing_never_costs_more_than_a_twelfth_of_the_run(size: int, seconds: float, stored: bool) -> None:
    assert worth_storing(size, seconds) is stored
    assert stored is False or size < 1 << 26 or size / GB <= seconds / 12


def test_a_slow_disk_asks_for_more_computing() -> None:
    assert (
        worth_storing(GB, 13.0) and not worth_storing(GB, 13.0, speed=GB / 4) and worth_storing(GB, 49.0, speed=GB / 4)
    )
    assert not worth_writing(GB, ["frame"], {"worth": 0.5, "cost": 13.0}, GB / 4)


@pytest.mark.parametrize(
    ("size", "seconds", "handed"), [(200 * MB, 0.0, True), (GB, 0.9, False), (GB, 1.1, True), (5 * GB, 4.0, False)]
)
def test_a_second_kernel_is_given_what_it_loads_sooner_than_it_makes(size: int, seconds: float, handed: bool) -> None:
    assert worth_handing_on(size, seconds) is handed


@pytest.mark.parametrize(
    ("request_", "written"),
    [
        ({"worth": None}, True),
        ({"worth": 2.0}, False),
        ({"worth": 2.0, "cost": 13.0}, True),
        ({"worth": 2.0, "cost": 2.0, "handed": ["other"]}, False),
        ({"worth": 2.0, "cost": 2.0, "handed": ["frame"]}, True),
        ({"worth": 0.5, "cost": 0.5, "handed": ["frame"]}, False),
    ],
)
def test_a_gigabyte_is_written_for_later_runs_or_for_a_second_kernel(request_: object, written: bool) -> None:
    assert worth_writing(GB, ["frame", "view"], request_) is written
