"""`log_metric` and `log_metrics`: metrics from any cell. Kernels import this module: standard library only.

In a run of a pipeline the kernel has an agent, which takes the points. Anywhere else the functions only check their
arguments.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any, TypeVar

AGENT = "_jupyter_mlops_agent.points"  # the module of the agent that takes the points
LONGEST_NAME = 250  # characters
LARGEST_STEP = 2**63 - 1
EXPECTED = "a real number, or an array, a tensor or a series that holds exactly one"
T = TypeVar("T")
M = TypeVar("M", bound=Mapping[str, Any])


def log_metric(name: str, value: T, step: int | None = None) -> T:
    """Record a value of a metric of the run. Returns the value.

    Outside of a run of jupyter_mlops (in JupyterLab, papermill, a script) nothing is recorded.

    :param name: at most 250 characters. The values of one name form a series.
    :param value: an integer, a float (NaN and infinity too), `Decimal`, `Fraction`, a number of NumPy, or an array or a
        tensor with one element.
    :param step: where in the series the value belongs, such as the epoch.
    :raises TypeError: the name is not a text, the value is not a number, or the step is not an integer.
    :raises ValueError: the name is empty, too long or not storable, or a number is too large.
    """
    _record([(_checked_name(name), _number(name, value), _checked_step(step))])
    return value


def log_metrics(metrics: M, step: int | None = None) -> M:
    """Record values of several metrics: all of them, or none if one is invalid. Returns the mapping.

    :param metrics: name -> value, as for `log_metric`.
    """
    if not isinstance(metrics, Mapping):
        raise TypeError(f"log_metrics expects a mapping of names to values, not {_kind(metrics)}")
    position = _checked_step(step)
    _record([(_checked_name(name), _number(name, value), position) for name, value in metrics.items()])
    return metrics


def _record(points: list[tuple[str, int | float, int | None]]) -> None:
    agent = sys.modules.get(AGENT)
    if agent is not None:
        agent.record(points, time.time())


def _checked_name(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"the name of a metric is a text, not {_kind(name)}")
    if not name.strip():
        raise ValueError("the name of a metric is empty")
    if len(name) > LONGEST_NAME:
        raise ValueError(f"the name of a metric has at most {LONGEST_NAME} characters, not {len(name)}: {name[:40]!r}…")
    if "\0" in name or any("\ud800" <= character <= "\udfff" for character in name):
        raise ValueError(f"the name of a metric has no NUL characters and no half surrogate pairs: {name!r}")
    return str(name)


def _checked_step(step: object) -> int | None:
    if step is None:
        return None
    try:
        plain = int(step.__index__())  # type: ignore[attr-defined]
    except (AttributeError, TypeError):
        raise TypeError(f"the step of a metric is an integer, not {_kind(step)}") from None
    if abs(plain) > LARGEST_STEP:
        raise ValueError("the step of a metric has at most 64 bits")
    return plain


def _number(name: str, value: Any) -> int | float:
    """The value as a plain number."""
    import numbers

    plain = _single(value)
    decimal = sys.modules.get("decimal")  # nobody has a Decimal without it
    try:
        if isinstance(plain, numbers.Integral):
            float(plain)
            return int(plain)
        if isinstance(plain, numbers.Real):
            return float(plain)
        if decimal is not None and isinstance(plain, decimal.Decimal):
            return float("nan") if plain.is_nan() else float(plain)
    except OverflowError:
        raise ValueError(f"the value of the metric {name!r} is too large for a number of 64 bits") from None
    raise TypeError(f"the value of the metric {name!r} is {EXPECTED}, not {_kind(value)}")


def _single(value: Any) -> Any:
    """The only element of an array, a tensor or a series; any other value as it is."""
    if type(value).__name__ == "MaskedConstant":  # of NumPy: its element is 0.0
        return float("nan")
    if isinstance(value, (str, bytes, int, float)):
        return value
    if not callable(getattr(value, "item", None)) and callable(getattr(value, "numpy", None)):
        value = value.numpy()  # a tensor of TensorFlow
    item = getattr(value, "item", None)
    if not callable(item):
        return value
    try:
        return item()
    except (TypeError, ValueError, RuntimeError):
        return None  # it has more elements than one, or none


def _kind(value: object) -> str:
    """What a value is, for people."""
    shape = getattr(value, "shape", None)
    name = "None" if value is None else f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    return f"{name} of shape {tuple(shape)}" if isinstance(shape, (tuple, list)) and shape != () else name
