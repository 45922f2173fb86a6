import pytest

from jupyter_mlops.notebook.parameters import Parameter
from jupyter_mlops.pipeline.model import Pipeline


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (["x = 1", "print(x)"], []),
        (["print(x)"], [("error", 0)]),
        (["y = x + x", "z = x"], [("error", 0)]),
        (["print(x, y)"], [("error", 0), ("error", 0)]),
        (["x += 1"], [("error", 0)]),
        (["x = x + 1"], [("error", 0)]),
        (["x = [x for x in range(3)]"], []),
        (["for i in range(3):\n    y = i\nprint(y, i)"], []),
        (["if a_flag:\n    x = 1\nprint(x)"], [("error", 0)]),
        (["try:\n    x\nexcept NameError:\n    x = 1"], []),
        (["with open('f') as f:\n    t = f.read()\nt"], []),
        (["import os.path", "os.sep"], []),
        (["from os import path as p", "p.sep"], []),
        (["from numpy import *", "print(zeros(3))"], []),
        (["print(zeros(3))", "from numpy import *"], [("error", 0)]),
        (["%pylab inline", "zeros(3)"], []),
        (["exec('x = 1')", "print(x)"], [("info", 1)]),
        (["print(len([]), __name__, NotImplemented)"], []),
        (["display(1); get_ipython(); In; Out; quit"], []),
        (["1", "_ + 1", "__ + ___", "_1 + _i1 + _ii", "_oh, _ih, _dh"], []),
        (["x = 1\ndel x", "print(x)"], [("error", 1)]),
        (["x = 1\ndel x\nx = 2", "print(x)"], []),
        (["x = 1", "if y_flag():\n    del x", "print(x)"], [("error", 1)]),
        (["def f():\n    return undefined_thing"], [("warning", 0)]),
        (["def f():\n    return x", "x = 1", "f()"], []),
        (["def f():\n    return g()\ndef g():\n    return 1", "f()"], []),
        (["class A:\n    def m(self):\n        return lost", "A().m()"], [("warning", 1)]),
        (["lambda v: v + 1"], []),
        (["f = lambda v: v + x", "x = 1", "f(1)"], []),
        (["f = lambda v: v + lost", "f(1)"], [("warning", 1)]),
        (["list(map(lambda v: v + lost, []))"], [("error", 0)]),
        (["print(', '.join(str(val) for val in [1]), sorted([], key=lambda i: i))"], []),
        (["def f():\n    return lost\nf()"], [("warning", 0)]),
        (["class A:\n    def m(self):\n        return B()\nclass B:\n    pass", "A()"], []),
        (["class A:\n    x = lost"], [("error", 0)]),
        (["x = 1\n[x for _ in lost]"], [("error", 0)]),
        (["n = 3", "!head -n {n} {lost} $lost"], []),
        (["df.query('a > @b')"], [("error", 0)]),
        (["x = f("], []),
        (["x = f(", "print(y)"], [("info", 1)]),
        (["!echo $HOME"], []),
        (["files = !ls", "print(files)"], []),
        (["import a; a.__file__"], []),
        (["print(__file__)"], [("error", 0)]),
        (["match 1:\n    case [p, *q]:\n        p, q"], []),
        (["(y := 1)", "y"], []),
        (["async def f():\n    return 1\nx = await f()", "x"], []),
        # guards
        (["try:\n    t = unicode\nexcept NameError:\n    t = str\nprint(t)"], []),
        (["try:\n    unicode\nexcept (NameError, AttributeError):\n    pass"], []),
        (["try:\n    lost()\nexcept Exception as e:\n    print(e)"], []),
        (["try:\n    lost()\nexcept:\n    pass"], []),
        (["try:\n    lost()\nexcept ValueError:\n    pass"], [("error", 0)]),
        (["try:\n    lost()\nexcept NameError:\n    raise"], [("error", 0)]),
        (["try:\n    lost\nexcept NameError:\n    pass\nlost()"], [("error", 0)]),
        (["try:\n    1\nexcept NameError:\n    lost"], [("error", 0)]),
        (["try:\n    1\nfinally:\n    lost"], [("error", 0)]),
        (["try:\n    get_ipython()\n    __IPYTHON__\nexcept NameError:\n    pass"], []),
        (["try:\n    del x\nexcept NameError:\n    pass"], []),
        (["if 'x' in globals():\n    del x"], []),
        (["if 'x' not in dir():\n    x = 1\nprint(x)"], []),
        (["if 'x' in locals():\n    print(x)"], []),
        (["if 'x' in globals().keys():\n    print(x)"], []),
        (["if 'x' in get_ipython().user_ns:\n    print(x)"], []),
        (["y = x if 'x' in vars() else 0"], []),
        (["'x' in globals() and print(x)"], []),
        (["if 'x' in globals():\n    print(lost)"], [("error", 0)]),
        (["if 'x' in {}:\n    print(x)"], [("error", 0)]),
        (["import builtins\nif hasattr(builtins, 'unicode'):\n    str = unicode"], []),
        (["import sys\nif sys.version_info[0] < 3:\n    range = xrange"], []),
        (["import sys\nif sys.version_info >= (3, 0):\n    pass\nelse:\n    xrange"], []),
        (["import sys\nif sys.version_info.major == 2:\n    raw_input()"], []),
        (["import sys\nt = unicode if sys.version_info[0] == 2 else str"], []),
        (["import sys\nif sys.version_info[0] >= 3:\n    xrange"], [("error", 0)]),
        (["import sys\nPY3 = True\nif not PY3:\n    xrange"], []),
        (["import six\nif six.PY2:\n    xrange"], []),
        (["x = None\nif x == None:\n    pass\nif x is None:\n    lost"], [("error", 0)]),
        (["PY2 = False\nPY2 and unicode"], []),
        (["from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    lost"], []),
        (["if False:\n    lost"], []),
        (["if 1:\n    lost"], [("error", 0)]),
        (["import contextlib\nwith contextlib.suppress(NameError):\n    del x"], []),
        (["from contextlib import suppress\nwith suppress(KeyError):\n    lost"], [("error", 0)]),
        (["def f():\n    try:\n        return unicode\n    except NameError:\n        return str", "f()"], []),
    ],
)
def test_undefined_names(found, sources, expected):
    assert found("undefined_names", *sources) == expected


def test_a_parameter_without_default_is_defined(found):
    parameter = Parameter("n", "int", None, "", cell=0)
    pipeline = Pipeline("nb", "python", "python3", (parameter,), steps=(), edges=(), blocks=())
    assert found("undefined_names", "n: int", "print(n)", pipeline=pipeline) == []
    assert found("undefined_names", "n: int", "print(n)") == [("error", 1)]


@pytest.mark.parametrize(
    ("sources", "parts"),
    [
        (["a = 1", "print(x)"], ["Cell 2", "`x`", "no cell defines"]),
        (["x = 1", "del x", "print(x)"], ["Cell 3", "`x`", "cell 2 has deleted"]),
        (["def f():\n    return lost"], ["function `f`", "cell 1", "`lost`"]),
        (["exec(c_ode)\nprint(x)"], ["`c_ode`"]),
    ],
)
def test_messages(findings, sources, parts):
    finding = findings("undefined_names", *sources)[0]
    assert all(part in finding.message for part in parts), finding.message


def test_the_fix_for_the_file_of_a_notebook(findings):
    (finding,) = findings("undefined_names", "print(__file__)")
    assert "Path.cwd()" in finding.fix
