import pytest


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (["import datetime\nday = datetime.datetime.now()"], [("info", 0)]),
        (["import uuid", "name = uuid.uuid4()"], [("info", 1)]),
        (["import numpy as np\nx = np.random.default_rng().normal()"], [("info", 0)]),
        (["x = sum(range(3))"], []),
        (["x = f("], []),
    ],
)
def test_volatile(found, sources, expected):
    assert found("volatile", *sources) == expected
