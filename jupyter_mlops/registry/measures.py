"""What the functions of gates measure: `drift(age)`, `backtest(90).auc`.

A package provides a function by the entry point `jupyter_mlops.measures`, or by `register`. The name is that of the
function; the value is a `Provider`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_mlops.errors import MlopsError
from jupyter_mlops.registry.gate_parser import FUNCTIONS
from jupyter_mlops.registry.gate_syntax import Measure
from jupyter_mlops.registry.gates import Reading, Unavailable

if TYPE_CHECKING:
    from jupyter_mlops.jobs.records import Job, Run, VersionRow
    from jupyter_mlops.jobs.workspace import Workspace

GROUP = "jupyter_mlops.measures"


@dataclass(frozen=True)
class MeasureRequest:
    """What is to be measured.

    :param version: the version that the measure is about; `run`: its latest completed run.
    :param candidate: the version that the gate decides on.
    :param baseline: the version at the stage that a promotion would change; None if there is none.
    """

    space: Workspace
    job: Job
    version: VersionRow
    run: Run
    measure: Measure
    baseline: VersionRow | None
    candidate: VersionRow


Provider = Callable[[MeasureRequest], Reading | Unavailable]
_providers: dict[str, Provider] = {}


def register(function: str, provider: Provider, *, replace: bool = True) -> None:
    """Let a provider measure a function of the grammar.

    :param replace: whether it replaces an earlier one, or one of an installed package.
    """
    if function not in FUNCTIONS:
        raise ValueError(f"gates have no function {function!r}: {', '.join(FUNCTIONS)}")
    if replace or not (_providers.get(function) or _from_entry_point(function)):
        _providers[function] = provider


def measured(request: MeasureRequest) -> Reading | Unavailable:
    """The value that the function's provider returns. Whatever it raises becomes the reason of an unavailable value."""
    function = request.measure.function
    try:
        provider = _providers.get(function) or _from_entry_point(function)
        if provider is None:
            return Unavailable(f"{request.measure} can't be measured: no installed package provides {function}()")
        return provider(request)
    except MlopsError as error:
        return Unavailable(f"{request.measure}: {error.message}")
    except Exception as error:  # of another package; a gate that can't be decided must not pass
        return Unavailable(f"{request.measure}: {type(error).__name__}: {error}")


def _from_entry_point(function: str) -> Provider | None:
    from importlib.metadata import entry_points

    for entry in entry_points(group=GROUP, name=function):
        register(function, entry.load())
    return _providers.get(function)
