import pytest

from jupyter_mlops.pipeline.checks import KernelFacts

NAMED = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}


@pytest.mark.parametrize(
    ("metadata", "facts", "expected"),
    [
        (NAMED, None, []),
        (NAMED, KernelFacts(name="python3"), []),
        (NAMED, KernelFacts(name="python3", installed=False), [("error", None)]),
        ({}, KernelFacts(name="python3"), [("info", None)]),
        ({"kernelspec": {}}, KernelFacts(), [("info", None)]),
        ({"kernelspec": {"name": ""}}, KernelFacts(), [("info", None)]),
    ],
)
def test_kernel(found, notebook, metadata, facts, expected):
    assert found("kernel", notebook("x = 1", **metadata), kernel=facts) == expected
