"""Tensors of the Open Inference Protocol V2 as NumPy arrays, from JSON and from bytes.

https://github.com/kserve/open-inference-protocol and, for bytes, Triton's binary tensor data extension. Pure.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jupyter_mlops.serving.problems import RequestError, quoted

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_DIMENSIONS = 16
MOST_ELEMENTS = 1 << 31
DTYPES = {
    "BOOL": "bool", "UINT8": "uint8", "UINT16": "uint16", "UINT32": "uint32", "UINT64": "uint64",
    "INT8": "int8", "INT16": "int16", "INT32": "int32", "INT64": "int64",
    "FP16": "float16", "FP32": "float32", "FP64": "float64", "BF16": "float32", "BYTES": "object",
}  # fmt: skip
DATATYPES = {dtype: datatype for datatype, dtype in DTYPES.items() if datatype != "BF16"}


def checked_shape(shape: Any, name: str) -> tuple[int, ...]:
    """The shape of a tensor. Raises RequestError unless it is a list of non-negative integers."""
    is_valid = isinstance(shape, list) and 0 < len(shape) <= MOST_DIMENSIONS
    if not is_valid or not all(type(n) is int and 0 <= n < MOST_ELEMENTS for n in shape):
        raise RequestError(
            f"the shape of {quoted(name)} must be a list of up to {MOST_DIMENSIONS} non-negative integers",
            field="shape",
        )
    if math.prod(shape) > MOST_ELEMENTS:
        raise RequestError(f"the shape of {quoted(name)} has too many elements", field="shape")
    return tuple(shape)


def checked_datatype(datatype: Any, name: str) -> str:
    if not isinstance(datatype, str) or datatype not in DTYPES:
        raise RequestError(f"the datatype of {quoted(name)} is not one of {', '.join(DTYPES)}", field="datatype")
    return datatype


def from_json(data: Any, datatype: str, shape: tuple[int, ...], name: str) -> NDArray[Any]:
    """The array of a tensor whose data is a list, flat or nested as its shape."""
    import numpy as np

    if not isinstance(data, list):
        raise RequestError(f"the data of {quoted(name)} must be a list", field="data")
    array = _texts(data, name) if datatype == "BYTES" else _numbers(data, datatype, name)
    size = math.prod(shape)
    if array.size != size or (array.ndim != 1 and array.shape != shape):
        raise RequestError(
            f"the data of {quoted(name)} has {_extent(array)}, its shape says {_sizes(shape)}", field="data"
        )
    return np.ascontiguousarray(array).reshape(shape)


def _extent(array: NDArray[Any]) -> str:
    return f"{array.size} elements" if array.ndim == 1 else f"the shape {_sizes(array.shape)}"


def _sizes(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))


def _texts(data: list[Any], name: str) -> NDArray[Any]:
    import numpy as np

    flat = data
    array = np.empty(len(data), dtype=object)
    if data and isinstance(data[0], list):
        try:
            array = np.array(data, dtype=object)
        except ValueError:
            raise RequestError(f"the rows of {quoted(name)} have different lengths", field="data") from None
        flat = array.ravel().tolist()
    else:
        array[:] = data
    for position, item in enumerate(flat):
        if not isinstance(item, str):
            raise RequestError(f"{quoted(name)}: element {position} is not a text", field="data")
    return array


def _numbers(data: list[Any], datatype: str, name: str) -> NDArray[Any]:
    """Numbers or truth values as an array of a datatype, without loss: 1.5 is no integer, and "1" no number."""
    import numpy as np

    dtype = np.dtype(DTYPES[datatype])
    try:
        array = np.array(data)
    except (ValueError, OverflowError):  # ragged, or deeper than an array can be
        raise RequestError(f"the rows of {quoted(name)} have different lengths", field="data") from None
    if array.dtype.kind == "O" and dtype.kind == "f":
        array = _with_nulls(array, name)
    if not array.size:
        return array.astype(dtype)
    fits = {"b": "b", "f": "iuf", "i": "iu", "u": "iu"}[dtype.kind]
    if dtype.kind == "b" and array.dtype.kind in "iu" and bool(((array == 0) | (array == 1)).all()):
        return array.astype(dtype)
    if array.dtype.kind not in fits:
        raise RequestError(f"{quoted(name)}: {_first_wrong(data, datatype)}", field="data")
    if dtype.kind in "iu":
        bounds = np.iinfo(dtype)
        if int(array.min()) < bounds.min or int(array.max()) > bounds.max:
            raise RequestError(f"{quoted(name)}: a number is outside the range of {datatype}", field="data")
    with np.errstate(over="ignore"):
        return array.astype(dtype)


def _with_nulls(array: NDArray[Any], name: str) -> NDArray[Any]:
    """Numbers with `null` for missing ones."""
    import numpy as np

    for position, item in enumerate(array.ravel().tolist()):
        if item is not None and (isinstance(item, bool) or not isinstance(item, int | float)):
            raise RequestError(f"{quoted(name)}: element {position} is not a number", field="data")
    return np.array(array, dtype="float64")


def _first_wrong(data: list[Any], datatype: str) -> str:
    """Where the first element is that does not fit a datatype."""
    kinds: tuple[type, ...] = {"B": (bool,), "F": (int, float)}.get(datatype[0], (int,))
    expected = {"B": "true or false", "F": "a number"}.get(datatype[0], "an integer")
    position, waiting = 0, list(reversed(data))
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting += reversed(item)
            continue
        if not isinstance(item, kinds) or (isinstance(item, bool) and bool not in kinds):
            return f"element {position} is not {expected}"
        position += 1
    return f"not all elements are {expected}"


def from_bytes(data: memoryview, datatype: str, shape: tuple[int, ...], name: str) -> NDArray[Any]:
    """The array of a tensor whose data is bytes, little-endian and row by row."""
    import numpy as np

    size = math.prod(shape)
    if datatype == "BYTES":
        return _elements(data, size, name).reshape(shape)
    dtype = np.dtype("uint16" if datatype == "BF16" else DTYPES[datatype]).newbyteorder("<")
    if len(data) != size * dtype.itemsize:
        raise RequestError(
            f"the binary data of {quoted(name)} has {len(data)} bytes, its shape and datatype need"
            f" {size * dtype.itemsize}",
            field="binary_data_size",
        )
    array = np.frombuffer(data, dtype)
    if datatype == "BF16":
        array = (array.astype("<u4") << 16).view("<f4")
    if datatype == "BOOL":
        array = np.frombuffer(data, "uint8") != 0
    return array.reshape(shape).astype(DTYPES[datatype])  # a copy that may be written


def _elements(data: memoryview, size: int, name: str) -> NDArray[Any]:
    """Byte strings, each with its length before it. Texts become str."""
    import numpy as np

    array = np.empty(size, dtype=object)
    offset = 0
    for position in range(size):
        if offset + 4 > len(data):
            raise _cut_off(name, position)
        (length,) = struct.unpack_from("<I", data, offset)
        offset += 4
        if length > len(data) - offset:
            raise _cut_off(name, position)
        element = bytes(data[offset : offset + length])
        offset += length
        try:
            array[position] = element.decode()
        except UnicodeDecodeError:
            array[position] = element
    if offset != len(data):
        raise RequestError(
            f"the binary data of {quoted(name)} has {len(data) - offset} bytes too many", field="binary_data_size"
        )
    return array


def _cut_off(name: str, position: int) -> RequestError:
    return RequestError(f"the binary data of {quoted(name)} ends in element {position}", field="binary_data_size")


def datatype_of(array: NDArray[Any]) -> str:
    """The datatype of an output. Texts, objects and dates are BYTES."""
    return DATATYPES.get(str(array.dtype), "BYTES")


def to_bytes(array: NDArray[Any]) -> bytes:
    """The bytes of an output tensor."""
    import numpy as np

    if datatype_of(array) != "BYTES":
        return np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes()
    pieces = []
    for item in array.ravel().tolist():
        element = item if isinstance(item, bytes) else str(item).encode("utf-8", "replace")
        pieces += [struct.pack("<I", len(element)), element]
    return b"".join(pieces)


def to_json(array: NDArray[Any]) -> Any:
    """The data of an output tensor for orjson: flat, row by row."""
    import numpy as np

    if datatype_of(array) == "BYTES":
        return [item.decode("utf-8", "replace") if isinstance(item, bytes) else str(item) for item in array.ravel()]
    return np.ascontiguousarray(array).reshape(-1)


def as_array(value: Any) -> NDArray[Any]:
    """What a model answered, as an array: texts as objects, so that their lengths differ."""
    import numpy as np

    array = np.asarray(value)
    return array.astype(object) if array.dtype.kind in "UST" else array
