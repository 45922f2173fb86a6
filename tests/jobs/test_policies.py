"""What can be wanted of a job."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.jobs.policies import Policies


def test_changes_leave_the_rest_alone() -> None:
    first = Policies.of({"retries": 3, "notify": ["mailto://a@b"], "keep_days": 7})
    second = Policies.of({"concurrency": 2, "keep_days": None}, first)
    assert (second.retries, second.concurrency, second.keep_days, second.notify) == (3, 2, None, ("mailto://a@b",))
    assert Policies.of(second.to_dict()) == second


@pytest.mark.parametrize(
    ("name", "value"),
    [("retries", -1), ("retries", 1.5), ("retries", "3"), ("retries", True), ("concurrency", 0), ("nothing", 1),
     ("environment", "any"), ("notify", "mailto://x"), ("notify_on", ["weekends"]), ("run_timeout", 0),
     ("retries", None), ("backoff", float("nan")), ("keep_runs", float("inf")), ("secrets", [1]),
     ("secrets", ["a b"]), ("notify", ["x"]), ("notify", ["mailto://"]), ("notify", ["secret:"])],
)  # fmt: skip
def test_what_is_no_policy_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(InvalidInputError, match=name):
        Policies.of({name: value})


def test_waits_double_up_to_an_hour() -> None:
    rules = Policies(backoff=30.0)
    assert [rules.wait_before(n) for n in (1, 2, 3, 4, 20)] == [0.0, 30.0, 60.0, 120.0, 3600.0]
