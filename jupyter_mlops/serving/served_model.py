"""A loaded model, and its answers."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from jupyter_mlops.errors import InvalidInputError
from jupyter_mlops.serving import tensors
from jupyter_mlops.serving.problems import RequestError, quoted
from jupyter_mlops.serving.signature import Signature

if TYPE_CHECKING:
    from numpy.typing import NDArray

CALL = "call"  # the method of a model that is a function
REJECTIONS = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError)  # of an input, by a model
log = logging.getLogger("jupyter_mlops.serving")


class ServedModel:
    """A model that answers requests.

    :param value: the unpickled model.
    :param document: its document.
    :param version: the number of the version, as a text.
    :param digest: of the document.
    :param method: the method that answers requests that don't choose one; "" for the first that it has.
    """

    def __init__(self, value: Any, document: Mapping[str, Any], version: str, digest: str, method: str = "") -> None:
        self.value, self.document, self.version, self.digest = value, document, version, digest
        self.name, self.job = str(document["variable"]), str(document["job"])
        self.run = str(document["run"])
        self.signature = Signature.of(document)
        self.methods = tuple(document["methods"])
        if not self.methods:
            raise InvalidInputError(
                "the model has no method that predicts", where=f"model {self.name} of {self.job}",
                remedy="A model is served by its `predict`, `predict_proba`, `transform` or `__call__`.",
            )  # fmt: skip
        if method and method not in self.methods:
            raise InvalidInputError(
                f"the model has no method {method!r}", field="method", remedy=f"Methods: {', '.join(self.methods)}."
            )
        self.method = method or self.methods[0]

    @property
    def platform(self) -> str:
        framework = self.document.get("framework")
        return "python" if framework is None else f"{framework['name']}_{framework['version']}"

    def predict(self, data: Any, method: str = "") -> Any:
        """What a method answers. Raises RequestError if it does not accept the input; the message has no data."""
        name = method or self.method
        if name not in self.methods:
            raise RequestError(
                f"the model has no output {quoted(name)}", remedy=f"Outputs: {', '.join(self.methods)}.",
                field="outputs",
            )  # fmt: skip
        call = self.value if name == CALL else getattr(self.value, name)
        try:
            return call(data)
        except REJECTIONS as error:
            log.warning("the model rejected an input: %s at %s", type(error).__name__, _place_of(error))
            raise RequestError(
                f"the model does not accept this input: {type(error).__name__}", field="inputs"
            ) from None
        except Exception as error:
            log.error("the model failed: %s at %s", type(error).__name__, _place_of(error))
            raise RequestError(
                f"the model failed: {type(error).__name__}", status=HTTPStatus.INTERNAL_SERVER_ERROR
            ) from None

    def outputs(self, data: Any, names: Sequence[str]) -> dict[str, NDArray[Any]]:
        """The output tensors of these methods, by name. A frame has one for each column."""
        arrays: dict[str, NDArray[Any]] = {}
        for name in names or (self.method,):
            value = self.predict(data, name)
            if hasattr(value, "columns"):
                arrays |= {str(column): tensors.as_array(value[column].to_numpy()) for column in value.columns}
            elif isinstance(value, list) and value and hasattr(value[0], "shape"):
                arrays |= {f"{name}_{i}": tensors.as_array(part) for i, part in enumerate(value)}
            else:
                arrays[name] = tensors.as_array(value)
        return arrays

    def warm(self) -> None:
        """Let the model import and compile what it needs, with a row of zeros, before clients wait for it."""
        with contextlib.suppress(RequestError):  # zeros and empty texts may be no valid input
            self.predict(_example(self.signature))

    def facts(self) -> dict[str, str]:
        return {"job": self.job, "model": self.name, "version": f"v{self.version}", "run": self.run}


def _example(signature: Signature) -> Any:
    from jupyter_mlops.serving import inputs

    zeros = {"string": "", "any": None, "datetime64": "2000-01-01", "bool": False}
    if signature.kind == "tensor":
        return inputs.from_rows(None, [[0] * (signature.width or 1)], signature)
    row = [zeros.get(str(entry["type"]), 0) for entry in signature.inputs]
    return inputs.from_rows(None, [row or [0]], signature)


def _place_of(error: BaseException) -> str:
    """Where an error was raised: file and line, without its message, which may show data."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "?" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
