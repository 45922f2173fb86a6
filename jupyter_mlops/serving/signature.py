"""The signature of a model: which columns, or which tensor, it takes. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from jupyter_mlops.errors import InvalidInputError

KINDS = ("columns", "tensor", "any")


@dataclass(frozen=True)
class Signature:
    """The inputs of a model, as its document describes them.

    :param kind: "columns" (a frame with these columns), "tensor" (an array) or "any" (not known).
    :param inputs: name, type, and the shape of a tensor; see `execution.agent.signature`.
    """

    kind: str
    inputs: tuple[Mapping[str, Any], ...]
    outputs: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Signature:
        """The signature of a model's document. Raises InvalidInputError if it is not one."""
        try:
            signature = document["signature"]
            inputs, outputs = tuple(signature["inputs"]), tuple(signature.get("outputs", ()))
            is_valid = signature["kind"] in KINDS and all(isinstance(i["name"], str) and i["type"] for i in inputs)
        except (KeyError, TypeError):
            is_valid = False
        if not is_valid:
            raise InvalidInputError("the signature of the model is not valid", remedy="Run the job again.")
        return cls(signature["kind"], inputs, outputs)

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "inputs": list(self.inputs), "outputs": list(self.outputs)}

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(entry["name"] for entry in self.inputs)

    @cached_property
    def known_names(self) -> frozenset[str]:
        return frozenset(self.names)

    @cached_property
    def groups(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """The positions of the columns of each type: columns of one type are checked and converted together."""
        positions: dict[str, list[int]] = {}
        for position, entry in enumerate(self.inputs):
            positions.setdefault(str(entry["type"]), []).append(position)
        return tuple((kind, tuple(places)) for kind, places in positions.items())

    @cached_property
    def order(self) -> Sequence[int]:
        """Where each column is, when the columns of one type follow one another."""
        grouped = [position for _, places in self.groups for position in places]
        return sorted(range(len(grouped)), key=grouped.__getitem__)

    @property
    def width(self) -> int:
        """The number of columns of a tensor, or 0 if it is not a matrix of a fixed width."""
        shape = self.inputs[0].get("shape") or [] if self.kind == "tensor" and self.inputs else []
        return int(shape[1]) if len(shape) == 2 and shape[1] > 0 else 0
