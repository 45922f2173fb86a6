"""Cell tags: ours, papermill's and Kale's, read as they are.

A cell may be one special thing (`parameters`, `imports`, `functions`, `metrics`, `skip`); of several such tags the
first wins. Whatever else it carries is kept and never an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from jupyter_mlops.errors import BadTag

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
STEP_NAME = re.compile(r"\w[\w.-]*")
NAME = re.compile(r"[^\W\d]\w*")
CACHE = ("enabled", "disabled")


@dataclass(frozen=True)
class CellTags:
    """What the tags of one cell say.

    :param special: `parameters`, `imports`, `functions`, `metrics`, `skip` or "".
    :param step: the step's name; "" where the cell belongs to the step above.
    :param prev: steps that its step also waits for.
    :param foreign: tags that mean nothing here.
    """

    special: str = ""
    step: str = ""
    prev: tuple[str, ...] = ()
    gate: bool = False
    models: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    cache: str = ""
    image: str = ""
    limits: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()


def read_tags(tags: Iterable[str], where: str = "") -> CellTags:
    """Read the tags of a cell.

    :param where: names the cell in errors.
    :raises BadTag: two steps, a step name that can't be one, a setting without a value.
    """
    reader = _Reader(where)
    for tag in tags:
        reader.read(str(tag))
    return reader.result()


class _Reader:
    def __init__(self, where: str) -> None:
        self.where = where
        self.special = ""
        self.gate = False
        self.cache = self.image = ""
        self.steps: list[str] = []
        self.prev: list[str] = []
        self.models: list[str] = []
        self.datasets: list[str] = []
        self.secrets: list[str] = []
        self.foreign: list[str] = []
        self.maps: dict[str, dict[str, str]] = {"limit": {}, "label": {}, "annotation": {}}
        self.problems: list[BadTag] = []

    def read(self, tag: str) -> None:
        kind, colon, value = tag.partition(":")
        if tag in SPECIAL:
            self.special = self.special or SPECIAL[tag]
        elif tag == "gate":
            self.gate = True
        elif not colon:
            self.foreign.append(tag)
        elif kind in ("step", "block"):
            if value and self.is_name(tag, value):
                self.steps.append(value)
        elif kind == "prev":
            if value and self.is_name(tag, value):
                self.prev.append(value)
        elif kind in ("model", "dataset") and NAME.fullmatch(value):
            (self.models if kind == "model" else self.datasets).append(value)
        elif kind in self.maps:
            self.setting(tag, kind, value)
        elif kind == "image" and value:
            self.image = value
        elif kind == "secret" and value:
            self.secrets.append(value)
        elif kind == "cache":
            if value not in CACHE:
                self.bad(f"the tag `{tag}` is neither `cache:enabled` nor `cache:disabled`", "Use one of these two.")
            self.cache = value
        else:
            self.foreign.append(tag)

    def is_name(self, tag: str, value: str) -> bool:
        if STEP_NAME.fullmatch(value):
            return True
        better = re.sub(r"[^\w.-]+", "_", value.strip()).strip("_") or "step"
        what = "spaces" if re.search(r"\s", value) else "a character"
        self.bad(
            f"the tag `{tag}` names a step with {what} that a step name can't have",
            f"Step names are letters, digits, `_`, `-` and `.`; write `{tag.partition(':')[0]}:{better}`.",
        )
        return False

    def setting(self, tag: str, kind: str, value: str) -> None:
        key, colon, text = value.partition(":")
        if (not key or not colon) and kind != "limit":
            self.foreign.append(f"{kind}:{value}")
            return
        if not key or not colon:
            self.bad(f"the tag `{tag}` has no value", f"Write `{kind}:{key or 'KEY'}:VALUE`.")
        self.maps[kind][key] = text

    def bad(self, message: str, remedy: str) -> None:
        self.problems.append(BadTag(message, where=self.where, remedy=remedy))

    def result(self) -> CellTags:
        steps = list(dict.fromkeys(self.steps))
        ruled = self.special in ("parameters", "imports", "functions", "skip")
        if len(steps) > 1 and not ruled:
            self.bad(
                f"the cell is tagged with {len(steps)} steps: {', '.join(f'`{s}`' for s in steps)}",
                "Leave one `step:` tag, or split the cell.",
            )
        if self.problems and self.special != "skip":
            raise self.problems[0]
        return CellTags(
            special=self.special,
            step="" if ruled or not steps else steps[0],
            prev=() if ruled else tuple(dict.fromkeys(self.prev)),
            gate=self.gate,
            models=tuple(self.models),
            datasets=tuple(self.datasets),
            cache=self.cache,
            image=self.image,
            limits=self.maps["limit"],
            labels=self.maps["label"],
            annotations=self.maps["annotation"],
            secrets=tuple(self.secrets),
            foreign=tuple(self.foreign),
        )
