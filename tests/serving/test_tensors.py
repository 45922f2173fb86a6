"""Tensors of the Open Inference Protocol, from JSON and from bytes."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from jupyter_mlops.serving import tensors
from jupyter_mlops.serving.problems import RequestError

NUMERIC = [d for d in tensors.DTYPES if d not in ("BYTES", "BF16")]


@pytest.mark.parametrize("datatype", NUMERIC)
@settings(max_examples=20)
@given(data=st.data())
def test_numbers_come_back_from_their_bytes(datatype: str, data: st.DataObject) -> None:
    shape = data.draw(arrays.array_shapes(max_dims=3, max_side=4))
    array = data.draw(arrays.arrays(tensors.DTYPES[datatype], shape))
    back = tensors.from_bytes(memoryview(tensors.to_bytes(array)), datatype, shape, "x")
    assert back.dtype == array.dtype
    assert back.flags.writeable
    assert back.tobytes() == array.tobytes()
    assert tensors.datatype_of(array) == datatype


@given(st.lists(st.text(), max_size=6), st.lists(st.binary(), max_size=3))
def test_texts_come_back_from_their_bytes(texts: list[str], raw: list[bytes]) -> None:
    items = [*(text.encode("utf-8", "replace") for text in texts), *raw]
    array = np.empty(len(items), dtype=object)
    array[:] = items
    back = tensors.from_bytes(memoryview(tensors.to_bytes(array)), "BYTES", (len(items),), "x")
    assert [item.encode() if isinstance(item, str) else item for item in back] == items


@pytest.mark.parametrize(
    ("datatype", "data", "shape", "expected"),
    [
        ("FP64", [1, 2.5, None, 4], (2, 2), [1.0, 2.5, None, 4.0]),
        ("FP64", [[1, 2], [3, 4]], (2, 2), [1.0, 2.0, 3.0, 4.0]),
        ("FP16", [1.5], (1,), [1.5]),
        ("INT8", [-128, 127], (2,), [-128, 127]),
        ("UINT64", [2**64 - 1], (1,), [2**64 - 1]),
        ("INT64", [-(2**63)], (1,), [-(2**63)]),
        ("BOOL", [True, False], (2,), [True, False]),
        ("BOOL", [1, 0], (2,), [True, False]),
        ("BYTES", ["a", "ü"], (2,), ["a", "ü"]),
        ("BYTES", [["a"], ["b\0"]], (2, 1), ["a", "b\0"]),
        ("FP32", [], (0, 3), []),
    ],
)
def test_data_flat_and_nested(datatype: str, data: list[Any], shape: tuple[int, ...], expected: list[Any]) -> None:
    array = tensors.from_json(data, datatype, shape, "x")
    assert array.shape == shape
    assert array.dtype == tensors.DTYPES[datatype]
    assert orjson.loads(orjson.dumps(tensors.to_json(array), option=orjson.OPT_SERIALIZE_NUMPY)) == expected


@pytest.mark.parametrize(
    ("datatype", "data", "shape", "message"),
    [
        ("INT32", [1.5], (1,), "element 0 is not an integer"),
        ("INT32", [1, True, "secret"], (3,), "element 1 is not an integer"),
        ("INT8", [128], (1,), "outside the range of INT8"),
        ("UINT8", [-1], (1,), "outside the range of UINT8"),
        ("FP64", ["1.5"], (1,), "element 0 is not a number"),
        ("FP64", [1.0, None, "secret"], (3,), "element 2 is not a number"),
        ("BOOL", [2], (1,), "element 0 is not true or false"),
        ("BYTES", ["a", 1], (2,), "element 1 is not a text"),
        ("FP64", [1.0], (2,), "has 1 elements, its shape says 2"),
        ("FP64", [[1.0], [2.0]], (1, 2), "has the shape 2 x 1, its shape says 1 x 2"),
        ("FP64", [[1.0], [2.0, 3.0]], (2, 1), "the rows of `x` have different lengths"),
        ("BYTES", [["a"], ["b", "c"]], (2, 1), "element 0 is not a text"),
        ("FP64", {"a": 1}, (1,), "must be a list"),
        ("FP64", None, (1,), "must be a list"),
    ],
)
def test_data_that_does_not_fit(datatype: str, data: Any, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(RequestError, match=message) as caught:
        tensors.from_json(data, datatype, shape, "x")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("datatype", "data", "shape", "message"),
    [
        ("FP32", bytes(7), (2,), "has 7 bytes, its shape and datatype need 8"),
        ("FP32", bytes(12), (2,), "has 12 bytes"),
        ("BYTES", struct.pack("<I", 5) + b"abc", (1,), "ends in element 0"),
        ("BYTES", struct.pack("<I", 2**32 - 1), (1,), "ends in element 0"),
        ("BYTES", struct.pack("<I", 1) + b"a", (2,), "ends in element 1"),
        ("BYTES", struct.pack("<I", 1) + b"ab", (1,), "1 bytes too many"),
    ],
)
def test_bytes_that_do_not_fit(datatype: str, data: bytes, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        tensors.from_bytes(memoryview(data), datatype, shape, "x")


def test_bfloat16_is_the_upper_half_of_a_float() -> None:
    data = np.array([1.5, -2.0], "<f4").view("<u4") >> 16
    array = tensors.from_bytes(memoryview(data.astype("<u2").tobytes()), "BF16", (2,), "x")
    assert array.tolist() == [1.5, -2.0]


@pytest.mark.parametrize("shape", [None, [], [-1], [1.0], [True], ["1"], [2**40], [2**20, 2**20], [1] * 17])
def test_shapes_that_are_none(shape: Any) -> None:
    with pytest.raises(RequestError):
        tensors.checked_shape(shape, "x")
