import pytest


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (["import requests\nr = requests.get('https://example.org')"], [("info", 0)]),
        (["import subprocess", "subprocess.run(['ls'])"], [("info", 1)]),
        (["!ls"], [("info", 0)]),
        (["x = 1"], []),
        (["x = f("], []),
    ],
)
def test_outside(found, sources, expected):
    assert found("outside", *sources) == expected
