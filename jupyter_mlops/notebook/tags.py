"""Reads cell tags: ours, papermill's and Kale's.

A cell may be one special thing (`parameters`, `imports`, `functions`, `metrics`, `skip`); of several such tags the
first wins. `skip-execution`, which `jupyter execute` and papermill read, is `skip` wherever it stands. Whatever else a
cell carries is kept and never an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from jupyter_mlops.errors import InvalidTagError

SPECIAL = {
    "parameters": "parameters",
    "pipeline-parameters": "parameters",
    "injected-parameters": "parameters",
    "imports": "imports",
    "functions": "functions",
    "metrics": "metrics",
    "pipeline-metrics": "metrics",
    "skip": "skip",
}
NEVER_EXECUTED = "skip-execution"  # nbclient's, whose clients leave such a cell out whatever else it is
STEP_NAME = re.compile(r"\w[\w.-]*")
NAME = re.compile(r"[^\W\d]\w*")
CACHE = ("enabled", "disabled")


@dataclass(frozen=True)
class CellTags:
    """The meaning of a cell's tags.

    :param special: `parameters`, `imports`, `functions`, `metrics`, `skip` or "".
    :param step: the step's name; "" if the cell belongs to the step above.
    :param prev: steps that its step also waits for.
    :param predictions: variables of `predictions:VAR` and `predictions:VAR:KEY`, each with its key or "".
    :param foreign: tags without a meaning here.
    """

    special: str = ""
    step: str = ""
    prev: tuple[str, ...] = ()
    gate: bool = False
    models: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    predictions: tuple[tuple[str, str], ...] = ()
    cache: str = ""
    image: str = ""
    limits: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()


def read_tags(tags: Iterable[str], location: str = "", cell: int | None = None) -> CellTags:
    """Read the tags of a cell.

    :param location: names the cell in errors, for people.
    :param cell: its position, for programs.
    :raises InvalidTagError: two steps, a step name that can't be one, a setting without a value.
    """
    parser = _TagParser(location, cell)
    for tag in tags:
        parser.add_tag(str(tag))
    return parser.result()


class _TagParser:
    def __init__(self, location: str, cell: int | None) -> None:
        self.location, self.cell = location, cell
        self.special = ""
        self.gate = False
        self.cache = self.image = ""
        self.steps: list[str] = []
        self.prev: list[str] = []
        self.models: list[str] = []
        self.datasets: list[str] = []
        self.predictions: list[tuple[str, str]] = []
        self.secrets: list[str] = []
        self.foreign: list[str] = []
        self.maps: dict[str, dict[str, str]] = {"limit": {}, "label": {}, "annotation": {}}
        self.problems: list[InvalidTagError] = []

    def add_tag(self, tag: str) -> None:
        kind, colon, value = tag.partition(":")
        if tag == NEVER_EXECUTED:
            self.special = "skip"
        elif tag in SPECIAL:
            self.special = self.special or SPECIAL[tag]
        elif tag == "gate":
            self.gate = True
        elif not colon:
            self.foreign.append(tag)
        elif kind in ("step", "block", "prev"):
            if value and self.is_name(tag, value):
                (self.prev if kind == "prev" else self.steps).append(value)
        elif kind in ("model", "dataset") and NAME.fullmatch(value):
            (self.models if kind == "model" else self.datasets).append(value)
        elif kind == "predictions" and NAME.fullmatch(value.partition(":")[0]):
            variable, _, key = value.partition(":")
            self.predictions.append((variable, key))
        elif kind in self.maps:
            self.add_setting(tag, kind, value)
        elif kind == "image" and value:
            self.image = value
        elif kind == "secret" and value:
            self.secrets.append(value)
        elif kind == "cache":
            if value not in CACHE:
                self.add_problem(
                    f"the tag `{tag}` is neither `cache:enabled` nor `cache:disabled`", "Use one of these two.", tag
                )
            self.cache = value
        else:
            self.foreign.append(tag)

    def is_name(self, tag: str, value: str) -> bool:
        if STEP_NAME.fullmatch(value):
            return True
        suggestion = re.sub(r"[^\w.-]+", "_", value.strip()).strip("_") or "step"
        fault = "spaces" if re.search(r"\s", value) else "a character"
        self.add_problem(
            f"the tag `{tag}` names a step with {fault} that a step name can't have",
            f"Step names are letters, digits, `_`, `-` and `.`; write `{tag.partition(':')[0]}:{suggestion}`.",
            tag,
        )
        return False

    def add_setting(self, tag: str, kind: str, value: str) -> None:
        key, colon, text = value.partition(":")
        if (not key or not colon) and kind != "limit":
            self.foreign.append(f"{kind}:{value}")
            return
        if not key or not colon:
            self.add_problem(f"the tag `{tag}` has no value", f"Write `{kind}:{key or 'KEY'}:VALUE`.", tag)
        self.maps[kind][key] = text

    def add_problem(self, message: str, remedy: str, tag: str = "") -> None:
        data = {"tag": tag} if tag else None
        self.problems.append(InvalidTagError(message, where=self.location, remedy=remedy, cell=self.cell, data=data))

    def result(self) -> CellTags:
        steps = list(dict.fromkeys(self.steps))
        has_role = self.special in ("parameters", "imports", "functions", "skip")
        if len(steps) > 1 and not has_role:
            self.add_problem(
                f"the cell is tagged with {len(steps)} steps: {', '.join(f'`{s}`' for s in steps)}",
                "Leave one `step:` tag, or split the cell.",
            )
        if self.problems and self.special != "skip":
            raise self.problems[0]
        return CellTags(
            special=self.special,
            step="" if has_role or not steps else steps[0],
            prev=() if has_role else tuple(dict.fromkeys(self.prev)),
            gate=self.gate,
            models=tuple(self.models),
            datasets=tuple(self.datasets),
            predictions=tuple(self.predictions),
            cache=self.cache,
            image=self.image,
            limits=self.maps["limit"],
            labels=self.maps["label"],
            annotations=self.maps["annotation"],
            secrets=tuple(self.secrets),
            foreign=tuple(self.foreign),
        )
