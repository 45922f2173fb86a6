"""How exported files call `jupyter mlops step`: its environment variables and exit codes, the same for all engines.

| Variable | Content |
| --- | --- |
| `JUPYTER_MLOPS_ARTIFACTS` | folder or fsspec URL through which the tasks of a run hand on results |
| `JUPYTER_MLOPS_RUN_ID` | the run, the same for all of its tasks; letters, digits and `_.:+-` |
| `JUPYTER_MLOPS_PARAMETERS` | base64 of a JSON object with parameter values, or empty |
| `JUPYTER_MLOPS_ATTEMPT` | number of the attempt, from 1 |
| `JUPYTER_MLOPS_SCHEDULED_TIME` | ISO 8601 time of the slot that the run is for, or empty |
| `JUPYTER_MLOPS_ENGINE` | the target's name |
| `JUPYTER_MLOPS_ENGINE_URL` | address of the run's page in the engine, if there is one |
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from jupyter_mlops.errors import InvalidInputError

ARTIFACTS = "JUPYTER_MLOPS_ARTIFACTS"
RUN_ID = "JUPYTER_MLOPS_RUN_ID"
PARAMETERS = "JUPYTER_MLOPS_PARAMETERS"
ATTEMPT = "JUPYTER_MLOPS_ATTEMPT"
SCHEDULED_TIME = "JUPYTER_MLOPS_SCHEDULED_TIME"
ENGINE = "JUPYTER_MLOPS_ENGINE"
ENGINE_URL = "JUPYTER_MLOPS_ENGINE_URL"

COMPLETED = 0
FAILED = 1
"""The step failed; another attempt may succeed."""
INVALID_INPUT = 2
"""Another attempt can't succeed: the bundle, a parameter or an input is missing or wrong. Never retry."""

COLLECT = "--collect"
"""Instead of steps: put the results of all steps together, verify them, and write the executed notebook."""


def encode_parameters(values: Mapping[str, object]) -> str:
    """The value of JUPYTER_MLOPS_PARAMETERS; "" if there are no values."""
    if not values:
        return ""
    text = json.dumps(dict(values), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return base64.b64encode(text.encode()).decode("ascii")


def decode_parameters(text: str) -> dict[str, Any]:
    """The values in JUPYTER_MLOPS_PARAMETERS. Raises InvalidInputError if it is not base64 of a JSON object."""
    if not text.strip():
        return {}
    try:
        values = json.loads(base64.b64decode("".join(text.split()), validate=True).decode("utf-8"))
    except (binascii.Error, ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise InvalidInputError("not base64 of a JSON object", where=PARAMETERS)
    return values


def attempt_number(text: str) -> int:
    """The number in JUPYTER_MLOPS_ATTEMPT; 1 if it is empty. Raises InvalidInputError."""
    if not text.strip():
        return 1
    if not text.strip().isdecimal() or int(text) < 1:
        raise InvalidInputError(
            f"{text!r} is not the number of an attempt", where=ATTEMPT, remedy="Numbers start at 1."
        )
    return int(text)
