"""Values that are known only when a run is made, as its parameters' types have them."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_mlops.errors import InvalidParameterError
from jupyter_mlops.jobs.templates import SAMPLE, check, filled
from jupyter_mlops.notebook.parameters import declared_parameters

SOURCE = """
import datetime
day: datetime.date = datetime.date(2026, 1, 1)
at: datetime.datetime = datetime.datetime(2026, 1, 1)
text: str = "x"
number: int = 1
many: list[str] = []
maybe: str | None = None
needed: datetime.date
"""
DECLARED = declared_parameters([(0, SOURCE)])
TIME, RUN = "2026-03-29T00:30:00+01:00", "20260329-003000-0a1b2c3d"
KNOWN = {"scheduled_time": TIME, "run_id": RUN, "previous_success_time": ""}


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({"day": "{{ scheduled_time }}"}, {"day": "2026-03-29"}),
        ({"at": "{{scheduled_time}}"}, {"at": TIME}),
        ({"text": "{{ scheduled_time }}"}, {"text": TIME}),
        ({"text": "to {{ run_id }}/x"}, {"text": f"to {RUN}/x"}),
        ({"many": '["{{ run_id }}", "b"]'}, {"many": [RUN, "b"]}),
        ({"many": ["{{ run_id }}"]}, {"many": [RUN]}),
        ({"maybe": "{{ run_id }}"}, {"maybe": RUN}),
        ({"text": "since {{ previous_success_time }}"}, {"text": "since "}),
        ({"day": "{{ previous_success_time }}", "number": 3}, {"number": 3}),
        ({"other": "{{ run_id }}"}, {"other": RUN}),
    ],
)
def test_filled_as_declared(given: dict[str, Any], made: dict[str, Any]) -> None:
    assert filled(given, DECLARED, KNOWN) == made


@pytest.mark.parametrize(
    "given", [{"number": "{{ run_id }}"}, {"day": "{{ run_id }}"}, {"needed": "{{ previous_success_time }}"}]
)
def test_what_no_type_can_have_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidParameterError, match="got"):
        filled(given, DECLARED, KNOWN)


@pytest.mark.parametrize(
    "value", ["{{ tomorrow }}", "{{ scheduled_time | date }}", "{{scheduled_time.year}}", "x {{ run_id + 1 }}"]
)
def test_what_nothing_fills_is_refused(value: str) -> None:
    with pytest.raises(InvalidParameterError, match="unknown template"):
        check({"text": value})


def test_braces_that_are_none_of_ours_are_left_alone() -> None:
    for value in ("{{ }}", "{{x", r"\frac{{a b}}{{c d}}", "{run_id}"):
        check({"text": value})
        assert filled({"text": value}, DECLARED, SAMPLE) == {"text": value}
