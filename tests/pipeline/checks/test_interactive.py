import pytest


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("x = input('name? ')", [("error", 0)]),
        ("import getpass\ngetpass.getpass()", [("error", 0)]),
        ("from getpass import getpass\ngetpass()", [("error", 0)]),
        ("import getpass as g\ng.getpass()", [("error", 0)]),
        ("breakpoint()", [("error", 0)]),
        ("import pdb; pdb.set_trace()", [("error", 0)]),
        ("from pdb import set_trace\nset_trace()", [("error", 0)]),
        ("%matplotlib notebook", [("error", 0)]),
        ("%matplotlib widget", [("error", 0)]),
        ("%matplotlib ipympl", [("error", 0)]),
        ("%matplotlib qt", [("error", 0)]),
        ("%matplotlib", [("error", 0)]),
        ("%matplotlib inline", []),
        ("%debug", [("error", 0)]),
        ("%pdb on", [("error", 0)]),
        ("%pdb off", []),
        ("%load script.py", [("warning", 0)]),
        ("import matplotlib\nmatplotlib.use('TkAgg')", [("error", 0)]),
        ("import matplotlib\nmatplotlib.use('agg')", []),
        ("import matplotlib.pyplot as plt\nplt.switch_backend('QtAgg')", [("error", 0)]),
        ("import webbrowser\nwebbrowser.open('x')", [("warning", 0)]),
        ("def input(x):\n    return x\ninput('a')", []),
        ("form.input('a')", []),
        ("inputs = [1]", []),
        ("s = 'input()'", []),
        ("# input()", []),
        ("def ask():\n    return input()", [("error", 0)]),
    ],
)
def test_interactive(found, source, expected):
    assert found("interactive", source) == expected


def test_a_name_bound_above_is_not_the_builtin(found):
    assert found("interactive", "input = len", "input('a')") == []


def test_aliases_from_cells_above_are_known(found):
    assert found("interactive", "from getpass import getpass as ask", "ask()") == [("error", 1)]
