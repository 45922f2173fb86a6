"""Recreates objects: the functions that our pickles refer to, and loading."""

from __future__ import annotations

import importlib
import io
import marshal
import pickle
import types
from typing import Any

from . import here

NAN = "\1nan"  # marks a NaN in the pickles of Exact
NANS = (NAN.encode(), b"G\x7f\xf8\0\0\0\0\0\0", b"G\xff\xf8\0\0\0\0\0\0")


def make_builtin(name: str) -> Any:
    """A builtin function, even if the notebook has replaced it."""
    return here.AGENT.base_builtins[name]


def make_cell() -> Any:
    return types.CellType()


def set_cell(cell: Any, state: Any) -> None:
    if state is not None:
        cell.cell_contents = state[0]


def make_function(space: Any, code: Any, source: str, name: str, closure: Any) -> Any:
    globals_ = here.AGENT.user_ns if space is None else importlib.import_module(space).__dict__
    built = marshal.loads(code)
    if source is not None:
        built = rename(built, here.AGENT.register_source(*source))
    return types.FunctionType(built, globals_, name, None, closure)


def set_function(function: Any, state: Any) -> None:
    function.__defaults__, function.__kwdefaults__, attributes, function.__qualname__ = state[:4]
    function.__module__, function.__doc__, function.__annotations__ = state[4:7]
    function.__dict__.update(attributes)


def make_view(root: Any, offset: Any, shape: Any, strides: Any, dtype: Any, writeable: Any) -> Any:
    import numpy

    flat = root.reshape(-1, order="A").view("u1") if root.dtype != numpy.dtype("u1") or root.ndim != 1 else root
    view = numpy.ndarray(shape, dtype=dtype, buffer=flat, offset=offset, strides=strides)
    view.flags.writeable = writeable
    return view


def make_strided(values: Any, strides: Any, offset: Any, size: Any, writeable: Any) -> Any:
    import numpy

    array = numpy.ndarray(values.shape, values.dtype, numpy.empty(size, "u1"), offset, strides)
    array[...] = values
    array.flags.writeable = writeable
    return array


def make_frozen(make: Any, args: Any) -> Any:
    frozen = make(*args)
    frozen.flags.writeable = False
    return frozen


def make_manager(kind: Any, block: Any, axis: Any) -> Any:
    return kind(block, axis)


def make_block(make: Any, args: Any, sharers: Any) -> Any:
    """A pandas block whose memory others share, and the record by which pandas knows those that copy on write.

    :param sharers: the blocks with the same record that were made before; this one is added.
    """
    block = make(*args)
    if sharers:
        block.refs = sharers[0].refs
        block.refs.add_reference(block)
    sharers.append(block)
    return block


def import_module(name: str) -> Any:
    return importlib.import_module(name)


def rename(code: Any, filename: Any) -> Any:
    consts = tuple(rename(c, filename) if isinstance(c, types.CodeType) else c for c in code.co_consts)
    return code.replace(co_filename=filename, co_consts=consts)


class Gone:
    """An attribute that was removed."""


class Unpickler(pickle.Unpickler):
    """Loads pickles of Exact."""

    def __init__(self, stream: Any, buffers: Any) -> None:
        super().__init__(io.BytesIO(stream), buffers=buffers)
        self.nans: dict[str, float] = {}

    def persistent_load(self, pid: str) -> Any:
        where = pid.split(" ")[1]
        if where in ("math", "numpy"):
            return importlib.import_module(where).nan
        return self.nans.setdefault(pid, float("nan"))


def loads(stream: Any, buffers: Any) -> Any:
    try:
        return pickle.loads(stream, buffers=buffers)
    except pickle.UnpicklingError as error:
        if "persistent" not in str(error):
            raise
    return Unpickler(stream, buffers).load()
