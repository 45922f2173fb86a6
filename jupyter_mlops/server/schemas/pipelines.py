"""Notebooks as pipelines."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from jupyter_mlops.server.schemas.base import EdgeKind, RequestModel, ResponseModel, Role, Severity, Values

MAX_CELLS = 20_000


class CellSource(RequestModel):
    """A cell without its outputs."""

    cell_type: Literal["code", "markdown", "raw"]
    source: str
    id: str = ""
    metadata: Values = Field(default_factory=dict)


class PipelineRequest(RequestModel):
    """A notebook as in the editor, saved or not."""

    cells: list[CellSource] = Field(max_length=MAX_CELLS)
    metadata: Values = Field(default_factory=dict, description="The notebook's.")
    path: str = Field("", max_length=4096, description="Path in the contents manager; names the pipeline.")


class AnalysisRequest(PipelineRequest):
    checks: bool = Field(True, description="Whether to run the checks too, which takes longer.")


class ParameterRead(ResponseModel):
    name: str
    type: str = Field(
        description="As declared, or inferred from the default: int, float, bool, str, list, dict, date, …"
    )
    default: Any
    help: str
    choices: list[Any]
    required: bool
    cell: int = Field(description="Position of the cell that declares it.")


class StepSettings(ResponseModel):
    cache: str
    retries: int
    backoff: float
    timeout: float | None
    image: str
    limits: dict[str, str]


class StepRead(ResponseModel):
    name: str
    cells: list[int]
    inputs: list[str]
    outputs: list[str]
    after: list[str]
    settings: StepSettings


class EdgeRead(ResponseModel):
    source: str = Field(alias="from")
    target: str = Field(alias="to")
    variables: list[str]
    kind: EdgeKind


class Fusion(ResponseModel):
    """Steps that must share a kernel if steps run apart."""

    steps: list[str]
    variable: str
    reason: str


class PipelineRead(ResponseModel):
    name: str
    language: str
    kernel: str
    parameters: list[ParameterRead]
    steps: list[StepRead]
    edges: list[EdgeRead]
    metrics: list[int]
    skipped: list[int]
    fusions: list[Fusion]


class CellOwner(ResponseModel):
    """The owner of a code cell; cells that never run are not included."""

    cell: int
    step: str = Field(description="'' for a cell that runs with every step.")
    role: Role


class Check(ResponseModel):
    rule: str
    severity: Severity
    cell: int | None
    message: str
    fix: str
    data: dict[str, Any] = Field(default={}, description="What a program needs to offer a fix: `tag`, `path`.")


class Analysis(ResponseModel):
    """The pipeline of a notebook, and whether it will run headless."""

    pipeline: PipelineRead | None = Field(description="None if its tags are invalid; the checks say why.")
    cells: list[CellOwner]
    checks: list[Check]
    complete: bool = Field(description="False while the kernel is being queried; a later request returns more.")


class SuggestedTag(ResponseModel):
    cell: int
    tag: str


class SuggestedStep(ResponseModel):
    name: str
    cells: list[int]
    heading: str


class Suggestion(ResponseModel):
    """Suggested tags for an untagged notebook."""

    tags: list[SuggestedTag]
    steps: list[SuggestedStep]
    parameters: list[str]
    message: str = Field(description="Why there is no suggestion; '' if there is one.")
