"""A pipeline as text: a tree for people, Graphviz for drawing."""

from __future__ import annotations

import json
from collections.abc import Iterator

from jupyter_mlops.notebook.parameters import Parameter
from jupyter_mlops.pipeline.model import Edge, Pipeline, Step


def tree(pipeline: Pipeline) -> str:
    """Parameters, steps, and under each step what it waits for and why."""
    return "\n".join(_lines(pipeline))


def _lines(pipeline: Pipeline) -> Iterator[str]:
    count = len(pipeline.steps)
    language = "" if pipeline.language == "python" else f" ({pipeline.language}: runs as one step)"
    yield f"{pipeline.name}: {count} step{'' if count == 1 else 's'}{language}"
    if pipeline.parameters:
        yield "├─ parameters" if pipeline.steps else "└─ parameters"
        bar = "│  " if pipeline.steps else "   "
        width = max(len(_declaration(p)) for p in pipeline.parameters)
        for parameter in pipeline.parameters:
            comment = f"  # {parameter.help}" if parameter.help else ""
            yield f"{bar}   {_declaration(parameter):<{width}}{comment}".rstrip()
    for step in pipeline.steps:
        last = step is pipeline.steps[-1]
        yield f"{'└─' if last else '├─'} {step.name}  {_cell_list(step.cells)}{_step_labels(step)}"
        bar = "   " if last else "│  "
        for edge in (e for e in pipeline.edges if e.target == step.name):
            yield f"{bar}   ← {_edge_label(edge)}"
        parameters = [n for n in step.inputs if n in {p.name for p in pipeline.parameters}]
        if parameters:
            yield f"{bar}   ← parameters: {', '.join(parameters)}"
        if step.outputs:
            yield f"{bar}   → {', '.join(step.outputs)}"
    for fusion in pipeline.fusions:
        yield (
            f"one kernel for {', '.join(fusion.steps)}: `{fusion.variable}` ({fusion.type}), created by "
            f"{fusion.made_by} and needed by {', '.join(fusion.needed_by)}, can't be transferred: {fusion.reason}"
        )
    if pipeline.skipped:
        yield f"skipped: {_cell_list(pipeline.skipped)}"


def _declaration(parameter: Parameter) -> str:
    kind = f": {parameter.type}" if parameter.type else ""
    return f"{parameter.name}{kind}" + (f" = {parameter.source}" if parameter.source else "")


def _edge_label(edge: Edge) -> str:
    names = ", ".join(edge.variables)
    if edge.kind == "data":
        return f"{edge.source}: {names}"
    return f"{edge.source} ({edge.kind})" + (f": {names}" if names else "")


def _step_labels(step: Step) -> str:
    labels = []
    if step.metrics:
        labels.append("metrics")
    labels += [f"model:{m}" for m in step.models] + [f"dataset:{d}" for d in step.datasets]
    if step.gates:
        labels.append("gate")
    return f"  [{', '.join(labels)}]" if labels else ""


def _cell_list(positions: tuple[int, ...]) -> str:
    """Positions of cells counted from 1, with ranges for three or more in a row."""
    spans: list[list[int]] = []
    for number in (p + 1 for p in positions):
        if spans and number == spans[-1][-1] + 1:
            spans[-1].append(number)
        else:
            spans.append([number])
    texts = [f"{s[0]}–{s[-1]}" if len(s) > 2 else ", ".join(map(str, s)) for s in spans]
    return f"cell{'' if len(positions) == 1 else 's'} {', '.join(texts)}"


STYLES = {"data": "solid", "learned": "dashed", "prev": "bold", "file": "dotted", "state": "dotted"}


def dot(pipeline: Pipeline) -> str:
    """The steps and edges in Graphviz's language."""
    lines = [f"digraph {json.dumps(pipeline.name, ensure_ascii=False)} {{", "  node [shape=box, style=rounded];"]
    lines += [f"  {json.dumps(s.name, ensure_ascii=False)};" for s in pipeline.steps]
    for edge in pipeline.edges:
        label = (
            ", ".join(edge.variables) if edge.kind in ("data", "learned") else " ".join([edge.kind, *edge.variables])
        )
        endpoints = f"{json.dumps(edge.source, ensure_ascii=False)} -> {json.dumps(edge.target, ensure_ascii=False)}"
        lines.append(f"  {endpoints} [label={json.dumps(label, ensure_ascii=False)}, style={STYLES[edge.kind]}];")
    return "\n".join([*lines, "}"])
