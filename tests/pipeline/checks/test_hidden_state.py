import pytest


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (["print(x)", "x = 1"], [("error", 0)]),
        (["x = 1", "print(x)", "x = 2"], []),
        (["print(x)", "y = 1", "def x():\n    pass"], [("error", 0)]),
        (["print(np.pi)", "import numpy as np"], [("error", 0)]),
        (["def f():\n    return x", "f()", "x = 1"], [("warning", 1)]),
        (["def f():\n    return x", "x = 1", "f()"], []),
        (["def f():\n    return g()", "f()", "def g():\n    return 1"], [("warning", 1)]),
        (["class A:\n    def m(self):\n        return np", "import numpy as np", "A()"], []),
        (["def f():\n    return x\nf()", "x = 1"], [("warning", 0)]),
        (["x = 1\ndel x", "print(x)", "x = 2"], [("error", 1)]),
        (["exec(open('a').read())", "print(x)", "x = 1"], [("info", 1)]),
        (["from numpy import *", "print(x)", "x = 1"], []),
        (["x = x + 1", "x = 1"], [("error", 0)]),
        (["print(lost)"], []),
    ],
)
def test_hidden_state(found, sources, expected):
    assert found("hidden_state", *sources) == expected


def test_the_message_names_both_cells(findings):
    (finding,) = findings("hidden_state", "a = 1", "print(x)", "b = 1", "x = 1", "x = 2")
    assert finding.cell == 1
    assert "Cell 2" in finding.message and "only cell 4, below it" in finding.message
    assert "Move cell 4 above cell 2" in finding.fix


def test_a_name_is_either_hidden_or_undefined(findings):
    assert findings("undefined_names", "print(x)", "x = 1") == []
