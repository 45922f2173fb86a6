"""The rules of the check: their input and their registration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from jupyter_mlops.analysis.access import Effects
from jupyter_mlops.analysis.effects import cell_effects
from jupyter_mlops.pipeline.checks.cell import CodeCell, code_cells
from jupyter_mlops.pipeline.checks.finding import Finding
from jupyter_mlops.pipeline.model import Pipeline

if TYPE_CHECKING:
    from nbformat import NotebookNode


@dataclass(frozen=True)
class KernelFacts:
    """Facts about the kernel that the notebook requests.

    :param modules_missing: modules the notebook imports that this kernel can't find (top-level or dotted names); None
        if the kernel was not queried.
    :param name: the kernelspec's name, "" for a blank one.
    :param language: according to the kernelspec, "" if unknown.
    :param installed: whether the kernel is installed.
    """

    modules_missing: frozenset[str] | None = None
    name: str = ""
    language: str = ""
    installed: bool = True


@dataclass(frozen=True)
class Context:
    """The input of a rule. Rules only read: they open no files, start no kernels and use no network.

    :param pipeline: None if the notebook has no valid pipeline.
    :param kernel: None if unknown.
    :param beside: modules and packages beside the notebook.
    """

    nb: NotebookNode
    pipeline: Pipeline | None = None
    kernel: KernelFacts | None = None
    beside: frozenset[str] = frozenset()

    @property
    def language(self) -> str:
        """The notebook's language in lower case; "python" unless the notebook or its kernel states another."""
        metadata = self.nb.get("metadata", {})
        candidates = (
            self.pipeline.language if self.pipeline else "",
            metadata.get("kernelspec", {}).get("language"),
            metadata.get("language_info", {}).get("name"),
            self.kernel.language if self.kernel else "",
        )
        return next((str(name).lower() for name in candidates if name), "python")

    @cached_property
    def cells(self) -> tuple[CodeCell, ...]:
        """The code cells that would run, in notebook order; empty if the language is not Python."""
        return code_cells(self.nb) if self.language in ("python", "ipython", "python3") else ()

    @cached_property
    def effects(self) -> tuple[Effects, ...]:
        """The effects of each of `cells` outside the namespace, given the modules imported above it."""
        modules: dict[str, str] = {}
        effects = []
        for cell in self.cells:
            modules.update(cell.access.modules)
            effects.append(Effects() if cell.error else cell_effects(cell.source, modules))
        return tuple(effects)


RuleFunction = Callable[[Context], Iterable[Finding]]
F = TypeVar("F", bound=RuleFunction)

_registered: dict[str, RuleFunction] = {}


def rule(name: str) -> Callable[[F], F]:
    """Register a function `Context -> findings` as a rule.

    :raises ValueError: another rule has the same name.
    """

    def register(function: F) -> F:
        if _registered.get(name, function) is not function:
            raise ValueError(f"two rules are named {name!r}")
        _registered[name] = function
        return function

    return register


def registered_rules() -> Mapping[str, RuleFunction]:
    """The rules whose modules have been imported so far."""
    return dict(_registered)
