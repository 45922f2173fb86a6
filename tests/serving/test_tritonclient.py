"""Triton's own client, with its defaults, where it is installed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.jobs.workspace import opened
from tests.serving.registry import Serving, facts, promote, record, serving

client_module = pytest.importorskip("tritonclient.http")
pytestmark = pytest.mark.timeout(240)


class Echo:
    """A model that answers its input."""

    def predict(self, rows: Any) -> Any:
        return rows


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    home = tmp_path_factory.mktemp("echo")
    with opened(home) as space:
        kind = {"kind": "any", "inputs": [], "outputs": []}
        promote(space, record(space, [facts(space, Echo(), signature=kind)]))
    with serving(home, "churn@production") as running:
        yield running


DTYPES = [np.dtype("bool"), *(np.dtype(f"{kind}{bits}") for kind in ("int", "uint") for bits in (8, 16, 32, 64))]


@pytest.mark.parametrize("dtype", [*DTYPES, np.float16, np.float32, np.float64, np.object_], ids=str)
@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("compression", [None, "gzip", "deflate"])
def test_every_datatype_there_and_back(server: Serving, dtype: Any, binary: bool, compression: str | None) -> None:
    from tritonclient.utils import np_to_triton_dtype

    array = np.array([[0, 1, 1], [1, 0, 0]]).astype(dtype)
    if dtype is np.object_:
        array = np.array([["a", "é", ""], ["x" * 1000, "0", "\n"]], dtype=object)
    if dtype is np.float16 and not binary:
        pytest.skip("the client has no FP16 in JSON")
    client = client_module.InferenceServerClient(f"127.0.0.1:{server.port}")
    tensor = client_module.InferInput("x", list(array.shape), np_to_triton_dtype(array.dtype))
    tensor.set_data_from_numpy(array, binary_data=binary)
    outputs = None if binary else [client_module.InferRequestedOutput("predict", binary_data=False)]
    result = client.infer("churn", [tensor], outputs=outputs, request_compression_algorithm=compression)
    answer = result.as_numpy("predict")
    if dtype is np.object_:
        answer = np.array([a.decode() if isinstance(a, bytes) else a for a in answer.ravel()], object).reshape(2, 3)
    assert answer.tolist() == array.tolist()
    assert answer.dtype == array.dtype
    client.close()
