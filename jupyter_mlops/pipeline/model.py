"""The pipeline: parameters, steps and edges, derived from a notebook. Pure data.

Cells are counted from 0 here and in every machine-readable form, as in `nb.cells`; texts for people say "cell 1" for
the first one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from jupyter_mlops.analysis.access import Access, Effects
from jupyter_mlops.notebook.parameters import Parameter

Role = Literal["parameters", "imports", "functions", "step"]
EdgeKind = Literal["data", "prev", "file", "state", "learned"]


@dataclass(frozen=True)
class Settings:
    """The settings of a step, from its tags (`limit:`, `image:`, `cache:`, ...) and its cells' metadata.

    :param cache: "enabled", "disabled", or "" if the run decides.
    :param backoff: seconds before the first retry; the delay doubles for each further retry.
    :param timeout: seconds that an attempt may take.
    :param keep_going: runs after a failed step that it does not depend on, and may then act on the outside world.
    :param models: variable -> the declared signature of the model that it holds.
    :param executor: "dask" for a Dask cluster, "local" for a kernel of the run, or "" if the run decides.
    """

    cache: str = ""
    image: str = ""
    limits: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    retries: int = 0
    backoff: float = 1.0
    timeout: float | None = None
    keep_going: bool = False
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    executor: str = ""


@dataclass(frozen=True)
class Block:
    """Consecutive code cells of one owner: the unit of execution.

    Blocks are in notebook order; running them one after the other is Run All. A step with cells in several places has
    several blocks.

    :param owner: the step's name, or the role for cells that belong to no step.
    :param cells: positions in the notebook, ascending; empty and skipped cells are left out.
    :param models: variables that are kept as models when the block has ended, which is the last one of its step.
    """

    index: int
    owner: str
    role: Role
    cells: tuple[int, ...]
    access: Access
    effects: Effects
    models: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """The cells that carry one `step:NAME` tag.

    :param inputs: variables and parameters that it reads and earlier code wrote.
    :param outputs: variables that it writes and later code reads (all written ones if no code does).
    :param after: names of the steps it waits for, in notebook order.
    """

    name: str
    cells: tuple[int, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    after: tuple[str, ...]
    settings: Settings = field(default_factory=Settings)
    metrics: tuple[int, ...] = ()
    models: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    gates: tuple[int, ...] = ()


@dataclass(frozen=True)
class Edge:
    """One step waits for another, and why.

    :param variables: names that are transferred, or the resources (`clean.csv`, `numpy.random`) of a file or state
        edge.
    """

    source: str
    target: str
    variables: tuple[str, ...]
    kind: EdgeKind


@dataclass(frozen=True)
class Fusion:
    """Steps that must share one kernel, and the variable that can't be transferred.

    :param type: the variable's type as far as it is known, "" if not.
    """

    steps: tuple[str, ...]
    variable: str
    type: str
    made_by: str
    needed_by: tuple[str, ...]
    reason: str


@dataclass(frozen=True)
class Pipeline:
    """The pipeline of a notebook."""

    name: str
    language: str
    kernel: str
    parameters: tuple[Parameter, ...]
    steps: tuple[Step, ...]
    edges: tuple[Edge, ...]
    blocks: tuple[Block, ...]
    metrics: tuple[int, ...] = ()
    skipped: tuple[int, ...] = ()
    fusions: tuple[Fusion, ...] = ()

    def without_retries(self) -> Pipeline:
        """The same pipeline with one attempt for every step, because another engine retries them."""
        steps = tuple(replace(step, settings=replace(step.settings, retries=0)) for step in self.steps)
        return replace(self, steps=steps)

    def to_dict(self) -> dict[str, Any]:
        """The pipeline as `show --json` prints it."""
        return {
            "name": self.name,
            "parameters": [
                {"name": p.name, "type": p.type, "default": p.default, "help": p.help} for p in self.parameters
            ],
            "steps": [
                {
                    "name": s.name,
                    "cells": list(s.cells),
                    "inputs": list(s.inputs),
                    "outputs": list(s.outputs),
                    "after": list(s.after),
                }
                for s in self.steps
            ],
            "edges": [
                {"from": e.source, "to": e.target, "variables": list(e.variables), "kind": e.kind} for e in self.edges
            ],
        }
